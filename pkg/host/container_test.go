package host

import (
	"context"
	"errors"
	"testing"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/rootfs"
)

// running is a container as the engine tells it.
func running(pid int) docker.Container {
	return docker.Container{ID: containerID, Name: "web", State: "running", PID: pid, NetworkMode: "bridge", Program: "node"}
}

// runningFiles are those of its process.
func runningFiles() files {
	return files{
		"proc/7/cgroup": v1Cgroups + "\n", "proc/7/status": statusOf("node", 7, 1, "7\t1"), "proc/7/oom_score_adj": "0\n",
	}
}

func keepaliveOf(seconds int) Keepalive {
	return Keepalive{Time: time.Duration(seconds) * time.Second, Interval: 75 * time.Second, Probes: 9}
}

func newJoiner(fs *rootfs.FS) joiner {
	return joiner{
		tree:      fs,
		cgroup:    func() Fact[Cgroup] { return onV1 },
		keepalive: func(context.Context, int) (Keepalive, error) { return keepaliveOf(123), nil },
		host:      func() Fact[Keepalive] { return Known(keepaliveOf(7200), "/proc/sys/net/ipv4") },
	}
}

func TestJoin(t *testing.T) {
	j := newJoiner(tree(t, v1Files(), runningFiles()))
	c := j.join(t.Context(), Container{Container: running(7)})
	if !c.Memory.Known() || c.Memory.Value.Usage != 50000000 {
		t.Errorf("memory: %+v", c.Memory)
	}
	if !c.Process.Known() || c.Process.Value.Runtime != RuntimeNode {
		t.Errorf("process: %+v", c.Process)
	}
	equal(t, c.Keepalive, Known(keepaliveOf(123), "/proc/sys/net/ipv4 in the network namespace of process 7"))

	shared := running(7)
	shared.NetworkMode = "host"
	equal(t, j.join(t.Context(), Container{Container: shared}).Keepalive, Known(keepaliveOf(7200), "/proc/sys/net/ipv4"))

	j.keepalive = func(context.Context, int) (Keepalive, error) { return Keepalive{}, errors.New("needs root") }
	missing(t, j.join(t.Context(), Container{Container: running(7)}).Keepalive, "needs root")
	j.keepalive = nil
	missing(t, j.join(t.Context(), Container{Container: running(7)}).Keepalive, "only be entered on the running host")
}

func TestJoinRefuses(t *testing.T) {
	other := files{"proc/7/cgroup": "4:memory:/docker/" + "0" + containerID[1:] + "\n"}
	for name, c := range map[string]struct {
		host      files
		container docker.Container
		why       string
	}{
		"not running":       {host: runningFiles(), container: docker.Container{ID: containerID, State: "exited", PID: 7}, why: "not running"},
		"without a process": {host: runningFiles(), container: running(0), why: "the engine gave no process"},
		"elsewhere":         {container: running(7), why: "process 7 is not on this host"},
		"another's process": {host: other, container: running(7), why: "process 7 does not belong to this container (the engine runs elsewhere, or the PID was reused)"},
		"no ID":             {host: runningFiles(), container: docker.Container{State: "running", PID: 7}, why: "does not belong"},
		"an odd file":       {host: files{"proc/7/cgroup/": ""}, container: running(7), why: "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			got := newJoiner(tree(t, c.host)).join(t.Context(), Container{Container: c.container})
			missing(t, got.Memory, c.why)
			missing(t, got.Process, c.why)
			missing(t, got.Keepalive, c.why)
		})
	}
}

// TestJoinAllLeavesTheSlow has one container whose namespace never answers.
func TestJoinAllLeavesTheSlow(t *testing.T) {
	j := newJoiner(tree(t, v1Files(), runningFiles()))
	release := make(chan struct{})
	defer close(release)
	first := make(chan struct{}, 1)
	first <- struct{}{}
	j.keepalive = func(context.Context, int) (Keepalive, error) {
		select {
		case <-first:
			<-release
		default:
		}
		return keepaliveOf(123), nil
	}
	list := make([]docker.Container, 30)
	for i := range list {
		list[i] = running(7)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	late := 0
	for _, c := range joinAll(ctx, j, list) {
		if c.ID != containerID {
			t.Fatalf("lost the engine's account: %+v", c)
		}
		if !c.Memory.Known() {
			late++
			missing(t, c.Memory, "timed out after 0.2")
		}
	}
	equal(t, late, 1)
	if ctx.Err() != nil {
		t.Error("nothing of the caller's time is left to store what was found")
	}
}

func TestKeepalive(t *testing.T) {
	got, err := keepalive([3]int64{7200, 75, 9})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, keepaliveOf(7200))
	for _, bad := range [][3]int64{{-1, 75, 9}, {7200, 1 << 40, 9}} {
		if got, err := keepalive(bad); err == nil {
			t.Errorf("%v gave %v", bad, got)
		}
	}
}
