package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// scenario is a run of vmguard swap that is disturbed. SWAP stands for the swapfile.
type scenario struct {
	name   string
	before []string // the run that leads to where it starts, from a machine without swap
	args   []string
	// also fails besides, at its first call: the run then takes another way, or is undone.
	also fault
	// fails tells that the run fails even if nothing else disturbs it.
	fails    bool
	opposite []string
	// only picks the paths whose calls are disturbed; nil for all of them.
	only func(path string) bool
}

// fault lets the first call on a path fail.
type fault struct{ call, path, errno string }

func (f fault) inject() string { return "--inject=" + f.call + ":error=" + f.errno + ":when=1" }

func testScenarios() []scenario {
	enable := []string{"enable", "--file", "SWAP", "--size", "8M", "--swappiness", "41"}
	resize := []string{"enable", "--file", "SWAP", "--size", "12M"}
	disable := []string{"disable", "--file", "SWAP"}
	made := func(path string) bool { return filepath.Base(path) == ".swapfile.vmguard-new" }
	named := func(path string) bool { return filepath.Base(path) == "swapfile" }
	unlocked := func(path string) bool { return path != lockFile } // which is taken and given back as in the first
	return []scenario{
		{name: "enable", args: enable, opposite: disable},
		{name: "enable by writing", args: append(slices.Clone(enable), "--allocate", "write"), opposite: disable, only: made},
		{name: "enable where swapon refuses the file", args: enable, also: fault{call: "swapon", path: "swapfile", errno: "EINVAL"}, opposite: disable, only: named},
		{name: "resize", before: enable, args: resize, opposite: disable, only: unlocked},
		{name: "resize that fails", before: enable, args: resize, also: fault{call: "unlinkat", path: ".swapfile.vmguard-old", errno: "EIO"}, fails: true, opposite: disable, only: unlocked},
		{name: "disable", before: enable, args: disable, opposite: enable, only: unlocked},
	}
}

// lockFile keeps two runs apart.
const lockFile = "/run/vmguard.lock"

// swapKilled kills vmguard at the entry of each system call that changes something:
// fstab is sound, the same run again does the rest, and the opposite one leaves nothing.
func swapKilled(t *testing.T, vmguard string) {
	disturb(t, vmguard, func(d disturbed, p point) int {
		for _, again := range []bool{true, false} {
			after := "killed at " + p.String()
			d.reset()
			d.hit(p, "signal=KILL", func(r ran, trace []string) bool { return r.signal == syscall.SIGKILL && p.last(trace) })
			d.sound(plainFstab, d.file("swapfile"), after)
			if again {
				d.must(d.args(d.scenario.args)...)
				d.same(d.done, after+", and run again")
			} else {
				d.must(d.args(d.scenario.opposite)...)
				d.same(d.gone, after+", and taken back")
			}
		}
		return 2
	})
}

// swapFailing lets each system call fail that changes something: the exit code is 3,
// the error names the cause, and the machine is as it was; or it is said what is not, and
// the same run again does the rest.
func swapFailing(t *testing.T, vmguard string) {
	disturb(t, vmguard, func(d disturbed, p point) int {
		for _, errno := range p.errors() {
			after := fmt.Sprintf("%s at %v", errno.name, p)
			r := d.hit(p, "error="+errno.name, func(_ ran, trace []string) bool { return p.injected(trace) })
			d.sound(plainFstab, d.file("swapfile"), after)
			if p.path == lockFile {
				_ = os.Remove(d.at(lockFile)) // one that nobody holds is in nobody's way
			}
			d.judge(r, p, errno.says, after)
		}
		return len(p.errors())
	})
}

// judge holds a run that met an error to what it said.
func (d disturbed) judge(r ran, p point, cause, after string) {
	d.t.Helper()
	switch {
	case r.code == 0 && !d.scenario.fails:
		// All is done by then. But for the lock, which is given back, what is left to be swept is told, and the next run does it.
		if given := p.path == lockFile && p.call == "unlinkat"; !given && !strings.Contains(r.unwrapped(), cause) {
			d.t.Errorf("%s: no word of %q: %v", after, cause, r)
		}
		d.must(d.args(d.scenario.args)...)
		d.same(d.done, after+", and run again")
		d.reset()
	case r.code != 3 || !strings.Contains(r.stderr, "error: ") || !strings.Contains(r.stderr, "hint: ") || !strings.Contains(r.unwrapped(), cause):
		d.t.Errorf("%s: no error that names %q: %v", after, cause, r)
		d.reset()
	case strings.Contains(r.stderr, "hint: not all of it could be undone"):
		d.must(d.args(d.scenario.args)...)
		d.same(d.done, after+", not undone, and run again")
		d.reset()
	default:
		if p.path != lockFile && !strings.Contains(r.stderr, "hint: nothing is left of it") {
			d.t.Errorf("%s: no word on what is left: %v", after, r)
		}
		if !d.same(d.start, after+", and undone: "+r.stderr) {
			d.reset()
		}
	}
}

