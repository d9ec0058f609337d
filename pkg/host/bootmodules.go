package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// BootModule is a kernel module that is there from early boot on, before sysctls are
// set: named in modules-load.d(5) or on the kernel's command line, needed by a module that
// is, or built into the newest kernel.
type BootModule struct {
	Name string `json:"name"` // with underscores, as lsmod shows it
	// File is where it is named.
	File string `json:"file"`
	// For is the named module that needs this one (modules.dep(5)); empty where it is named itself.
	For     string `json:"for,omitempty"`
	BuiltIn bool   `json:"builtIn,omitempty"`
}

// SysctlModule gives the kernel module that registers a sysctl, so that the name does
// not exist before it is loaded; empty where the kernel has it from the start, or where that is not known.
func SysctlModule(name string) string {
	for _, m := range [...]struct{ prefix, module string }{
		{"net.netfilter.nf_conntrack_", "nf_conntrack"}, // net/netfilter/nf_conntrack_standalone.c
		{"net.nf_conntrack_max", "nf_conntrack"},
		{"net.bridge.bridge-nf-", "br_netfilter"}, // net/bridge/br_netfilter_hooks.c
		{"net.ipv4.vs.", "ip_vs"},                 // net/netfilter/ipvs/ip_vs_ctl.c
		{"net.sctp.", "sctp"},
		{"sunrpc.", "sunrpc"},
	} {
		if strings.HasPrefix(name, m.prefix) {
			return m.module
		}
	}
	return ""
}

func needsModule(settings []SysctlSetting) bool {
	return slices.ContainsFunc(settings, func(s SysctlSetting) bool { return SysctlModule(s.Name) != "" })
}

const (
	libModules = "/lib/modules"
	// modulesDepLimit bounds modules.dep: Debian's is 600 KiB.
	modulesDepLimit = 8 << 20
	// maxBootModules bounds how many modules are named; no kernel has as many.
	maxBootModules = 10_000
)

// readBootModules reads which modules are there from early boot on, of the newest of the kernels.
func readBootModules(tree *rootfs.FS, kernels Fact[[]string], cmdline Fact[[]KernelParam]) Fact[[]BootModule] {
	files, err := dropIns(tree, configDirs("modules-load.d"), ".conf")
	if err != nil {
		return Missing[[]BootModule](err.Error())
	}
	const own = "/etc/modules" // Debian's, and read by systemd through a link in modules-load.d
	if !hasSystemd(tree, "systemd-modules-load") {
		data, err := readDropIn(tree, own)
		if err != nil {
			return Missing[[]BootModule](err.Error())
		}
		files = append(files, dropIn{own, data})
	}
	list := []BootModule{}
	for _, p := range cmdline.Value {
		if !p.Next && (p.Name == "modules_load" || p.Name == "rd.modules_load") {
			for name := range strings.SplitSeq(p.Value, ",") {
				list = append(list, BootModule{Name: moduleName(name), File: p.File})
			}
		}
	}
	for _, f := range files {
		for _, name := range parseModulesLoad(f.data) {
			list = append(list, BootModule{Name: name, File: f.path})
		}
		if len(list) > maxBootModules {
			return Missing[[]BootModule](fmt.Sprintf("modules-load.d names more than %d modules", maxBootModules))
		}
	}
	if len(kernels.Value) > 0 {
		dir := path.Join(libModules, kernels.Value[len(kernels.Value)-1]) // the newest boots
		more, err := kernelModules(tree, dir, list)
		if err != nil {
			return Missing[[]BootModule](err.Error())
		}
		list = append(list, more...)
	}
	return Known(list, "modules-load.d")
}

// moduleName gives a module's name as the kernel shows it, of a name or a file's path.
func moduleName(name string) string {
	name, _, _ = strings.Cut(path.Base(name), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// parseModulesLoad parses a file of modules-load.d(5): a name a line. What follows it, as
// parameters do in Debian's /etc/modules, is left out.
func parseModulesLoad(data []byte) []string {
	var names []string
	for line := range strings.SplitSeq(string(data), "\n") {
		fields := strings.Fields(line)
		if len(names) > maxBootModules {
			break
		}
		if len(fields) > 0 && fields[0][0] != '#' && fields[0][0] != ';' {
			names = append(names, moduleName(fields[0]))
		}
	}
	return names
}

// kernelModules gives the modules of a kernel that those of the list need, and the ones that are built in.
func kernelModules(tree *rootfs.FS, dir string, list []BootModule) ([]BootModule, error) {
	builtIn := dir + "/modules.builtin"
	data, err := tree.ReadFile(builtIn, smallFile)
	if err != nil {
		return nil, errors.New(unread(builtIn, err))
	}
	more := builtInModules(data, builtIn)
	if len(list) == 0 {
		return more, nil
	}
	dep := dir + "/modules.dep"
	data, err = tree.ReadFile(dep, modulesDepLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist): // depmod has not run yet
	case err != nil:
		return nil, errors.New(unread(dep, err))
	default:
		more = append(more, parseModulesDep(data, list)...)
	}
	return more, nil
}

// parseModulesDep parses modules.dep(5), whose lines hold a module's file, a colon, and the files
// of all modules that it needs, however far.
func parseModulesDep(data []byte, list []BootModule) []BootModule {
	named := map[string]BootModule{}
	for _, m := range list {
		named[m.Name] = m
	}
	var needed []BootModule
	for line := range strings.SplitSeq(string(data), "\n") {
		file, rest, _ := strings.Cut(line, ":")
		by, ok := named[moduleName(file)]
		if !ok {
			continue
		}
		for _, dep := range strings.Fields(rest) {
			needed = append(needed, BootModule{Name: moduleName(dep), File: by.File, For: by.Name})
		}
	}
	return needed
}

// builtInModules picks from a kernel's modules.builtin those that register sysctls.
func builtInModules(data []byte, file string) []BootModule {
	var list []BootModule
	for line := range strings.SplitSeq(string(data), "\n") {
		switch name := moduleName(line); name {
		case "nf_conntrack", "br_netfilter", "ip_vs", "sctp", "sunrpc":
			list = append(list, BootModule{Name: name, File: file, BuiltIn: true})
		}
	}
	return list
}

// readUdevModules gives the modules for which a udev rule runs systemd-sysctl or sysctl
// when they are loaded (sysctl.d(5) has the example).
func readUdevModules(tree *rootfs.FS) ([]string, error) {
	files, err := dropIns(tree, configDirs("udev/rules.d"), ".rules")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		names = append(names, parseUdevModules(f.data)...)
	}
	return names, nil
}

// parseUdevModules parses udev(7) rules: matches and assignments with commas between them, and a
// backslash at the end of a line that goes on.
func parseUdevModules(data []byte) []string {
	var names []string
	for line := range strings.SplitSeq(strings.ReplaceAll(string(data), "\\\n", " "), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || !strings.Contains(line, "sysctl") || !strings.Contains(line, `SUBSYSTEM=="module"`) {
			continue
		}
		_, rest, ok := strings.Cut(line, `KERNEL=="`)
		name, _, closed := strings.Cut(rest, `"`)
		if ok && closed {
			names = append(names, moduleName(name))
		}
	}
	return names
}
