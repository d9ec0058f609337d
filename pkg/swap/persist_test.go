package swap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
)

// TestFstabShapes: what becomes of fstab, whatever it looks like, and what is said of it.
func TestFstabShapes(t *testing.T) {
	t.Parallel()
	const backup = ", backup /etc/fstab.vmguard-before"
	uuid := "UUID=" + Header{UUID: testUUID()}.UUIDString()
	for name, c := range map[string]struct {
		file      string
		was       []byte
		links     map[string]string
		priority  func(*EnableRequest)
		now, said string
	}{
		"missing":          {file: "/s", now: "/s none swap sw,nofail 0 0\n", said: "made, with one line"},
		"empty":            {file: "/s", was: []byte{}, now: "/s none swap sw,nofail 0 0\n", said: "one line added" + backup},
		"no final newline": {file: "/s", was: []byte("a / ext4\nb /b ext4"), now: "a / ext4\n/s none swap sw,nofail 0 0\nb /b ext4", said: "one line added" + backup},
		"CRLF":             {file: "/s", was: []byte("a / ext4\r\n"), now: "a / ext4\r\n/s none swap sw,nofail 0 0\n", said: "one line added" + backup},
		"blank in the name": {
			file: "/a b\\c", was: []byte(rootLine), priority: prio(5),
			now: rootLine + `/a\040b\134c none swap sw,nofail,pri=5 0 0` + "\n", said: "one line added" + backup,
		},
		"other swap, comments": {
			file: "/s", was: []byte("#/s none swap sw\n/dev/vdb1 none swap sw\n/t none swap sw\n"),
			now: "#/s none swap sw\n/dev/vdb1 none swap sw\n/t none swap sw\n/s none swap sw,nofail 0 0\n", said: "one line added" + backup,
		},
		"by UUID": {
			file: "/s", was: []byte(strings.ToUpper(uuid) + " none swap sw\n" + rootLine), now: "/s none swap sw,nofail 0 0\n" + rootLine,
			said: "line 1 named it by " + strings.ToUpper(uuid) + ", which finds no file at boot: now by its path" + backup,
		},
		"by quoted UUID, and by path": {
			file: "/s", was: []byte("UUID=\"" + uuid[5:] + "\"\tnone\tswap\tsw,pri=7\r\n/s none swap sw\n"),
			now:  "/s none swap sw,nofail,pri=7 0 0\r\n",
			said: "line 1 named it by " + uuid + ", which finds no file at boot: now by its path" + backup,
		},
		"noauto": {
			file: "/s", was: []byte(rootLine + "\n/s\tnone\tswap\tnoauto,pri=3\t0\t0\n"), now: rootLine + "\n/s none swap sw,nofail,pri=3 0 0\n",
			said: "line 3 said noauto: taken off" + backup,
		},
		"twice": {
			file: "/s", was: []byte("/s none swap sw,pri=1\n" + rootLine + "/s none swap sw\n"), now: "/s none swap sw,nofail,pri=1 0 0\n" + rootLine,
			said: "line 3 named it a second time: that line is gone" + backup,
		},
		"another priority": {
			file: "/s", was: []byte("/s none swap sw,pri=1"), priority: prio(2), now: "/s none swap sw,nofail,pri=2 0 0",
			said: "line 1 had another priority: changed" + backup,
		},
		"no priority any more": {
			file: "/s", was: []byte("/s none swap sw,pri=1\n"), priority: prio(-1), now: "/s none swap sw,nofail 0 0\n",
			said: "line 1 had another priority: changed" + backup,
		},
		"right":             {file: "/s", was: []byte("/s\tswap\tswap\tdefaults\t0\t0")},
		"right, escaped":    {file: "/a b", was: []byte(`/a\040b none swap sw`)},
		"right, priority":   {file: "/s", was: []byte("/s none swap pri=2"), priority: prio(2)},
		"right, by a link":  {file: "/s", was: []byte("/link none swap sw"), links: map[string]string{"/link": "/s"}},
		"a link and a path": {file: "/s", was: []byte("/link none swap sw\n/s none swap sw\n"), links: map[string]string{"/link": "/s"}, now: "/s none swap sw,nofail 0 0\n", said: "line 2 named it a second time: that line is gone" + backup},
		"a link to another": {
			file: "/s", was: []byte("/link none swap sw\n"), links: map[string]string{"/link": "/t"},
			now: "/link none swap sw\n/s none swap sw,nofail 0 0\n", said: "one line added" + backup,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := running(c.file)
			s.Etc.Fstab, s.Etc.Targets = c.was, c.links
			r := want(0, byName)
			if c.priority != nil {
				c.priority(&r)
			}
			job, err := PlanEnable(s, r)
			if err != nil {
				t.Fatal(err)
			}
			if !job.Persistent {
				t.Error("it is said to be gone after a reboot")
			}
			if c.said == "" {
				if job.edit != nil || !strings.HasSuffix(job.after[0].text, "names it") {
					t.Errorf("it is changed: %+v", job.edit)
				}
				return
			}
			if diff := cmp.Diff(c.now, string(job.edit.Now)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff("/etc/fstab, "+c.said, job.edit.text); diff != "" {
				t.Error(diff)
			}
			if (job.edit.Was == nil) != (c.was == nil) || (job.edit.Backup != "") != (c.was != nil) {
				t.Errorf("%+v", job.edit)
			}
			// The line that is there now is right, and disable takes it away.
			s.Etc.Fstab = job.edit.Now
			if again, err := PlanEnable(s, want(0, byName)); err != nil || again.edit != nil {
				t.Errorf("and again: %+v, %v", again.edit, err)
			}
			gone, err := PlanDisable(s, DisableRequest{FileNamed: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range ParseFstab(gone.edit.Now) {
				if s.means(line.Spec) {
					t.Errorf("disable leaves line %+v", line)
				}
			}
		})
	}
}

// TestUUIDOfAFileBeside: a line by the UUID of what a killed resize moved away is the swapfile's as well.
func TestUUIDOfAFileBeside(t *testing.T) {
	t.Parallel()
	s := bareState("/s")
	s.Old = area(s.Old, gib)
	s.Etc.Fstab = []byte("UUID=" + s.Old.Header.UUIDString() + " none swap sw 0 0\n")
	job, err := PlanEnable(s, want(2*gib))
	if err != nil || string(job.edit.Now) != "/s none swap sw,nofail 0 0\n" {
		t.Errorf("%+v, %v", job.edit, err)
	}
}

func TestPersistRefused(t *testing.T) {
	t.Parallel()
	const until = "with --no-persist the swap is on until the next reboot"
	const line = `; the line is: /a\040b none swap sw,nofail,pri=5 0 0`
	problem := func(why, hint string) func(*State) {
		return func(s *State) { s.Etc.Problem, s.Etc.Hint, s.Etc.Fstab = why, hint, nil }
	}
	cos := Refusal{
		Why: "cannot make the swap permanent: Container-Optimized OS makes /etc anew at every boot",
		Hint: until + "; for every boot, let the start-up configuration (cloud-init, Ignition) run: " +
			"sudo vmguard swap enable --no-persist --size 2G --file '/a b'",
	}
	masked := Refusal{
		Why:  `cannot make the swap permanent: /etc/systemd/system/a\x20b.swap masks its unit, so systemd never activates it`,
		Hint: `run: sudo systemctl unmask 'a\x20b.swap' (then this command again); or, until the next reboot only, use --no-persist`,
	}
	for name, c := range map[string]struct {
		change func(*State)
		want   Refusal
	}{
		"link": {problem("/etc/fstab is a symbolic link to \"/nix\": another tool owns it", "what made it so has to add the line"), Refusal{
			Why:  "cannot make the swap permanent: /etc/fstab is a symbolic link to \"/nix\": another tool owns it",
			Hint: "what made it so has to add the line; or " + until + line,
		}},
		"bind mount": {problem("/etc/fstab is a mount of its own (a bind mount)", ""), Refusal{
			Why: "cannot make the swap permanent: /etc/fstab is a mount of its own (a bind mount)", Hint: until + line,
		}},
		"immutable": {problem("/etc/fstab is protected against changes (lsattr shows i or a)", "take that off with: sudo chattr -ia /etc/fstab"), Refusal{
			Why:  "cannot make the swap permanent: /etc/fstab is protected against changes (lsattr shows i or a)",
			Hint: "take that off with: sudo chattr -ia /etc/fstab; or " + until + line,
		}},
		"read-only": {problem("/etc is mounted read-only", ""), Refusal{
			Why: "cannot make the swap permanent: /etc is mounted read-only", Hint: until + line,
		}},
		"volatile": {func(s *State) { s.Etc.Volatile = "Container-Optimized OS makes /etc anew at every boot" }, cos},
		"volatile, with the line": {func(s *State) {
			*s = running("/a b")
			s.Etc.Volatile = "Container-Optimized OS makes /etc anew at every boot"
		}, cos},
		"masked": {func(s *State) { s.Systemd, s.Masked = true, `/etc/systemd/system/a\x20b.swap` }, masked},
		"masked, with the line": {func(s *State) {
			*s = running("/a b")
			s.Systemd, s.Masked = true, `/etc/systemd/system/a\x20b.swap`
		}, masked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bareState("/a b")
			c.change(&s)
			_, err := PlanEnable(s, want(2*gib, byName, prio(5)))
			if diff := cmp.Diff(c.want, refused(t, err)); diff != "" {
				t.Error(diff)
			}
			// The way out that the hint names.
			job, err := PlanEnable(s, want(2*gib, byName, prio(5), noPersist))
			if err != nil || job.edit != nil || job.reload || job.Persistent {
				t.Errorf("with --no-persist: %v, %v", told(job), err)
			}
		})
	}
}

// TestLineThatIsThere: where fstab cannot be changed, but is right, nothing has to be.
func TestLineThatIsThere(t *testing.T) {
	t.Parallel()
	s := running("/swapfile")
	s.Etc.Problem = "/etc/fstab is a mount of its own (a bind mount)"
	job, err := PlanEnable(s, want(0))
	planned(t, job, err, "= allocate: /swapfile is there, 2.0 GiB", "= activate: active, priority -2", "= persist: /etc/fstab line 2 names it")
}

// TestReload: systemd is told of a line that it has made no unit of.
func TestReload(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		systemd, generated bool
		fstab              string
		want               bool
	}{
		"no systemd":       {false, false, "/s none swap sw\n", false},
		"unit there":       {true, true, "/s none swap sw\n", false},
		"unit not there":   {true, false, "/s none swap sw\n", true},
		"line by a link":   {true, false, "/link none swap sw\n", false}, // its unit has another name
		"line added":       {true, false, "", true},
		"line added again": {true, true, "", true},
	} {
		s := running("/s")
		s.Systemd, s.Generated, s.Etc.Fstab, s.Etc.Targets = c.systemd, c.generated, []byte(c.fstab), map[string]string{"/link": "/s"}
		job, err := PlanEnable(s, want(0, byName))
		if err != nil || job.reload != c.want {
			t.Errorf("%s: %v, want %v; %v", name, job.reload, c.want, err)
		}
	}
}