// disturbed is a machine on which a scenario is disturbed, and the states that it must end in.
type disturbed struct {
	*machine
	scenario          scenario
	clean             string // without swap
	start, done, gone string // before and after the run, and after the opposite one
}

// disturb learns the points of each scenario from a run that nothing disturbs, and has each tried.
func disturb(t *testing.T, vmguard string, try func(disturbed, point) int) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skipf("%v: scripts/setup installs it", err)
	}
	var points, runs atomic.Int64
	t.Cleanup(func() { t.Logf("%d points, %d disturbed runs", points.Load(), runs.Load()) })
	for _, s := range testScenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			d := disturbed{machine: newMachine(t, vmguard), scenario: s}
			if s.also.path != "" {
				d.scenario.also.path = d.file(s.also.path)
			}
			found := d.learn()
			t.Logf("%d points", len(found))
			for _, p := range found {
				runs.Add(int64(try(d, p)))
				points.Add(1)
			}
		})
	}
}

// args puts the swapfile's path into a command line.
func (m *machine) args(line []string) []string {
	args := slices.Clone(line)
	for i, a := range args {
		if a == "SWAP" {
			args[i] = m.file("swapfile")
		}
	}
	return args
}

// reset brings the machine to where the scenario starts.
func (d disturbed) reset() {
	d.t.Helper()
	d.must("disable", "--file", d.file("swapfile"))
	if !d.same(d.clean, "disabled") {
		d.renew()
	}
	if d.scenario.before != nil {
		d.must(d.args(d.scenario.before)...)
	}
}

// learn runs the scenario under strace, and gives the points at which it can be
// disturbed. It also learns the states.
func (d *disturbed) learn() []point {
	d.t.Helper()
	d.clean = d.state()
	if d.scenario.before != nil {
		d.must(d.args(d.scenario.before)...)
	}
	d.start = d.state()
	d.must(d.args(d.scenario.args)...)
	d.done = d.state()
	d.must(d.args(d.scenario.opposite)...)
	d.gone = d.state()
	d.reset()

	options := []string{"-e", "trace=" + strings.Join(changing(), ",")}
	if also := d.scenario.also; also.call != "" {
		options = append(options, also.inject())
	}
	r, trace := d.traced(options)
	if (r.code == 0) == d.scenario.fails {
		d.t.Fatal(r)
	}
	if d.scenario.fails {
		d.same(d.start, "undone")
	}
	d.reset()
	found := points(calls(trace), d.scenario.also)
	return slices.DeleteFunc(found, func(p point) bool { return d.scenario.only != nil && !d.scenario.only(p.path) })
}

// traced runs the scenario's command under strace, and gives the lines of its trace.
func (d disturbed) traced(options []string) (ran, []string) {
	d.t.Helper()
	log := filepath.Join(d.base, "trace")
	line := []string{"strace", "-f", "-qq", "-y", "-e", "signal=none", "-o", log}
	if !slices.ContainsFunc(options, func(o string) bool { return strings.Contains(o, "signal=KILL") }) {
		line = append(line, "--seccomp-bpf") // is faster, and loses signals
	}
	r := d.try(d.inside(slices.Concat(line, options, []string{d.vmguard, "swap"}, d.args(d.scenario.args))...))
	return r, strings.Split(strings.TrimSpace(string(readFile(d.t, log))), "\n")
}

