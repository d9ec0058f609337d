package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"vmguard/pkg/rootfs"
)

// KernelParam is one parameter of the kernel's command line that containers depend on
// (Documentation/admin-guide/kernel-parameters.rst); others are not kept.
type KernelParam struct {
	// Name has underscores for hyphens, which the kernel takes for the same; that of a sysctl has dots.
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	File  string `json:"file"`
	Line  int    `json:"line,omitempty"` // 0 where the file is no text of lines
	// Next tells that the parameter does not boot as things stand: it is in a file that
	// the boot loader's configuration is made of, and counts when that is made again.
	Next bool `json:"next,omitempty"`
}

// kernelReadings lists the facts about the kernels that may boot, and how they boot.
func kernelReadings(s Source) []reading {
	kernels := sync.OnceValue(func() Fact[[]string] { return readKernels(s.FS) })
	cmdline := sync.OnceValue(func() Fact[[]KernelParam] { return readCmdline(s.FS) })
	return []reading{
		fact(fileLimit, func(f *Facts) *Fact[[]string] { return &f.Kernels },
			func(context.Context) Fact[[]string] { return kernels() }),
		fact(fileLimit, func(f *Facts) *Fact[[]KernelParam] { return &f.Cmdline },
			func(context.Context) Fact[[]KernelParam] { return cmdline() }),
		fact(fileLimit, func(f *Facts) *Fact[[]BootModule] { return &f.Modules },
			func(context.Context) Fact[[]BootModule] { return readBootModules(s.FS, kernels(), cmdline()) }),
	}
}

// cmdlineLimit bounds a kernel's command line: its own limit is 4,096 bytes at most (COMMAND_LINE_SIZE).
const cmdlineLimit = 64 << 10

// readCmdline reads the parameters that the running kernel was given. A tree without
// /proc tells what the kernel would be given, by whatever boots it.
func readCmdline(tree *rootfs.FS) Fact[[]KernelParam] {
	const running = "/proc/cmdline"
	data, err := tree.ReadFile(running, cmdlineLimit)
	switch {
	case err == nil:
		return Known(parseCmdline(string(data), running, 0), running)
	case !errors.Is(err, fs.ErrNotExist):
		return Missing[[]KernelParam](unread(running, err))
	}
	boots, source, err := bootCmdline(tree)
	if err != nil {
		return Missing[[]KernelParam](err.Error())
	}
	next, err := grubDefault(tree)
	switch {
	case err != nil && source == "":
		return Missing[[]KernelParam](err.Error())
	case err != nil: // what boots now is known all the same
		return Known(boots, source)
	case source != "":
		for i := range next {
			next[i].Next = true
		}
		return Known(append(boots, next...), source)
	}
	return Known(next, grubDefaultFile)
}

// bootCmdline reads what the boot loader's configuration gives the kernel: grub.cfg, where it
// names a kernel, or else a Boot Loader Specification entry, or what the next of these is
// made of (/etc/kernel/cmdline). The source is empty where there is none of them.
func bootCmdline(tree *rootfs.FS) (params []KernelParam, source string, err error) {
	for _, file := range []string{"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"} {
		data, err := tree.ReadFile(file, smallFile)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, "", errors.New(unread(file, err))
		}
		options, line := parseGrubConfig(data)
		if line == 0 {
			continue
		}
		params, err = bootParams(options, file, line)
		return params, file, err
	}
	entries, err := dropIns(tree, []string{"/boot/loader/entries"}, ".conf")
	if err != nil {
		return nil, "", err
	}
	if len(entries) > 0 {
		newest := entries[0]
		for _, e := range entries[1:] {
			if versionLess(newest.path, e.path) {
				newest = e
			}
		}
		options, line := parseLoaderEntry(newest.data)
		params, err = bootParams(options, newest.path, line)
		return params, newest.path, err
	}
	const file = "/etc/kernel/cmdline"
	data, err := tree.ReadFile(file, cmdlineLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", nil
	case err != nil:
		return nil, "", errors.New(unread(file, err))
	}
	return parseCmdline(string(data), file, 0), file, nil
}

// bootParams is parseCmdline for a boot loader's configuration, in which variables may stand.
func bootParams(options, file string, line int) ([]KernelParam, error) {
	for word := range strings.FieldsSeq(options) {
		switch name := strings.Trim(word, `"${}`); {
		case !strings.Contains(word, "$"):
		case name == "vt_handoff", name == "tuned_params", name == "extra_cmdline": // never of those that are kept
		default:
			return nil, fmt.Errorf("%s has the variable %.40s among the kernel's parameters, whose value is not known", file, word)
		}
	}
	return parseCmdline(options, file, line), nil
}

// parseCmdline gives the parameters of a command line that are kept, in its order. Spaces
// part them, but for those within double quotes, and -- ends them (lib/cmdline.c, next_arg).
func parseCmdline(text, file string, line int) []KernelParam {
	params := []KernelParam{}
	quoted := false
	words := strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == 0)
	})
	for _, word := range words {
		word = strings.ReplaceAll(word, `"`, "")
		if word == "--" {
			break
		}
		name, value, _ := strings.Cut(word, "=")
		if name, ok := keptParam(name); ok {
			params = append(params, KernelParam{Name: name, Value: value, File: file, Line: line})
		}
	}
	return params
}

// keptParam gives the name of a parameter as it is kept; false for all others.
func keptParam(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, "sysctl"); ok && rest != "" && (rest[0] == '.' || rest[0] == '/') {
		return strings.ReplaceAll(name, "/", "."), len(rest) > 1
	}
	switch name = strings.ReplaceAll(name, "-", "_"); name {
	case "swapaccount", "cgroup_disable", "cgroup_enable", "cgroup_no_v1",
		"systemd.unified_cgroup_hierarchy", "systemd.legacy_systemd_cgroup_controller",
		"psi", "modules_load", "rd.modules_load", "panic", "zswap.enabled", "noswap", "systemd.swap", "systemd.zram", "cloud_init", "hugepages":
		return name, true
	}
	return "", false
}
