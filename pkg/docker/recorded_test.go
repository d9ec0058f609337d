package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// realWants says what is known of each container that realContainers makes. It holds for
// the real engine and for its recorded answers; a check returns what is wrong.
var realWants = map[string]func(Container) string{
	"web": func(c Container) string {
		switch {
		case c.State != "running" || c.PID <= 1 || c.StartedAt.IsZero() || !c.FinishedAt.IsZero():
			return "not running"
		case c.Health == nil || c.Health.Status != "healthy" || c.Health.Interval != time.Second ||
			c.Health.Last == nil || c.Health.Last.Output != "fine\n" || c.Health.Last.ExitCode != 0 || c.Health.Last.End.IsZero():
			return "health"
		case c.Limits.Memory != 64<<20 || c.Limits.MemorySwap != 128<<20 || c.Limits.NanoCPUs != 5e8:
			return "limits"
		case c.Logging != Logs{Driver: "json-file", MaxSize: "1m", MaxFile: "2"}:
			return "logging"
		case c.Restart != Policy{Name: "unless-stopped"} || c.Init == nil || !*c.Init || c.StopTimeout != 3*time.Second:
			return "policy"
		case len(c.Ports) != 1 || c.Ports[0].HostIP != "127.0.0.1" || c.Ports[0].Container != 8080 || c.Ports[0].Host == 0 || c.Ports[0].Protocol != "tcp":
			return "ports"
		case c.ComposeProject != "shop" || c.ComposeService != "web" || c.Program != "app" || c.ShellForm:
			return "names"
		}
		return secretIn(c)
	},
	"sick": func(c Container) string {
		if c.Health == nil || c.Health.Status != "unhealthy" || c.Health.FailingStreak < 1 || c.Health.Last == nil ||
			c.Health.Last.ExitCode != 1 || c.Health.Last.Output != "no answer\n" {
			return "health"
		}
		return ""
	},
	"eater": func(c Container) string {
		if !c.OOMKilled || c.ExitCode != 137 || c.PID != 0 || c.FinishedAt.IsZero() || c.Limits.Memory != 16<<20 {
			return "not killed for memory"
		}
		if !happened(c, "oom") || LastStop(c.Events, c.StopSignal, c.StopTimeout).Outcome != StopNone {
			return "events"
		}
		return ""
	},
	"loop": func(c Container) string {
		if c.State != "restarting" || c.RestartCount < 2 || c.ExitCode != 3 || c.Restart.Name != "always" || !happened(c, "die") {
			return "not looping"
		}
		return ""
	},
	"fresh": func(c Container) string {
		if c.State != "created" || !c.StartedAt.IsZero() || !c.FinishedAt.IsZero() || c.Program != "sh" || !c.ShellForm ||
			c.Health != nil || c.StopSignal != "SIGTERM" || c.StopTimeout != 10*time.Second || len(c.Events) != 0 {
			return "not fresh"
		}
		return ""
	},
	"broken": func(c Container) string {
		if c.State != "created" || c.ExitCode != 127 || !strings.Contains(c.Error, "no such file") || c.Program != "program" {
			return "not broken"
		}
		return ""
	},
	"obeys": func(c Container) string {
		s := LastStop(c.Events, c.StopSignal, c.StopTimeout)
		if s.Outcome != StopObeyed || s.ExitCode != 0 || s.Waited > 2*time.Second {
			return fmt.Sprintf("stop %+v", s)
		}
		return ""
	},
	"deaf": func(c Container) string {
		s := LastStop(c.Events, c.StopSignal, c.StopTimeout)
		if s.Outcome != StopDeaf || s.ExitCode != 137 || s.Waited < 2*time.Second || s.Waited > 4*time.Second {
			return fmt.Sprintf("stop %+v", s)
		}
		return ""
	},
}

// happened tells whether a container's events hold an action.
func happened(c Container, action string) bool {
	for _, e := range c.Events {
		if e.Action == action {
			return true
		}
	}
	return false
}

// secretIn tells where a value of the environment or of a foreign label got through.
func secretIn(c Container) string {
	out, err := json.Marshal(c)
	if err != nil || strings.Contains(string(out), "hunter2") {
		return "a secret got through"
	}
	return ""
}

// recordAnswers writes what the engine answers about this test's containers to testdata.
func recordAnswers(t *testing.T, c *Client) {
	t.Helper()
	var list []map[string]any
	fetch(t, "/containers/json?all=1", &list)
	var ours []map[string]any
	for _, one := range list {
		bare, ok := strings.CutPrefix(fmt.Sprint(one["Names"]), "[/"+realPrefix)
		if !ok {
			continue
		}
		bare = strings.TrimSuffix(bare, "]")
		ours = append(ours, one)
		var inspect map[string]any
		fetch(t, "/containers/"+fmt.Sprint(one["Id"])+"/json", &inspect)
		if config, ok := inspect["Config"].(map[string]any); ok {
			config["Env"] = []any{"PASSWORD=redacted-hunter2"}
		}
		keep(t, "inspect-"+bare+".json", inspect)
	}
	keep(t, "list.json", ours)
	var images []map[string]any
	fetch(t, "/images/json", &images)
	for _, one := range images {
		if one["Id"] == ours[0]["ImageID"] {
			keep(t, "images.json", []any{one})
		}
	}
	for _, what := range []string{"info", "version"} {
		var answer map[string]any
		fetch(t, "/"+what, &answer)
		if what == "info" {
			answer["ID"], answer["Name"] = "AAAA:BBBB", "vm"
		}
		keep(t, what+".json", answer)
	}
	past, err := c.events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	recordEvents(t, past)
}

// recordEvents keeps the raw events of the containers that are on record.
func recordEvents(t *testing.T, past map[string][]Event) {
	t.Helper()
	raw := get(t, fmt.Sprintf("/events?since=%d&until=%s&filters=%s", time.Now().Add(-time.Hour).Unix(), unixNano(time.Now()),
		`{"type":{"container":true},"event":{"die":true,"kill":true,"oom":true,"stop":true,"restart":true,"start":true}}`))
	var kept []string
	for line := range strings.Lines(string(raw)) {
		var m struct{ Actor struct{ ID, Name string } }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if _, ok := past[m.Actor.ID]; ok && strings.Contains(line, realPrefix) {
			kept = append(kept, line)
		}
	}
	if err := os.WriteFile(filepath.Join("testdata", "events.json"), []byte(strings.Join(kept, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fetch reads one of the real engine's answers.
func fetch(t *testing.T, path string, to any) {
	t.Helper()
	if err := json.Unmarshal(get(t, path), to); err != nil {
		t.Fatal(err)
	}
}

// get asks the real engine without the SDK.
func get(t *testing.T, path string) []byte {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", DefaultSocket)
	}}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get("http://engine" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", path, resp.Status, err)
	}
	return body
}

// keep writes a recorded answer.
func keep(t *testing.T, name string, answer any) {
	t.Helper()
	out, err := json.MarshalIndent(answer, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", name), append(out, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}
