package check

import (
	"strings"
	"testing"

	"vmguard/pkg/compose"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// judged gives the one finding of a check about a healthy VM that was changed.
func judged(t *testing.T, id string, change func(*host.Facts, *host.Container)) finding.Finding {
	t.Helper()
	f := healthy()
	change(f, &f.Containers.Value[0])
	c, err := Find(id)
	must(t, err)
	got := Run([]Check{c}, f, DefaultPolicy(checkedAt))
	if len(got) != 1 {
		t.Fatalf("want one finding, got %+v", got)
	}
	return got[0]
}

// TestComposeRemediesSayWhatToWrite holds that they name what to write and the line, and
// call a test that may not fit the service an example.
func TestComposeRemediesSayWhatToWrite(t *testing.T) {
	for name, tt := range map[string]struct {
		id     string
		change func(*host.Facts, *host.Container)
		want   string
	}{
		"restart": {"compose-restart", composed(service(func(s *host.ComposeService) { s.Restart = said(5, "no") })),
			"let the engine restart it: in line 5 of compose.yaml write restart: unless-stopped, or "},
		"grace": {"compose-stop-grace", composed(service(func(s *host.ComposeService) { s.StopGrace = said(7, "1s") })),
			"give it longer: in line 7 of compose.yaml write stop_grace_period: 10s"},
		"healthcheck": {"compose-healthcheck", composed(service(func(s *host.ComposeService) { s.Healthcheck = compose.Healthcheck{} })),
			"say how to tell that it works: below web in compose.yaml write a healthcheck with a test of its own; as an example, for a web server whose image has curl: healthcheck: {"},
		"HEALTHCHECK": {"compose-healthcheck", dockerfile(compose.Image{}, compose.Start{}),
			"add a HEALTHCHECK with a test of its own after the last FROM; as an example, for a web server with curl: HEALTHCHECK --"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judged(t, tt.id, tt.change); got.Remedy == nil || !strings.HasPrefix(got.Remedy.Text, tt.want) {
				t.Errorf("got %+v, want %s", got.Remedy, tt.want)
			}
		})
	}
}

// TestUnsetSysctlsAreNamed holds that evidence of the kernel's defaults says of what.
func TestUnsetSysctlsAreNamed(t *testing.T) {
	got := judged(t, "oom-panic", func(f *host.Facts, _ *host.Container) { offline(f) })
	if len(got.Evidence) != 2 || got.Evidence[0].Got != "vm.panic_on_oom = 0" || got.Evidence[1].Got != "vm.oom_kill_allocating_task = 0" {
		t.Errorf("got %+v", got.Evidence)
	}
}
