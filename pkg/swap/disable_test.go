package swap

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
)

const rootLine = "/dev/vda1 / ext4 defaults 0 1\n"

func TestPlanDisable(t *testing.T) {
	t.Parallel()
	disk := host.SwapArea{Path: "/dev/vdb1", Type: "partition", Size: gib, Priority: -3}
	gone := host.SwapArea{Path: "/swapfile", Type: "file", Size: gib, Priority: -4, Deleted: true}
	for name, c := range map[string]struct {
		state func() State
		wish  DisableRequest
		want  []string
	}{
		"enabled": {
			func() State {
				s := running("/swapfile")
				s.Etc.Backup, s.Systemd, s.Generated = true, true, true
				return s
			}, DisableRequest{},
			[]string{
				"off /swapfile", "/etc/fstab, its line is gone", "reload", "last remove /swapfile",
				"last sweep /etc/fstab.vmguard-before", "undo: sudo vmguard swap enable --size 2G",
			},
		},
		"and once more": {
			func() State { return bareState("/swapfile") }, DisableRequest{},
			[]string{"= deactivate: /swapfile is not active", "= forget: /etc/fstab does not name it", "= remove: /swapfile does not exist"},
		},
		"kept": {
			func() State {
				s := running("/it's")
				s.Main.Header.Label = "mine"
				s.Etc.Fstab = []byte("/it's none swap sw,pri=4\n" + rootLine)
				return s
			}, DisableRequest{FileNamed: true, KeepFile: true},
			[]string{
				"off /it's", "= keep: /it's stays", "/etc/fstab, its line is gone",
				`undo: sudo vmguard swap enable --size 2G --priority 4 --file '/it'\''s'`,
			},
		},
		"kept, and once more": {
			func() State {
				s := bareState("/swapfile")
				s.Main = area(s.Main, gib)
				return s
			}, DisableRequest{KeepFile: true},
			[]string{
				"= deactivate: /swapfile is not active", "= forget: /etc/fstab does not name it", "= keep: /swapfile stays",
			},
		},
		"not in fstab": {
			func() State {
				s := running("/swapfile")
				s.Etc.Fstab, s.Main.Active.Priority = []byte(rootLine), 0
				return s
			}, DisableRequest{},
			[]string{
				"off /swapfile", "= forget: /etc/fstab does not name it", "last remove /swapfile",
				"undo: sudo vmguard swap enable --size 2G --priority 0 --no-persist",
			},
		},
		"not active, and no fstab": {
			func() State {
				s := bareState("/swapfile")
				s.Main, s.Etc.Fstab = area(s.Main, gib), nil
				return s
			}, DisableRequest{},
			[]string{"= deactivate: /swapfile is not active", "= forget: /etc/fstab does not name it", "last remove /swapfile"},
		},
		"not active, but in fstab": {
			func() State {
				s := running("/swapfile")
				s.Facts.Swaps.Value, s.Main.Active = nil, nil
				return s
			}, DisableRequest{KeepFile: true},
			[]string{
				"= deactivate: /swapfile is not active", "= keep: /swapfile stays", "/etc/fstab, its line is gone",
				"undo: sudo vmguard swap enable --size 2G",
			},
		},
		"fstab that cannot be changed and need not be": {
			func() State {
				s := running("/swapfile")
				s.Etc.Fstab, s.Etc.Problem = []byte(rootLine), "/etc is mounted read-only"
				return s
			}, DisableRequest{},
			[]string{
				"off /swapfile", "= forget: /etc/fstab does not name it", "last remove /swapfile",
				"undo: sudo vmguard swap enable --size 2G --no-persist",
			},
		},
		"neither active nor in fstab": {
			func() State {
				s := bareState("/swapfile")
				s.Main = area(s.Main, gib)
				return s
			}, DisableRequest{},
			[]string{"= deactivate: /swapfile is not active", "= forget: /etc/fstab does not name it", "last remove /swapfile"},
		},
		"only in fstab": {
			func() State {
				s := bareState("/swapfile")
				s.Etc.Fstab = []byte("/swapfile swap swap defaults\n")
				return s
			}, DisableRequest{},
			[]string{"= deactivate: /swapfile is not active", "= remove: /swapfile does not exist", "/etc/fstab, its line is gone"},
		},
		"nothing else in fstab": {
			func() State {
				s := running("/swapfile")
				s.Etc.Fstab = []byte("/swapfile none swap sw,nofail 0 0\n")
				return s
			}, DisableRequest{},
			[]string{
				"off /swapfile", "/etc/fstab, removed: there was none before", "last remove /swapfile",
				"undo: sudo vmguard swap enable --size 2G",
			},
		},
		"half a resize": {
			func() State {
				s := running("/swapfile")
				s.Old, s.Main = area(s.Old, gib), File{Path: "/swapfile"}
				s.Fresh = area(s.Fresh, 4*gib)
				s.Facts.Swaps.Value = nil
				s.activate(&s.Old, 0, -2)
				s.activate(&s.Fresh, 0, -3)
				return s
			}, DisableRequest{},
			[]string{
				"= deactivate: /swapfile is not active", "off /.swapfile.vmguard-old", "off /.swapfile.vmguard-new",
				"= remove: /swapfile does not exist", "/etc/fstab, its line is gone",
				"last remove /.swapfile.vmguard-old", "last remove /.swapfile.vmguard-new",
			},
		},
		"beside other swap": {
			func() State {
				s := running("/swapfile")
				s.Facts.Swaps.Value = append(s.Facts.Swaps.Value, disk, gone)
				return s
			}, DisableRequest{},
			[]string{
				"off /swapfile", "/etc/fstab, its line is gone", "last remove /swapfile",
				"note: /dev/vdb1 is active swap of its own, and stays so",
				"note: /swapfile (a file that was removed while in use) is active swap of its own, and stays so",
				"undo: sudo vmguard swap enable --size 2G",
			},
		},
		"a unit of systemd's that nobody needs any more": {
			func() State {
				s := bareState("/swapfile")
				s.Systemd, s.Generated = true, true
				return s
			}, DisableRequest{},
			[]string{
				"= deactivate: /swapfile is not active", "= forget: /etc/fstab does not name it", "= remove: /swapfile does not exist", "reload",
			},
		},
		"fstab that could not be looked at": {
			func() State {
				s := running("/swapfile")
				s.Etc = Etc{Problem: "/etc/fstab is a symbolic link"}
				return s
			}, DisableRequest{},
			[]string{
				"off /swapfile", "last remove /swapfile", "note: whether /etc/fstab names it was not looked at: /etc/fstab is a symbolic link",
				"undo: sudo vmguard swap enable --size 2G --no-persist",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job, err := PlanDisable(c.state(), c.wish)
			planned(t, job, err, c.want...)
			if kept := c.wish.KeepFile; (job.Size != 0) != kept {
				t.Errorf("a swapfile of %d is left, and it is kept: %v", job.Size, kept)
			}
		})
	}
}

