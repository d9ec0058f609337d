package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// imageTree is the file tree of an image, and the program that judges it.
type imageTree struct {
	t       *testing.T
	root    string
	vmguard string
	policy  string
}

// mendable is a finding with what it takes to mend it.
type mendable struct {
	ID, Status, Severity, Subject, Summary string
	Remedy                                 struct{ Text, Command string }
}

// newImageTree gives a copy of the virtual machine's Debian, to be judged by the recipes' policy.
func newImageTree(t *testing.T) imageTree {
	t.Helper()
	dir := bigTempDir(t)
	im := imageTree{t, filepath.Join(dir, "root"), filepath.Join(dir, "vmguard"), filepath.Join(dir, "policy.yaml")}
	command(t, "env", "CGO_ENABLED=0", "go", "build", "-o", im.vmguard, ".")
	command(t, "cp", "../../testdata/ci/policy.yaml", im.policy)
	command(t, "../../scripts/vm", "tree", im.root)
	im.inside("sed -i /^Wants=docker.service/d /etc/systemd/system/vm-run.service") // else the test's own unit starts Docker
	return im
}

// bigTempDir is a temporary directory where /tmp may be too small.
func bigTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "vmguard-test-image-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// slim takes out most of what the tree holds, and no test in a chroot needs: it is copied many times.
func (im imageTree) slim() {
	im.t.Helper()
	im.inside(`cd /usr && rm -rf lib/modules/*/kernel lib/udev/hwdb* lib/python3* share/i18n share/zoneinfo
for program in bin/docker* bin/containerd* bin/ctr bin/runc sbin/docker* sbin/containerd* sbin/runc sbin/dnet sbin/ovrouter bin/dnet bin/ovrouter; do
	[ ! -f "$program" ] || : >"$program"
done`)
}

// copy gives a copy of the tree, for a test of its own.
func (im imageTree) copy(t *testing.T) imageTree {
	t.Helper()
	to := im
	to.t, to.root = t, filepath.Join(bigTempDir(t), "root")
	command(t, "cp", "-a", im.root, to.root)
	return to
}

// inside runs a command as a build does: in a shell in the image, as root, where nothing else runs.
func (im imageTree) inside(script string) {
	im.t.Helper()
	cmd := exec.Command("chroot", im.root, "/bin/sh", "-c", script)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"}
	if out, err := cmd.CombinedOutput(); err != nil {
		im.t.Fatalf("in the image: %s\n%v\n%s", script, err, out)
	}
}

// findings judges the image by the policy.
func (im imageTree) findings() []mendable {
	im.t.Helper()
	out, code := execute(im.t, im.vmguard, "doctor", "--root", im.root, "--policy", im.policy, "--fail-on", "never", "-o", "json")
	if code != 0 {
		im.t.Fatalf("exit code %d: %s", code, out)
	}
	return findingsOf(im.t, []byte(out))
}

func findingsOf(t *testing.T, report []byte) []mendable {
	t.Helper()
	var doc struct{ Data struct{ Findings []mendable } }
	decode(t, report, &doc)
	if len(doc.Data.Findings) == 0 {
		t.Fatalf("no findings: %s", report)
	}
	return doc.Data.Findings
}

// wrong keeps the failures that a build should end at.
func wrong(findings []mendable) []mendable {
	return slices.DeleteFunc(slices.Clone(findings), func(f mendable) bool { return f.Status != "fail" || f.Severity == "info" })
}

// ids lists the checks of findings, each once.
func ids(findings []mendable) []string {
	var list []string
	for _, f := range findings {
		if !slices.Contains(list, f.ID) {
			list = append(list, f.ID)
		}
	}
	slices.Sort(list)
	return list
}

// remedies lists the commands that were printed, each once.
func remedies(t *testing.T, findings []mendable) []string {
	t.Helper()
	var list []string
	for _, f := range findings {
		if f.Remedy.Command == "" {
			t.Errorf("%s has no command: %s; %s", f.ID, f.Summary, f.Remedy.Text)
		} else if !slices.Contains(list, f.Remedy.Command) {
			list = append(list, f.Remedy.Command)
		}
	}
	return list
}

// mend types what is printed until nothing is wrong. A remedy may bring another finding to light, but not for long.
func (im imageTree) mend() {
	im.t.Helper()
	const rounds = 3
	for range rounds {
		found := wrong(im.findings())
		if len(found) == 0 {
			return
		}
		im.t.Logf("mended: %s", strings.Join(ids(found), ", "))
		for _, line := range remedies(im.t, found) {
			im.inside(line)
		}
	}
	im.t.Fatalf("not mended by what is printed: %+v", wrong(im.findings()))
}
