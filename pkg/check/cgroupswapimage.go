package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

const notAccounted = "the kernel will not account swap per container, so that --memory-swap is not enforced: "

// imageSwapAccounting judges how the newest kernel of an image boots.
//
// Up to 6.0 accounting can be switched by swapaccount=, and may be off unless it is asked for
// (CONFIG_MEMCG_SWAP_ENABLED, gone in 5.8); from 6.1 on it always is on and the
// parameter does nothing (mm/memcontrol.c, setup_swap_account). Without memory cgroups, or
// without swap, there is none.
func imageSwapAccounting(f *host.Facts) finding.Finding {
	const cannot = "cannot tell whether swap will be accounted per container: "
	switch {
	case !f.Kernels.Known():
		return unknown(cannot + f.Kernels.Why())
	case len(f.Kernels.Value) == 0:
		return unknown(cannot + "no kernel is installed in the image")
	case !f.Cmdline.Known():
		return unknown(cannot + f.Cmdline.Why())
	}
	version := f.Kernels.Value[len(f.Kernels.Value)-1]
	always, ok := atLeast(version, 6, 1)
	if !ok {
		return unknown(cannot + fmt.Sprintf("%.60q is no kernel's version", version))
	}
	off := params(f, func(p host.KernelParam) bool {
		return p.Name == "cgroup_disable" && slices.Contains(strings.Split(p.Value, ","), "memory") ||
			!always && p.Name == "swapaccount" && p.Value == "0"
	})
	if len(off) > 0 {
		return switchedOff(f, off)
	}
	for _, option := range []string{"MEMCG", "SWAP"} {
		if on, told := f.KernelConfig.Value.Options[option]; told && !on {
			return fail(accountingSeverity(f), notAccounted+"kernel "+version+" is built without CONFIG_"+option,
				remedy("install a kernel that has CONFIG_"+option, ""), evidence(f.KernelConfig.Source, "CONFIG_"+option+" is not set"))
		}
	}
	switch {
	case always:
		return pass("kernel "+version+" accounts swap per container", evidence(f.Kernels.Source, "kernel "+version))
	case !f.KernelConfig.Known():
		return unknown(cannot + f.KernelConfig.Why())
	}
	return accountingIfAsked(f, version)
}

// accountingIfAsked judges a kernel before 6.1, which nothing forbids to account. From 5.8 on
// MEMCG_SWAP merely says that there is MEMCG and SWAP (init/Kconfig), and vendors' kernels may
// lack it, as 6.1 does: that it is not mentioned says nothing.
func accountingIfAsked(f *host.Facts, version string) finding.Finding {
	config := f.KernelConfig.Value.Options
	accounts, told := config["MEMCG_SWAP"]
	if implied, _ := atLeast(version, 5, 8); implied && config["MEMCG"] && config["SWAP"] {
		accounts = true
	}
	switch {
	case accounts:
	case told:
		return fail(accountingSeverity(f), notAccounted+"kernel "+version+" is built without it",
			remedy("install a kernel from 6.1 on, which always does", ""), wanted(f.KernelConfig.Source, "CONFIG_MEMCG_SWAP is not set", "CONFIG_MEMCG_SWAP=y"))
	default:
		return unknown("cannot tell whether swap will be accounted per container: " + f.KernelConfig.Source + " does not say whether kernel " + version + " is built for it")
	}
	on := params(f, func(p host.KernelParam) bool { return p.Name == "swapaccount" && p.Value == "1" && !p.Next })
	if enabled, told := config["MEMCG_SWAP_ENABLED"]; enabled || !told || len(on) > 0 {
		return pass("kernel "+version+" accounts swap per container", evidence(f.KernelConfig.Source, "kernel "+version))
	}
	return fail(accountingSeverity(f), notAccounted+"kernel "+version+" does so only with swapaccount=1", addSwapAccount(f),
		wanted(f.Cmdline.Source, "no swapaccount=1", "swapaccount=1"))
}

func params(f *host.Facts, is func(host.KernelParam) bool) []host.KernelParam {
	var list []host.KernelParam
	for _, p := range f.Cmdline.Value {
		if is(p) {
			list = append(list, p)
		}
	}
	return list
}

// atLeast tells whether a kernel's version begins with that number or a higher one.
func atLeast(version string, major, minor int) (yes, ok bool) {
	first, rest, _ := strings.Cut(version, ".")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(rest[:end])
	return a > major || a == major && b >= minor, errA == nil && errB == nil
}

func accountingSeverity(f *host.Facts) finding.Severity {
	if some, _ := swapAtBoot(f); some && f.DockerInstalled.Value {
		return finding.Warning
	}
	return finding.Info
}

// switchedOff says which parameters are in the way, and takes them out of all files that hold them.
func switchedOff(f *host.Facts, off []host.KernelParam) finding.Finding {
	var (
		seen         []finding.Evidence
		files, edits []string
	)
	now, plain := false, true
	for _, p := range off {
		text := p.Name + "=" + p.Value
		seen = append(seen, inFile(p.File, p.Line, text, "not there"))
		now = now || !p.Next
		plain = plain && (p.Value == "memory" || p.Value == "0")
		if file := human.ShellWord(p.File); !slices.Contains(files, file) {
			files = append(files, file)
		}
		if edit := `-e 's/\<` + text + `\>//g'`; !slices.Contains(edits, edit) {
			edits = append(edits, edit)
		}
	}
	text := notAccounted + off[0].Name + "=" + off[0].Value + " is among its parameters"
	if !now {
		text += " once the boot loader's configuration is made again"
	}
	fix := fixInImage("take it out of the kernel's parameters", "")
	if plain {
		fix.Command = "sed -i " + strings.Join(edits, " ") + " " + strings.Join(files, " ")
	}
	return fail(accountingSeverity(f), text, fix, seen...)
}

// addSwapAccount gives the kernel of an image swapaccount=1.
func addSwapAccount(f *host.Facts) *finding.Remedy {
	const (
		text = "add swapaccount=1 to the kernel's parameters"
		add  = `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX swapaccount=1"' >> /etc/default/grub`
	)
	switch f.Cmdline.Source {
	case "/boot/grub/grub.cfg":
		return fixInImage(text, add+" && update-grub")
	case "/boot/grub2/grub.cfg":
		return fixInImage(text, add+" && grub2-mkconfig -o /boot/grub2/grub.cfg")
	case "/etc/default/grub":
		return fixInImage(text, add)
	default:
		return fixInImage(text+", in "+f.Cmdline.Source, "")
	}
}
