package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// sick is a report with every kind of finding, and names as a hostile host may give them.
func sick() Doctor {
	f := &host.Facts{
		System: host.Known(host.System{Hostname: "mail-vm-1", OS: "Debian GNU/Linux 12", Kernel: "6.1.0-28"}, "/proc"),
		Cloud:  host.Known(host.Cloud{Provider: host.Google, Name: "Google Compute Engine"}, "/sys/class/dmi/id"),
		Memory: host.Known(host.Memory{Total: 2 << 30}, "/proc/meminfo"),
		Docker: host.Known(docker.Engine{Version: "27.3.1", CgroupVersion: "2"}, "docker info"),
	}
	findings := finding.Report{
		{ID: "swap-enabled", Area: finding.Memory, Status: finding.Fail, Severity: finding.Critical, Subject: finding.Host,
			Summary: "no swap on a VM with 2.0 GiB of RAM: when memory runs out the kernel kills instead of paging, and takes the largest process",
			Remedy:  &finding.Remedy{Text: "add a swapfile", Command: "sudo swapon /swapfile"}, Evidence: []finding.Evidence{{Source: "/proc/swaps", Got: "no area", Want: "one"}}},
		{ID: "swappiness", Area: finding.Memory, Status: finding.Skipped, Severity: finding.Warning, Subject: finding.Host, Summary: "no swap is active"},
		{ID: "conntrack-full", Area: finding.Connections, Status: finding.Pass, Severity: finding.Critical, Subject: finding.Host, Summary: "0 % used"},
		{ID: "container-killed", Area: finding.Containers, Status: finding.Unknown, Severity: finding.Warning, Subject: "evil\x1b[31m\nname\u202e", Summary: "cannot tell"},
	}
	for i := range 7 {
		findings = append(findings, finding.Finding{ID: "container-no-restart-policy", Area: finding.Containers, Status: finding.Fail, Severity: finding.Warning,
			Subject: fmt.Sprintf("web-%d", i), Summary: "no restart policy", Remedy: &finding.Remedy{Text: "let the engine restart it", Command: fmt.Sprintf("docker update web-%d", i)}})
		findings = append(findings, finding.Finding{ID: "container-near-limit", Area: finding.Containers, Status: finding.Fail, Severity: finding.Info,
			Subject: fmt.Sprintf("web-%d", i), Summary: fmt.Sprintf("%d %%", 90+i), Remedy: &finding.Remedy{Text: "raise the limit", Command: "docker update the-same"}})
	}
	findings.Sort()
	return Doctor{Version: "1.2.3", Facts: f, Findings: findings, Took: 41 * time.Millisecond}
}

