package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// deathPrefix marks the containers and the cgroup of these tests; what carries it is removed before and after.
const deathPrefix = "vmguard-test-w-"

// labelled is a container that dies, or lives on unwell, in a way that is known, and the verdict that it must get.
type labelled struct {
	name string
	run  []string // arguments of docker run
	// end makes it die once it is ready; nil where it does so by itself.
	end  func(t *testing.T, name string)
	kind string
	// lives tells that the verdict is on a container that runs on.
	lives bool
	// far asks the engine over TCP, as one on another machine, whose kernel's log cannot be read.
	far bool
}

// quietDeaths are those in which the kernel kills nothing.
func quietDeaths() []labelled {
	docker := func(args ...string) func(*testing.T, string) {
		return func(t *testing.T, name string) {
			t.Helper()
			dockerCLI(t, append(args, name)...)
		}
	}
	onHost := func(t *testing.T, name string) {
		t.Helper()
		command(t, "kill", "-9", strings.TrimSpace(dockerCLI(t, "inspect", "-f", "{{.State.Pid}}", name)))
	}
	const heap = "const a = []; for (;;) a.push(new Array(1e4).fill({}))"
	return []labelled{
		{name: "deaf", run: []string{"vmguard-test-app", "deaf"}, end: docker("stop", "-t", "2"), kind: "stop-timeout"},
		{name: "killed", run: []string{"vmguard-test-app", "hold"}, end: docker("kill"), kind: "killed-by-someone"},
		{name: "killed-on-host", run: []string{"vmguard-test-app", "hold"}, end: onHost, kind: "killed-by-someone"},
		{name: "killed-afar", run: []string{"vmguard-test-app", "hold"}, end: onHost, kind: "unknown", far: true},
		{name: "stopped", run: []string{"vmguard-test-app", "polite"}, end: docker("stop"), kind: "exited"},
		{name: "exited", run: []string{"vmguard-test-app", "exit", "7"}, kind: "exited"},
		{name: "done", run: []string{"vmguard-test-app", "exit", "0"}, kind: "exited"},
		{name: "segv", run: []string{"--init", "--entrypoint", "/bin/sh", "vmguard-test-app", "-c", "kill -SEGV $$"}, kind: "crashed"},
		{name: "heap", run: []string{"--memory", "256m", "vmguard-test-node", "--max-old-space-size=16", "-e", heap}, kind: "runtime-heap"},
		{name: "heap-init", run: []string{"--init", "vmguard-test-node", "--max-old-space-size=16", "-e", heap}, kind: "runtime-heap"},
		{name: "unhealthy", run: []string{"-e", "HEALTH=bad", "vmguard-test-health", "hold"}, kind: "unhealthy", lives: true},
	}
}

// memoryDeaths are those in which the kernel kills. They come last: a kill whose summary the
// kernel leaves out, as it does in a storm, would put a doubt on a SIGKILL of the same seconds.
func memoryDeaths(group string) []labelled {
	small := []string{"--memory", "32m", "--memory-swap", "32m"}
	all := []labelled{
		{name: "own", run: append(small, "vmguard-test-app", "eat", "200"), kind: "own-limit"},
		{name: "child", run: append(small, "vmguard-test-app", "spawn-eat", "200"), kind: "child-killed", lives: true},
	}
	if group != "" {
		all = append(all, labelled{name: "parent", run: []string{"--cgroup-parent", group, "vmguard-test-app", "eat", "200"}, kind: "parent-limit"})
	}
	return all
}

// verdictOn is what these tests read of a WhyReport.
type verdictOn struct {
	SchemaVersion int
	Kind          string
	Data          struct {
		Container struct{ State string }
		Deaths    []struct{ Verdict oneVerdict }
		Running   *struct{ Verdicts []oneVerdict }
	}
}

type oneVerdict struct{ Kind, Confidence, Summary string }

