package check

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// firstBoot is what an image says of the swap that a VM made from it will have.
type firstBoot struct {
	makers []swapMaker
	// doubts are what may bring swap, and cannot be told.
	doubts []string
}

// swapMaker is something that brings swap.
type swapMaker struct {
	what string
	// file is the swapfile that it brings; empty for another kind of swap, or where that is not known.
	file string
	// command tells that it activates its swap itself, whatever keeps systemd from that.
	command bool
	seen    finding.Evidence
}

func (b *firstBoot) doubt(format string, args ...any) {
	b.doubts = append(b.doubts, fmt.Sprintf(format, args...))
}

// madeAtBoot gives what makes swap when the VM starts, apart from what lies in the image already.
func madeAtBoot(f *host.Facts) firstBoot {
	var b firstBoot
	switch {
	case !f.ZramConf.Known():
		b.doubt("whether compressed memory (zram) is set up cannot be told: %s", f.ZramConf.Why())
	case f.ZramConf.Value:
		b.makers = append(b.makers, swapMaker{what: "compressed memory (zram)", seen: evidence(f.ZramConf.Source, "sets up zram")})
	}
	if !f.CloudInit.Known() {
		b.doubt("what is done at the first boot cannot be told: %s", f.CloudInit.Why())
		return b
	}
	c := f.CloudInit.Value
	if cloudInitMounts(c) {
		if c.Swap.Makes() {
			b.makers = append(b.makers, swapMaker{what: "cloud-init (" + c.Swap.Filename + ")", file: c.Swap.Filename, seen: cloudSwapSeen(c.Swap, "")})
		}
		if c.Swap != nil && !c.Swap.Makes() && strings.HasSuffix(c.Swap.Size, "iB") {
			b.doubt("only newer versions of cloud-init understand the size %s (%s:%d)", c.Swap.Size, c.Swap.File, c.Swap.Line)
		}
		for _, m := range c.SwapMounts {
			b.doubt("cloud-init is to use %s as swap (%s:%d), and an image does not show whether the VM will have it", m.Device, m.File, m.Line)
		}
	}
	for _, command := range c.Commands {
		if !command.Found {
			b.doubt("%s:%d runs %s, which is not in the image", command.File, command.Line, command.Program)
			continue
		}
		b.makers = append(b.makers, swapMaker{what: "a command of " + command.File, command: true, seen: inFile(command.File, command.Line, path.Base(command.Program), "")})
	}
	if c.Azure != nil {
		b.doubt("Azure's agent makes swap on the resource disk (%s:%d), and on no other cloud", c.Azure.File, c.Azure.Line)
	}
	if c.Unread != "" {
		b.doubt("%s is of a kind that is not read, and may set up swap", c.Unread)
	}
	return b
}

// cloudInitMounts tells whether cloud-init's module mounts runs, as far as an image shows it.
func cloudInitMounts(c host.CloudInit) bool {
	return c.Installed && c.DisabledBy == "" && c.MountsModule
}

func cloudSwapSeen(s *host.CloudSwap, want string) finding.Evidence {
	return inFile(s.File, s.Line, fmt.Sprintf("swap: filename %s, size %s", s.Filename, s.Size), want)
}

// setUpSwap is one place that names swap for boot: a line of fstab, or a unit.
type setUpSwap struct {
	spec, target string
	fstab        bool
	noFail       bool
	seen         finding.Evidence
}

// setUp lists what fstab and enabled units name for boot.
func setUp(f *host.Facts) []setUpSwap {
	var list []setUpSwap
	for _, line := range f.Fstab.Value {
		if !line.NoAuto {
			list = append(list, setUpSwap{line.Spec, line.Target, true, line.NoFail, inFile("/etc/fstab", line.Line, line.Spec, "")})
		}
	}
	for _, unit := range f.Units.Value {
		if unit.Enabled && !unit.FromFstab {
			list = append(list, setUpSwap{unit.What, unit.Target, false, false, inFile(unit.Path, 0, "What="+unit.What, "")})
		}
	}
	return list
}

// standing is how a swap that is set up stands in an image.
type standing int

const (
	unseen standing = iota // cannot be told, as of a device of the future VM
	ready                  // the kernel will take it
	gone                   // the file is not there
	broken                 // the kernel will refuse it
)

