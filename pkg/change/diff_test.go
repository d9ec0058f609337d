package change_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/change"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	const head = "--- /etc/fstab\n+++ /etc/fstab\n"
	for name, test := range map[string]struct {
		was, now []byte
		want     string
	}{
		"neither":              {nil, nil, ""},
		"the same":             {[]byte("a\nb\n"), []byte("a\nb\n"), ""},
		"the same, no newline": {[]byte("a\nb"), []byte("a\nb"), ""},
		"both empty":           {[]byte{}, []byte{}, ""},
		"a line at the end":    {[]byte("a\nb\n"), []byte("a\nb\nc\n"), head + "@@ -2,0 +3 @@\n+c\n"},
		"a line at the start":  {[]byte("a\nb\n"), []byte("c\na\nb\n"), head + "@@ -0,0 +1 @@\n+c\n"},
		"lines between":        {[]byte("a\nb\n"), []byte("a\nc\nd\nb\n"), head + "@@ -1,0 +2,2 @@\n+c\n+d\n"},
		"the first line goes":  {[]byte("a\nb\n"), []byte("b\n"), head + "@@ -1 +0,0 @@\n-a\n"},
		"the last lines go":    {[]byte("a\nb\nc\n"), []byte("a\n"), head + "@@ -2,2 +1,0 @@\n-b\n-c\n"},
		"a line changes":       {[]byte("a\nb\nc\n"), []byte("a\nB\nc\n"), head + "@@ -2 +2 @@\n-b\n+B\n"},
		"one becomes two":      {[]byte("a\nb\nc\n"), []byte("a\nB\nB\nc\n"), head + "@@ -2 +2,2 @@\n-b\n+B\n+B\n"},
		"two places":           {[]byte("a\nb\nc\nd\n"), []byte("b\nc\nD\n"), head + "@@ -1 +0,0 @@\n-a\n@@ -4 +3 @@\n-d\n+D\n"},
		"all of it":            {[]byte("a\nb\n"), []byte("c\n"), head + "@@ -1,2 +1 @@\n-a\n-b\n+c\n"},
		"to nothing":           {[]byte("a\n"), []byte{}, head + "@@ -1 +0,0 @@\n-a\n"},
		"from nothing":         {[]byte{}, []byte("a\n"), head + "@@ -0,0 +1 @@\n+a\n"},
		"made":                 {nil, []byte("a\nb\n"), "--- /dev/null\n+++ /etc/fstab\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
		"removed":              {[]byte("a\n"), nil, "--- /etc/fstab\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"},
		"made empty":           {nil, []byte{}, "--- /dev/null\n+++ /etc/fstab\n"},
		"removed when empty":   {[]byte{}, nil, "--- /etc/fstab\n+++ /dev/null\n"},
		"made, no newline":     {nil, []byte("a"), "--- /dev/null\n+++ /etc/fstab\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n"},
		"a newline is added":   {[]byte("a"), []byte("a\n"), head + "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		"a newline is lost":    {[]byte("a\n"), []byte("a"), head + "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n"},
		"no newline in either": {[]byte("a\nb"), []byte("a\nc"), head + "@@ -2 +2 @@\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"},
		"a line after a bare":  {[]byte("a"), []byte("a\nb\n"), head + "@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n"},
		"what looks like a sign": {[]byte("-a\n\\ b\n"), []byte("+a\n@@ -1 +1 @@\n"),
			head + "@@ -1,2 +1,2 @@\n--a\n-\\ b\n++a\n+@@ -1 +1 @@\n"},
		"a carriage return counts": {[]byte("a\r\n"), []byte("a\n"), head + "@@ -1 +1 @@\n-a\r\n+a\n"},
		"not the lines around":     {[]byte("password\na\nsecret\n"), []byte("password\nb\nsecret\n"), head + "@@ -2 +2 @@\n-a\n+b\n"},
	} {
		if diff := cmp.Diff(test.want, change.Diff("/etc/fstab", test.was, test.now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestDiffOfMuch: texts that are too large for the table of common lines get one hunk, and not less right.
func TestDiffOfMuch(t *testing.T) {
	t.Parallel()
	var was, now strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&was, "line %d\n", i)
		fmt.Fprintf(&now, "line %d\n", i+i%2*5000)
	}
	diff := change.Diff("f", []byte(was.String()), []byte(now.String()))
	patched, err := applyDiff(was.String(), diff)
	if err != nil || patched != now.String() {
		t.Errorf("the diff does not lead from one to the other: %v", err)
	}
	if got, want := strings.Count(diff, "\n@@ "), 1; got != want {
		t.Errorf("%d hunks, want %d", got, want)
	}
	// The line that they begin with is no part of it.
	if want := "--- f\n+++ f\n@@ -2,4999 +2,4999 @@\n-line 1\n"; !strings.HasPrefix(diff, want) {
		t.Errorf("it begins with %q, want %q", diff[:len(want)], want)
	}
}

// applyDiff is a reader of unified diffs that shares nothing with their writer. It errs on what is not exactly
// in the form, or does not fit the old text.
func applyDiff(was, diff string) (string, error) {
	if diff == "" {
		return was, nil
	}
	old := slices.Collect(strings.Lines(was))
	lines := slices.Collect(strings.Lines(diff))
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "--- ") || !strings.HasPrefix(lines[1], "+++ ") {
		return "", errors.New("no header")
	}
	lines = lines[2:]
	var now []string
	at := 0 // old lines that are dealt with
	for len(lines) > 0 {
		oldStart, oldCount, newStart, newCount, err := readHunk(lines[0])
		if err != nil {
			return "", err
		}
		removed, rest, err := take(lines[1:], "-", oldCount)
		if err != nil {
			return "", err
		}
		added, rest, err := take(rest, "+", newCount)
		if err != nil {
			return "", err
		}
		lines = rest
		if oldStart < at || oldStart+oldCount > len(old) {
			return "", fmt.Errorf("hunk at old line %d, after %d of %d", oldStart, at, len(old))
		}
		now = append(now, old[at:oldStart]...)
		if len(now) != newStart {
			return "", fmt.Errorf("hunk at new line %d, after %d", newStart, len(now))
		}
		if !slices.Equal(old[oldStart:oldStart+oldCount], removed) {
			return "", fmt.Errorf("old lines are %q, and %q are removed", old[oldStart:oldStart+oldCount], removed)
		}
		now = append(now, added...)
		at = oldStart + oldCount
	}
	now = append(now, old[at:]...)
	return strings.Join(now, ""), nil
}

// readHunk reads "@@ -1,2 +3 @@"; the starts are counted from 0.
func readHunk(line string) (oldStart, oldCount, newStart, newCount int, err error) {
	words := strings.Split(line, " ")
	if len(words) != 4 || words[0] != "@@" || words[3] != "@@\n" {
		return 0, 0, 0, 0, fmt.Errorf("no hunk: %q", line)
	}
	oldStart, oldCount, err = readSpan(words[1], "-")
	if err == nil {
		newStart, newCount, err = readSpan(words[2], "+")
	}
	return oldStart, oldCount, newStart, newCount, err
}

func readSpan(word, sign string) (start, count int, err error) {
	first, number, counted := strings.Cut(strings.TrimPrefix(word, sign), ",")
	start, err = strconv.Atoi(first)
	if err != nil || !strings.HasPrefix(word, sign) {
		return 0, 0, fmt.Errorf("no span: %q", word)
	}
	count = 1
	if counted {
		if count, err = strconv.Atoi(number); err != nil || count == 1 {
			return 0, 0, fmt.Errorf("no span: %q", word)
		}
	}
	if count > 0 {
		start--
	}
	return start, count, nil
}

// take takes so many lines with a sign off a hunk, and what follows them.
func take(lines []string, sign string, count int) (taken, rest []string, err error) {
	for range count {
		if len(lines) == 0 || !strings.HasPrefix(lines[0], sign) {
			return nil, nil, fmt.Errorf("%d lines with %s, want %d", len(taken), sign, count)
		}
		line := lines[0][1:]
		lines = lines[1:]
		if len(lines) > 0 && strings.HasPrefix(lines[0], "\\") {
			if lines[0] != "\\ No newline at end of file\n" {
				return nil, nil, fmt.Errorf("unknown mark %q", lines[0])
			}
			line, lines = strings.TrimSuffix(line, "\n"), lines[1:]
		}
		taken = append(taken, line)
	}
	return taken, lines, nil
}

// changedLines counts the lines of a diff that come or go.
func changedLines(diff string) int {
	n := 0
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+") {
			n++
		}
	}
	return n
}