func TestDoctorText(t *testing.T) {
	var got bytes.Buffer
	if err := DoctorText(&got, sick(), Style{Wide: true, Width: 100}, Problems, false); err != nil {
		t.Fatal(err)
	}
	want := `vmguard 1.2.3 on mail-vm-1: Debian GNU/Linux 12, kernel 6.1.0-28, Google Compute Engine, 2.0 GiB
  RAM, Docker 27.3.1 (cgroup v2)

MEMORY
  ✗ swap-enabled                no swap on a VM with 2.0 GiB of RAM: when memory runs out the kernel
                                kills instead of paging, and takes the largest process
                                fix: add a swapfile:
                                     sudo swapon /swapfile

CONTAINERS
  ! container-no-restart-policy web-0, web-1, web-2, web-3, web-4 and 2 more: no restart policy
                                fix: let the engine restart it (here for the first; likewise
                                     for the others):
                                     docker update web-0
  i container-near-limit        web-0: 90 %
                                fix: raise the limit:
                                     docker update the-same
  i container-near-limit        web-1: 91 %
                                fix: the command above, for container-near-limit
  i container-near-limit        web-2: 92 %
                                fix: the command above, for container-near-limit
  i container-near-limit        web-3: 93 %
                                fix: the command above, for container-near-limit
    container-near-limit: 3 more like these (--all lists all)
  ? container-killed            evil?[31m name?: cannot tell

1 critical, 7 warnings, 7 for information, 1 unknown, 1 fine, 1 not applicable (--all lists all),
  in 41 ms
next: sudo swapon /swapfile
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorTextDetails(t *testing.T) {
	text := func(style Style, detail Detail, evidence bool) string {
		var b bytes.Buffer
		if err := DoctorText(&b, sick(), style, detail, evidence); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	plain := Style{Width: 100}
	for _, c := range []struct {
		name, got string
		has, not  []string
	}{
		{"verdict alone", text(plain, Verdict, false), []string{"1 critical, 7 warnings", "next: "}, []string{"MEMORY", "mail-vm-1"}},
		{"all", text(plain, All, false), []string{"ok   conntrack-full", "--   swappiness", "96 %"}, []string{"more like these"}},
		{"evidence", text(plain, Problems, true), []string{"seen: /proc/swaps: no area (wanted: one)"}, nil},
		{"ASCII", text(plain, Problems, false), []string{"FAIL swap-enabled", "warn container-no-restart-policy", "info container-near-limit", "??   container-killed"}, []string{"✗", "\x1b"}},
		{"colour", text(Style{Color: true, Wide: true, Width: 100}, Problems, false), []string{"\x1b[31m✗\x1b[0m", "\x1b[1mMEMORY\x1b[22m"}, []string{"evil\x1b"}},
	} {
		for _, want := range c.has {
			if !strings.Contains(c.got, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, c.got)
			}
		}
		for _, not := range c.not {
			if strings.Contains(c.got, not) {
				t.Errorf("%s: %q in\n%s", c.name, not, c.got)
			}
		}
	}
	for _, line := range strings.Split(text(Style{Wide: true, Width: 60}, Problems, false), "\n") {
		if n := len([]rune(line)); n > 60 && !strings.Contains(line, "docker update") && !strings.Contains(line, "critical,") && !strings.Contains(line, "more like these") {
			t.Errorf("%d columns of 60: %q", n, line)
		}
	}
}

// TestDoctorTextFoldsTheUnknown: checks that lack the same fact say so once.
func TestDoctorTextFoldsTheUnknown(t *testing.T) {
	var findings finding.Report
	for _, id := range []string{"docker-live-restore", "docker-log-limits", "docker-warnings"} {
		findings = append(findings, finding.Finding{ID: id, Area: finding.Docker, Status: finding.Unknown, Severity: finding.Warning,
			Subject: finding.Host, Summary: "the engine could not be asked"})
	}
	var b bytes.Buffer
	if err := DoctorText(&b, Doctor{Facts: &host.Facts{}, Findings: findings}, Style{Wide: true, Width: 120}, Problems, false); err != nil {
		t.Fatal(err)
	}
	want := "? docker-live-restore         the engine could not be asked (3 checks: also docker-log-limits, docker-warnings)\n"
	if !strings.Contains(b.String(), want) || strings.Count(b.String(), "could not be asked") != 1 || !strings.Contains(b.String(), "3 unknown") {
		t.Error(b.String())
	}
}

func TestDoctorTextWithoutFacts(t *testing.T) {
	var b bytes.Buffer
	if err := DoctorText(&b, Doctor{Version: "1", Facts: &host.Facts{}}, Style{Width: 80}, Problems, true); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "a host without a name") || !strings.Contains(b.String(), "0 critical, 0 warnings, 0 fine") {
		t.Error(b.String())
	}
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestWritersKeepTheCause(t *testing.T) {
	d := sick()
	for name, err := range map[string]error{
		"text":             DoctorText(brokenPipe{}, d, Style{}, Problems, false),
		"json":             DoctorJSON(brokenPipe{}, d),
		"containers text":  ContainersText(brokenPipe{}, nil, Style{}),
		"containers json":  ContainersJSON(brokenPipe{}, nil),
		"the plain writer": JSON(brokenPipe{}, "X", nil),
	} {
		if !errors.Is(err, errPipe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContainersText(t *testing.T) {
	limit := uint64(512 << 20)
	row := func(name string, change func(*ContainerRow)) ContainerRow {
		r := ContainerRow{Container: host.Container{
			Container: docker.Container{Name: name, State: "running", Limits: docker.Limits{Memory: limit}},
			Memory:    host.Known(host.ContainerMemory{WorkingSet: 150 << 20, OOMKills: new(uint64)}, "cgroup")},
			StopSignal: &finding.Finding{Status: finding.Pass}}
		change(&r)
		return r
	}
	rows := []ContainerRow{
		row("web", func(r *ContainerRow) { r.Health = &docker.Health{Status: "healthy"} }),
		row("imap-sync", func(r *ContainerRow) {
			r.RestartCount, r.State = 17, "restarting"
			r.Events = []docker.Event{{Action: "oom"}}
			r.FinishedAt, r.ExitCode = time.Unix(1, 0), 137
			r.Memory, r.StopSignal = host.Missing[host.ContainerMemory]("not running"), nil
		}),
		row("node", func(r *ContainerRow) { r.StopSignal.Status, r.Limits.Memory = finding.Unknown, 0 }),
		row("deaf", func(r *ContainerRow) {
			r.StopSignal.Status, r.Container.StopSignal = finding.Fail, "SIGQUIT"
			r.Memory = host.Missing[host.ContainerMemory]("denied")
			r.Health = &docker.Health{Status: "unhealthy"}
		}),
		row("vanished", func(r *ContainerRow) {
			*r = ContainerRow{Container: host.Container{Container: docker.Container{Name: "vanished", State: "exited", InspectError: "x"}}}
		}),
		row("evil\x1b[31m\n"+strings.Repeat("x", 10000), func(r *ContainerRow) {}),
	}
	var got bytes.Buffer
	if err := ContainersText(&got, rows, Style{}); err != nil {
		t.Fatal(err)
	}
	long := "evil?[31m " + strings.Repeat("x", 50) + "..."
	pad := strings.Repeat(" ", len(long))
	want := fmt.Sprintf(`%.63s  STATE       RESTARTS  EXIT  OOM  MEMORY / LIMIT      HEALTH     STOP SIGNAL
%.63s  running     0         -     no   150 MiB / 512 MiB   healthy    SIGTERM works
%.63s  restarting  17        137   yes  - / 512 MiB         no check   -
%.63s  running     0         -     no   150 MiB / no limit  no check   SIGTERM ?
%.63s  running     0         -     ?    ? / 512 MiB         unhealthy  SIGQUIT not clean
%.63s  exited      0         ?     ?    - / ?               ?          -
%s  running     0         -     no   150 MiB / 512 MiB   no check   SIGTERM works
`, "NAME"+pad, "web"+pad, "imap-sync"+pad, "node"+pad, "deaf"+pad, "vanished"+pad, long)
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
