package report

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/oom"
)

const webID = "257e7b039793257e7b039793257e7b039793257e7b039793257e7b0397930000"

// seenAt is when the reports of these tests were made.
func seenAt() time.Time {
	return time.Date(2026, 11, 25, 22, 14, 0, 0, time.FixedZone("CET", 3600))
}

// byLimit is a container's kill by its own limit.
func byLimit() OOMKill {
	size := func(mib uint64) *uint64 { return pointer(mib << 20) }
	return OOMKill{
		Kill: oom.Kill{
			At: seenAt().Add(-14 * time.Minute), PID: 8123, Comm: "node", UID: pointer(1000), TaskCgroup: "/docker/" + webID, LimitCgroup: "/docker/" + webID,
			Scope: oom.ScopeCgroup, Limit: size(512), AnonRSS: size(400), FileRSS: size(20), TotalVM: size(900), OOMScoreAdj: pointer(0),
			Invoker: &oom.Invoker{Comm: "worker", PID: 8130, GFP: "0xcc0(GFP_KERNEL)", Order: pointer(0)},
			Picture: &oom.Picture{Usage: size(512), Limit: size(512), Failcnt: pointer[uint64](7), RAM: size(2048), FreeRAM: size(700), TotalSwap: pointer[uint64](0)},
		},
		Victim:  OOMOwner{Owner: oom.Owner{Kind: oom.KindDocker, ContainerID: webID}, Name: "web-1", ComposeProject: "shop", ComposeService: "web"},
		Limiter: OOMLimiter{Kind: OOMOwn, Cgroup: "/docker/" + webID, Limit: size(512)},
		Memory:  size(420),
		Need:    OOMNeed{MoreThan: size(512), EnoughThen: size(912)},
	}
}

// byMachine is a service's kill as the machine's memory ran out.
func byMachine() OOMKill {
	size := func(mib uint64) *uint64 { return pointer(mib << 20) }
	return OOMKill{
		Kill: oom.Kill{
			SinceBoot: 5 * time.Second, PID: 777, Comm: "java", TaskCgroup: "/system.slice/app.service", Scope: oom.ScopeHost, AnonRSS: size(1500), Swap: size(800),
			Picture: &oom.Picture{RAM: size(2048), FreeRAM: size(44), TotalSwap: size(1024), FreeSwap: size(0), TaskCount: 90, Tasks: []oom.Task{
				{PID: 777, Comm: "java", RSS: 1500 << 20, Swap: size(800)}, {PID: 410, Comm: "dockerd", RSS: 25 << 20}, {PID: 1, Comm: "systemd", RSS: 5 << 20}, {PID: 9, Comm: "sshd", RSS: 1 << 20},
			}},
		},
		Victim:  OOMOwner{Owner: oom.Owner{Kind: oom.KindService, Unit: "app.service"}},
		Limiter: OOMLimiter{Kind: OOMHost},
		Memory:  size(1500),
		Need:    OOMNeed{MoreForHost: size(2300)},
	}
}

// twoKills is a report with a gap, a source that was read, and one that was not.
func twoKills() OOM {
	a, b := byLimit(), byMachine()
	return OOM{
		At: seenAt(), Asked: OOMAsked{Boot: oom.AllBoots}, Total: 2, Kills: []OOMKill{a, b},
		Groups: []OOMGroup{
			{Victim: a.Victim, Limiter: a.Limiter, Comms: []string{"node"}, Kills: 1, First: a.Kill.At, Last: a.Kill.At, Memory: a.Memory, Need: a.Need},
			{Victim: b.Victim, Limiter: b.Limiter, Comms: []string{"java"}, Kills: 1, Memory: b.Memory, Need: b.Need},
		},
		Unknown: []string{"3 more kills are counted than logged since boot"},
		Notes:   []string{"the kernel stopped the machine for want of memory, 1 times"},
		Sources: []oom.Source{
			{Name: oom.SourceKmsg, Where: "/dev/kmsg", Kills: 2, Oldest: seenAt().Add(-time.Hour)},
			{Name: oom.SourceJournal, Where: "journalctl", Err: fs.ErrPermission, Missing: "for root alone"},
		},
	}
}

