package host

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"vmguard/pkg/rootfs"
)

// sysctlTree is a tree of files whose merging has every difficulty.
func sysctlTree() files {
	return files{
		"etc/sysctl.d/10-hides.conf":      "a.one = etc\n",
		"usr/lib/sysctl.d/10-hides.conf":  "a.one = lib\na.two = lib\n",
		"etc/sysctl.d/20-null.conf":       "-> /dev/null",
		"usr/lib/sysctl.d/20-null.conf":   "a.two = masked\n",
		"etc/sysctl.d/25-empty.conf":      "",
		"usr/lib/sysctl.d/25-empty.conf":  "a.two = masked\n",
		"etc/sysctl.d/27-gone.conf":       "-> nowhere",
		"usr/lib/sysctl.d/27-gone.conf":   "a.two = masked\n",
		"usr/lib/sysctl.d/30-lib.conf":    "a.three = lib\na/b.c/d = slash\na.b/c.e = dot\n",
		"run/sysctl.d/40-run.conf":        "a.three = run\n  a.four=run  # tail\n;a.four = no\n",
		"usr/local/lib/sysctl.d/35.conf":  "a.three = local\na.five = local\n",
		"etc/sysctl.d/99-sysctl.conf":     "-> ../sysctl.conf",
		"etc/sysctl.conf":                 "a.five = own\n-a.six = dashed\n-a.absent = 1\n",
		"etc/sysctl.d/99-z.conf":          "g.x* = pattern\ng.x1 = plain\n-g.x2\ng.?3 = pattern3\nnot an assignment\na..seven = dots\n",
		"etc/sysctl.d/a-first.conf":       "g.x1 = plain again\n",
		"etc/sysctl.d/.hidden.conf":       "a.one = hidden\n",
		"etc/sysctl.d/no-suffix":          "a.one = none\n",
		"etc/sysctl.d/99-outside.conf":    "../a.one = outside\na/../one = outside\n",
		"etc/sysctl.d/99-zz.conf":         "a.eight = first\na.eight = second\na.nine = \n",
		"usr/lib/sysctl.d/99-zzz-cr.conf": "a.ten = cr\r\n",
	}
}

// knobs are the files of /proc/sys that the tree sets, or does not.
func knobs() []string {
	return []string{"a/one", "a/two", "a/three", "a/b.c/d", "a/b.c/e", "a/four", "a/five", "a/six", "a/seven", "a/eight", "a/nine", "a/ten",
		"g/x1", "g/x2", "g/x3", "g/xother", "g/y3", "one"}
}

// TestSysctlConfAgainstSystemd lets the real systemd-sysctl apply a tree, in a mount
// namespace in which plain files are /proc/sys, and wants the same of ours.
func TestSysctlConfAgainstSystemd(t *testing.T) {
	const program = "/lib/systemd/systemd-sysctl"
	switch _, err := os.Stat(program); {
	case runtime.GOOS != "linux" || os.Getuid() != 0:
		t.Skip("a mount namespace needs root on Linux")
	case err != nil:
		t.Fatalf("systemd must be installed: %v", err)
	}
	dir := t.TempDir()
	for name, content := range sysctlTree() {
		place(t, filepath.Join(dir, name), false, content)
	}
	for _, knob := range knobs() {
		place(t, filepath.Join(dir, "knobs", knob), false, "untouched\n")
	}
	script := `set -e
mount --make-rprivate /
mount --bind "$1/knobs" /proc/sys
mount -t tmpfs none /etc
cp -a "$1/etc/." /etc/
for d in run usr/local/lib usr/lib; do
	mkdir -p "/$d/sysctl.d"
	mount -t tmpfs none "/$d/sysctl.d"
	cp -a "$1/$d/sysctl.d/." "/$d/sysctl.d/"
done
"$2" || true`
	cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", script, "sh", dir, program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	fs, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := fs.Close(); err != nil {
			t.Error(err)
		}
	}()
	conf := readSysctlConf(fs)
	equal(t, conf.Known(), true)
	set := 0
	for _, knob := range knobs() {
		data, err := os.ReadFile(filepath.Join(dir, "knobs", knob))
		if err != nil {
			t.Fatal(err)
		}
		name := swapSeparators(knob)
		got, ok := conf.Value.Setting(name)
		want, _, _ := strings.Cut(string(data), "\n") // a plain file keeps what was longer
		if !ok {
			got.Value = "untouched"
		} else {
			set++
		}
		if got.Value != want {
			t.Errorf("%s: ours %q (%s:%d), systemd's %q", name, got.Value, got.File, got.Line, want)
		}
	}
	if set < 14 {
		t.Errorf("only %d names are set at all", set)
	}
	equal(t, len(conf.Value.Unread), 0)
}

// TestDropInsAgainstSystemd wants the order of files that systemd itself shows.
func TestDropInsAgainstSystemd(t *testing.T) {
	const program = "systemd-analyze" //nolint:misspell // its name
	if _, err := exec.LookPath(program); err != nil && (runtime.GOOS != "linux" || os.Getuid() != 0) {
		t.Skip("systemd is not installed")
	}
	dir := t.TempDir()
	for name, content := range sysctlTree() {
		if !strings.Contains(name, "27-gone") { // at which it gives up
			place(t, filepath.Join(dir, name), false, content)
		}
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "cat-config", "--root="+dir, "--no-pager", "sysctl.d")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	var want []string
	for line := range strings.SplitSeq(string(out), "\n") {
		file, ok := strings.CutPrefix(line, "# "+dir)
		// It also shows the files that mask, of which we keep none.
		if ok && !strings.Contains(file, "20-null") && !strings.Contains(file, "25-empty") {
			want = append(want, file)
		}
	}
	fs, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := fs.Close(); err != nil {
			t.Error(err)
		}
	}()
	list, err := dropIns(fs, configDirs("sysctl.d"), ".conf")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list {
		got = append(got, d.path)
	}
	equal(t, got, want)
}
