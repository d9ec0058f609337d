package host

import (
	"context"
	"errors"
	"io/fs"
	"sort"
	"strings"

	"vmguard/pkg/rootfs"
)

// KernelConfig is how a kernel was built, as far as containers depend on it.
type KernelConfig struct {
	// Version is the kernel's, as uname -r gives it.
	Version string `json:"version"`
	// Options are those of its configuration that are known, without CONFIG_: true where
	// it is built in, false where "is not set". What it does not mention is not there.
	Options map[string]bool `json:"options"`
}

// readKernels lists the kernels that are installed, the newest last. A kernel of which only
// modules from elsewhere are left, without modules.builtin, is none.
func readKernels(tree *rootfs.FS) Fact[[]string] {
	entries, err := tree.ReadDir(libModules)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Known([]string{}, libModules)
	case err != nil:
		return Missing[[]string](unread(libModules, err))
	}
	const most = 100
	versions := []string{}
	for _, e := range entries {
		switch _, err := tree.Stat(libModules + "/" + e.Name() + "/modules.builtin"); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return Missing[[]string](unread(libModules+"/"+e.Name(), err))
		case len(versions) == most:
			return Missing[[]string]("there are too many kernels in " + libModules)
		default:
			versions = append(versions, e.Name())
		}
	}
	sort.Slice(versions, func(i, j int) bool { return versionLess(versions[i], versions[j]) })
	return Known(versions, libModules)
}

// versionLess tells whether a version comes before another: runs of digits by their
// number, all else by its bytes.
func versionLess(a, b string) bool {
	for a != "" && b != "" {
		var x, y string
		x, a = cutRun(a)
		y, b = cutRun(b)
		if x == y {
			continue
		}
		if digit(x[0]) && digit(y[0]) {
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if len(x) != len(y) {
				return len(x) < len(y)
			}
		}
		if x != y {
			return x < y
		}
	}
	return a == "" && b != ""
}

// cutRun cuts off the longest beginning that is all digits, or has none.
func cutRun(s string) (run, rest string) {
	n := 1
	for n < len(s) && digit(s[n]) == digit(s[0]) {
		n++
	}
	return s[:n], s[n:]
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// kernelConfigReading is for images: a running kernel shows by itself what it can do.
func kernelConfigReading(s Source) reading {
	return fact(fileLimit, func(f *Facts) *Fact[KernelConfig] { return &f.KernelConfig },
		func(context.Context) Fact[KernelConfig] { return readKernelConfig(s.FS, readKernels(s.FS)) })
}

// readKernelConfig reads how the newest of the installed kernels was built. Where its
// package leaves the configuration differs between distributions.
func readKernelConfig(tree *rootfs.FS, kernels Fact[[]string]) Fact[KernelConfig] {
	switch {
	case !kernels.Known():
		return Missing[KernelConfig](kernels.Why())
	case len(kernels.Value) == 0:
		return Missing[KernelConfig]("no kernel is installed in " + libModules)
	}
	version := kernels.Value[len(kernels.Value)-1]
	for _, file := range []string{"/boot/config-" + version, libModules + "/" + version + "/config"} {
		data, err := tree.ReadFile(file, smallFile)
		switch {
		case err == nil:
			return Known(KernelConfig{Version: version, Options: parseKernelConfig(data)}, file)
		case !errors.Is(err, fs.ErrNotExist):
			return Missing[KernelConfig](unread(file, err))
		}
	}
	return Missing[KernelConfig]("/boot/config-" + version + " does not exist")
}

// parseKernelConfig parses a kernel's .config (Documentation/kbuild/kconfig.rst).
func parseKernelConfig(data []byte) map[string]bool {
	options := map[string]bool{}
	for line := range strings.SplitSeq(string(data), "\n") {
		text, isOff := strings.CutPrefix(line, "# ")
		name, value, _ := strings.Cut(text, "=")
		if isOff {
			name, isOff = strings.CutSuffix(text, " is not set")
			if !isOff {
				continue
			}
		}
		switch name = strings.TrimPrefix(name, "CONFIG_"); name {
		case "SWAP", "MEMCG", "MEMCG_SWAP", "MEMCG_SWAP_ENABLED":
			options[name] = !isOff && strings.TrimSpace(value) == "y"
		}
	}
	return options
}
