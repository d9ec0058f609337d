package docker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeEngine serves the recorded answers of a real engine on a unix socket. A test
// puts its own handler in the place of one of them, by its path without the version.
type fakeEngine struct {
	t      *testing.T
	socket string
	api    string // the API-Version header; none where empty
	answer map[string]http.HandlerFunc
	prefix map[string]http.HandlerFunc // by the path's beginning; asked after answer

	mu    sync.Mutex
	asked []string // all paths with their version, in order
}

var apiPrefix = regexp.MustCompile(`^/v[0-9]+\.[0-9]+/`)

// newFake starts an engine that is stopped at the test's end.
func newFake(t *testing.T) *fakeEngine {
	t.Helper()
	f := &fakeEngine{t: t, api: "1.41", answer: map[string]http.HandlerFunc{}, prefix: map[string]http.HandlerFunc{}}
	f.socket = filepath.Join(shortDir(t), "s")
	l, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}}
	s.Start()
	t.Cleanup(s.Close)
	return f
}

// shortDir is a temporary folder with a path that is short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// client dials the engine.
func (f *fakeEngine) client() *Client {
	f.t.Helper()
	return dialled(f.t, Endpoint{Host: "unix://" + f.socket})
}

func dialled(t *testing.T, e Endpoint) *Client {
	t.Helper()
	c, err := Dial(e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP answers one request.
func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := "/" + strings.TrimPrefix(apiPrefix.ReplaceAllString(r.URL.Path, "/"), "/")
	f.mu.Lock()
	f.asked = append(f.asked, r.URL.Path)
	f.mu.Unlock()
	if f.api != "" {
		w.Header().Set("Api-Version", f.api)
	}
	if h := f.answer[path]; h != nil {
		h(w, r)
		return
	}
	for begin, h := range f.prefix {
		if strings.HasPrefix(path, begin) && path != "/containers/json" {
			h(w, r)
			return
		}
	}
	f.recorded(w, path)
}

// recorded gives the answer that the real engine gave.
func (f *fakeEngine) recorded(w http.ResponseWriter, path string) {
	file := map[string]string{
		"/info": "info.json", "/version": "version.json", "/containers/json": "list.json",
		"/images/json": "images.json", "/events": "events.json",
	}[path]
	if path == "/_ping" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		return
	}
	if id, ok := strings.CutPrefix(path, "/containers/"); ok && file == "" {
		file = "inspect-" + f.name(strings.TrimSuffix(id, "/json")) + ".json"
	}
	body, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		say(http.StatusNotFound, `{"message":"page not found"}`)(w, nil)
		return
	}
	say(http.StatusOK, string(body))(w, nil)
}

// name finds a recorded container's name without the prefix.
func (f *fakeEngine) name(id string) string {
	list, err := os.ReadFile("testdata/list.json")
	if err != nil {
		f.t.Error(err)
	}
	_, after, _ := strings.Cut(string(list), `"Id": "`+id)
	_, after, _ = strings.Cut(after, "/"+realPrefix)
	name, _, _ := strings.Cut(after, `"`)
	return name
}

// count tells how often a path was asked, whatever the version.
func (f *fakeEngine) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, p := range f.asked {
		if apiPrefix.ReplaceAllString(p, "/") == path {
			n++
		}
	}
	return n
}

// say answers with a JSON text.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// page answers as a web server does.
func page(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html><body>welcome</body></html>"))
	}
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// dropIt closes the connection instead of answering.
func dropIt(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// breakOff begins an answer and closes the connection.
func breakOff(begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(begin))
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
		panic(http.ErrAbortHandler)
	}
}

// endless repeats a text for as long as anyone reads.
func endless(begin, again string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, err := fmt.Fprint(w, begin)
		for chunk := strings.Repeat(again, 1+(64<<10)/len(again)); err == nil; {
			_, err = w.Write([]byte(chunk))
		}
	}
}

// soon is a context that ends before a test would.
func soon(t *testing.T, after time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	t.Cleanup(cancel)
	return ctx
}

// stall begins an answer and then says no more.
func stall(begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(begin))
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
		hang(w, r)
	}
}