func FuzzDiff(f *testing.F) {
	for _, pair := range [][2]string{
		{"", ""}, {"", "a"}, {"a", "a\n"}, {"a\nb\nc\n", "a\nc\n"}, {"a\na\na\n", "a\na\n"}, {"-a\n", "\\ No newline at end of file\n"},
		{"# /etc/fstab\nUUID=1 / ext4 defaults 0 1\n", "# /etc/fstab\nUUID=1 / ext4 defaults 0 1\n/swapfile none swap sw,nofail 0 0\n"},
		{"a\r\n\x00\xff", "\n\n\n"},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, was, now []byte) {
		if diff := change.Diff("f", was, was); diff != "" {
			t.Errorf("a text differs from itself:\n%s", diff)
		}
		for _, pair := range [][2][]byte{{was, now}, {now, was}} {
			diff := change.Diff("f", pair[0], pair[1])
			got, err := applyDiff(string(pair[0]), diff)
			if err != nil {
				t.Fatalf("from %q to %q: %v\n%s", pair[0], pair[1], err, diff)
			}
			if got != string(pair[1]) {
				t.Errorf("from %q to %q: applied it gives %q\n%s", pair[0], pair[1], got, diff)
			}
		}
	})
}

// randomText gives a few lines, each one of so many; the last one may lack its newline.
func randomText(random *rand.Rand, kinds int) string {
	var b strings.Builder
	for range random.IntN(9) {
		fmt.Fprintf(&b, "line %d\n", random.IntN(kinds))
	}
	return maybeBare(random, b.String())
}

