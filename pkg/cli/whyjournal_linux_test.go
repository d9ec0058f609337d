package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/journal"
	"vmguard/pkg/journal/journaltest"
	"vmguard/pkg/verdict"
)

// TestEngineJournal takes a real journal's lines about a container into a verdict's
// timeline and evidence, and says why where there are none.
func TestEngineJournal(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 25, 23, 0, 0, 0, time.UTC)
	id := strings.Repeat("0bb05d2b", 8)
	entry := func(minute int, message string) journaltest.Entry {
		at := began.Add(time.Duration(minute) * time.Minute)
		return journaltest.Entry{
			fmt.Sprintf("__REALTIME_TIMESTAMP=%d", at.UnixMicro()), fmt.Sprintf("__MONOTONIC_TIMESTAMP=%d", at.Sub(began).Microseconds()+1),
			"_BOOT_ID=" + strings.Repeat("a", 32), "_HOSTNAME=vm", "_TRANSPORT=stdout", "_SYSTEMD_UNIT=docker.service", "MESSAGE=" + message,
		}
	}
	dir, empty := t.TempDir(), t.TempDir()
	const force = "Container failed to exit within 2s of signal 15 - using the force"
	journaltest.Write(t, filepath.Join(dir, "system.journal"),
		entry(0, `level=info msg="of a life long before" container=`+id), entry(10, `level=info msg="`+force+`" container=`+id))
	c := host.Container{Container: docker.Container{
		ID: id, Name: "app", State: "exited", ExitCode: 137, StopSignal: "SIGTERM",
		CreatedAt: began, StartedAt: began.Add(5 * time.Minute), FinishedAt: began.Add(10*time.Minute + time.Second),
	}}
	newer := c
	newer.CreatedAt, newer.StartedAt, newer.FinishedAt = began.Add(time.Hour), time.Time{}, time.Time{}
	here, elsewhere := &host.Facts{}, &host.Facts{EngineHere: host.Known(false, "docker info")}

	got := engineJournal(t.Context(), journal.Source{Directory: dir}, here, c)
	const source = "journal of docker.service"
	want := host.Known([]verdict.Line{{At: began.Add(10 * time.Minute), Text: force, Source: source}}, source)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	in := verdict.FromFacts(here, c)
	in.Journal = got
	death := verdict.Judge(in).Deaths[0]
	if death.Verdict.Kind != verdict.StopTimeout || death.Verdict.Confidence != verdict.Certain {
		t.Errorf("%+v", death.Verdict)
	}
	if moment := (verdict.Moment{At: began.Add(10 * time.Minute), Text: force, Source: source}); !strings.Contains(fmt.Sprint(death.Timeline), fmt.Sprint(moment)) {
		t.Errorf("not in the timeline: %v", death.Timeline)
	}

	for name, tt := range map[string]struct {
		source journal.Source
		facts  *host.Facts
		c      host.Container
		why    string
	}{
		"another machine":         {journal.Source{Directory: dir}, elsewhere, c, "another machine"},
		"no journal":              {journal.Source{Directory: empty}, here, c, "no systemd journal here"},
		"no journalctl":           {journal.Source{Program: "/nonexistent"}, here, c, "no systemd journal here"},
		"nothing of it any more":  {journal.Source{Directory: dir}, here, newer, "no message of the engine's"},
		"a program of other sort": {journal.Source{Program: "/bin/false"}, here, c, "exit status 1"},
	} {
		if got := engineJournal(t.Context(), tt.source, tt.facts, tt.c); got.Known() || !strings.Contains(got.Why(), tt.why) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestKnownSince(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 11, 25, 23, minute, 0, 0, time.UTC) }
	for name, tt := range map[string]struct {
		c    docker.Container
		want time.Time
	}{
		"nothing":      {docker.Container{}, time.Time{}},
		"never ran":    {docker.Container{CreatedAt: at(9)}, at(8)},
		"one life":     {docker.Container{CreatedAt: at(1), StartedAt: at(5), FinishedAt: at(9)}, at(4)},
		"lives before": {docker.Container{StartedAt: at(9), FinishedAt: at(8), Events: []docker.Event{{Time: at(6)}, {Time: at(7)}}}, at(5)},
	} {
		if got := knownSince(host.Container{Container: tt.c}); !got.Equal(tt.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
