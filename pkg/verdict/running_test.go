package verdict_test

import (
	"slices"
	"strings"
	"testing"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/verdict"
)

func TestRunning(t *testing.T) {
	t.Parallel()
	kills := uint64(1)
	counted := alive(ev(0, "start"))
	counted.Memory = host.Known(host.ContainerMemory{Usage: 20 * mib, WorkingSet: 16 * mib, Unreclaimable: 8 * mib, OOMKills: &kills}, "/sys/fs/cgroup/memory/docker/x")
	sick := alive(ev(0, "start"))
	sick.Health = &docker.Health{Status: "unhealthy", FailingStreak: 9, Last: &docker.Probe{ExitCode: 1, Output: "refused"}}
	for _, test := range []struct {
		name string
		in   verdict.Input
		want []string
	}{
		{"nothing", known(alive(ev(0, "start")), kernel()), nil},
		{"a child, by the log", known(limited(alive(ev(0, "start"), ev(60_010, "oom")), 32), kernel(kill(60_000, own))), []string{"child-killed certain"}},
		{"a child right after the start", known(limited(alive(ev(0, "start")), 32), kernel(kill(900, own))), []string{"child-killed likely"}},
		{"a child, by the event", known(alive(ev(0, "start"), ev(900, "oom")), noKernel()), []string{"child-killed likely"}},
		{"a child, by the cgroup", known(counted, noKernel()), []string{"child-killed likely"}},
		{"unhealthy", known(sick, kernel()), []string{"unhealthy certain"}},
		{"nothing can be read", verdict.Input{Container: alive()}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := verdict.Judge(test.in)
			if len(r.Deaths) != 0 || r.Running == nil {
				t.Fatalf("a running container: %+v", r)
			}
			var got []string
			for _, v := range r.Running.Verdicts {
				got = append(got, string(v.Kind)+" "+string(v.Confidence))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRunningMemory(t *testing.T) {
	t.Parallel()
	limit := uint64(32 * mib)
	c := alive()
	c.Memory = host.Known(host.ContainerMemory{Unreclaimable: 8 * mib, Limit: &limit}, "/sys/fs/cgroup/memory/docker/x")
	free := c
	free.Memory.Value.Limit = nil
	gone := c
	gone.Memory = host.Missing[host.ContainerMemory]("not mounted")
	for want, c := range map[string]host.Container{
		"8.0 MiB of 32 MiB (25 %), page cache apart": c,
		"8.0 MiB, no limit of its own":               free,
		"not known: not mounted":                     gone,
	} {
		if got := verdict.Judge(known(c, kernel())).Running.Memory; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestUnhealthyIsNoDeath says to those who believe the contrary that the engine leaves it running.
func TestUnhealthyIsNoDeath(t *testing.T) {
	t.Parallel()
	c := alive()
	c.Health = &docker.Health{Status: "unhealthy"}
	v := verdict.Judge(known(c, kernel())).Running.Verdicts[0]
	if !strings.Contains(strings.Join(v.Against, " "), "plain Docker leaves an unhealthy container running") {
		t.Errorf("against: %q", v.Against)
	}
}
