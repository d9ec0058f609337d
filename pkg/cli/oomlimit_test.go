package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

const (
	oneID   = "1111111111111111111111111111111111111111111111111111111111111111"
	otherID = "2222222222222222222222222222222222222222222222222222222222222222"
)

func TestLimiterOf(t *testing.T) {
	const pod = "/kubepods/burstable/pod94eb36cd-f7a1-4b90-bdfd-bb30afdf7c37"
	for _, tt := range []struct {
		name, task, limit string
		scope             oom.Scope
		want              report.OOMLimitKind
	}{
		{"docker, its own", "/docker/" + oneID, "/docker/" + oneID, oom.ScopeCgroup, report.OOMOwn},
		{"docker by systemd, its own", "/system.slice/docker-" + oneID + ".scope", "/system.slice/docker-" + oneID + ".scope", oom.ScopeCgroup, report.OOMOwn},
		{"a process in a cgroup of the container", "/docker/" + oneID + "/a/b", "/docker/" + oneID, oom.ScopeCgroup, report.OOMOwn},
		{"podman's payload", "/machine.slice/libpod-" + oneID + ".scope/container", "/machine.slice/libpod-" + oneID + ".scope/container", oom.ScopeCgroup, report.OOMOwn},
		{"the project above", "/webshop/" + oneID, "/webshop", oom.ScopeCgroup, report.OOMParent},
		{"all containers", "/docker/" + oneID, "/docker", oom.ScopeCgroup, report.OOMParent},
		{"the root", "/docker/" + oneID, "/", oom.ScopeCgroup, report.OOMParent},
		{"the pod", pod + "/" + oneID, pod, oom.ScopeCgroup, report.OOMParent},
		{"a container around", "/docker/" + oneID + "/docker/" + otherID, "/docker/" + oneID, oom.ScopeCgroup, report.OOMParent},
		{"a service inside", "/docker/" + oneID + "/system.slice/nginx.service", "/docker/" + oneID + "/system.slice/nginx.service", oom.ScopeCgroup, report.OOMInside},
		{"an LXC container", "/lxc.payload.box/system.slice/nginx.service", "/lxc.payload.box", oom.ScopeCgroup, report.OOMOwn},
		{"a service", "/system.slice/cron.service/worker", "/system.slice/cron.service", oom.ScopeCgroup, report.OOMOwn},
		{"a cgroup of one's own", "/web/child", "/web/child", oom.ScopeCgroup, report.OOMOwn},
		{"beside it", "/web/child", "/other", oom.ScopeCgroup, report.OOMCgroup},
		{"a name that only begins alike", "/web2/child", "/web", oom.ScopeCgroup, report.OOMCgroup},
		{"of an unknown victim", "", "/web", oom.ScopeCgroup, report.OOMCgroup},
		{"of an unknown cgroup", "/web", "", oom.ScopeCgroup, report.OOMCgroup},
		{"the machine", "/docker/" + oneID, "", oom.ScopeHost, report.OOMHost},
		{"not in the log", "", "", oom.ScopeUnknown, report.OOMUnknown},
	} {
		got := limiterOf(oom.Kill{TaskCgroup: tt.task, LimitCgroup: tt.limit, Scope: tt.scope})
		if got.Kind != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got.Kind, tt.want)
		}
	}
}

// Whatever the paths are, a home is the cgroup itself or one above it, and its limit is its own.
func FuzzHomeOf(f *testing.F) {
	for _, path := range []string{"", "/", "/docker/" + oneID + "/a", "/lxc/box/ns", "/system.slice/docker-" + oneID + ".scope", "a//b.service/"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, cgroup string) {
		home := homeOf(cgroup)
		if home != cgroup && !strings.HasPrefix(cgroup, home+"/") {
			t.Fatalf("the home of %q is %q", cgroup, home)
		}
		got := limiterOf(oom.Kill{TaskCgroup: cgroup, LimitCgroup: home, Scope: oom.ScopeCgroup})
		if cgroup != "" && home != "" && got.Kind != report.OOMOwn {
			t.Fatalf("the limit of %q on %q is %s", home, cgroup, got.Kind)
		}
	})
}

func TestNeedOf(t *testing.T) {
	size := func(n uint64) *uint64 { return &n }
	own, machine := report.OOMLimiter{Kind: report.OOMOwn}, report.OOMLimiter{Kind: report.OOMHost}
	for name, tt := range map[string]struct {
		kill oom.Kill
		by   report.OOMLimiter
		want report.OOMNeed
	}{
		"a limit": {
			oom.Kill{Limit: size(100), AnonRSS: size(80), FileRSS: size(5)}, own,
			report.OOMNeed{MoreThan: size(100), EnoughThen: size(180)},
		},
		"more was used than the limit allows": {
			oom.Kill{Limit: size(100), Picture: &oom.Picture{Usage: size(101)}, AnonRSS: size(80)}, own,
			report.OOMNeed{MoreThan: size(101), EnoughThen: size(181)},
		},
		"the usage alone is known": {
			oom.Kill{Picture: &oom.Picture{Usage: size(99)}}, own, report.OOMNeed{MoreThan: size(99)},
		},
		"others died with it":    {oom.Kill{Limit: size(100), AnonRSS: size(80), Group: "/a"}, own, report.OOMNeed{MoreThan: size(100)}},
		"a limit without a size": {oom.Kill{AnonRSS: size(80)}, own, report.OOMNeed{}},
		"the machine":            {oom.Kill{AnonRSS: size(80), Swap: size(7)}, machine, report.OOMNeed{MoreForHost: size(87)}},
		"the machine, no sizes":  {oom.Kill{}, machine, report.OOMNeed{}},
		"whose is not known":     {oom.Kill{AnonRSS: size(80), Limit: size(100)}, report.OOMLimiter{Kind: report.OOMUnknown}, report.OOMNeed{}},
	} {
		if diff := cmp.Diff(tt.want, needOf(tt.kill, tt.by)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