func TestDisableRefused(t *testing.T) {
	t.Parallel()
	const foreign = " was not made by vmguard (its swap header has no label vmguard)"
	labelled := func(file string) State {
		s := running(file)
		s.Main.Header.Label = ""
		return s
	}
	for name, c := range map[string]struct {
		state func() State
		want  Refusal
	}{
		"not vmguard's": {
			func() State { return labelled("/swapfile") },
			Refusal{Why: "/swapfile" + foreign, Hint: "if it shall go all the same, name it: sudo vmguard swap disable --file /swapfile"},
		},
		"not vmguard's, elsewhere": {
			func() State { return labelled("/a b") },
			Refusal{Why: "/a b" + foreign, Hint: "if it shall go all the same, name it: sudo vmguard swap disable --file '/a b'"},
		},
		"a unit": {
			func() State {
				s := running("/a-b")
				s.Facts.Units.Value = []host.SwapUnit{{Name: `a\x2db.swap`, What: "/link", Target: "/a-b", Enabled: true}}
				return s
			},
			Refusal{Why: `the unit a\x2db.swap activates /a-b at boot, and is not vmguard's`, Hint: `sudo systemctl disable 'a\x2db.swap', and again`},
		},
		"fstab is immutable": {
			func() State {
				s := running("/a b")
				s.Etc.Problem, s.Etc.Hint = "/etc/fstab is protected", "take that off with: sudo chattr -ia /etc/fstab"
				return s
			},
			Refusal{
				Why:  "cannot take the swapfile out of fstab: /etc/fstab is protected",
				Hint: "take that off with: sudo chattr -ia /etc/fstab; or, to switch it off until the next reboot: sudo swapoff '/a b'",
			},
		},
		"fstab is read-only": {
			func() State {
				s := running("/swapfile")
				s.Etc.Problem = "/etc is mounted read-only"
				return s
			},
			Refusal{
				Why:  "cannot take the swapfile out of fstab: /etc is mounted read-only",
				Hint: "to switch it off until the next reboot: sudo swapoff /swapfile",
			},
		},
	} {
		_, err := PlanDisable(c.state(), DisableRequest{})
		if diff := cmp.Diff(c.want, refused(t, err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestDisableTakesOnlyItsOwn: units that are not enabled, or made of an fstab line, and lines for others hinder nothing.
func TestDisableTakesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	s := running("/swapfile")
	s.Facts.Units.Value = []host.SwapUnit{
		{Name: "swapfile.swap", What: "/swapfile", Enabled: true, FromFstab: true},
		{Name: "off.swap", What: "/swapfile"},
		{Name: "other.swap", What: "/other", Enabled: true},
	}
	s.Etc.Fstab = []byte("/other none swap sw 0 0\n/swapfile none swap sw 0 0\n/swapfile /mnt ext4 loop 0 0\n#/swapfile none swap\n")
	job, err := PlanDisable(s, DisableRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := "/other none swap sw 0 0\n/swapfile /mnt ext4 loop 0 0\n#/swapfile none swap\n"
	if got := string(job.edit.Now); got != want {
		t.Errorf("%q", got)
	}
	if job.edit.Backup != "" {
		t.Errorf("a backup is left: %s", job.edit.Backup)
	}
}

// TestDisableUndoesEnable: what enable makes of fstab and of the file's names, disable takes away again.
func TestDisableUndoesEnable(t *testing.T) {
	t.Parallel()
	for name, fstab := range map[string][]byte{
		"none": nil, "empty": {}, "lines": []byte(rootLine), "no final newline": []byte("proc /proc proc defaults 0 0"),
		"CRLF": []byte("proc /proc proc defaults 0 0\r\n"), "only a comment": []byte("# nothing"),
	} {
		s := bareState("/swapfile")
		s.Etc.Fstab = fstab
		enabled, err := PlanEnable(s, want(2*gib, swappy(30)))
		if err != nil {
			t.Fatal(err)
		}
		after := running("/swapfile")
		after.Etc.Fstab, after.Etc.Backup = enabled.edit.Now, enabled.edit.Backup != ""
		after.Swappiness.File, after.Swappiness.Running.Value = enabled.sysctl.Now, 30
		disabled, err := PlanDisable(after, DisableRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fstab, disabled.edit.Now); diff != "" {
			t.Errorf("%s: fstab: %s", name, diff)
		}
		if e := disabled.sysctl; e.Now != nil || e.now != 60 {
			t.Errorf("%s: swappiness: %+v", name, e)
		}
		if disabled.Undo != "sudo vmguard swap enable --size 2G --swappiness 30" {
			t.Errorf("%s: undo: %s", name, disabled.Undo)
		}
	}
}

// What belongs to all of vmguard's swapfiles stays while another is left.
func TestPlanDisableOneOfTwo(t *testing.T) {
	t.Parallel()
	s := running("/swapfile")
	s.Swappiness.File, s.Etc.Backup = swappinessText(30, 60), true
	alone, err := PlanDisable(s, DisableRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s.Siblings = []string{"/data/swapfile"}
	beside, err := PlanDisable(s, DisableRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if alone.sysctl == nil || len(alone.last) != 2 {
		t.Errorf("the last one leaves vm.swappiness or the copy of fstab: %+v", alone)
	}
	if beside.sysctl != nil || len(beside.last) != 1 || !slices.ContainsFunc(beside.Notes, func(n string) bool { return strings.Contains(n, "until /data/swapfile is gone") }) {
		t.Errorf("what belongs to /data/swapfile as well goes, or goes unsaid: %+v", beside)
	}
}
