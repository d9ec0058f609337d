package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needVM skips a test that boots a virtual machine where that cannot be, or takes too long.
func needVM(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes minutes, and this is a short run")
	}
	needRoot(t)
	for _, tool := range []string{"qemu-system-x86_64", "mmdebstrap"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v: scripts/setup vm installs it", err)
		}
	}
}

// TestDoctorInAVM boots a machine with systemd, cgroup v2 and Docker that says it is
// Google's, lets containers die in it, and reads what doctor says to root, to a member of
// the docker group and to nobody; then it types the commands that doctor prints. In the
// same boot containers die in every way that can be made there, the machine runs out of memory,
// and vmguard why and oom tell of it. VMGUARD_DEATHS=10 makes ten of each death.
func TestDoctorInAVM(t *testing.T) {
	needVM(t)
	out := t.TempDir()
	limit := 12*time.Minute + 3*time.Minute*time.Duration(deathRounds())
	ctx, cancel := context.WithTimeout(t.Context(), limit+3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../scripts/vm", "doctor", "--out", out, "--timeout", strconv.Itoa(int(limit.Seconds())),
		"--qemu", "-smbios", "--qemu", "type=1,manufacturer=Google,product=Google Compute Engine")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it then ends the machine
	cmd.WaitDelay = time.Minute
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("scripts/vm doctor: %v\n%s", err, log)
	}
	read := func(who string) []finding {
		var report struct{ Data struct{ Findings []finding } }
		decode(t, readFile(t, filepath.Join(out, who+".json")), &report)
		return report.Data.Findings
	}
	reports := map[string][]finding{"root": read("root"), "docker": read("docker"), "user": read("user")}
	for _, want := range []struct {
		who string
		finding
	}{
		{"root", finding{"swap-enabled", "pass", "", "host", "128 MiB"}},
		{"root", finding{"swap-persistent", "fail", "warning", "host", "/swapfile is active but not configured"}},
		{"root", finding{"memory-pressure", "", "", "host", "memory|waits"}},
		{"root", finding{"cgroup-swap-accounting", "pass", "", "host", ""}},
		{"root", finding{"oom-kills", "fail", "critical", "host", `tail in container vmrec-oom \(at its own memory limit of 32 MiB\)`}},
		{"root", finding{"container-oom-killed", "fail", "critical", "vmrec-oom", "own memory limit of 32 MiB"}},
		{"root", finding{"container-oom-killed", "fail", "critical", "vmrec-oomchild", "the kernel killed a process of it"}},
		{"root", finding{"container-oom-killed", "pass", "", "vmrec-fine", ""}},
		{"root", finding{"container-swap-surprise", "fail", "info", "vmrec-oomchild", "as much swap again"}},
		{"root", finding{"container-swap-surprise", "pass", "", "vmrec-fine", ""}},
		{"root", finding{"container-near-limit", "fail", "", "vmrec-nearlimit", "of 32 MiB"}},
		{"root", finding{"container-ignores-sigterm", "fail", "warning", "vmrec-deaf", "did not act on that signal|does not catch SIGTERM"}},
		{"root", finding{"container-ignores-sigterm", "pass", "", "vmrec-init", "hands SIGTERM on"}},
		{"root", finding{"container-shell-pid1", "fail", "warning", "vmrec-shell", ""}},
		{"root", finding{"tcp-keepalive-late", "fail", "warning", "vmrec-nolimit", "first keepalive after 7200 s; Google Compute Engine"}},
		{"root", finding{"tcp-keepalive-late", "pass", "", "vmrec-fine", ""}},
		{"docker", finding{"container-oom-killed", "fail", "", "vmrec-oom", ""}},
		{"docker", finding{"container-near-limit", "fail", "", "vmrec-nearlimit", ""}},
		{"docker", finding{"tcp-keepalive-late", "unknown", "", "vmrec-nolimit", "needs root"}},
		{"docker", finding{"oom-kills", "fail", "warning", "host", "who was killed stands in its log"}},
		{"user", finding{"docker-reachable", "unknown", "", "host", "may not ask it"}},
		{"user", finding{"container-oom-killed", "unknown", "", "host", "permission denied"}},
		{"user", finding{"swap-enabled", "pass", "", "host", "128 MiB"}},
	} {
		t.Run(want.who+"/"+want.ID+"/"+want.Subject, func(t *testing.T) { expect(t, reports[want.who], want.finding) })
	}
	t.Run("typed as printed", func(t *testing.T) { expectMended(t, out) })
	t.Run("deaths", func(t *testing.T) { judgeDeaths(t, filepath.Join(out, "deaths")) })
}

// expect wants a finding of that ID and subject with that status, severity (unless empty) and text.
func expect(t *testing.T, report []finding, want finding) {
	t.Helper()
	var seen []finding
	for _, got := range report {
		if got.ID != want.ID || got.Subject != want.Subject {
			continue
		}
		seen = append(seen, got)
		if (want.Status == "" || got.Status == want.Status) && (want.Severity == "" || got.Severity == want.Severity) &&
			regexp.MustCompile(want.Summary).MatchString(got.Summary) {
			return
		}
	}
	t.Errorf("want %+v, got %+v", want, seen)
}

// expectMended wants that each printed command ended well, and that its finding was gone afterwards.
func expectMended(t *testing.T, out string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(readFile(t, filepath.Join(out, "mended.ndjson")))), "\n")
	if len(lines) != 10 {
		t.Errorf("%d commands were typed, want 10", len(lines))
	}
	for _, line := range lines {
		var mended struct {
			Found struct {
				ID, Summary string
				Remedy      struct{ Command string }
			}
			Code  int
			After []string
		}
		if err := json.Unmarshal([]byte(line), &mended); err != nil {
			t.Fatal(err)
		}
		if mended.Code != 0 || strings.Contains(strings.Join(mended.After, " "), "fail") || len(mended.After) == 0 {
			t.Errorf("%s: %q ended with %d, and afterwards: %v", mended.Found.ID, mended.Found.Remedy.Command, mended.Code, mended.After)
		}
		if strings.HasPrefix(mended.Found.ID, "swap-") && !strings.HasPrefix(mended.Found.Remedy.Command, "sudo vmguard swap enable") {
			t.Errorf("%s is mended by %q", mended.Found.ID, mended.Found.Remedy.Command)
		}
	}
}
