package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// apiVersion is the newest that the recorded engine speaks.
const apiVersion = "1.41"

var versionPrefix = regexp.MustCompile(`^/v[0-9]+\.[0-9]+/`)

// handler serves the answers under every API version.
func (a *answers) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", always("text/plain; charset=utf-8", a.ping))
	mux.HandleFunc("GET /version", always("application/json", a.version))
	mux.HandleFunc("GET /info", always("application/json", a.info))
	mux.HandleFunc("GET /images/json", always("application/json", a.images))
	mux.HandleFunc("GET /images/{name}/json", always("application/json", a.image))
	mux.HandleFunc("GET /containers/json", always("application/json", a.list))
	mux.HandleFunc("GET /containers/{id}/json", a.serveInspect)
	mux.HandleFunc("GET /events", a.serveEvents)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", apiVersion)
		w.Header().Set("Ostype", "linux")
		w.Header().Set("Server", "Docker/20.10.24 (linux)")
		r.URL.Path = versionPrefix.ReplaceAllString(r.URL.Path, "/")
		mux.ServeHTTP(w, r)
	})
}

func always(kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { send(w, kind, body) }
}

func send(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // the client may be gone
}

func (a *answers) serveInspect(w http.ResponseWriter, r *http.Request) {
	body, ok := a.inspect[r.PathValue("id")]
	if !ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		body = []byte(`{"message":"No such container"}`)
	}
	send(w, "application/json", body)
}

// serveEvents sends the events there are, of the containers asked for, and ends, as an engine does when "until" is past.
func (a *answers) serveEvents(w http.ResponseWriter, r *http.Request) {
	wanted := filter(r.URL.Query().Get("filters"), "container")
	var body []byte
	for _, ev := range a.events {
		if len(wanted) == 0 || slices.ContainsFunc(wanted, func(id string) bool { return strings.HasPrefix(ev.container, id) }) {
			body = append(body, ev.line...)
		}
	}
	send(w, "application/json", body)
}

// filter reads one of an API's filters, which come as {"key":["value"]} or {"key":{"value":true}}.
func filter(text, key string) []string {
	var lists map[string][]string
	if json.Unmarshal([]byte(text), &lists) == nil {
		return lists[key]
	}
	var sets map[string]map[string]bool
	if json.Unmarshal([]byte(text), &sets) != nil {
		return nil
	}
	var values []string
	for value, on := range sets[key] {
		if on {
			values = append(values, value)
		}
	}
	return values
}
