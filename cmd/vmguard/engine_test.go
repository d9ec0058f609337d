package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// prefix marks the containers of these tests; what carries it is removed before and after.
const prefix = "vmguard-test-e-"

// testContainers is what the tests start: arguments of docker run by the rest of the name. Each is one way to be unwell, and "well" is none.
func testContainers() map[string][]string {
	small := []string{"--memory", "32m", "--memory-swap", "32m"}
	return map[string][]string{
		"oom":       slices.Concat(small, []string{"vmguard-test-app", "eat", "200"}),
		"near":      slices.Concat(small, []string{"vmguard-test-app", "eat", "28"}),
		"child":     {"--memory", "64m", "--memory-swap", "64m", "vmguard-test-app", "spawn-eat", "200"},
		"loop":      {"--restart", "always", "vmguard-test-app", "exit", "7"},
		"gaveup":    {"--restart", "on-failure:2", "vmguard-test-app", "exit", "3"},
		"unhealthy": {"-e", "HEALTH=bad", "vmguard-test-health", "hold"},
		"deaf":      {"vmguard-test-app", "deaf"},
		"stopped":   {"--stop-timeout", "1", "vmguard-test-node"},
		"node":      {"vmguard-test-node"},
		"python":    {"vmguard-test-python"},
		"shell":     {"vmguard-test-shell"},
		"init":      {"--init", "vmguard-test-app", "hold"},
		"killed":    {"vmguard-test-app", "hold"},
		"well": {"--memory", "64m", "--memory-swap", "64m", "--restart", "unless-stopped", "--log-opt", "max-size=1m",
			"--sysctl", "net.ipv4.tcp_keepalive_time=120", "vmguard-test-health", "polite"},
	}
}

// finding is what these tests read of a finding in a DoctorReport.
type finding struct{ ID, Status, Severity, Subject, Summary string }

// TestDoctorOnARealEngine lets containers die in every way on a real engine and reads
// from the built binary what doctor says of each.
func TestDoctorOnARealEngine(t *testing.T) {
	needEngine(t)
	vmguard := build(t)
	startContainers(t)
	report := doctor(t, vmguard)

	for _, want := range []finding{
		{"docker-reachable", "pass", "", "host", "^Docker .* answers"},
		{"oom-kills", "fail", "critical", "host", `app in container vmguard-test-e-oom \(at its own memory limit of 32 MiB\)`},
		{"container-oom-killed", "fail", "critical", "oom", `^killed by the kernel: at its own memory limit of 32 MiB \(`},
		{"container-oom-killed", "fail", "critical", "child", `^the kernel killed a process of it \(app\), at its own memory limit of 64 MiB; PID 1 lives on \(`},
		{"container-oom-killed", "pass", "", "well", ""},
		{"container-killed", "pass", "", "oom", "OOM killer"},
		{"container-killed", "fail", "info", "killed", "docker kill"},
		{"container-killed", "pass", "", "well", ""},
		{"container-restart-loop", "fail", "critical", "loop", "restart loop|died|restarted"},
		{"container-restart-loop", "fail", "critical", "gaveup", "on-failure:2 gave up"},
		{"container-restart-loop", "pass", "", "well", ""},
		{"container-unhealthy", "fail", "warning", "unhealthy", "plain Docker does not restart unhealthy containers"},
		{"container-unhealthy", "pass", "", "well", ""},
		{"container-no-healthcheck", "fail", "info", "deaf", ""},
		{"container-no-healthcheck", "pass", "", "well", ""},
		{"container-no-restart-policy", "fail", "warning", "deaf", ""},
		{"container-no-restart-policy", "pass", "", "well", ""},
		{"container-no-memory-limit", "fail", "warning", "deaf", ""},
		{"container-no-memory-limit", "pass", "", "well", ""},
		{"container-near-limit", "fail", "", "near", "of 32 MiB"},
		{"container-near-limit", "pass", "", "well", ""},
		{"container-swap-surprise", "pass", "", "well", ""},
		{"container-ignores-sigterm", "fail", "warning", "deaf", "ignores SIGTERM"},
		{"container-ignores-sigterm", "fail", "warning", "python", "does not catch SIGTERM"},
		{"container-ignores-sigterm", "fail", "warning", "shell", "does not catch SIGTERM"},
		{"container-ignores-sigterm", "fail", "warning", "stopped", "the last docker stop sent SIGTERM, waited"},
		{"container-ignores-sigterm", "unknown", "", "node", "cannot tell whether Node acts on SIGTERM"},
		{"container-ignores-sigterm", "pass", "", "init", "hands SIGTERM on"},
		{"container-ignores-sigterm", "pass", "", "well", "catches SIGTERM"},
		{"container-shell-pid1", "fail", "warning", "shell", "hands no signal on"},
		{"container-shell-pid1", "pass", "", "init", ""},
		{"container-shell-pid1", "pass", "", "well", ""},
		{"container-logs-unbounded", "fail", "warning", "deaf", "without bound"},
		{"container-logs-unbounded", "pass", "", "well", "1m"},
	} {
		name := want.Subject
		if name != "host" {
			name = prefix + name
		}
		want.Subject = name
		t.Run(want.ID+"/"+name, func(t *testing.T) { expect(t, report, want) })
	}
}