// stands tells how a swap that is set up stands in the image, and why, where that is needed.
func (s setUpSwap) stands(f *host.Facts) (standing, string) {
	if !path.IsAbs(s.spec) || strings.HasPrefix(s.spec, "/dev/") || strings.HasPrefix(s.target, "/dev/") {
		return unseen, "an image does not show whether the VM will have it"
	}
	if !f.SwapFiles.Known() {
		return unseen, f.SwapFiles.Why()
	}
	i := slices.IndexFunc(f.SwapFiles.Value, func(b host.BakedSwap) bool { return b.Path == s.target || b.Path == s.spec })
	switch {
	case i >= 0:
		return bakedStands(f.SwapFiles.Value[i])
	case s.target == "":
		return gone, "does not exist in the image"
	default:
		return broken, "is no swapfile"
	}
}

func bakedStands(b host.BakedSwap) (standing, string) {
	switch h := b.Header; {
	case h == nil:
		return broken, "has no swap header"
	case !h.Valid:
		return broken, fmt.Sprintf("has a swap header that the kernel refuses (%s)", h.Signature)
	case b.Allocated < b.Size:
		return unseen, fmt.Sprintf("takes up %s of its %s: it has holes, with which the kernel refuses it, or its file system compresses",
			human.Bytes(b.Allocated), human.Bytes(b.Size))
	}
	return ready, ""
}

// judgeImageSwap tells whether a VM made from the image has swap from its first boot on.
func judgeImageSwap(f *host.Facts) finding.Finding {
	for _, kubelet := range []string{"kubelet.service", "snap.kubelet.daemon.service"} {
		if bootService(f, kubelet).Enabled {
			return skipped(kubelet + " starts at boot, and Kubernetes expects swap to be off unless it is told otherwise")
		}
	}
	b := madeAtBoot(f)
	for what, why := range map[string]string{"/etc/fstab": f.Fstab.Why(), "systemd's units": f.Units.Why()} {
		if why != "" {
			b.doubt("%s cannot be read: %s", what, why)
		}
	}
	slices.Sort(b.doubts)
	for _, s := range setUp(f) {
		switch how, why := s.stands(f); how {
		case ready:
			b.makers = append(b.makers, swapMaker{what: s.spec + " (" + s.seen.Source + ")", file: s.spec, seen: s.seen})
		case unseen:
			b.doubt("%s names %s, and %s", s.seen.Source, s.spec, why)
		default: // swap-persistent tells of it
		}
	}
	held := heldBack(f)
	switch {
	case len(b.makers) > 0 && held != "" && !slices.ContainsFunc(b.makers, func(m swapMaker) bool { return m.command }):
		return unknown("swap is set up for boot, but "+held, b.makers[0].seen)
	case len(b.makers) > 0:
		var whats []string
		var seen []finding.Evidence
		for _, m := range b.makers {
			whats, seen = append(whats, m.what), append(seen, m.seen)
		}
		return pass("a VM made from this image has swap from its first boot on: "+human.List(whats, 3), seen...)
	case len(b.doubts) > 0:
		return unknown("cannot tell whether a VM made from this image will have swap: " + strings.Join(b.doubts, "; "))
	case !f.DockerInstalled.Known():
		return unknown("a VM made from this image has no swap, and whether it runs containers cannot be told: " + f.DockerInstalled.Why())
	}
	severity, load := finding.Info, ""
	if f.DockerInstalled.Value {
		severity, load = finding.Warning, ", and Docker is installed"
	}
	return fail(severity, "a VM made from this image has no swap"+load+": when memory runs out the kernel kills instead of paging",
		makeAtBoot(f, "in the image: "), wanted("fstab, .swap units, zram, cloud-init, start-up commands", "no swap", "swap from the first boot on"))
}

// heldBack says what may keep swap that is set up from being activated; empty for nothing.
func heldBack(f *host.Facts) string {
	switch off := f.SwapOff; {
	case !off.Known():
		return "whether something keeps it from being activated cannot be told: " + off.Why()
	case off.Value:
		return "may not be activated: " + off.Source
	}
	return ""
}