func oomText(t *testing.T, r OOM, style Style, verbose bool) string {
	t.Helper()
	var out bytes.Buffer
	if err := OOMText(&out, r, style, verbose); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestOOMText(t *testing.T) {
	t.Parallel()
	want := `2 OOM kills on record, the last 14 min ago; there may be more
  1 kill: node in container web-1 (compose: shop/web); its own limit of 512 MiB; last 14 min ago; 420 MiB in RAM at
    death; more than 512 MiB was needed; 912 MiB would have been enough at that moment
  1 kill: java in service app.service; the machine ran out of memory; 1.5 GiB in RAM at death; 2.2 GiB more of RAM or
    swap would have been enough at that moment
note: the kernel stopped the machine for want of memory, 1 times
  ? 3 more kills are counted than logged since boot

KILLS
✗ 14 min ago, 2026-11-25 22:00:00: node, pid 8123, in container web-1 (compose: shop/web)
  its own limit of 512 MiB; 420 MiB in RAM at death
  more than 512 MiB was needed; 912 MiB would have been enough at that moment
  set off by worker, pid 8130
✗ 5.000 s after a boot whose time is not known: java, pid 777, in service app.service
  the machine ran out of memory; 1.5 GiB in RAM at death, 800 MiB in swap
  2.2 GiB more of RAM or swap would have been enough at that moment
  the machine: 44 MiB of 2.0 GiB RAM free, 0 B of 1.0 GiB swap free
  largest: java (pid 777) 1.5 GiB and 800 MiB swap, dockerd (pid 410) 25 MiB, systemd (pid 1) 5.0 MiB, 87 smaller

READ
  /dev/kmsg: 2 kills, begins 2026-11-25 21:14:00
  journalctl: not read: for root alone
`
	if diff := cmp.Diff(want, oomText(t, twoKills(), Style{Wide: true, Width: 120}, false)); diff != "" {
		t.Error(diff)
	}
}

func TestOOMKillTextVerbose(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := OOMKillText(&out, byLimit(), seenAt(), Style{Width: 120}, true); err != nil {
		t.Fatal(err)
	}
	want := `FAIL 14 min ago, 2026-11-25 22:00:00: node, pid 8123, in container web-1 (compose: shop/web)
     its own limit of 512 MiB; 420 MiB in RAM at death
     more than 512 MiB was needed; 912 MiB would have been enough at that moment
     set off by worker, pid 8130
     the machine: 700 MiB of 2.0 GiB RAM free, no swap
     cgroup: /docker/` + webID + `
     the cgroup whose limit was hit: 512 MiB of 512 MiB memory, limit hit 7 times
     of the victim: anonymous 400 MiB, files 20 MiB, address space 900 MiB, uid 1000, oom_score_adj 0
     invoker: worker, pid 8130, asked for 0xcc0(GFP_KERNEL), order 0
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// The headline says that there was none only where all was looked at.
func TestOOMHeadline(t *testing.T) {
	t.Parallel()
	since := seenAt().Add(-time.Hour)
	for _, tt := range []struct {
		report OOM
		want   string
	}{
		{OOM{Complete: true, Asked: OOMAsked{Boot: "0"}}, "no OOM kill since boot"},
		{OOM{Asked: OOMAsked{Boot: "0"}}, "no OOM kill found since boot, but not all could be looked at"},
		{OOM{Complete: true, Asked: OOMAsked{Boot: oom.AllBoots}}, "no OOM kill on record"},
		{OOM{Complete: true, Asked: OOMAsked{Boot: oom.AllBoots, Since: since}}, "no OOM kill since 2026-11-25 21:14:00"},
		{OOM{Complete: true, Asked: OOMAsked{Boot: "-1"}}, "no OOM kill in boot -1"},
		{OOM{Complete: true, Asked: OOMAsked{File: "-"}}, "no OOM kill in standard input"},
		{OOM{Complete: true, Asked: OOMAsked{File: "kern.log", Container: "web"}}, "no OOM kill in container web in kern.log"},
		{OOM{Complete: true, Asked: OOMAsked{Boot: "0"}, Total: 1}, "1 OOM kill since boot"},
		{OOM{Asked: OOMAsked{Boot: "0"}, Total: 2}, "2 OOM kills since boot; there may be more"},
	} {
		tt.report.At = seenAt()
		got, _, _ := strings.Cut(oomText(t, tt.report, Style{Width: 100}, false), "\n")
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestOOMOwnerWords(t *testing.T) {
	t.Parallel()
	w := oomWords{style: Style{Wide: true}}
	const pod = "94eb36cd-f7a1-4b90-bdfd-bb30afdf7c37"
	for _, tt := range []struct {
		owner OOMOwner
		want  string
	}{
		{OOMOwner{}, ""},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindDocker, ContainerID: webID}}, "container 257e7b039793"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindPodman, ContainerID: webID}}, "Podman container 257e7b039793"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindDocker, ContainerID: webID}, Name: "job", Removed: true}, "container job (removed)"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindDocker, ContainerID: webID}, Around: webID}, "container 257e7b039793 inside container 257e7b039793"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindContainerd, ContainerID: webID, PodUID: pod}}, "container 257e7b039793 of pod " + pod},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindPod, PodUID: pod}}, "pod " + pod},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindLXC, LXC: "box"}}, "LXC container box"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindLXC, LXC: "box", Unit: "nginx.service"}}, "service nginx.service in LXC container box"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindDocker, ContainerID: webID, LXC: "box"}, Name: "web"}, "container web in LXC container box"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindSlice, Unit: "jobs.slice"}}, "slice jobs.slice"},
		{OOMOwner{Owner: oom.Owner{Kind: oom.KindSession, Unit: "session-3.scope"}}, "unit session-3.scope"},
	} {
		if got := w.owner(tt.owner); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestOOMLimiterWords(t *testing.T) {
	t.Parallel()
	w := oomWords{style: Style{Wide: true}}
	slice := &OOMOwner{Owner: oom.Owner{Kind: oom.KindSlice, Unit: "jobs.slice"}}
	size := pointer[uint64](64 << 20)
	for _, tt := range []struct {
		limiter OOMLimiter
		want    string
	}{
		{OOMLimiter{Kind: OOMHost}, "the machine ran out of memory"},
		{OOMLimiter{Kind: OOMUnknown}, "whose limit was hit is not in the log"},
		{OOMLimiter{Kind: OOMOwn}, "its own limit"},
		{OOMLimiter{Kind: OOMOwn, Limit: size}, "its own limit of 64 MiB"},
		{OOMLimiter{Kind: OOMParent, Limit: size, Cgroup: "/jobs.slice", Owner: slice}, "the limit of 64 MiB of slice jobs.slice, above its own"},
		{OOMLimiter{Kind: OOMParent, Cgroup: "/webshop", Owner: &OOMOwner{}}, "the limit of cgroup /webshop, above its own"},
		{OOMLimiter{Kind: OOMInside, Cgroup: "/docker/" + webID + "/a", Owner: &OOMOwner{}}, "the limit of cgroup /docker/257e7b039793/a, inside its container"},
		{OOMLimiter{Kind: OOMCgroup, Limit: size}, "a cgroup's limit of 64 MiB"},
	} {
		if got := w.limiter(tt.limiter); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// Whatever the log and the engine call things, no line is wider than the terminal where its
// words allow, none is more than ASCII where the locale is not, and nothing acts on a terminal.
func TestOOMTextOfHostileNames(t *testing.T) {
	t.Parallel()
	const evil = "x\x1b[31m\u202e\u009b2J\n$(reboot)\u00e9"
	r := twoKills()
	k := &r.Kills[0]
	k.Kill.Comm, k.Kill.Host, k.Kill.Boot, k.Kill.Group, k.Kill.Invoker.Comm, k.Kill.Invoker.GFP = evil, evil, evil, evil, evil, evil
	k.Kill.TaskCgroup, k.Limiter.Cgroup, k.Limiter.Kind, k.Limiter.Owner = evil, evil+"2", OOMParent, &OOMOwner{}
	k.Victim = OOMOwner{Owner: oom.Owner{ContainerID: evil, PodUID: evil, LXC: evil, Unit: evil}, Name: evil, ComposeProject: evil, ComposeService: evil, Around: evil}
	r.Groups[0].Victim, r.Groups[0].Limiter, r.Groups[0].Comms = k.Victim, k.Limiter, []string{evil}
	r.Kills[1].Kill.Picture.Tasks[0].Comm = evil
	r.Asked.Container, r.Asked.File = evil, evil
	r.Unknown, r.Notes = []string{evil}, []string{evil}
	r.Sources[0].Where, r.Sources[0].Notes, r.Sources[1].Missing = evil, []string{evil}, evil
	text := oomText(t, r, Style{Width: 40}, true)
	for i, c := range text {
		if c != '\n' && (c < ' ' || c > '~') {
			t.Fatalf("%q at byte %d of\n%s", c, i, text)
		}
	}
}

func TestOOMTextFitsANarrowTerminal(t *testing.T) {
	t.Parallel()
	for _, wide := range []bool{false, true} {
		for line := range strings.Lines(oomText(t, twoKills(), Style{Width: 40, Wide: wide}, false)) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 40 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// A storm is not told kill by kill, unless that is asked for.
func TestOOMTextOfAStorm(t *testing.T) {
	t.Parallel()
	r := twoKills()
	r.Kills = nil
	for range 1000 {
		r.Kills = append(r.Kills, byLimit())
	}
	for verbose, want := range map[bool]int{false: killsShown, true: 1000} {
		text := oomText(t, r, Style{Width: 100}, verbose)
		if got := strings.Count(text, "\nFAIL "); got != want {
			t.Errorf("%d kills are told, want %d", got, want)
		}
		if told := strings.Contains(text, "and 980 kills before (-v lists all)"); told == verbose {
			t.Errorf("verbose %v: that there are more is told: %v", verbose, told)
		}
	}
}
