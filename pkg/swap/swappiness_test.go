package swap

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
)

func TestSwappinessFile(t *testing.T) {
	t.Parallel()
	text := swappinessText(30, 60)
	if want := "# written by vmguard swap enable; vm.swappiness was 60\nvm.swappiness = 30\n"; string(text) != want {
		t.Errorf("%q, want %q", text, want)
	}
	for file, want := range map[string]struct {
		was  int64
		ours bool
	}{
		string(text):                      {60, true},
		string(swappinessText(0, 100)):    {100, true},
		string(swappinessText(200, 0)):    {0, true},
		swappinessMark + "60":             {60, true},
		swappinessMark + "60\n# edited\n": {60, true},
		swappinessMark + "\n":             {},
		swappinessMark + "sixty\n":        {},
		"":                                {},
		"vm.swappiness = 10\n":            {},
		"# " + swappinessMark + "60\n":    {},
	} {
		if was, ours := swappinessWas([]byte(file)); was != want.was || ours != want.ours {
			t.Errorf("%q: %d, %v", file, was, ours)
		}
	}
}

func TestSetsSwappiness(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"vm.swappiness=10":                    true,
		"\t vm.swappiness\t=  10 \n":          true,
		"vm/swappiness = 10\r\n":              true,
		"-vm.swappiness = 10\n":               true, // errors are passed over
		"a=1\n\n# b\nvm.swappiness=1\n":       true,
		string(swappinessText(1, 2)):          true,
		"# vm.swappiness = 10\n":              false,
		";vm.swappiness = 10\n":               false,
		"vm.swappiness\n":                     false,
		"vm.swappiness_other = 10\n":          false,
		"net.vm.swappiness = 10\n":            false,
		"kernel.x = vm.swappiness = 1":        false,
		"":                                    false,
		"vm.vfs_cache_pressure = 50\nvm.x=1 ": false,
	} {
		if got := setsSwappiness([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzSwappiness: what vmguard writes it knows again, as a file that sets the value, and no other text is taken for
// it that has not its mark.
func FuzzSwappiness(f *testing.F) {
	f.Add(30, int64(60), []byte("vm.swappiness = 10\n"))
	f.Add(0, int64(-1), []byte(swappinessMark+"9223372036854775808\n"))
	f.Fuzz(func(t *testing.T, value int, was int64, other []byte) {
		text := swappinessText(value, was)
		if got, ours := swappinessWas(text); !ours || got != was || !setsSwappiness(text) || !setsTo(text, int64(value)) {
			t.Errorf("%q: %d, %v", text, got, ours)
		}
		if _, ours := swappinessWas(other); ours && !bytes.HasPrefix(other, []byte(swappinessMark)) {
			t.Errorf("%q is taken for vmguard's", other)
		}
		_ = setsSwappiness(other)
	})
}

const swappinessBack = SwappinessFile + ".vmguard-before"

// swappinessState is a VM with a swapfile, where vm.swappiness has a value and SwappinessFile a content.
func swappinessState(running int64, file, before []byte) State {
	s := swappinessFree()
	s.Swappiness.Running.Value, s.Swappiness.File, s.Swappiness.Before = running, file, before
	return s
}

func swappinessFree() State { return running("/swapfile") }

func TestPlanSwappiness(t *testing.T) {
	t.Parallel()
	foreign := []byte("vm.swappiness = 5\n")
	for name, c := range map[string]struct {
		state       State
		wish        EnableRequest
		text        string
		now, backup string
		value       int64
		undo        string
	}{
		"set": {
			swappinessState(60, nil, nil), want(0, swappy(30)),
			"vm.swappiness 30 instead of 60, now and at boot (" + SwappinessFile + ")", string(swappinessText(30, 60)), "", 30,
			"sudo rm " + SwappinessFile + " && sudo sysctl -w vm.swappiness=60",
		},
		"set, and so already until the next reboot": {
			swappinessState(30, nil, nil), want(0, swappy(30)),
			"vm.swappiness stays 30, now and at boot (" + SwappinessFile + ")", string(swappinessText(30, 30)), "", 30, "sudo rm " + SwappinessFile,
		},
		"set once more": {
			swappinessState(30, swappinessText(30, 60), nil), want(0, swappy(10)),
			"vm.swappiness 10 instead of 30, now and at boot (" + SwappinessFile + ")", string(swappinessText(10, 60)), "", 10,
			"sudo vmguard swap enable --swappiness 30",
		},
		"set at boot, and something else now": {
			swappinessState(60, swappinessText(30, 60), nil), want(0, swappy(30)),
			"vm.swappiness 30 instead of 60, now and at boot (" + SwappinessFile + ")", string(swappinessText(30, 60)), "", 30,
			"sudo sysctl -w vm.swappiness=60",
		},
		"a file of somebody else's": {
			swappinessState(5, foreign, nil), want(0, swappy(30)),
			"vm.swappiness 30 instead of 5, now and at boot (" + SwappinessFile + "), backup " + swappinessBack, string(swappinessText(30, 5)), swappinessBack, 30,
			"sudo mv " + swappinessBack + " " + SwappinessFile + " && sudo sysctl -w vm.swappiness=5",
		},
		"until the next reboot": {
			swappinessState(60, foreign, nil), want(0, swappy(30), noPersist), "vm.swappiness 30 instead of 60, now", string(foreign), "", 30,
			"sudo sysctl -w vm.swappiness=60",
		},
		"0": {
			swappinessState(60, nil, nil), want(0, swappy(0)),
			"vm.swappiness 0 instead of 60, now and at boot (" + SwappinessFile + ")", string(swappinessText(0, 60)), "", 0,
			"sudo rm " + SwappinessFile + " && sudo sysctl -w vm.swappiness=60",
		},
	} {
		job, err := PlanEnable(c.state, c.wish)
		if err != nil || job.sysctl == nil {
			t.Errorf("%s: %v, %v", name, told(job), err)
			continue
		}
		got := []any{job.sysctl.text, string(job.sysctl.Now), job.sysctl.Backup, job.sysctl.now, job.Undo}
		if diff := cmp.Diff([]any{c.text, c.now, c.backup, c.value, c.undo}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSwappinessAlready(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state State
		wish  EnableRequest
	}{
		"set":                   {swappinessState(30, swappinessText(30, 60), nil), want(0, swappy(30))},
		"until the next reboot": {swappinessState(30, nil, nil), want(0, swappy(30), noPersist)},
		"overridden": {func() State {
			s := swappinessState(30, nil, nil)
			s.Swappiness.Overrides = []string{"/etc/sysctl.d/zz.conf"}
			return s
		}(), want(0, swappy(30), noPersist)},
	} {
		job, err := PlanEnable(c.state, c.wish)
		if err != nil || job.sysctl != nil || job.Undo != "" || job.after[len(job.after)-1].text != "vm.swappiness is 30" {
			t.Errorf("%s: %v, %v", name, told(job), err)
		}
		for _, note := range job.Notes {
			if note != "--no-persist leaves /etc/fstab alone, which brings this swap back after a reboot" {
				t.Errorf("%s: %s", name, note)
			}
		}
	}
}

func TestSwappinessRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*State)
		want   Refusal
	}{
		"unknown": {
			func(s *State) { s.Swappiness.Running = host.Missing[int64]("no such file") },
			Refusal{Why: "cannot read vm.swappiness: no such file", Hint: "leave --swappiness out"},
		},
		"no directory": {
			func(s *State) { s.Swappiness.Dir = false },
			Refusal{Why: "cannot make vm.swappiness permanent: there is no directory /etc/sysctl.d", Hint: "leave --swappiness out, or use --no-persist"},
		},
		"volatile": {
			func(s *State) {
				s.Etc.Volatile = "/etc is on tmpfs"
				s.Facts.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile", Enabled: true}}
			},
			Refusal{Why: "cannot make vm.swappiness permanent: /etc is on tmpfs", Hint: "leave --swappiness out, or use --no-persist"},
		},
	} {
		s := swappinessFree()
		c.change(&s)
		_, err := PlanEnable(s, want(0, swappy(30)))
		if diff := cmp.Diff(c.want, refused(t, err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, r := range []EnableRequest{want(0, swappy(201)), want(0, swappy(-2))} {
		if got := refused(t, r.Check()); !got.Usage || got.Hint != "accepted: 0 to 200; 10 to 60 is modest" {
			t.Errorf("%d: %+v", r.Swappiness, got)
		}
	}
	for _, n := range []int{-2, 32768} {
		if got := refused(t, want(0, prio(n)).Check()); !got.Usage || got.Hint != "accepted: -1 to 32767; -1 leaves it to the kernel" {
			t.Errorf("%d: %+v", n, got)
		}
	}
	for _, r := range []EnableRequest{want(0, swappy(0)), want(0, swappy(200)), want(0, prio(-1)), want(0, prio(32767))} {
		if err := r.Check(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// TestPlanCalm: disable goes back to what was before, and leaves what somebody else has set since then.
func TestPlanCalm(t *testing.T) {
	t.Parallel()
	foreign := []byte("vm.swappiness = 5\n")
	unknown := swappinessState(0, swappinessText(30, 60), nil)
	unknown.Swappiness.Running = host.Missing[int64]("unreadable")
	for name, c := range map[string]struct {
		state State
		text  string // empty where nothing is done
		now   []byte
		value int64
		sweep bool
	}{
		"never set":           {swappinessState(60, nil, nil), "", nil, 0, false},
		"somebody else's":     {swappinessState(5, foreign, nil), "", nil, 0, false},
		"set":                 {swappinessState(30, swappinessText(30, 60), nil), SwappinessFile + " is gone, vm.swappiness is 60 again", nil, 60, false},
		"set instead of one":  {swappinessState(30, swappinessText(30, 5), foreign), SwappinessFile + " is as it was before, vm.swappiness is 5 again", foreign, 5, true},
		"changed since then":  {swappinessState(45, swappinessText(30, 60), nil), SwappinessFile + " is gone", nil, 45, false},
		"edited":              {swappinessState(30, append(swappinessText(30, 60), "vm.x = 1\n"...), nil), SwappinessFile + " is gone", nil, 30, false},
		"value unknown":       {unknown, SwappinessFile + " is gone", nil, 0, false},
		"replaced since then": {swappinessState(7, []byte("vm.swappiness = 7\n"), foreign), "", nil, 0, false},
	} {
		job, err := PlanDisable(c.state, DisableRequest{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		swept := false
		for _, o := range job.last {
			swept = swept || o == op{kind: opSweep, path: swappinessBack}
		}
		if swept != c.sweep || (job.sysctl != nil) != (c.text != "") {
			t.Errorf("%s: %v", name, told(job))
			continue
		}
		if e := job.sysctl; e != nil && (e.text != c.text || e.now != c.value || !bytes.Equal(e.Now, c.now) || (e.Now == nil) != (c.now == nil)) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
