package host

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

// TestDaemonProblemsAsDockerd has a real dockerd read every broken file: what it refuses
// is judged so, and nothing else. None of these dockerd gets any further than its configuration.
func TestDaemonProblemsAsDockerd(t *testing.T) {
	program, err := exec.LookPath("dockerd")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs dockerd, and root")
	}
	version := dockerdVersion(t, program)
	flags := map[string][]string{
		"hosts": {"-H", "unix:///dev/null/docker.sock"}, "debug": {"-D"}, "containerd": {"--containerd", "/x"},
		"runtimes": {"--add-runtime", "crun=/usr/bin/crun"}, "log-driver": {"--log-driver", "syslog"}, "log-opts": {"--log-opt", "gelf-address=udp://127.0.0.1:9"},
	}
	for name, c := range brokenFiles() {
		t.Run(name, func(t *testing.T) {
			var args []string
			for _, f := range c.flags {
				args = append(args, flags[f]...)
			}
			said, accepted := configured(t, program, c.text, args...)
			refuses := false
			for _, p := range daemonProblems([]byte(c.text), c.flags, false) {
				refuses = refuses || p.Effect == NoStart && p.Minds(version) && !c.late
			}
			if accepted == refuses {
				t.Errorf("dockerd %d says %q, judged to refuse it: %t", version, said, refuses)
			}
		})
	}
}

func dockerdVersion(t *testing.T, program string) (major int) {
	t.Helper()
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(out), "Docker version %d.", &major); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	return major
}

// configured starts a dockerd that cannot come up, and tells whether it took its
// configuration. Whatever a configuration says, nothing of this reaches the host: its
// data, its state and its PID file would all lie below a file, where nothing can be; its
// socket is its own; and it has mounts and a network of its own.
func configured(t *testing.T, program, text string, args ...string) (said string, accepted bool) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "daemon.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--config-file", file, "--exec-root", file + "/exec", "--pidfile", file + "/pid"}, args...)
	if !strings.Contains(text, `"graph"`) {
		args = append(args, "--data-root", file+"/root")
	}
	if !strings.Contains(text, `"hosts"`) && !slices.Contains(args, "-H") {
		args = append(args, "-H", "unix://"+dir+"/docker.sock")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("dockerd came up: %s", out)
	}
	return string(out), strings.Contains(string(out), ": not a directory")
}
