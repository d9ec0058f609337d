package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// imageTracer runs vmguard doctor --root under strace.
type imageTracer struct {
	vmguard string
	policy  string // of the user; without one the image's own is read
	timing  string
}

func newImageTracer(t *testing.T) imageTracer {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // an ordinary user runs it as well
		t.Fatal(err)
	}
	x := imageTracer{filepath.Join(dir, "vmguard"), filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "timing")}
	if err := os.WriteFile(x.policy, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for binary, source := range map[string]string{x.vmguard: ".", x.timing: "../../testdata/bench/timing"} {
		command(t, "env", "CGO_ENABLED=0", "go", "build", "-o", binary, source) // a C library has a loader, which opens files
	}
	return x
}

// imageLook is what one run said and did.
type imageLook struct {
	code     int
	findings []finding
	stderr   string
	calls    []fileCall
}

func (l imageLook) status(id string) string {
	i := slices.IndexFunc(l.findings, func(f finding) bool { return f.ID == id })
	if i < 0 {
		return "not there"
	}
	return l.findings[i].Status
}

// imageDeadline is when a run counts as held up; it takes milliseconds.
const imageDeadline = time.Minute

// look runs doctor on an image, and wants that it ended by itself with a report, that nothing
// outside was touched, and that it stayed small. before is put in front of its command line.
func (x imageTracer) look(t *testing.T, im hostile, before ...string) imageLook {
	t.Helper()
	args := []string{x.vmguard, "doctor", "--root", im.root, "--policy", x.policy}
	got := x.trace(t, before, append(args, "-o", "json"))
	if len(got.findings) < 20 || got.code != 0 && got.code != 1 {
		t.Fatalf("exit code %d, %d findings: %s", got.code, len(got.findings), got.stderr)
	}
	for _, call := range got.calls {
		if why := call.strays(im.root); why != "" && call.path != x.policy {
			t.Errorf("%s: %s", why, call.line)
		}
	}
	x.small(t, before, args)
	return got
}

// trace runs a command line under strace. What strace itself is put into by before stays untraced.
func (x imageTracer) trace(t *testing.T, before, args []string) imageLook {
	t.Helper()
	log := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(log, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(log, 0o666), os.Chmod(filepath.Dir(filepath.Dir(log)), 0o755)); err != nil {
		t.Fatal(err)
	}
	line := slices.Concat(before, []string{"strace", "-f", "-qq", "-y", "-s", "256", "-e", "trace=%file,read,pread64", "-e", "signal=none", "-o", log}, args)
	ctx, cancel := context.WithTimeout(t.Context(), imageDeadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.WaitDelay = time.Second
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v, %v\n%s", line, err, ctx.Err(), stderr.String())
	}
	look := imageLook{code: cmd.ProcessState.ExitCode(), stderr: stderr.String(), calls: fileCalls(string(readFile(t, log)))}
	if look.code == 0 || look.code == 1 {
		var report struct{ Data struct{ Findings []finding } }
		decode(t, []byte(stdout.String()), &report)
		look.findings = report.Data.Findings
	}
	if len(look.calls) < 3 {
		t.Fatalf("strace saw next to nothing: %d calls\n%s", len(look.calls), stderr.String())
	}
	return look
}

// small wants that a command takes less than 40 MiB. The Go test itself is no measure: a
// child starts with its parent's peak.
func (x imageTracer) small(t *testing.T, before, args []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), imageDeadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, x.timing, "-runs", "1")
	cmd.Stdin = strings.NewReader("run doctor 0,1 " + strings.Join(slices.Concat(before, args), " ") + "\nrss doctor 40\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("memory of %v: %v\n%s", args, err, out)
	}
}

// fileCall is one system call that names a file, whole even where another thread's came in between.
type fileCall struct {
	line, name string
	dir, path  string // the directory that a relative path starts from, and the path
	result     string // what the descriptor that it gave leads to
}

func (c fileCall) reads() bool { return c.name == "read" || c.name == "pread64" }
func (c fileCall) opens() bool { return strings.HasPrefix(c.name, "open") && c.result != "" }

var (
	traceLine   = regexp.MustCompile(`^(\d+) +(.*)$`)
	traceUnfin  = regexp.MustCompile(`^(.*) <unfinished \.\.\.>$`)
	traceResume = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
	traceCall   = regexp.MustCompile(`^(\w+)\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?(?:"((?:[^"\\]|\\.)*)")?`)
	traceResult = regexp.MustCompile(` = \d+<([^>]*)>$`)
)

