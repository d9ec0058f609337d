package verdict_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// source takes an input out of bytes; when they are used up all is 0.
type source struct{ rest []byte }

func (s *source) byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *source) flag() bool { return s.byte()&1 == 1 }

// ms is a moment within some 65 s, in steps of a quarter of a second.
func (s *source) ms() int { return int(s.byte()) * 256 }

func pick[T any](s *source, from ...T) T { return from[int(s.byte())%len(from)] }

func (s *source) container() host.Container {
	code := pick(s, 0, 1, 2, 3, 126, 127, 129, 133, 134, 137, 139, 143, 255, -1, 300)
	c := dead(code, s.ms())
	c.State = pick(s, "exited", "running", "restarting", "created", "", docker.StateRemoved)
	if c.State == docker.StateRemoved {
		c.InspectError = "the container is removed"
	}
	c.StartedAt, c.OOMKilled, c.EventsKnown = at(s.ms()), s.flag(), s.flag()
	c.StopTimeout = pick(s, 10*time.Second, 0, -time.Second, 1<<62)
	c.Limits.Memory = pick[uint64](s, 0, 32*mib, 1<<63)
	c.Error, c.SwarmTask = pick(s, "", "", "no such file"), s.flag()
	c.Health = pick(s, nil, &docker.Health{Status: "unhealthy"})
	if s.flag() {
		c.FinishedAt = time.Time{}
	}
	for range s.byte() % 8 {
		action := pick(s, "start", "die", "kill", "oom", "stop", "restart", "")
		c.Events = append(c.Events, ev(s.ms(), action, pick(s, 9, 15, 137, 0, 1, 139, 143)))
	}
	return c
}

func (s *source) input() verdict.Input {
	c := s.container()
	log := pick(s, kernel, shortKernel)()
	for range s.byte() % 4 {
		k := kill(s.ms(), pick(s, own, "", "/webshop", own+"/x"))
		k.TaskCgroup = pick(s, own, own, "", "/docker/"+strings.Repeat("a", 64))
		if s.flag() {
			k = pictured(k, int(s.byte()%2), 6258, pick(s, 6257, 6259))
		}
		log.Value.Kills = append(log.Value.Kills, k)
	}
	if s.flag() {
		log = noKernel()
	}
	in := known(c, log)
	if s.flag() {
		in = printed(in, pick(s, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "java.lang.OutOfMemoryError", "MemoryError", "hello"))
	}
	if s.flag() {
		in.BootedAt = at(s.ms())
	}
	if s.flag() {
		in.Parents = host.Known([]host.MemoryGroup{{Path: "/webshop"}}, "/sys/fs/cgroup")
	}
	if s.flag() {
		in.Healer = "autoheal"
		in.Health = host.Known([]docker.Probe{{End: at(s.ms()), ExitCode: 1}, {End: at(s.ms()), ExitCode: 1}, {End: at(s.ms()), ExitCode: 1}}, "docker inspect app")
	}
	return in
}

// FuzzJudge holds every verdict to what no input may bring about.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{9, 2, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 3, 1, 0, 1, 2, 2, 0, 1, 1, 0, 0})
	f.Add([]byte("9\x02\x01\x00\x00\x01\x00\x01\x00\x00\x00\x00\x02\x00\x00\x00\x01\x02\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := (&source{data}).input()
		before := len(in.Container.Events)
		r := verdict.Judge(in)
		for i, d := range r.Deaths {
			holds(t, in, d.Verdict)
			sure(t, in, d)
			if i > 0 && d.At.After(r.Deaths[i-1].At) && !r.Deaths[i-1].At.IsZero() {
				t.Error("deaths are not newest first")
			}
			if !slices.IsSortedFunc(d.Timeline, func(a, b verdict.Moment) int { return a.At.Compare(b.At) }) {
				t.Error("a timeline out of order")
			}
		}
		if r.Running != nil {
			for _, v := range r.Running.Verdicts {
				holds(t, in, v)
				if v.Kind != verdict.ChildKilled && v.Kind != verdict.Unhealthy {
					t.Errorf("of a running container: %s", v.Kind)
				}
			}
		}
		if len(in.Container.Events) != before {
			t.Error("the input was changed")
		}
	})
}

