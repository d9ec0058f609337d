package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// oomPrefix marks the containers of these tests; what carries it is removed before and after.
const oomPrefix = "vmguard-test-o-"

// toldKill is what these tests read of a kill in an OOMReport or OOMKill document.
type toldKill struct {
	Kill struct {
		Comm string
		UID  *int
	}
	Victim struct {
		Name, ContainerID string
		Removed           bool
	}
	Limiter struct {
		Kind       string
		LimitBytes uint64
	}
}

// TestOOMOnARealEngine lets the kernel kill in containers, and reads what the built binary
// lists, and what it prints as they are killed.
func TestOOMOnARealEngine(t *testing.T) {
	needRoot(t)
	if err := exec.Command("docker", "version").Run(); err != nil {
		t.Skipf("no Docker engine answers: %v", err)
	}
	command(t, "../../testdata/app/build-image", "app")
	vmguard := build(t)
	removeOOM(t)
	f := followKills(t, vmguard)
	f.awaitFirst(t)

	own, id := f.awaitOwn(t)
	listed := listKills(t, vmguard, nil, own)
	if len(listed) != 1 || listed[0].Victim.Name != own || listed[0].Limiter.Kind != "own" || listed[0].Limiter.LimitBytes != 32<<20 {
		t.Errorf("listed by its name: %+v", listed)
	}
	dockerCLI(t, "rm", "-f", own)
	if listed = listKills(t, vmguard, nil, id[:12]); len(listed) != 1 || listed[0].Victim.Name != own || !listed[0].Victim.Removed {
		t.Errorf("removed, listed by its ID: %+v", listed)
	}
	silent := []string{"DOCKER_HOST=unix:///nowhere.sock"}
	if listed = listKills(t, vmguard, silent, id[:12]); len(listed) != 1 || listed[0].Victim.ContainerID != id || listed[0].Victim.Name != "" {
		t.Errorf("without an engine, listed by its ID: %+v", listed)
	}

	f.awaitStorm(t)
	f.end(t)
}

// removeOOM takes away the containers of these tests, now and when the test ends.
func removeOOM(t *testing.T) {
	t.Helper()
	remove := func() {
		out, err := exec.Command("docker", "ps", "-aq", "--filter", "name=^/"+oomPrefix).Output()
		if ids := strings.Fields(string(out)); err == nil && len(ids) > 0 {
			_ = exec.Command("docker", append([]string{"rm", "-f"}, ids...)...).Run()
		}
	}
	remove()
	t.Cleanup(remove)
}

// listKills gives the kills in one container, as vmguard oom lists them.
func listKills(t *testing.T, vmguard string, env []string, container string) []toldKill {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), vmguard, "oom", "--boot", "0", "--container", container, "-o", "json")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("vmguard oom --container %s: %v\n%s", container, err, out)
	}
	var report struct{ Data struct{ Kills []toldKill } }
	decode(t, out, &report)
	return report.Data.Kills
}

// followed is vmguard oom --follow, as it runs.
type followed struct {
	cmd   *exec.Cmd
	kills chan toldKill
	limit <-chan time.Time
}

func followKills(t *testing.T, vmguard string) *followed {
	t.Helper()
	f := &followed{cmd: exec.CommandContext(t.Context(), vmguard, "oom", "--follow", "-o", "jsonl"), kills: make(chan toldKill, 10000), limit: time.After(time.Minute)}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(f.kills)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var line struct {
				Kind string
				Data toldKill
			}
			decode(t, lines.Bytes(), &line)
			if line.Kind != "OOMKill" {
				t.Errorf("a line of kind %q", line.Kind)
			}
			f.kills <- line.Data
		}
	}()
	return f
}

// await waits for a kill that is the one. Others on this machine may be killed as well.
func (f *followed) await(t *testing.T, what string, is func(toldKill) bool) toldKill {
	t.Helper()
	for {
		select {
		case k, ok := <-f.kills:
			if !ok {
				t.Fatalf("vmguard oom --follow ended before %s", what)
			}
			if is(k) {
				return k
			}
		case <-f.limit:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// eater starts a container that is killed by its own limit, and gives its ID.
func eater(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(dockerCLI(t, "run", "-d", "--name", name, "--memory", "32m", "--memory-swap", "32m", "vmguard-test-app", "eat", "200"))
}

// awaitFirst makes kills until one is reported: nothing says from when on the log is followed.
func (f *followed) awaitFirst(t *testing.T) {
	t.Helper()
	again := time.NewTicker(2 * time.Second)
	defer again.Stop()
	made := map[string]bool{}
	for n := 0; ; n++ {
		made[eater(t, fmt.Sprint(oomPrefix, "first-", n))] = true
		for waiting := true; waiting; {
			select {
			case k := <-f.kills:
				if made[k.Victim.ContainerID] {
					return
				}
			case <-again.C:
				waiting = false
			case <-f.limit:
				t.Fatal("no kill is reported")
			}
		}
	}
}

// awaitOwn makes a kill, and waits until it is reported with all that is known of it. A kill
// is not held back for an engine that is slow with the name, as under load: then there is another one.
func (f *followed) awaitOwn(t *testing.T) (name, id string) {
	t.Helper()
	for n := range 10 {
		name = fmt.Sprint(oomPrefix, "own-", n)
		id = eater(t, name)
		k := f.await(t, "the kill in "+name, func(k toldKill) bool { return k.Victim.ContainerID == id })
		if k.Limiter.Kind != "own" || k.Limiter.LimitBytes != 32<<20 || k.Kill.Comm != "app" || k.Victim.Name != name && k.Victim.Name != "" {
			t.Fatalf("reported as %+v", k)
		}
		if k.Victim.Name == name {
			return name, id
		}
	}
	t.Fatal("10 kills are reported, and none with its container's name")
	return "", ""
}

// awaitStorm makes 20 kills one right after the other, and waits for all. The kernel leaves
// out the cgroup of most of them, but not the user.
func (f *followed) awaitStorm(t *testing.T) {
	t.Helper()
	const kills, user = 20, 54321
	dockerCLI(t, "run", "-d", "--name", oomPrefix+"storm", "--memory", "32m", "--memory-swap", "32m", "--user", fmt.Sprint(user),
		"--entrypoint", "/bin/sh", "vmguard-test-app", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do /app eat 200; i=$((i+1)); done", kills))
	for n := range kills {
		f.await(t, fmt.Sprintf("kill %d of the storm", n+1), func(k toldKill) bool { return k.Kill.UID != nil && *k.Kill.UID == user })
	}
}

// end ends it as a user would. That is how it is meant to end.
func (f *followed) end(t *testing.T) {
	t.Helper()
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for range f.kills { // until its output ends
	}
	var exit *exec.ExitError
	if err := f.cmd.Wait(); errors.As(err, &exit) {
		t.Errorf("after Ctrl-C: exit code %d", exit.ExitCode())
	}
}
