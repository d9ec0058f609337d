package host

import (
	"fmt"
	"strings"
	"testing"
)

// statusOf makes a /proc/PID/status as kernel 6.18 writes it, shortened.
func statusOf(name string, pid, ppid int, nspid string) string {
	return fmt.Sprintf("Name:\t%s\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nUid:\t0\t0\t0\t0\n"+
		"NSpid:\t%s\nVmRSS:\t    1940 kB\nSigQ:\t1/96365\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"+
		"SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\nSigCgt:\tfffffffd7fc1feff\nCapInh:\t0000000000000000\n",
		name, pid, pid, ppid, nspid)
}

func TestParseStatus(t *testing.T) {
	text := statusOf("app", 18845, 18767, "18845\t1")
	want := status{name: "app", ppid: 18767, nspid: []int{18845, 1}, sigCgt: 0xfffffffd7fc1feff, sigIgn: 0x1000}
	for name, c := range map[string]struct {
		text string
		want status
		err  string
	}{
		"a real process":   {text: text, want: want},
		"blanks in a name": {text: strings.Replace(text, "app", "npm start", 1), want: renamed(want, "npm start")},
		"an escaped name":  {text: strings.Replace(text, "app", `a\nPPid:\t7\\n`, 1), want: renamed(want, "a\nPPid:\\t7\\n")},
		"a nameless one":   {text: strings.Replace(text, "app", "", 1), want: renamed(want, "")},
		"kernel 4.0":       {text: strings.Replace(text, "NSpid:\t18845\t1\n", "", 1), want: status{name: "app", ppid: 18767, sigCgt: want.sigCgt, sigIgn: want.sigIgn}},
		"empty":            {text: "", err: "empty"},
		"cut off":          {text: text[:strings.Index(text, "SigCgt")+12], err: "cut off"},
		"cut after a line": {text: text[:strings.Index(text, "SigCgt")], err: "not all of"},
		"broken mask":      {text: strings.Replace(text, "fffffffd7fc1feff", "xyz", 1), err: "SigCgt"},
		"wide mask":        {text: strings.Replace(text, "fffffffd7fc1feff", "1fffffffd7fc1feff", 1), err: "SigCgt"},
		"broken parent":    {text: strings.Replace(text, "PPid:\t18767", "PPid:\tx", 1), err: "PPid"},
		"broken NSpid":     {text: strings.Replace(text, "18845\t1\n", "18845\tx\n", 1), err: "NSpid"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStatus([]byte(c.text))
			if refused(t, err, c.err) {
				return
			}
			equal(t, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", c.want))
		})
	}
}

func renamed(s status, name string) status {
	s.name = name
	return s
}

// FuzzParseStatus holds that no name of a process, which it may choose freely, changes
// what is read of its signals and its parent.
func FuzzParseStatus(f *testing.F) {
	f.Add("app", uint64(0x4000))
	f.Add("x\nSigCgt:\t0", uint64(1))
	f.Fuzz(func(t *testing.T, name string, caught uint64) {
		// As proc_task_name of fs/proc/array.c escapes it.
		escaped := strings.NewReplacer("\n", `\n`, `\`, `\\`).Replace(name)
		text := strings.Replace(statusOf(escaped, 5, 4, "5"), "fffffffd7fc1feff", fmt.Sprintf("%016x", caught), 1)
		got, err := parseStatus([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got.sigCgt != caught || got.ppid != 4 || got.name != name {
			t.Fatalf("%q: %+v", name, got)
		}
	})
}