// TestContainersOnARealEngine reads the table of the same engine.
func TestContainersOnARealEngine(t *testing.T) {
	needEngine(t)
	vmguard := build(t)
	removeAll(t)
	dockerCLI(t, "run", "-d", "--name", prefix+"listed", "--memory", "64m", "vmguard-test-app", "polite")
	waitFor(t, "ready", func() bool { return strings.Contains(dockerCLI(t, "logs", prefix+"listed"), "ready") })

	out, code := execute(t, vmguard, "containers")
	if code != 0 || !regexp.MustCompile(`(?m)^vmguard-test-e-listed +running +0 +- +no +\S+ \SiB / 64 MiB +no check +SIGTERM works$`).MatchString(out) {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// TestKeepaliveIsReadInsideTheContainer starts a container with its own setting and finds
// that, not the host's, in the facts.
func TestKeepaliveIsReadInsideTheContainer(t *testing.T) {
	needEngine(t)
	vmguard := build(t)
	removeAll(t)
	dockerCLI(t, "run", "-d", "--name", prefix+"keepalive", "--sysctl", "net.ipv4.tcp_keepalive_time=123", "vmguard-test-app", "hold")
	file := filepath.Join(t.TempDir(), "facts.json")
	execute(t, vmguard, "doctor", "--save-facts", file, "--fail-on", "never")
	var facts struct {
		Data struct {
			Containers struct {
				Value []struct {
					Name      string
					Keepalive struct {
						Value struct{ TimeNanoseconds time.Duration }
					}
				}
			}
		}
	}
	decode(t, readFile(t, file), &facts)
	for _, c := range facts.Data.Containers.Value {
		if c.Name == prefix+"keepalive" {
			if got := c.Keepalive.Value.TimeNanoseconds; got != 123*time.Second {
				t.Errorf("keepalive time is %v, want 123 s", got)
			}
			return
		}
	}
	t.Error("the container is not in the facts")
}

// TestSwapOnARealHost activates a swapfile that everybody may read and that nothing
// makes permanent, and finds that said of it.
func TestSwapOnARealHost(t *testing.T) {
	needRoot(t)
	vmguard := build(t)
	dir, err := os.MkdirTemp("/var/tmp", "vmguard-test-") // /tmp may be tmpfs, which holds no swapfile
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "swap file")
	for _, args := range [][]string{{"fallocate", "-l", "64M", file}, {"mkswap", file}, {"chmod", "644", file}} {
		command(t, args...)
	}
	t.Cleanup(func() { command(t, "swapoff", file) })
	command(t, "swapon", file)

	want := map[string]string{
		"swap-enabled":     "pass",
		"swap-persistent":  "fail",
		"swap-permissions": "fail",
	}
	for _, got := range doctor(t, vmguard, "--only", "swap-enabled,swap-persistent,swap-permissions") {
		ours := got.ID == "swap-enabled" || strings.Contains(got.Summary, file)
		if ours && want[got.ID] == got.Status {
			delete(want, got.ID)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

// TestInterrupt sends SIGINT while an engine hangs: the report is printed, and the exit code is 130.
func TestInterrupt(t *testing.T) {
	vmguard := build(t)
	socket, asked := hangingEngine(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, vmguard, "doctor", "--docker-host", "unix://"+socket)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-ctx.Done():
		t.Fatal("the engine was never asked")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("ended with %v, want exit code 130", err)
	}
	if !strings.Contains(out.String(), "interrupted") || !strings.Contains(out.String(), "unknown") {
		t.Errorf("no partial report:\n%s", out.String())
	}
}

// hangingEngine listens on a unix socket, says when it was asked, and never answers.
func hangingEngine(t *testing.T) (socket string, asked <-chan struct{}) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "d.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{}, 1)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case heard <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return socket, heard
}

func startContainers(t *testing.T) {
	t.Helper()
	removeAll(t)
	for name, args := range testContainers() {
		dockerCLI(t, append([]string{"run", "-d", "--name", prefix + name}, args...)...)
	}
	state := func(name, format string) string {
		return strings.TrimSpace(dockerCLI(t, "inspect", "-f", format, prefix+name))
	}
	logged := func(name string) func() bool {
		return func() bool { return strings.Contains(dockerCLI(t, "logs", prefix+name), "ready") }
	}
	for _, name := range []string{"near", "deaf", "stopped", "node", "python", "shell", "init", "killed", "well"} {
		waitFor(t, name+" ready", logged(name))
	}
	waitFor(t, "oom dead", func() bool { return state("oom", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137" })
	waitFor(t, "child killed", logged("child"))
	waitFor(t, "three restarts", func() bool { return state("loop", "{{.RestartCount}}") >= "3" })
	waitFor(t, "gave up", func() bool { return state("gaveup", "{{.State.Status}} {{.RestartCount}}") == "exited 2" })
	waitFor(t, "unhealthy", func() bool { return state("unhealthy", "{{.State.Health.Status}}") == "unhealthy" })
	waitFor(t, "healthy", func() bool { return state("well", "{{.State.Health.Status}}") == "healthy" })
	dockerCLI(t, "kill", prefix+"killed")
	dockerCLI(t, "stop", prefix+"stopped")
	dockerCLI(t, "start", prefix+"stopped")
	waitFor(t, "stopped one ready again", func() bool { return strings.Count(dockerCLI(t, "logs", prefix+"stopped"), "ready") == 2 })
}

// removeAll takes away the containers of these tests, now and when the test ends.
func removeAll(t *testing.T) {
	t.Helper()
	remove := func() {
		out, err := exec.Command("docker", "ps", "-aq", "--filter", "name=^/"+prefix).Output()
		if ids := strings.Fields(string(out)); err == nil && len(ids) > 0 {
			_ = exec.Command("docker", append([]string{"rm", "-f"}, ids...)...).Run()
		}
	}
	remove()
	t.Cleanup(remove)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// needEngine skips where no engine answers, and builds the images that the containers are made of.
func needEngine(t *testing.T) {
	t.Helper()
	needRoot(t)
	if err := exec.Command("docker", "version").Run(); err != nil {
		t.Skipf("no Docker engine answers: %v", err)
	}
	command(t, "../../testdata/app/build-image", "app", "health", "shell", "node", "python")
}

// build makes the binary under test, once for each test: the build cache makes that cheap.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "vmguard")
	command(t, "go", "build", "-o", binary, ".")
	return binary
}

func doctor(t *testing.T, vmguard string, args ...string) []finding {
	t.Helper()
	out, code := execute(t, vmguard, append([]string{"doctor", "-o", "json"}, args...)...)
	var report struct {
		SchemaVersion int
		Kind          string
		Data          struct{ Findings []finding }
	}
	decode(t, []byte(out), &report)
	if report.SchemaVersion != 1 || report.Kind != "DoctorReport" || len(report.Data.Findings) == 0 {
		t.Fatalf("exit code %d, and no report: %s", code, out)
	}
	critical := strings.Contains(fmt.Sprint(report.Data.Findings), "fail critical")
	if (code == 1) != critical {
		t.Errorf("exit code %d with critical findings %t", code, critical)
	}
	return report.Data.Findings
}

// execute gives a program's stdout and exit code.
func execute(t *testing.T, name string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	if exit != nil {
		return string(out), exit.ExitCode()
	}
	return string(out), 0
}

func dockerCLI(t *testing.T, args ...string) string {
	t.Helper()
	return command(t, append([]string{"docker"}, args...)...)
}

// command runs a program that must succeed and gives what it printed.
func command(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// waitFor waits until a condition holds, and fails the test after a minute.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func decode(t *testing.T, doc []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(doc, into); err != nil {
		t.Fatalf("decode: %v\n%s", err, doc)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
