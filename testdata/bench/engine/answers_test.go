package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// get decodes the answer to a request, and checks its status.
func get(t *testing.T, server *httptest.Server, path string, status int, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || resp.Header.Get("Api-Version") != apiVersion {
		t.Errorf("%s: %s, API version %q", path, resp.Status, resp.Header.Get("Api-Version"))
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

func TestEveryContainerIsItsOwn(t *testing.T) {
	t.Parallel()
	const containers = 30
	a, err := newAnswers(containers)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.handler())
	defer server.Close()

	var list []struct {
		ID    string `json:"Id"`
		Names []string
	}
	get(t, server, "/v1.41/containers/json?all=1", http.StatusOK, &list)
	ids, names, states := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, listed := range list {
		var c struct {
			ID    string `json:"Id"`
			Name  string
			State struct {
				Status string
				Pid    int
			}
		}
		get(t, server, "/containers/"+listed.ID+"/json", http.StatusOK, &c)
		if c.ID != listed.ID || c.Name != listed.Names[0] {
			t.Errorf("listed %v, inspected %v", listed, c)
		}
		if c.State.Status == "running" && c.State.Pid != os.Getpid() {
			t.Errorf("%s runs as %d", c.Name, c.State.Pid)
		}
		ids[c.ID], names[c.Name] = true, true
		states[c.State.Status]++
	}
	if len(ids) != containers || len(names) != containers {
		t.Errorf("%d IDs, %d names, want %d", len(ids), len(names), containers)
	}
	if states["running"] == 0 || states["exited"] == 0 || states["restarting"] == 0 {
		t.Errorf("states %v", states)
	}
	var no struct{ Message string }
	get(t, server, "/containers/nobody/json", http.StatusNotFound, &no)
}

func TestEventsAreOfTheContainersAskedFor(t *testing.T) {
	t.Parallel()
	a, err := newAnswers(1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.events) != maxEvents {
		t.Errorf("%d events, want %d", len(a.events), maxEvents)
	}
	for _, form := range []string{`{"container":["ID"]}`, `{"container":{"ID":true}}`} {
		recorder := httptest.NewRecorder()
		query := strings.ReplaceAll(form, "ID", a.events[0].container)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events", nil)
		req.URL.RawQuery = "filters=" + query
		a.handler().ServeHTTP(recorder, req)
		if lines := strings.Count(recorder.Body.String(), "\n"); lines != 4 {
			t.Errorf("%s: %d events, want 4", form, lines)
		}
	}
}