// strace runs the scenario's command with an injection at a point. Strace counts the
// calls of each thread on that path alone; all of a plan are made by one thread.
func (d disturbed) strace(p point, injection string) (ran, []string) {
	d.t.Helper()
	options := []string{"-P", p.path, "-e", "trace=" + p.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", p.call, injection, p.nth)}
	if also := d.scenario.also; also.call != "" {
		options = append(options, "-P", also.path, "-e", "trace="+p.call+","+also.call, also.inject())
	}
	return d.traced(options)
}

// hit disturbs a point until that is seen to have been hit: where looking at things took
// another turn, the count does not lead there.
func (d disturbed) hit(p point, injection string, seen func(ran, []string) bool) ran {
	d.t.Helper()
	const attempts = 3
	var r ran
	var trace []string
	for range attempts {
		if r, trace = d.strace(p, injection); seen(r, trace) {
			return r
		}
		d.reset()
	}
	d.t.Fatalf("%s was not hit at %v: %v, %v\n%s", injection, p, r.signal, r, strings.Join(trace, "\n"))
	return r
}

// point is a system call of a run that changes something.
type point struct {
	call, path string
	nth        int    // among the calls of that name on that path in its thread, from 1
	args       string // as traced, without numbers
}

func (p point) String() string { return fmt.Sprintf("%s %d of %s", p.call, p.nth, p.path) }

// changing are the system calls that may change something.
func changing() []string {
	return []string{
		"openat", "fallocate", "ftruncate", "write", "pwrite64", "fchmod", "fchown", "fsetxattr", "ioctl", "fsync", "fdatasync",
		"renameat", "renameat2", "unlinkat", "swapon", "swapoff", "flock",
	}
}

// call is one line of a trace.
type call struct{ thread, name, args string }

// mentions tells whether one of the call's arguments is a path, or a descriptor of it.
func (c call) mentions(path string) bool {
	return strings.Contains(c.args, `"`+path+`"`) || strings.Contains(c.args, "<"+path+">")
}

// calls reads a trace.
func calls(trace []string) []call {
	line := regexp.MustCompile(`^(\d+) +(\w+)\((.*)`)
	var found []call
	for _, text := range trace {
		if m := line.FindStringSubmatch(text); m != nil {
			found = append(found, call{m[1], m[2], m[3]})
		}
	}
	return found
}

// points finds the calls of a run that change something. What comes before another fault
// that is in effect is left to the scenarios without it.
func points(trace []call, also fault) []point {
	first := 1 + slices.IndexFunc(trace, func(c call) bool { return c.name == also.call && c.mentions(also.path) })
	var found []point
	for i, c := range trace {
		// Strace takes one injection for each system call.
		if i < first || c.name == also.call || !c.changes(trace[i+1:]) {
			continue
		}
		p := point{call: c.name, path: c.path(), args: c.plain()}
		looked := false
		for j, other := range trace[:i+1] {
			if other.name != c.name || !other.mentions(p.path) && !other.mentions(also.path) {
				continue
			}
			if other.thread == c.thread {
				p.nth++
			}
			looked = looked || !other.changes(trace[j+1:])
		}
		// Looking at things is done by any thread: what that does as well cannot be counted.
		if !looked {
			found = append(found, p)
		}
	}
	return found
}

// path is the path that a call is about: that of its first argument, a descriptor, or
// else the first one that is written out.
func (c call) path() string {
	if m := regexp.MustCompile(`^\d+<([^>]*)>`).FindStringSubmatch(c.args); m != nil {
		return m[1]
	}
	if m := regexp.MustCompile(`"([^"]*)"`).FindStringSubmatch(c.args); m != nil {
		return m[1]
	}
	return ""
}

// plain gives a call's arguments without what is another at each run: descriptors and numbers.
func (c call) plain() string {
	args := c.args
	for _, end := range []string{") = ", ")  ", " <unfinished"} {
		args, _, _ = strings.Cut(args, end)
	}
	return regexp.MustCompile(`\d+`).ReplaceAllString(args, "N")
}

// changes tells whether a call changes something, or is part of doing so; next are those that follow it.
func (c call) changes(next []call) bool {
	switch c.name {
	case "openat":
		if strings.Contains(c.args, "O_CREAT") || strings.Contains(c.args, "O_WRONLY") || strings.Contains(c.args, "O_RDWR") {
			return true
		}
		// A directory that is opened for its fsync.
		return len(next) > 0 && next[0].name == "fsync" && next[0].path() == c.path()
	case "write": // and not into a pipe, or to wake a thread
		return strings.HasPrefix(c.path(), "/")
	case "ioctl":
		return strings.Contains(c.args, "FS_IOC_SETFLAGS")
	default:
		return true
	}
}

// last tells whether a trace ends in this call.
func (p point) last(trace []string) bool {
	found := calls(trace)
	if len(found) == 0 {
		return false
	}
	c := found[len(found)-1]
	return c.name == p.call && c.plain() == p.args
}

// injected tells whether this call is one in a trace that was made to fail.
func (p point) injected(trace []string) bool {
	return slices.ContainsFunc(trace, func(text string) bool {
		return strings.HasSuffix(text, "(INJECTED)") && p.last([]string{text})
	})
}

// callError is an error of a system call, and what is said of it.
type callError struct{ name, says string }

// errors are those that the call may well meet.
func (p point) errors() []callError {
	full, io := callError{"ENOSPC", "no space left on device"}, callError{"EIO", "input/output error"}
	readOnly, denied := callError{"EROFS", "read-only file system"}, callError{"EPERM", "operation not permitted"}
	switch p.call {
	case "openat":
		if strings.Contains(p.args, "O_CREAT") {
			return []callError{full, readOnly}
		}
		return []callError{{"EMFILE", "too many open files"}}
	case "fallocate", "pwrite64", "write", "fsetxattr":
		return []callError{full, io}
	case "fchmod", "fchown", "swapon", "ioctl":
		return []callError{denied}
	case "renameat", "renameat2", "unlinkat":
		return []callError{readOnly, io}
	case "swapoff":
		return []callError{{"ENOMEM", "cannot allocate memory"}}
	case "flock":
		return []callError{{"ENOLCK", "no locks available"}}
	default:
		return []callError{io}
	}
}