// TestUnitOfItsOwn: where a unit activates the swapfile, fstab is left alone.
func TestUnitOfItsOwn(t *testing.T) {
	t.Parallel()
	s := running("/swapfile")
	s.Etc.Fstab, s.Systemd = []byte(rootLine), true
	s.Etc.Volatile = "Container-Optimized OS makes /etc anew at every boot"
	s.Facts.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile", Enabled: true}}
	there := []string{"= allocate: /swapfile is there, 2.0 GiB", "= activate: active, priority -2"}
	job, err := PlanEnable(s, want(0))
	planned(t, job, err, append(there, "= persist: the unit swapfile.swap activates it at boot")...)
	job, err = PlanEnable(s, want(0, noPersist))
	planned(t, job, err, append(there, "note: --no-persist leaves the unit swapfile.swap alone, which brings this swap back after a reboot")...)
}

// TestPersistent: whether the swapfile comes back after a reboot is said of what there is, where nothing is changed.
func TestPersistent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*State)
		want   bool
	}{
		"line":     {func(*State) {}, true},
		"link":     {func(s *State) { s.Etc.Fstab, s.Etc.Targets["/l"] = []byte("/l none swap sw\n"), "/swapfile" }, true},
		"twice":    {func(s *State) { s.Etc.Fstab = append(s.Etc.Fstab, s.Etc.Fstab...) }, true},
		"none":     {func(s *State) { s.Etc.Fstab = nil }, false},
		"noauto":   {func(s *State) { s.Etc.Fstab = []byte("/swapfile none swap noauto\n") }, false},
		"UUID":     {func(s *State) { s.Etc.Fstab = []byte("UUID=" + s.Main.Header.UUIDString() + " none swap sw\n") }, false},
		"masked":   {func(s *State) { s.Masked = "/etc/systemd/system/swapfile.swap" }, false},
		"volatile": {func(s *State) { s.Etc.Volatile = "/etc is on tmpfs" }, false},
	} {
		s := running("/swapfile")
		c.change(&s)
		job, err := PlanEnable(s, want(0, noPersist))
		if err != nil || job.Persistent != c.want || len(job.Notes) > 0 != c.want {
			t.Errorf("%s: %v, want %v; %q, %v", name, job.Persistent, c.want, job.Notes, err)
		}
	}
}
