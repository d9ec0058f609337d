package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vmguard/pkg/oom"
)

// oneContainer is an engine with a container "web", which counts how often it is asked for
// the list, and answers once it may.
func oneContainer(t *testing.T) (host string, lists *atomic.Int32, release chan struct{}) {
	t.Helper()
	lists, release = new(atomic.Int32), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			w.Header().Set("API-Version", "1.41")
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			lists.Add(1)
			select {
			case <-release:
			case <-r.Context().Done():
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `[{"Id":%q,"Names":["/web"],"Image":"x","State":"running"}]`, oneID)
		case strings.HasSuffix(r.URL.Path, "/events"):
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String(), lists, release
}

func namerOf(t *testing.T, host string) *namer {
	t.Helper()
	o := oomOptions{dockerHost: host}
	return o.newNamer(t.Context(), &App{Getenv: func(string) string { return "" }})
}

// A kill does not wait for an engine that is slow, a later one has its name, and the engine
// is not asked for a name that is known or that it did not know.
func TestNamerDoesNotHoldUpKills(t *testing.T) {
	host, lists, release := oneContainer(t)
	n := namerOf(t, host)
	defer n.stop()
	web, gone := oom.Kill{TaskCgroup: "/docker/" + oneID}, oom.Kill{TaskCgroup: "/docker/" + otherID}
	for range 3 { // the first alone waits
		if got := n.of(t.Context(), web).owner(web.TaskCgroup); got.Name != "" {
			t.Fatalf("a name before the engine answered: %+v", got)
		}
	}
	close(release)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n.of(ctx, web).owner(web.TaskCgroup).Name != "web" {
		if ctx.Err() != nil {
			t.Fatal("the engine answered, and the container has no name")
		}
		time.Sleep(time.Millisecond) // the answer is under way
	}
	if got := lists.Load(); got != 1 {
		t.Errorf("asked %d times", got)
	}
	n.wait = time.Minute
	for range 3 {
		n.of(t.Context(), gone)
		n.of(t.Context(), web)
	}
	if got := lists.Load(); got != 2 {
		t.Errorf("asked %d times for a container that it does not know", got-1)
	}
}

// A kill that is in no container costs no question, and a namer that is stopped leaves nothing behind.
func TestNamerStops(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("", func(t *testing.T) {
		host, _, _ := oneContainer(t)
		n := namerOf(t, host)
		n.of(t.Context(), oom.Kill{TaskCgroup: "/system.slice/cron.service"})
		n.stop()
	})
	goleak.VerifyNone(t, before)
}

// Without an engine kills are told all the same.
func TestNamerWithoutAnEngine(t *testing.T) {
	n := namerOf(t, "tcp://127.0.0.1:1")
	defer n.stop()
	n.wait = time.Minute // it is refused at once
	kill := oom.Kill{TaskCgroup: "/docker/" + oneID}
	names := n.of(t.Context(), kill)
	if names.why == "" || names.owner(kill.TaskCgroup).ContainerID != oneID {
		t.Errorf("%+v", names)
	}
	if names.nameless() == "" {
		t.Error("that there are no names is not told")
	}
}
