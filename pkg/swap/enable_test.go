package swap

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
)

// bareState is a VM with 8 GiB of RAM, half of it available, a disk of 100 GiB with 50 GiB free, and no swap.
func bareState(file string) State {
	dir := file[:strings.LastIndex(file, "/")+1]
	if dir != "/" {
		dir = strings.TrimSuffix(dir, "/")
	}
	facts := &host.Facts{
		System:  host.Known(host.System{PageSize: minPageSize}, "uname"),
		Memory:  host.Known(host.Memory{Total: 8 * gib, Available: 4 * gib}, "/proc/meminfo"),
		Swaps:   host.Known([]host.SwapArea{}, "/proc/swaps"),
		Units:   host.Known([]host.SwapUnit{}, "systemd's unit directories"),
		Daemons: host.Known([]host.Daemon{}, "/proc"),
		Sysctls: map[string]host.Fact[int64]{"vm.swappiness": host.Known(int64(60), "/proc/sys/vm/swappiness")},
	}
	return State{
		Facts: facts, Dir: dir, Disk: host.Known(host.Disk{Path: dir, FS: "ext4", Size: 100 * gib, Free: 50 * gib}, "statfs"),
		Main: File{Path: file}, Fresh: File{Path: freshName(file)}, Old: File{Path: oldName(file)},
		Etc:        Etc{Fstab: []byte("/dev/vda1 / ext4 defaults 0 1\n"), Targets: map[string]string{}},
		Swappiness: Swappiness{Running: facts.Sysctl("vm.swappiness"), Dir: true},
	}
}

// area makes an inactive swapfile of vmguard's.
func area(f File, size uint64) File {
	f.Exists, f.Size, f.Blocks, f.Mode = true, size, size, 0o600
	f.Header = Header{PageSize: minPageSize, LastPage: uint32(size/minPageSize - 1), Label: Label, UUID: testUUID()}
	return f
}

// activate makes a swapfile active, with so much of it in use.
func (s *State) activate(f *File, used uint64, priority int) {
	a := host.SwapArea{Path: f.Path, Type: "file", Size: f.Size - minPageSize, Used: used, Priority: priority}
	s.Facts.Swaps.Value = append(s.Facts.Swaps.Value, a)
	f.Active = &a
}

// running is a VM with a swapfile of vmguard's of 2 GiB, active and in fstab.
func running(file string) State {
	s := bareState(file)
	s.Main = area(s.Main, 2*gib)
	s.activate(&s.Main, 0, -2)
	s.Etc.Fstab = AddEntry(s.Etc.Fstab, Entry{Path: file, Priority: -1})
	return s
}

// want is a request for a swapfile of that size that is kept over reboots.
func want(size uint64, more ...func(*EnableRequest)) EnableRequest {
	r := EnableRequest{Size: size, Priority: -1, Swappiness: -1, Persist: true, Method: change.Auto}
	for _, m := range more {
		m(&r)
	}
	return r
}

func noPersist(r *EnableRequest) { r.Persist = false }
func byName(r *EnableRequest)    { r.FileNamed = true }

func prio(n int) func(*EnableRequest) {
	return func(r *EnableRequest) { r.Priority, r.PriorityNamed = n, true }
}

func swappy(n int) func(*EnableRequest) {
	return func(r *EnableRequest) { r.Swappiness = n }
}

// told spells all that a job does and says, one line each.
func told(j Job) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if j.space != "" {
		say("space: %s", j.space)
	}
	for _, f := range j.already {
		say("= %s: %s", f.name, f.text)
	}
	for _, o := range j.ops {
		line := o.String()
		if o.kind == opOn && o.priority >= 0 {
			line += fmt.Sprintf(" priority %d", o.priority)
		}
		say("%s", line)
	}
	for _, f := range j.after {
		say("= %s: %s", f.name, f.text)
	}
	if j.edit != nil {
		say("%s", j.edit.text)
	}
	if j.reload {
		say("reload")
	}
	if j.sysctl != nil {
		say("%s", j.sysctl.text)
	}
	for _, o := range j.last {
		say("last %v", o)
	}
	for _, note := range j.Notes {
		say("note: %s", note)
	}
	if j.Undo != "" {
		say("undo: %s", j.Undo)
	}
	return out
}