// fileCalls reads a trace.
func fileCalls(trace string) []fileCall {
	begun := make(map[string]string) // by thread
	var found []fileCall
	for line := range strings.Lines(trace) {
		m := traceLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		thread, text := m[1], m[2]
		if strings.HasSuffix(text, " = ?") {
			continue // the program ended first
		}
		if half := traceUnfin.FindStringSubmatch(text); half != nil {
			begun[thread] = half[1]
			continue
		}
		if rest := traceResume.FindStringSubmatch(text); rest != nil {
			text = begun[thread] + rest[1]
		}
		call := traceCall.FindStringSubmatch(text)
		if call == nil {
			continue
		}
		c := fileCall{line: text, name: call[1], dir: call[2], path: call[3]}
		if c.reads() {
			c.dir, c.path = "", call[2]
		}
		if r := traceResult.FindStringSubmatch(text); r != nil {
			c.result = r[1]
		}
		found = append(found, c)
	}
	return found
}

// runtimeFiles are what Go's runtime itself looks at when a program starts.
var runtimeFiles = regexp.MustCompile(`^(/sys/kernel/mm/transparent_hugepage/hpage_pmd_size|/proc/(self|\d+)/(cgroup|mountinfo)|` +
	`/sys/fs/cgroup/\S*cpu\.(max|cfs_quota_us|cfs_period_us)|/etc/localtime|/usr/share/zoneinfo/\S*|anon_inode:.*|pipe:.*)$`)

// strays says why a call is one that an image must not cause; empty where it is none.
func (c fileCall) strays(root string) string {
	within := func(path string) bool { return path == root || strings.HasPrefix(path, root+"/") }
	switch {
	case c.name == "execve", runtimeFiles.MatchString(c.path):
		return ""
	case strings.HasPrefix(c.path, "/"):
		if !c.reads() && c.path != root { // all below the root goes by descriptors
			return "by a path from the real root"
		}
		if !within(c.path) {
			return "a file outside is read"
		}
		return ""
	case c.path == "" && c.dir == "":
		return ""
	case !within(c.dir):
		return "in a directory outside"
	case strings.Contains(c.path, "/") || c.path == "..":
		return "more than one part at once"
	case c.result != "" && !within(c.result):
		return "an open that led outside"
	case strings.HasPrefix(c.name, "open") && !strings.Contains(c.line, "O_NOFOLLOW"):
		return "an open that follows links"
	case strings.Contains(c.name, "stat") && !strings.Contains(c.line, "AT_SYMLINK_NOFOLLOW") && !strings.Contains(c.line, "AT_EMPTY_PATH"):
		return "a stat that follows links"
	}
	return ""
}

// TestStrays shows that calls which must not be are found in a trace.
func TestStrays(t *testing.T) {
	trace := `7 openat(AT_FDCWD</w>, "/etc/fstab", O_RDONLY) = 3</etc/fstab>
7 openat(4</i/etc>, "fstab", O_RDONLY|O_NOFOLLOW) = 3</etc/fstab>
7 openat(4</i/etc>, "fstab", O_RDONLY) = 3</i/etc/fstab>
7 openat(4</i/etc>, "../x", O_RDONLY|O_NOFOLLOW) = -1 ENOENT
7 newfstatat(4</i/etc>, "fstab", {st_mode=S_IFREG|0644}, 0) = 0
7 newfstatat(4</i/etc>, "a" <unfinished ...>
8 read(4</etc/shadow>, "root", 4) = 4
7 <... newfstatat resumed>, {st_mode=S_IFREG|0644}, 0) = 0
7 newfstatat(4</j/etc>, "fstab", {st_mode=S_IFREG|0644}, AT_SYMLINK_NOFOLLOW) = 0
`
	calls := fileCalls(trace)
	if len(calls) != strings.Count(trace, "\n")-1 {
		t.Errorf("%d calls: %+v", len(calls), calls)
	}
	for _, call := range calls {
		if call.strays("/i") == "" {
			t.Errorf("not found: %s", call.line)
		}
	}
	for _, call := range fileCalls(`7 openat(4</i/etc>, "fstab", O_RDONLY|O_NOFOLLOW) = 3</i/etc/fstab>
7 read(3</i/etc/fstab>, "x", 1) = 1
7 newfstatat(4</i/etc>, "fstab", {st_mode=S_IFREG|0644}, AT_SYMLINK_NOFOLLOW) = 0
7 openat(AT_FDCWD</w>, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", O_RDONLY) = 3</sys/kernel/mm/transparent_hugepage/hpage_pmd_size>
`) {
		if why := call.strays("/i"); why != "" {
			t.Errorf("%s: %s", why, call.line)
		}
	}
}