// TestWhyOnARealEngine lets containers die in every way that can be made here, and asks the
// built binary why. VMGUARD_DEATHS=10 does it ten times.
func TestWhyOnARealEngine(t *testing.T) {
	needEngine(t)
	vmguard, group, afar := build(t), limitedGroup(t), forwardEngine(t)
	removeDeaths(t)
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("VMGUARD_DEATHS")); err == nil {
		rounds = n
	}
	right, wrong := map[string]int{}, map[string]int{}
	for round := range rounds {
		for _, deaths := range [][]labelled{quietDeaths(), memoryDeaths(group)} {
			die(t, deaths, round)
			for _, d := range deaths {
				got := ask(t, vmguard, d, round, afar)
				if got.Kind == d.kind && (got.Confidence == "none") == (d.kind == "unknown") {
					right[d.kind]++
					continue
				}
				wrong[d.kind]++
				t.Errorf("round %d, %s: %+v, want %s", round, d.name, got, d.kind)
			}
		}
	}
	t.Logf("right: %v, wrong: %v", right, wrong)
}

// die starts all containers, and then ends them.
func die(t *testing.T, deaths []labelled, round int) {
	t.Helper()
	for _, d := range deaths {
		dockerCLI(t, append([]string{"run", "-d", "--name", d.id(round)}, d.run...)...)
	}
	for _, d := range deaths {
		if d.end != nil {
			waitFor(t, d.name+" ready", func() bool { return strings.Contains(dockerCLI(t, "logs", d.id(round)), "ready") })
			d.end(t, d.id(round))
		}
	}
	for _, d := range deaths {
		format, want := "{{.State.Status}}", "exited"
		switch d.kind {
		case "unhealthy":
			format, want = "{{.State.Health.Status}}", "unhealthy"
		case "child-killed":
			waitFor(t, "a child to be killed", func() bool { return strings.Contains(dockerCLI(t, "logs", d.id(round)), "child ended") })
			continue
		}
		waitFor(t, d.name+" "+want, func() bool { return strings.TrimSpace(dockerCLI(t, "inspect", "-f", format, d.id(round))) == want })
	}
}

func (d labelled) id(round int) string { return fmt.Sprintf("%s%s-%d", deathPrefix, d.name, round) }

// ask gives vmguard's verdict on a container.
func ask(t *testing.T, vmguard string, d labelled, round int, afar string) oneVerdict {
	t.Helper()
	args := []string{}
	if d.far {
		args = append(args, "--docker-host", afar)
	}
	r := why(t, vmguard, append(args, d.id(round))...)
	switch {
	case d.lives && r.Data.Running != nil && len(r.Data.Running.Verdicts) == 1 && len(r.Data.Deaths) == 0:
		return r.Data.Running.Verdicts[0]
	case !d.lives && r.Data.Running == nil && len(r.Data.Deaths) == 1:
		return r.Data.Deaths[0].Verdict
	}
	t.Errorf("%s: %+v", d.name, r.Data)
	return oneVerdict{}
}

func why(t *testing.T, vmguard string, args ...string) verdictOn {
	t.Helper()
	out, code := execute(t, vmguard, append([]string{"why", "-o", "json"}, args...)...)
	var r verdictOn
	decode(t, []byte(out), &r)
	if code != 0 || r.SchemaVersion != 1 || r.Kind != "WhyReport" {
		t.Fatalf("vmguard why %v: exit code %d: %s", args, code, out)
	}
	return r
}

