package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// ownEtc runs command lines on this host with an /etc and a /run of the test's own, as a
// user types them: sudo is there, and changes nothing as the test is root already.
type ownEtc struct{ dir string }

// newOwnEtc makes them, on a disk that holds swapfiles.
func newOwnEtc(t *testing.T) ownEtc {
	t.Helper()
	needRoot(t)
	if out, err := exec.Command("unshare", "--mount", "--propagation", "private", "true").CombinedOutput(); err != nil {
		t.Skipf("needs a mount namespace: %v: %s", err, out)
	}
	dir, err := os.MkdirTemp("/var/tmp", "vmguard-test-") // /tmp may be tmpfs, which holds no swapfile
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"etc/sysctl.d", "run", "bin"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		"etc/fstab":      "# no swap yet\n",
		"etc/os-release": "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
		"bin/sudo":       "#!/bin/sh\nexec \"$@\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(build(t), filepath.Join(dir, "bin", "vmguard")); err != nil {
		t.Fatal(err)
	}
	return ownEtc{dir}
}

// typed gives what a command line prints, and its exit code.
func (o ownEtc) typed(t *testing.T, line string) (stdout, stderr string, code int) {
	t.Helper()
	const script = `mount --bind "$0/etc" /etc && mount --bind "$0/run" /run && PATH="$0/bin:$PATH" exec sh -c "$1"`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "sh", "-c", script, o.dir, line)
	var out, failure strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &failure
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", line, err)
	}
	return out.String(), failure.String(), cmd.ProcessState.ExitCode()
}

// swapFinding is what these tests read of a finding.
type swapFinding struct {
	ID, Status, Summary string
	Remedy              struct{ Text, Command string }
}

// failed gives what doctor finds wrong with a part of the host, by a word in the summary.
func (o ownEtc) failed(t *testing.T, id, word, flags string) []swapFinding {
	t.Helper()
	out, failure, code := o.typed(t, "vmguard doctor -o json --fail-on never --only "+id+flags)
	if code != 0 {
		t.Fatalf("doctor ended with %d: %s", code, failure)
	}
	var report struct {
		Data struct{ Findings []swapFinding }
	}
	decode(t, []byte(out), &report)
	if len(report.Data.Findings) == 0 {
		t.Fatalf("%s says nothing", id)
	}
	return slices.DeleteFunc(report.Data.Findings, func(f swapFinding) bool {
		return f.Status != "fail" || !strings.Contains(f.Summary, word)
	})
}

// TestSwapRemediesAreTyped brings a swapfile into each state that doctor knows a command
// for, types that command, and finds nothing wrong with the file any more. Its name is one
// that has to be quoted.
func TestSwapRemediesAreTyped(t *testing.T) {
	host := newOwnEtc(t)
	file, fstab := filepath.Join(host.dir, "it's swap"), filepath.Join(host.dir, "etc", "fstab")
	for _, args := range [][]string{{"fallocate", "-l", "16M", file}, {"chmod", "600", file}, {"mkswap", file}} {
		command(t, args...)
	}
	t.Cleanup(func() {
		for _, name := range []string{file, filepath.Join(host.dir, ".it's swap.vmguard-new"), filepath.Join(host.dir, ".it's swap.vmguard-old")} {
			_ = exec.Command("swapoff", name).Run() // whichever is active
		}
	})
	command(t, "swapon", file)

	steps := []struct {
		name, id string
		spoil    func()
		summary  string
		more     string // flags that are typed as well
	}{
		{"not configured", "swap-persistent", func() {}, "is active but not configured", ""},
		{"too open", "swap-permissions", func() { command(t, "chmod", "644", file) }, "is not root's alone", ""},
		{"listed twice", "swap-persistent", func() {
			text := readFile(t, fstab)
			if err := os.WriteFile(fstab, append(text, text...), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "is listed 2 times", ""},
		{"not active", "swap-persistent", func() { command(t, "swapoff", file) }, "is configured as swap but not active", ""},
		{"gone", "swap-persistent", func() {
			command(t, "swapoff", file)
			command(t, "rm", file)
		}, "which does not exist", " --size 16M"}, // without it the rule's gigabytes would be made
	}
	for _, step := range steps {
		step.spoil()
		found := host.failed(t, step.id, file, "")
		if len(found) != 1 || !strings.Contains(found[0].Summary, step.summary) || !strings.HasPrefix(found[0].Remedy.Command, "sudo vmguard swap enable") {
			t.Fatalf("%s: want one finding that says %q, got %+v", step.name, step.summary, found)
		}
		line := found[0].Remedy.Command + step.more
		if out, failure, code := host.typed(t, line); code != 0 {
			t.Fatalf("%s: %s\nended with %d:\n%s%s", step.name, line, code, out, failure)
		}
		for _, id := range []string{"swap-persistent", "swap-permissions"} {
			if left := host.failed(t, id, file, ""); len(left) > 0 {
				t.Errorf("%s: after %s there is still: %+v", step.name, line, left)
			}
		}
		active := strings.Contains(string(readFile(t, "/proc/swaps")), strings.ReplaceAll(file, " ", `\040`)+" ")
		if lines := strings.Count(string(readFile(t, fstab)), "none swap sw,nofail"); !active || lines != 1 {
			t.Errorf("%s: after %s the file is active %t, and has %d lines in fstab", step.name, line, active, lines)
		}
	}
}

// TestSwapEnabledRemedyIsAccepted takes this host for one without swap, and wants that
// what doctor then prints is accepted by the command itself, with the size that it prints.
func TestSwapEnabledRemedyIsAccepted(t *testing.T) {
	host := newOwnEtc(t)
	recording := filepath.Join(host.dir, "facts.json")
	host.failed(t, "swap-enabled", "", " --save-facts "+recording)
	var facts map[string]any
	decode(t, readFile(t, recording), &facts)
	data, ok := facts["data"].(map[string]any)
	if !ok {
		t.Fatal("the recording has no data")
	}
	data["swaps"] = map[string]any{"value": []any{}, "source": "/proc/swaps"}
	text, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recording, text, 0o600); err != nil {
		t.Fatal(err)
	}

	found := host.failed(t, "swap-enabled", "no swap on a VM", " --facts "+recording)
	if len(found) != 1 {
		t.Fatalf("want one finding, got %+v", found)
	}
	line := found[0].Remedy.Command
	if line == "" {
		t.Skipf("no swapfile for this host: %s", found[0].Remedy.Text)
	}
	size, ok := strings.CutPrefix(line, "sudo vmguard swap enable --size ")
	out, failure, code := host.typed(t, line+" --dry-run")
	if !ok || code != 0 || strings.Count(size, " ") > 0 {
		t.Errorf("%s --dry-run ended with %d:\n%s%s", line, code, out, failure)
	}
}