// sawOOM tells whether any witness tells of an OOM kill in the container.
func sawOOM(in verdict.Input) bool {
	event := slices.ContainsFunc(in.Container.Events, func(e docker.Event) bool { return e.Action == "oom" })
	return event || in.Container.OOMKilled || kernelSaw(in)
}

// sawOOMAt tells whether the engine notes an OOM within a second of a moment.
func sawOOMAt(in verdict.Input, moment time.Time) bool {
	return slices.ContainsFunc(in.Container.Events, func(e docker.Event) bool {
		return e.Action == "oom" && e.Time.Sub(moment).Abs() <= time.Second
	})
}

func kernelSaw(in verdict.Input) bool {
	return slices.ContainsFunc(in.Kernel.Value.Kills, func(k oom.Kill) bool { return slices.Contains(oom.ContainerIDs(k.TaskCgroup), id) })
}

func holds(t *testing.T, in verdict.Input, v verdict.Verdict) {
	t.Helper()
	switch {
	case len(v.Evidence) == 0 || v.Summary == "":
		t.Errorf("%s without evidence or summary", v.Kind)
	case !slices.Contains(verdict.Kinds(), v.Kind):
		t.Errorf("no such kind: %q", v.Kind)
	case (v.Kind == verdict.Unknown) != (v.Confidence == verdict.None):
		t.Errorf("%s is %s", v.Kind, v.Confidence)
	case v.Kind.OOM() && !sawOOM(in):
		t.Errorf("%s, and no witness of an OOM kill", v.Kind)
	case v.Kind.OOM() && v.Confidence == verdict.Certain && !kernelSaw(in):
		t.Errorf("%s is certain without the kernel's log", v.Kind)
	case v.Kind == verdict.RuntimeHeap && (v.Confidence == verdict.Certain || !in.Output.Known()):
		t.Errorf("runtime-heap is %s", v.Confidence)
	}
	for _, e := range v.Evidence {
		if e.Source == "" || e.Got == "" {
			t.Errorf("%s: empty evidence %+v", v.Kind, e)
		}
	}
}

// sure holds certainty to the direct record that it needs.
func sure(t *testing.T, in verdict.Input, d verdict.Death) {
	t.Helper()
	if d.Verdict.Confidence != verdict.Certain {
		return
	}
	kill9 := slices.ContainsFunc(in.Container.Events, func(e docker.Event) bool { return e.Action == "kill" })
	switch d.Verdict.Kind {
	case verdict.StopTimeout, verdict.KilledBySomeone:
		if !kill9 {
			t.Errorf("%s is certain without a kill event", d.Verdict.Kind)
		}
	case verdict.Crashed:
		if in.Container.Error == "" {
			t.Error("crashed is certain by the exit code alone")
		}
	case verdict.Exited:
		if d.ExitCode == nil || !in.Container.EventsKnown && len(in.Container.Events) == 0 {
			t.Error("exited is certain without the engine's events")
		}
	case verdict.Unhealthy:
		t.Error("that something healed it stands in no record")
	case verdict.OwnLimit, verdict.ParentLimit, verdict.HostOOM:
		if k := d.Verdict.Kill; k.At.Sub(d.At).Abs() > time.Second && k.At.Sub(in.Container.FinishedAt).Abs() > time.Second && !sawOOMAt(in, d.At) {
			t.Errorf("%s is certain by a kill at %s", d.Verdict.Kind, k.At)
		}
		if d.ExitCode == nil || *d.ExitCode != 137 {
			t.Errorf("%s is certain with exit code %v", d.Verdict.Kind, d.ExitCode)
		}
	}
}
