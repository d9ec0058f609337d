package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// planted are commands in the image, and the check that each must make fail.
var planted = map[string]string{
	"docker-enabled":     "systemctl disable docker.service docker.socket",
	"journal-persistent": `mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\nStorage=volatile\n' >/etc/systemd/journald.conf.d/10-small.conf`,
	"swap-baked-in":      "fallocate -l 64M /swapfile && chmod 600 /swapfile && mkswap /swapfile",
}

// firstBoot is what the image has for its first boot: cloud-init with the recipe of docs/ci.md as its user data, and a fault
// that only a running host can have. The modules are those that a boot without network and users has work for.
const firstBoot = `set -eu
rm /etc/cloud/cloud-init.disabled
mkdir -p /var/lib/cloud/seed/nocloud
echo 'instance-id: first' >/var/lib/cloud/seed/nocloud/meta-data
cat >/etc/cloud/cloud.cfg.d/99-test.cfg <<'END'
datasource_list: [NoCloud, None]
network: {config: disabled}
cloud_init_modules: [bootcmd, write-files, mounts]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
bootcmd:
  - [sysctl, -w, vm.panic_on_oom=1]
END
`

// TestImageInAVM has mmdebstrap build an image with three faults. vmguard doctor --root finds
// those and no other before it ever boots; what it prints mends them in the image; it boots, and
// doctor inside agrees on all that both can decide. In that boot cloud-init plays the recipe of docs/ci.md.
func TestImageInAVM(t *testing.T) {
	t.Parallel()
	needVM(t)
	clean := newImageTree(t)
	clean.inside(firstBoot)
	command(t, "cp", "../../testdata/ci/user-data", clean.root+"/var/lib/cloud/seed/nocloud/user-data")
	command(t, "install", "-m", "755", clean.vmguard, clean.root+"/usr/local/bin/vmguard")
	clean.inside("cloud-init schema --config-file /var/lib/cloud/seed/nocloud/user-data")
	clean.mend()

	im := clean.bootstrap(t, planted)
	found := wrong(im.findings())
	want := make([]string, 0, len(planted))
	for id := range planted {
		want = append(want, id)
	}
	slices.Sort(want)
	if got := ids(found); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v: %+v", got, want, found)
	}
	for _, line := range remedies(t, found) {
		im.inside(line)
	}
	offline := im.findings()
	if left := wrong(offline); len(left) > 0 {
		t.Fatalf("after what was printed: %+v", left)
	}
	out := im.boot()
	t.Run("agrees", func(t *testing.T) {
		expectAgreement(t, offline, findingsOf(t, readFile(t, filepath.Join(out, "before.json"))), "oom-panic")
		expectAgreement(t, offline, findingsOf(t, readFile(t, filepath.Join(out, "after.json"))))
	})
	t.Run("cloud-init", func(t *testing.T) { judgeFirstBootRecipe(t, out) })
}

// bootstrap has the real mmdebstrap build an image on the tree, with faults planted by a hook.
func (im imageTree) bootstrap(t *testing.T, faults map[string]string) imageTree {
	t.Helper()
	built := im
	built.t, built.root = t, filepath.Join(bigTempDir(t), "root")
	args := []string{"mmdebstrap", "--quiet", "--variant=custom", "--skip=update", "--setup-hook=cp -a '" + im.root + "/.' \"$1\""}
	for _, fault := range faults {
		args = append(args, fmt.Sprintf(`--customize-hook=chroot "$1" sh -euc %s`, quoted(fault))) //nolint:misspell // mmdebstrap's word
	}
	command(t, append(args, "bookworm", built.root)...)
	return built
}

// quoted makes one word of a text for a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// boot boots the image, and gives the directory with what testdata/vm/image left.
func (im imageTree) boot() string {
	im.t.Helper()
	out := filepath.Join(bigTempDir(im.t), "out")
	ctx, cancel := context.WithTimeout(im.t.Context(), 12*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../scripts/vm", "image", "--root", im.root, "--out", out, "--vmguard", im.vmguard,
		"--copy", im.policy+":/vm/policy.yaml", "--timeout", "600")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it then ends the machine
	cmd.WaitDelay = time.Minute
	log, err := cmd.CombinedOutput()
	if err != nil {
		im.t.Fatalf("scripts/vm image: %v\n%s", err, log)
	}
	im.t.Logf("%s", log)
	return out
}

// expectAgreement wants the same of each check that both could decide, and something else of those that differ.
func expectAgreement(t *testing.T, offline, online []mendable, differ ...string) {
	t.Helper()
	before, now := verdicts(offline), verdicts(online)
	var both, others []string
	for id, verdict := range before {
		if now[id] == "" {
			continue
		}
		both = append(both, id)
		if now[id] != verdict {
			others = append(others, id)
		}
	}
	slices.Sort(others)
	if !slices.Equal(others, differ) {
		for _, id := range others {
			t.Logf("%s: %s in the image, %s in the machine: %+v", id, before[id], now[id], slices.DeleteFunc(slices.Clone(online), func(f mendable) bool { return f.ID != id }))
		}
		t.Errorf("they differ over %v, want %v", others, differ)
	}
	if len(both) < 10 {
		t.Errorf("only %d checks were decided by both: %v", len(both), both)
	}
}

// verdicts gives the verdict of each check that was decided: fail where one of its findings is.
func verdicts(findings []mendable) map[string]string {
	list := make(map[string]string)
	for _, f := range findings {
		if f.Status == "fail" || f.Status == "pass" && list[f.ID] == "" {
			list[f.ID] = f.Status
		}
	}
	return list
}

// judgeFirstBootRecipe wants that the recipe failed the boot over what was wrong, left its reports,
// and passed once what was printed had been typed.
func judgeFirstBootRecipe(t *testing.T, out string) {
	read := func(name string) string { return string(readFile(t, filepath.Join(out, name))) }
	if first := read("cloud-init.first"); !strings.HasPrefix(first, "1\n") || !strings.Contains(first, "scripts") {
		t.Errorf("the first boot: %s", first)
	}
	found := wrong(findingsOf(t, readFile(t, filepath.Join(out, "found.json"))))
	if !slices.Contains(ids(found), "oom-panic") {
		t.Errorf("oom-panic was not found: %+v", found)
	}
	for name, want := range map[string]string{"first-boot.html": "oom-panic", "vmguard.prom": `"oom-panic"`, "mended": "vm.panic_on_oom"} {
		if text := read(name); !strings.Contains(text, want) {
			t.Errorf("%s has no %s: %s", name, want, text)
		}
	}
	if again := read("cloud-init.again"); !strings.HasPrefix(again, "0\n") {
		t.Errorf("with what was printed the recipe fails: %s\n%s", again, read("mended.log"))
	}
	if _, err := os.Stat(filepath.Join(out, "after.json")); err != nil {
		t.Error(err)
	}
}