// TestWhyOfTheRemoved asks about containers that are gone, by name and by the beginning of the ID,
// and about one that died several times.
func TestWhyOfTheRemoved(t *testing.T) {
	needEngine(t)
	vmguard := build(t)
	removeDeaths(t)
	id := strings.TrimSpace(dockerCLI(t, "run", "-d", "--name", deathPrefix+"gone", "--memory", "32m", "--memory-swap", "32m", "vmguard-test-app", "eat", "200"))
	again := deathPrefix + "again"
	dockerCLI(t, "run", "-d", "--name", again, "--restart", "on-failure:2", "vmguard-test-app", "exit", "3")
	waitFor(t, "dead", func() bool {
		return strings.TrimSpace(dockerCLI(t, "inspect", "-f", "{{.State.Status}}", id)) == "exited"
	})
	dockerCLI(t, "rm", id)
	// Without the kernel's summary, which it leaves out in a storm, nobody knows the limit of a removed one.
	for _, name := range []string{id[:12], deathPrefix + "gone"} {
		r := why(t, vmguard, name)
		if r.Data.Container.State != "removed" || len(r.Data.Deaths) != 1 {
			t.Errorf("%s: %+v", name, r.Data)
			continue
		}
		if got := r.Data.Deaths[0].Verdict; got.Kind != "own-limit" && got.Kind != "unknown" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	waitFor(t, "given up", func() bool {
		return strings.TrimSpace(dockerCLI(t, "inspect", "-f", "{{.State.Status}} {{.RestartCount}}", again)) == "exited 2"
	})
	r := why(t, vmguard, "--all", again)
	if len(r.Data.Deaths) != 3 {
		t.Errorf("three deaths, and %+v", r.Data)
	}
	for _, d := range r.Data.Deaths {
		if d.Verdict.Kind != "exited" || d.Verdict.Confidence != "certain" {
			t.Errorf("%+v", d)
		}
	}
	out, code := execute(t, vmguard, "why", again)
	if code != 0 || !strings.Contains(out, "ended with exit code 3") || !strings.Contains(out, "2 earlier deaths are on record: vmguard why "+again+" --all") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// TestWhyOfALifeBefore asks about a container that runs again and has printed much since: the
// last words of the life before no longer stand among its newest lines.
func TestWhyOfALifeBefore(t *testing.T) {
	needEngine(t)
	vmguard := build(t)
	removeDeaths(t)
	const script = "if [ -e /state/again ]; then exec /app logs 1000; fi; : >/state/again; " +
		"echo 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'; exit 134"
	name := deathPrefix + "before"
	dockerCLI(t, "run", "-d", "--name", name, "--restart", "on-failure", "--entrypoint", "/bin/sh", "vmguard-test-app", "-c", script)
	waitFor(t, "its second life", func() bool { return strings.Contains(dockerCLI(t, "logs", "--tail", "1", name), "ready") })
	r := why(t, vmguard, name)
	if r.Data.Running == nil || len(r.Data.Deaths) != 1 || r.Data.Deaths[0].Verdict.Kind != "runtime-heap" {
		t.Errorf("%+v", r.Data)
	}
}

// removeDeaths takes away the containers of these tests, now and when the test ends.
func removeDeaths(t *testing.T) {
	t.Helper()
	remove := func() {
		out, err := exec.Command("docker", "ps", "-aq", "--filter", "name=^/"+deathPrefix).Output()
		if ids := strings.Fields(string(out)); err == nil && len(ids) > 0 {
			_ = exec.Command("docker", append([]string{"rm", "-f"}, ids...)...).Run()
		}
	}
	remove()
	t.Cleanup(remove)
}

// limitedGroup makes a cgroup with a limit of 32 MiB, and gives its name for --cgroup-parent;
// "" where the engine leaves cgroups to systemd.
func limitedGroup(t *testing.T) string {
	t.Helper()
	if strings.TrimSpace(dockerCLI(t, "info", "-f", "{{.CgroupDriver}}")) != "cgroupfs" {
		t.Log("no parent-limit: the engine's cgroups are systemd's")
		return ""
	}
	const limit = "33554432"
	dir, settings := "/sys/fs/cgroup/memory/"+deathPrefix+"group", []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		dir, settings = "/sys/fs/cgroup/"+deathPrefix+"group", []string{"memory.max"}
	}
	remove := func() { // the engine makes it for each controller, and leaves it
		made, _ := filepath.Glob("/sys/fs/cgroup/*/" + deathPrefix + "group")
		for _, one := range append(made, "/sys/fs/cgroup/"+deathPrefix+"group") {
			_ = os.Remove(one)
		}
	}
	remove()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	for _, name := range settings {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(limit), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "/" + deathPrefix + "group"
}

// forwardEngine hands connections on the loopback interface on to the engine's socket, until the test ends.
func forwardEngine(t *testing.T) (endpoint string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { forward(from) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return "tcp://" + listener.Addr().String()
}

// forward copies between one connection and the engine's socket until either ends.
func forward(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("unix", "/var/run/docker.sock")
	if err != nil {
		return
	}
	defer to.Close()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(from, to)
		_ = from.Close()
	})
	_, _ = io.Copy(to, from)
	_ = to.Close()
	back.Wait()
}