// planned compares what a job does and says.
func planned(t *testing.T, j Job, err error, lines ...string) {
	t.Helper()
	if err != nil {
		refusal := &Refusal{}
		_ = errors.As(err, &refusal)
		t.Fatalf("refused: %v (%s)", err, refusal.Hint)
	}
	if diff := cmp.Diff(lines, told(j)); diff != "" {
		t.Error(diff)
	}
}

// refused is the refusal that an error must be.
func refused(t *testing.T, err error) Refusal {
	t.Helper()
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("no refusal: %v", err)
	}
	return *refusal
}

const (
	spaceFor2G = "space: 50 GiB free in / (ext4), 48 GiB left afterwards"
	lineAdded  = "/etc/fstab, one line added, backup /etc/fstab.vmguard-before"
	fstabBack  = "sudo mv /etc/fstab.vmguard-before /etc/fstab"
)

func TestPlanEnable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state func() State
		wish  EnableRequest
		want  []string
	}{
		"fresh": {
			func() State { return bareState("/swapfile") }, want(2 * gib),
			[]string{
				spaceFor2G, "allocate /.swapfile.vmguard-new 2147483648", "format /.swapfile.vmguard-new",
				"move /.swapfile.vmguard-new /swapfile", "on /swapfile", lineAdded, "undo: sudo vmguard swap disable",
			},
		},
		"fresh, by the rule": {
			func() State { return bareState("/swapfile") }, want(0),
			[]string{
				"space: 50 GiB free in / (ext4), 46 GiB left afterwards", "allocate /.swapfile.vmguard-new 4294967296",
				"format /.swapfile.vmguard-new", "move /.swapfile.vmguard-new /swapfile", "on /swapfile", lineAdded,
				"note: size: 4.0 GiB (2 GiB for up to 4 GiB of RAM, 4 GiB for more; this VM has 8.0 GiB)",
				"undo: sudo vmguard swap disable",
			},
		},
		"fresh, with all there is": {
			func() State {
				s := bareState("/mnt/it's 50% off/swap")
				s.Systemd, s.Disk.Value.FS = true, "btrfs"
				s.Facts.Daemons.Value = []host.Daemon{{Name: "kubelet", PID: 7}}
				s.Etc.VolatileUnknown = "/etc is an overlay"
				s.Swappiness.Overrides = []string{"/etc/sysctl.d/99-zz.conf"}
				return s
			}, want(gib, byName, prio(10), swappy(0)),
			[]string{
				"space: 50 GiB free in /mnt/it's 50% off (btrfs), 49 GiB left afterwards",
				"allocate /mnt/it's 50% off/.swap.vmguard-new 1073741824", "format /mnt/it's 50% off/.swap.vmguard-new",
				"move /mnt/it's 50% off/.swap.vmguard-new /mnt/it's 50% off/swap", "on /mnt/it's 50% off/swap priority 10",
				lineAdded, "reload", "vm.swappiness 0 instead of 60, now and at boot (/etc/sysctl.d/99-vmguard-vm-swappiness.conf)",
				"note: a kubelet runs here: unless it is told to accept swap (failSwapOn: false), it does not start again with swap on",
				"note: btrfs: while the swapfile is active, no snapshot can be made of the subvolume that it is in",
				"note: whether /etc outlives a reboot on this system cannot be told: /etc is an overlay",
				"note: vm.swappiness is also set by /etc/sysctl.d/99-zz.conf, read later at boot: that value wins then",
				`undo: sudo vmguard swap disable --file '/mnt/it'\''s 50% off/swap'`,
			},
		},
		"fresh, until the next reboot": {
			func() State { return bareState("/swapfile") }, want(2*gib, noPersist, swappy(30)),
			[]string{
				spaceFor2G, "allocate /.swapfile.vmguard-new 2147483648", "format /.swapfile.vmguard-new",
				"move /.swapfile.vmguard-new /swapfile", "on /swapfile", "vm.swappiness 30 instead of 60, now",
				"undo: sudo vmguard swap disable",
			},
		},
		"already so": {
			func() State { return running("/swapfile") }, want(2 * gib),
			[]string{"= allocate: /swapfile is there, 2.0 GiB", "= activate: active, priority -2", "= persist: /etc/fstab line 2 names it"},
		},
		"already so, no size": {
			func() State { return running("/a b") }, want(0, byName),
			[]string{"= allocate: /a b is there, 2.0 GiB", "= activate: active, priority -2", "= persist: /etc/fstab line 2 names it"},
		},
		"already so, readable by all": {
			func() State {
				s := running("/a b")
				s.Main.Mode = 0o644
				return s
			}, want(0, byName),
			[]string{
				"= allocate: /a b is there, 2.0 GiB", "= activate: active, priority -2", "protect /a b",
				"= persist: /etc/fstab line 2 names it", "undo: sudo chmod 644 '/a b'",
			},
		},
		"inactive": {
			func() State {
				s := bareState("/a b")
				s.Main = area(s.Main, 2*gib)
				return s
			}, want(0, byName),
			[]string{"= allocate: /a b is there, 2.0 GiB", "on /a b", lineAdded, "undo: " + fstabBack + " && sudo swapoff '/a b'"},
		},
		"active, not in fstab": {
			func() State {
				s := running("/swapfile")
				s.Etc.Fstab = []byte("proc /proc proc defaults 0 0")
				s.Systemd = true
				return s
			}, want(0),
			[]string{
				"= allocate: /swapfile is there, 2.0 GiB", "= activate: active, priority -2", lineAdded, "reload", "undo: " + fstabBack,
			},
		},
		"larger": {
			func() State { return running("/a b") }, want(4*gib, byName),
			[]string{
				"space: 50 GiB free in / (ext4), 48 GiB left afterwards",
				"allocate /.a b.vmguard-new 4294967296", "format /.a b.vmguard-new", "on /.a b.vmguard-new", "off /a b",
				"move /a b /.a b.vmguard-old", "on /.a b.vmguard-old", "off /.a b.vmguard-new", "move /.a b.vmguard-new /a b", "on /a b",
				"off /.a b.vmguard-old", "= persist: /etc/fstab line 2 names it", "last remove /.a b.vmguard-old",
				"undo: sudo vmguard swap enable --size 2G --file '/a b'",
			},
		},
		"smaller, with another priority, not in fstab and not to be": {
			func() State {
				s := running("/swapfile")
				s.Etc.Fstab = nil
				return s
			}, want(40<<10, noPersist, prio(3)),
			[]string{
				"space: 50 GiB free in / (ext4), 52 GiB left afterwards",
				"allocate /.swapfile.vmguard-new 40960", "format /.swapfile.vmguard-new", "on /.swapfile.vmguard-new priority 3",
				"off /swapfile", "move /swapfile /.swapfile.vmguard-old", "on /.swapfile.vmguard-old priority 3",
				"off /.swapfile.vmguard-new", "move /.swapfile.vmguard-new /swapfile", "on /swapfile priority 3",
				"off /.swapfile.vmguard-old", "last remove /.swapfile.vmguard-old",
				"undo: sudo vmguard swap enable --size 2G --priority -1 --no-persist",
			},
		},
		"inactive, of another size": {
			func() State {
				s := bareState("/swapfile")
				s.Main = area(s.Main, 2*gib)
				return s
			}, want(4*gib, noPersist),
			[]string{
				"space: 50 GiB free in / (ext4), 48 GiB left afterwards",
				"allocate /.swapfile.vmguard-new 4294967296", "format /.swapfile.vmguard-new", "move /swapfile /.swapfile.vmguard-old",
				"move /.swapfile.vmguard-new /swapfile", "on /swapfile", "last remove /.swapfile.vmguard-old",
				"undo: sudo vmguard swap enable --size 2G --no-persist && sudo swapoff /swapfile",
			},
		},
		"half a file": {
			func() State {
				s := bareState("/swapfile")
				s.Fresh.Exists, s.Fresh.Size, s.Fresh.HeaderErr = true, gib, ErrNoHeader
				s.Disk.Value.Free = 11 * gib
				return s
			}, want(2 * gib),
			[]string{
				"space: 11 GiB free in / (ext4), 10 GiB left afterwards", "sweep /.swapfile.vmguard-new",
				"allocate /.swapfile.vmguard-new 2147483648", "format /.swapfile.vmguard-new",
				"move /.swapfile.vmguard-new /swapfile", "on /swapfile", lineAdded, "undo: sudo vmguard swap disable",
			},
		},
		"half a resize, both active": {
			func() State {
				s := running("/swapfile")
				s.Fresh = area(s.Fresh, 4*gib)
				s.activate(&s.Fresh, gib, -3)
				return s
			}, want(4 * gib),
			[]string{
				"off /swapfile", "move /swapfile /.swapfile.vmguard-old", "on /.swapfile.vmguard-old", "off /.swapfile.vmguard-new",
				"move /.swapfile.vmguard-new /swapfile", "on /swapfile", "off /.swapfile.vmguard-old",
				"= persist: /etc/fstab line 2 names it", "last remove /.swapfile.vmguard-old",
				"undo: sudo vmguard swap enable --size 2G",
			},
		},
		"half a resize, taken back": {
			func() State {
				s := running("/swapfile")
				s.Main, s.Old, s.Fresh = File{Path: "/swapfile"}, area(s.Old, 2*gib), area(s.Fresh, 4*gib)
				s.Facts.Swaps.Value = nil
				s.activate(&s.Fresh, 0, -2)
				s.Disk.Value.Free = 0
				return s
			}, want(2 * gib),
			[]string{
				"move /.swapfile.vmguard-old /swapfile", "on /swapfile", "off /.swapfile.vmguard-new",
				"= persist: /etc/fstab line 2 names it", "last remove /.swapfile.vmguard-new",
			},
		},
		"another priority": {
			func() State { return running("/swapfile") }, want(0, prio(10)),
			[]string{
				"= allocate: /swapfile is there, 2.0 GiB", "off /swapfile", "on /swapfile priority 10",
				"/etc/fstab, line 2 had another priority: changed, backup /etc/fstab.vmguard-before",
				"undo: " + fstabBack + " && sudo vmguard swap enable --priority -1 --no-persist",
			},
		},
		"the kernel's priority instead of one": {
			func() State {
				s := running("/swapfile")
				s.Main.Active.Priority = 5
				s.Etc.Fstab = []byte("/swapfile none swap sw,pri=5\n")
				return s
			}, want(0, prio(-1)),
			[]string{
				"= allocate: /swapfile is there, 2.0 GiB", "off /swapfile", "on /swapfile",
				"/etc/fstab, line 1 had another priority: changed, backup /etc/fstab.vmguard-before",
				"undo: " + fstabBack + " && sudo vmguard swap enable --priority 5 --no-persist",
			},
		},
		"the kernel's priority, which it has": {
			func() State { return running("/swapfile") }, want(0, prio(-1)),
			[]string{"= allocate: /swapfile is there, 2.0 GiB", "= activate: active, priority -2", "= persist: /etc/fstab line 2 names it"},
		},
		"priority from fstab": {
			func() State {
				s := running("/swapfile")
				s.Facts.Swaps.Value, s.Main.Active = nil, nil
				s.Etc.Fstab = []byte("/other none swap sw,pri=8 0 0\n/swapfile none swap sw,pri=0 0 0\n")
				return s
			}, want(0),
			[]string{
				"= allocate: /swapfile is there, 2.0 GiB", "on /swapfile priority 0", "= persist: /etc/fstab line 2 names it",
				"undo: sudo swapoff /swapfile",
			},
		},
		"priority of the active one": {
			func() State {
				s := running("/swapfile")
				s.Main.Active.Priority = 8
				s.Etc.Fstab = nil
				return s
			}, want(0),
			[]string{
				"= allocate: /swapfile is there, 2.0 GiB", "= activate: active, priority 8",
				"/etc/fstab, made, with one line", "undo: sudo rm /etc/fstab",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job, err := PlanEnable(c.state(), c.wish)
			planned(t, job, err, c.want...)
		})
	}
}