// judgeImagePersistent tells whether what the image sets up for boot will work there.
func judgeImagePersistent(f *host.Facts) []finding.Finding {
	for _, why := range []string{f.Fstab.Why(), f.Units.Why()} {
		if why != "" {
			return one(unknown("cannot tell which swap is set up for boot: " + why))
		}
	}
	list, boot := setUp(f), madeAtBoot(f)
	out := twiceInImage(f)
	judged := map[[2]string]bool{} // what is named twice is judged once, and twiceInImage tells of it
	for _, s := range list {
		if key := [2]string{s.spec, s.target}; !judged[key] {
			judged[key] = true
			out = append(out, judgeSetUp(f, s, boot)...)
		}
	}
	switch {
	case len(out) > 0:
		return out
	case len(list) == 0:
		return one(skipped("neither /etc/fstab nor a unit names swap"))
	case heldBack(f) != "":
		return one(unknown("what /etc/fstab and units name as swap is there, but "+heldBack(f), list[0].seen))
	}
	return one(pass("what /etc/fstab and units name as swap is there, or is made at the first boot", list[0].seen))
}

func judgeSetUp(f *host.Facts, s setUpSwap, boot firstBoot) []finding.Finding {
	how, why := s.stands(f)
	switch {
	case how == unseen:
		return one(unknown(fmt.Sprintf("%s names %s as swap: %s", s.seen.Source, s.spec, why), s.seen))
	case how == ready, how == gone && slices.ContainsFunc(boot.makers, func(m swapMaker) bool { return m.file == s.spec }):
		return nil
	case how == gone && (len(boot.doubts) > 0 || slices.ContainsFunc(boot.makers, func(m swapMaker) bool { return m.file == "" })):
		return one(unknown(fmt.Sprintf("%s names %s as swap, which %s; whether something makes it at the first boot cannot be told", s.seen.Source, s.spec, why), s.seen))
	}
	harm := "this swap will be missing"
	if s.fstab && !s.noFail {
		harm += ", and without the option nofail all swap of the boot counts as failed"
	}
	seen := s.seen
	seen.Want = "a swapfile, or no such entry"
	return one(fail(finding.Warning, fmt.Sprintf("%s wants swap on %s, which %s: %s", s.seen.Source, s.spec, why, harm),
		takeOutInImage(f, s, how == broken), seen))
}

// twiceInImage finds files that more than one line of fstab names.
func twiceInImage(f *host.Facts) []finding.Finding {
	var names []string
	lines := map[string][]host.FstabSwap{}
	for _, line := range f.Fstab.Value {
		name := cmp.Or(line.Target, line.Spec)
		if line.NoAuto {
			continue
		}
		if lines[name] == nil {
			names = append(names, name)
		}
		lines[name] = append(lines[name], line)
	}
	var out []finding.Finding
	for _, name := range names {
		second := lines[name][1:]
		if len(second) == 0 {
			continue
		}
		var seen []finding.Evidence
		for _, line := range second {
			seen = append(seen, inFile("/etc/fstab", line.Line, line.Spec, "one line for "+name))
		}
		out = append(out, fail(finding.Info, fmt.Sprintf("/etc/fstab lists %s %d times, first on line %d: the second try to activate it fails at every boot", name, len(second)+1, lines[name][0].Line),
			remedy("in the image: keep the first of the lines", dropLines(second, true)), seen...))
	}
	return out
}

// judgeImagePermissions tells who may read the swapfiles that lie in the image.
func judgeImagePermissions(f *host.Facts) []finding.Finding {
	if !f.SwapFiles.Known() {
		return one(unknown("cannot tell which swapfiles lie in the image: " + f.SwapFiles.Why()))
	}
	var out []finding.Finding
	for _, b := range f.SwapFiles.Value {
		file := host.SwapFile{Mode: b.Mode, UID: b.UID}
		got := judgeSwapFile(f, host.SwapArea{Path: b.Path, Type: "file", File: host.Known(file, b.Path)})
		for i := range got.Evidence {
			got.Evidence[i].File = b.Path
		}
		out = append(out, got)
	}
	if len(out) == 0 {
		return one(skipped("no swapfile lies in the image"))
	}
	return out
}
