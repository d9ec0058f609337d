package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/check"
	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/rootfs"
)

// TestRecordedHosts judges the recorded hosts and compares with what stands in their
// findings.txt; UPDATE_HOSTS=1 writes it anew, for a person to read before it is kept.
func TestRecordedHosts(t *testing.T) {
	dirs, err := filepath.Glob("../../testdata/hosts/*/recorded.json")
	if err != nil || len(dirs) < 2 {
		t.Fatalf("recorded hosts: %v, %v", dirs, err)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			facts := recordedFacts(t, dir)
			got := spell(facts)
			want := filepath.Join(dir, "findings.txt")
			if os.Getenv("UPDATE_HOSTS") != "" {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, want)), got); diff != "" {
				t.Error(diff)
			}

			// A recording made of these facts is judged the same.
			var saved bytes.Buffer
			if err := facts.Redacted().Write(&saved); err != nil {
				t.Fatal(err)
			}
			loaded, err := host.Read(&saved)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, spell(loaded)); diff != "" {
				t.Errorf("judged from a recording: %s", diff)
			}
		})
	}
}

// spell writes all findings, one a line.
func spell(facts *host.Facts) string {
	var b strings.Builder
	for _, f := range check.Run(check.All(), facts, check.DefaultPolicy(facts.CollectedAt)) {
		severity := ""
		if f.Status.String() == "fail" {
			severity = " " + f.Severity.String()
		}
		fmt.Fprintf(&b, "%s%s: %s: %s: %s\n", f.Status, severity, f.ID, f.Subject, f.Summary)
	}
	return b.String()
}

// recordedFacts collects from a tree that scripts/record-host made, through the same
// collectors and the same Docker adapter as on a live host.
func recordedFacts(t *testing.T, dir string) *host.Facts {
	t.Helper()
	restoreModes(t, dir)
	tree, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	var recorded struct{ RecordedAt time.Time }
	decode(t, readFile(t, filepath.Join(dir, "recorded.json")), &recorded)
	if recorded.RecordedAt.IsZero() {
		t.Fatal("recorded.json has no time")
	}
	var disks []host.Disk
	decode(t, readFile(t, filepath.Join(dir, "statfs.json")), &disks)
	var keepalives map[int]host.Keepalive
	decode(t, readFile(t, filepath.Join(dir, "keepalive.json")), &keepalives)
	client, err := docker.Dial(docker.Endpoint{Host: "unix://" + recordedEngine(t, filepath.Join(dir, "docker"))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return host.Collect(t.Context(), host.Source{
		FS: tree, Root: true, Docker: client, DockerNamed: true,
		Now:       func() time.Time { return recorded.RecordedAt },
		KernelLog: func(ctx context.Context) (oom.Log, error) { return oom.ReadKmsg(ctx, filepath.Join(dir, "kmsg")) },
		DiskUsage: func(_ context.Context, path string) (host.Disk, error) {
			for _, d := range disks {
				if d.Path == path {
					return d, nil
				}
			}
			return host.Disk{}, fs.ErrNotExist
		},
		Keepalive: func(_ context.Context, pid int) (host.Keepalive, error) {
			k, ok := keepalives[pid]
			if !ok {
				return k, fs.ErrNotExist
			}
			return k, nil
		},
	})
}

// restoreModes gives swapfiles the permissions that they had: git keeps none.
func restoreModes(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "modes"))
	if err != nil {
		return // no swapfile was active
	}
	for line := range strings.Lines(string(data)) {
		var mode fs.FileMode
		var owner int
		var path string
		if _, err := fmt.Sscanf(line, "%o %d %s", &mode, &owner, &path); err != nil {
			t.Fatalf("modes: %q: %v", line, err)
		}
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// recordedEngine answers on a unix socket with what an engine once answered.
func recordedEngine(t *testing.T, dir string) (socket string) {
	t.Helper()
	var version struct{ APIVersion string }
	decode(t, readFile(t, filepath.Join(dir, "version.json")), &version)
	answers := http.NewServeMux()
	serve := func(pattern, file string) {
		answers.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			name := filepath.Join(dir, strings.ReplaceAll(file, "{id}", r.PathValue("id")))
			doc, err := os.ReadFile(name)
			if err != nil {
				w.WriteHeader(http.StatusNotFound)
				_ = json.NewEncoder(w).Encode(map[string]string{"message": "No such container: " + r.PathValue("id")})
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(doc)
		})
	}
	answers.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", version.APIVersion) })
	serve("/{v}/version", "version.json")
	serve("/{v}/info", "info.json")
	serve("/{v}/containers/json", "containers.json")
	serve("/{v}/containers/{id}/json", "containers/{id}.json")
	serve("/{v}/images/json", "images.json")
	serve("/{v}/events", "events.json")

	socket = filepath.Join(t.TempDir(), "d.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: answers, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket
}
