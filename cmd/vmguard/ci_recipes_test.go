package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const recipesDir = "../../testdata/ci"

// TestRecipesStandInTheGuide wants each file of testdata/ci in docs/ci.md to the letter.
func TestRecipesStandInTheGuide(t *testing.T) {
	t.Parallel()
	guide := string(readFile(t, "../../docs/ci.md"))
	count := 0
	err := filepath.WalkDir(recipesDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		count++
		if !strings.Contains(guide, "\n"+string(readFile(t, path))+"```\n") {
			t.Errorf("docs/ci.md does not show %s as it is", path)
		}
		return nil
	})
	if err != nil || count < 8 {
		t.Errorf("%d files, %v", count, err)
	}
	if !strings.Contains(guide, "\n"+strings.TrimRight(string(readFile(t, "../../testdata/prometheus/alerts.yml")), "\n")+"\n```\n") {
		t.Error("docs/ci.md does not show the alerts as they are")
	}
}

// recipe is one way to build an image, in a directory that holds the files of testdata/ci and vmguard.
type recipe struct {
	name  string
	fault string // a command in the image that plants it
	id    string // of the check that finds it
	// build makes an image by the recipe, with setup run in it, and says how that ended. What
	// vmguard printed is in output, its JSON report at report.
	build func(t *testing.T, clean imageTree, dir string) built
}

// built is how a recipe ended.
type built struct {
	ok     bool
	output string
	report string            // the file
	also   map[string]string // other reports, and what must stand in each where the fault is there
}

// TestRecipes builds an image with a fault by each recipe of docs/ci.md: the build fails and
// names it. With the printed remedy in the image's set-up the build succeeds. The packages
// come from the virtual machine's Debian; the rest is as in a user's build. The recipe for
// cloud-init is played by TestImageInAVM.
func TestRecipes(t *testing.T) {
	t.Parallel()
	needVM(t)
	clean := newImageTree(t)
	clean.slim()
	clean.mend()
	for _, r := range []recipe{
		{"mmdebstrap", "systemctl disable docker.service docker.socket", "docker-enabled", buildByMmdebstrap},
		{"Packer", "printf '[Journal]\\nStorage=volatile\\n' >/etc/systemd/journald.conf", "journal-persistent", buildByPacker},
		{"GitHub", "echo net.netfilter.nf_conntrack_max=262144 >/etc/sysctl.d/90-conntrack.conf", "sysctl-module", buildOnGitHub},
		{"GitLab", "fallocate -l 32M /swapfile && chmod 600 /swapfile && mkswap /swapfile", "swap-baked-in", buildOnGitLab},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.prove(t, clean)
		})
	}
}

// prove builds with the fault, and again with the remedy after it.
func (r recipe) prove(t *testing.T, clean imageTree) {
	dir := bigTempDir(t)
	command(t, "cp", "-a", recipesDir+"/.", dir)
	command(t, "cp", clean.vmguard, filepath.Join(dir, "vmguard"))
	r.addToSetup(t, dir, r.fault)
	broken := r.build(t, clean, dir)
	if broken.ok || !strings.Contains(broken.output, r.id) {
		t.Fatalf("with %q the build ends well: %t\n%s", r.fault, broken.ok, broken.output)
	}
	for name, want := range broken.also {
		if text := string(readFile(t, name)); !strings.Contains(text, want) {
			t.Errorf("%s has no %q: %s", name, want, text)
		}
	}
	found := wrong(findingsOf(t, readFile(t, broken.report)))
	if got := ids(found); !slices.Equal(got, []string{r.id}) {
		t.Errorf("found %v, want %s alone: %+v", got, r.id, found)
	}
	for _, line := range remedies(t, found) {
		r.addToSetup(t, dir, line)
	}
	mended := r.build(t, clean, dir)
	if !mended.ok {
		t.Errorf("with the printed remedy the build fails:\n%s\n%s", readFile(t, filepath.Join(dir, "setup")), mended.output)
	}
	if left := wrong(findingsOf(t, readFile(t, mended.report))); len(left) > 0 {
		t.Errorf("left over: %+v", left)
	}
}

func (r recipe) addToSetup(t *testing.T, dir, line string) {
	t.Helper()
	name := filepath.Join(dir, "setup")
	if err := os.WriteFile(name, append(readFile(t, name), line+"\n"...), 0o755); err != nil {
		t.Fatal(err)
	}
}

// runIn runs a program in a directory, with programs of ours found before others.
func runIn(t *testing.T, dir, bin string, env []string, args ...string) (ok bool, output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return err == nil, string(out)
}

// standIn makes a directory with a program of that name in it.
func standIn(t *testing.T, name, script string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return bin
}

// sudo is for a user who is root already.
const sudo = "#!/bin/sh\nexec \"$@\"\n"

// buildByMmdebstrap runs the real one, which unpacks a tree instead of packages: "re-use a
// chroot tarball" in mmdebstrap(1).
func buildByMmdebstrap(t *testing.T, clean imageTree, dir string) built {
	t.Helper()
	path, err := exec.LookPath("mmdebstrap")
	if err != nil {
		t.Fatal(err)
	}
	bin := standIn(t, "mmdebstrap", `#!/bin/sh
for arg do
	shift
	case $arg in --variant=* | --include=*) ;; *) set -- "$@" "$arg" ;; esac
done
exec `+path+` --quiet --variant=custom --skip=update --setup-hook='cp -a "$TREE/." "$1"' "$@"
`)
	b := built{report: filepath.Join(dir, "doctor.json"), also: map[string]string{filepath.Join(dir, "doctor.xml"): "docker-enabled", filepath.Join(dir, "doctor.html"): "docker-enabled"}}
	b.ok, b.output = runIn(t, dir, bin, []string{"TREE=" + clean.root}, "./build-image")
	if _, err := os.Stat(filepath.Join(dir, "image.tar")); (err == nil) != b.ok {
		t.Errorf("there is an image: %v, and the build ended well: %t", err, b.ok)
	}
	return b
}