func maybeBare(random *rand.Rand, text string) string {
	if random.IntN(3) == 0 {
		text = strings.TrimSuffix(text, "\n")
	}
	return text
}

// editedText takes lines away and puts in new ones. As no line comes twice or moves, there is but one shortest
// difference, and whoever looks for it must find the same.
func editedText(random *rand.Rand) (was, now string) {
	var a, b strings.Builder
	for i := range random.IntN(9) {
		switch random.IntN(4) {
		case 0:
			fmt.Fprintf(&a, "old %d\n", i)
		case 1:
			fmt.Fprintf(&b, "new %d\n", i)
		default:
			fmt.Fprintf(&a, "both %d\n", i)
			fmt.Fprintf(&b, "both %d\n", i)
		}
	}
	return maybeBare(random, a.String()), maybeBare(random, b.String())
}

// TestDiffIsWhatDiffGives holds diffs against those of diff(1), and lets patch(1) apply them.
func TestDiffIsWhatDiffGives(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("diff")
	if err != nil {
		t.Skipf("needs diff: %v", err)
	}
	random := rand.New(rand.NewPCG(1, 2)) // always the same texts
	dir := t.TempDir()
	for range 150 {
		was, now := editedText(random)
		got, want := change.Diff("f", []byte(was), []byte(now)), runDiff(t, program, dir, was, now)
		if got != want {
			t.Errorf("from %q to %q:\n%s\ndiff gives\n%s", was, now, got, want)
		}
	}
	// Of lines that come more than once there is more than one shortest difference.
	for range 150 {
		was, now := randomText(random, 4), randomText(random, 4)
		got, want := change.Diff("f", []byte(was), []byte(now)), runDiff(t, program, dir, was, now)
		if changedLines(got) != changedLines(want) {
			t.Errorf("from %q to %q:\n%s\ndiff finds a difference of another length\n%s", was, now, got, want)
		}
	}
}

func runDiff(t *testing.T, program, dir, was, now string) string {
	t.Helper()
	a, b := filepath.Join(dir, "was"), filepath.Join(dir, "now")
	if err := errors.Join(os.WriteFile(a, []byte(was), 0o600), os.WriteFile(b, []byte(now), 0o600)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-d", "-a", "-U0", "--label", "f", "--label", "f", a, b)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	said, err := cmd.Output()
	if failure, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || failure.ExitCode() != 1) { // 1: they differ
		t.Fatalf("diff: %v", err)
	}
	return string(said)
}

// TestPatchTakesTheDiff lets patch(1) apply diffs.
func TestPatchTakesTheDiff(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("patch")
	if err != nil {
		t.Skipf("needs patch: %v", err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(t.TempDir(), "f")
	for range 60 {
		was, now := randomText(random, 4), randomText(random, 4)
		diff := change.Diff("f", []byte(was), []byte(now))
		if diff == "" || now == "" { // an empty file is one that patch takes away
			continue
		}
		if err := os.WriteFile(path, []byte(was), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), program, "--silent", "--fuzz=0", "--posix", path)
		cmd.Stdin = strings.NewReader(diff)
		cmd.WaitDelay = time.Second
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("from %q to %q: patch: %v\n%s\n%s", was, now, err, said, diff)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != now {
			t.Errorf("from %q to %q: patch makes %q, %v\n%s", was, now, got, err, diff)
		}
	}
}
