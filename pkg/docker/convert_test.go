package docker

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"
)

// decoded gives the SDK's type for a JSON text.
func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestConvertParts: with any part missing the rest is there, and nothing is made up.
func TestConvertParts(t *testing.T) {
	init := true
	tests := []struct {
		name, list, inspect string
		want                Container
	}{
		{"nothing at all", `{}`, `{}`, Container{StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"only the list", `{"Id":"a","Names":["/x/alias","/x"],"Image":"i","ImageID":"sha256:1","State":"exited","Created":1700000000,
			"Labels":{"com.docker.compose.project":"p","com.docker.compose.service":"s"},"HostConfig":{"NetworkMode":"host"}}`, `{}`,
			Container{ID: "a", Name: "x", Image: "i", ImageID: "sha256:1", State: "exited", CreatedAt: time.Unix(1700000000, 0).UTC(),
				NetworkMode: "host", ComposeProject: "p", ComposeService: "s", StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"nulls", `{"Names":null,"Labels":null}`, `{"Id":"a","State":null,"HostConfig":null,"Config":null,"NetworkSettings":null}`,
			Container{ID: "a", StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"the inspect is newer", `{"Id":"a","Names":["/old"],"State":"running","Image":"sha256:1"}`,
			`{"Id":"a","Name":"/new","State":{"Status":"exited","ExitCode":137,"OOMKilled":true,"Pid":0,"Error":"e",
			"StartedAt":"2026-01-02T03:04:05.5Z","FinishedAt":"2026-01-02T05:04:06+01:00"},"Config":{"Image":"shop:1"},"RestartCount":3}`,
			Container{ID: "a", Name: "new", State: "exited", Image: "shop:1", ExitCode: 137, OOMKilled: true, Error: "e", RestartCount: 3,
				StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC), FinishedAt: time.Date(2026, 1, 2, 4, 4, 6, 0, time.UTC),
				StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"never", `{}`, `{"Created":"0001-01-01T00:00:00Z","State":{"StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"soon"}}`,
			Container{StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"host part", `{}`, `{"HostConfig":{"Memory":1,"MemoryReservation":2,"MemorySwap":-1,"OomKillDisable":true,"OomScoreAdj":-5,"PidsLimit":9,
			"NanoCpus":7,"Init":true,"NetworkMode":"container:abc","PidMode":"host","Privileged":true,"AutoRemove":true,
			"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":4},"LogConfig":{"Type":"local","Config":{"max-size":"2m","env":"PASSWORD"}}}}`,
			Container{Limits: Limits{Memory: 1, MemoryReservation: 2, MemorySwap: -1, OOMKillDisable: true, OOMScoreAdj: -5, PIDs: 9, NanoCPUs: 7},
				Init: &init, NetworkMode: "container:abc", PIDMode: "host", Privileged: true, AutoRemove: true,
				Restart: Policy{Name: "on-failure", MaxRetries: 4}, Logging: Logs{Driver: "local", MaxSize: "2m"},
				StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"negative numbers", `{"Created":-5}`, `{"RestartCount":-1,"State":{"Pid":-7},"HostConfig":{"Memory":-1,"MemorySwap":-9,"PidsLimit":-1,"NanoCpus":-1,"RestartPolicy":{"MaximumRetryCount":-1}}}`,
			Container{Limits: Limits{MemorySwap: -1}, Restart: Policy{Name: "no"}, StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"stop", `{}`, `{"Config":{"StopSignal":"SIGQUIT","StopTimeout":0}}`, Container{StopSignal: "SIGQUIT"}},
		{"stop never", `{}`, `{"Config":{"StopTimeout":-1}}`, Container{StopSignal: "SIGTERM", StopTimeout: -time.Second}},
		{"swarm", `{}`, `{"Config":{"Labels":{"com.docker.swarm.task.id":"t"}}}`, Container{SwarmTask: true, ManagedBy: "swarm", StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"swarm, in one place only", `{"Labels":{"io.kubernetes.pod.name":"p"}}`, `{"Config":{"Labels":{"com.docker.swarm.task.id":"t"}}}`,
			Container{SwarmTask: true, ManagedBy: "swarm", StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"managed, by the list", `{"Labels":{"com.hashicorp.nomad.alloc_id":"a"}}`, `{}`, Container{ManagedBy: "nomad", StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"managed, by the description", `{"Labels":{"x":"y"}}`, `{"Config":{"Labels":{"com.hashicorp.nomad.alloc_id":"a"}}}`,
			Container{ManagedBy: "nomad", StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
		{"ports", `{"Ports":[{"PrivatePort":9000,"Type":"tcp"},{"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
			{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}]}`, `{}`,
			Container{Ports: []Port{{HostIP: "0.0.0.0", Host: 8080, Container: 80, Protocol: "tcp"}, {HostIP: "::", Host: 8080, Container: 80, Protocol: "tcp"}},
				StopSignal: "SIGTERM", StopTimeout: 10 * time.Second}},
	}
	for _, tt := range tests {
		got := convert(decoded[container.Summary](t, tt.list), decoded[container.InspectResponse](t, tt.inspect))
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestManagedBy(t *testing.T) {
	for _, tt := range []struct {
		labels map[string]string
		want   string
	}{
		{nil, ""},
		{map[string]string{"com.example.team": "io.kubernetes.pod.name", "io.kubernetesx": "1", "com.docker.compose.project": "shop", "com.docker.compose.oneoff": "False"}, ""},
		{map[string]string{"com.docker.swarm.task.id": "t", "com.docker.swarm.task": ""}, "swarm"},
		{map[string]string{"com.docker.swarm.task.id": "", "com.docker.swarm.node.id": "n"}, ""},
		{map[string]string{"io.kubernetes.container.name": "POD"}, "kubernetes"},
		{map[string]string{"com.amazonaws.ecs.task-arn": ""}, "ecs"},
		{map[string]string{"com.hashicorp.nomad.alloc_id": "a"}, "nomad"},
		{map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.oneoff": "True"}, "compose run"},
		{map[string]string{"PODMAN_SYSTEMD_UNIT": "shop.service"}, "podman"},
		{map[string]string{"PODMAN_SYSTEMD_UNIT": ""}, ""},
		{map[string]string{"PODMAN_SYSTEMD_UNIT": "x", "com.docker.compose.oneoff": "True", "io.kubernetes.pod.uid": "u"}, "kubernetes"},
		{map[string]string{"io.kubernetes.pod.uid": "u", "com.docker.swarm.task.id": "t"}, "swarm"},
	} {
		if got := managedBy(tt.labels); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.labels, got, tt.want)
		}
	}
}

func TestHealth(t *testing.T) {
	end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name, inspect string
		want          *Health
	}{
		{"none", `{"State":{},"Config":{}}`, nil},
		{"switched off", `{"State":{"Health":{"Status":"none"}},"Config":{"Healthcheck":{"Test":["NONE"]}}}`, nil},
		{"only an interval", `{"State":{},"Config":{"Healthcheck":{"Interval":5}}}`, nil},
		{"podman without one", `{"State":{"Health":{"Status":"","FailingStreak":0,"Log":null}},"Config":{}}`, nil},
		{"never ran", `{"State":{},"Config":{"Healthcheck":{"Test":["CMD","x"]}}}`, &Health{Status: "none", Interval: 30 * time.Second}},
		{"no state", `{"Config":{"Healthcheck":{"Test":["CMD","x"],"Interval":2000000000}}}`, &Health{Status: "none", Interval: 2 * time.Second}},
		{"starting", `{"State":{"Health":{"Status":"starting"}},"Config":{"Healthcheck":{"Test":["CMD-SHELL","x"]}}}`, &Health{Status: "starting", Interval: 30 * time.Second}},
		{"without its configuration", `{"State":{"Health":{"Status":"healthy","Log":[null]}}}`, &Health{Status: "healthy"}},
		{"newest run", `{"State":{"Health":{"Status":"unhealthy","FailingStreak":4,"Log":[{"ExitCode":0,"Output":"old"},
			{"End":"2026-01-02T03:04:05Z","ExitCode":1,"Output":"new"},null]}},"Config":{"Healthcheck":{"Test":["CMD","x"]}}}`,
			&Health{Status: "unhealthy", FailingStreak: 4, Interval: 30 * time.Second, Last: &Probe{End: end, ExitCode: 1, Output: "new"}}},
	} {
		if d := cmp.Diff(tt.want, health(decoded[container.InspectResponse](t, tt.inspect))); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	long := container.HealthcheckResult{Output: strings.Repeat("x", 399) + "é" + strings.Repeat("y", 4000)}
	if out := lastProbe([]*container.HealthcheckResult{&long}).Output; out != strings.Repeat("x", 399) {
		t.Errorf("%d bytes, want 399: no half of a character", len(out))
	}
}

func TestCommand(t *testing.T) {
	for _, tt := range []struct {
		argv    string
		program string
		shell   bool
	}{
		{``, "", false},
		{`""`, "", false},
		{`"node","server.js"`, "node", false},
		{`"/usr/local/bin/node"`, "node", false},
		{`"/bin/sh","-c","node server.js"`, "sh", true},
		{`"bash","-ec","x"`, "bash", true},
		{`"/bin/bash","-o","pipefail","-c","x"`, "bash", true},
		{`"/bin/bash","-eo","pipefail","-c","x"`, "bash", true},
		{`"bash","--norc","-c","x"`, "bash", true},
		{`"busybox","sh","-c","x"`, "busybox", true},
		{`"busybox","httpd","-c","x"`, "busybox", false},
		{`"sh"`, "sh", false},
		{`"sh","/start.sh"`, "sh", false},
		{`"sh","/start.sh","-c"`, "sh", false},
		{`"sh","--","-c"`, "sh", false},
		{`"sh","-e","/start.sh","-c"`, "sh", false},
		{`"python","-c","x"`, "python", false},
		{`"tini","--","sh","-c","x"`, "tini", false},
		{`"/"`, "/", false},
	} {
		var argv []string
		if err := json.Unmarshal([]byte("["+tt.argv+"]"), &argv); err != nil {
			t.Fatal(err)
		}
		byPath := container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{}}
		if len(argv) > 0 {
			byPath.Path, byPath.Args = argv[0], argv[1:]
		}
		byConfig := container.InspectResponse{Config: &container.Config{Cmd: argv}}
		for _, in := range []container.InspectResponse{byPath, byConfig} {
			var c Container
			c.addCommand(in)
			if c.Program != tt.program || c.ShellForm != tt.shell {
				t.Errorf("[%s]: %q, shell %v", tt.argv, c.Program, c.ShellForm)
			}
		}
	}
}

func TestSeconds(t *testing.T) {
	for n, want := range map[int]time.Duration{
		0: 0, 10: 10 * time.Second, -1: -time.Second, -5: -time.Second, math.MinInt: -time.Second,
		math.MaxInt: 9223372036 * time.Second,
	} {
		if got := seconds(n); got != want {
			t.Errorf("%d: %v, want %v", n, got, want)
		}
	}
}

// FuzzConvert: whatever an engine says, the result keeps its word.
func FuzzConvert(f *testing.F) {
	f.Add(`{}`, `{}`)
	f.Add(`{"Id":"a","Names":["/x"]}`, `{"Id":"a","State":{"Pid":-1},"HostConfig":{"Memory":-1}}`)
	f.Add(`{"Names":[""]}`, `{"Path":"sh","Args":["-c"],"Config":{"StopTimeout":-9223372036854775808}}`)
	f.Add(`{"Labels":{"io.kubernetes.pod.uid":"u"}}`, `{"Config":{"Labels":{"com.docker.swarm.task.id":"t"}}}`)
	f.Add(`{"Labels":{"com.docker.swarm.task.id":"t"}}`, `{"Config":{"Labels":{"com.amazonaws.ecs.cluster":"c"}}}`)
	f.Add(`{"Ports":[{"PublicPort":1}]}`, `{"State":{"Health":{"Status":"x","Log":[null,{"Output":"`+strings.Repeat("é", 300)+`"}]}}}`)
	f.Fuzz(func(t *testing.T, list, inspect string) {
		var s container.Summary
		var in container.InspectResponse
		if json.Unmarshal([]byte(list), &s) != nil || json.Unmarshal([]byte(inspect), &in) != nil {
			return
		}
		c := convert(s, in)
		if c.PID < 0 || c.RestartCount < 0 || c.Limits.MemorySwap < -1 || c.Limits.PIDs < 0 || c.Limits.NanoCPUs < 0 || c.StopTimeout < -time.Second {
			t.Errorf("a number out of its range: %+v", c)
		}
		if c.StopSignal == "" || c.Health != nil && c.Health.Status == "" {
			t.Errorf("a word is missing: %+v", c)
		}
		if c.Health != nil && c.Health.Last != nil && len(c.Health.Last.Output) > probeOutputLimit {
			t.Errorf("%d bytes of output", len(c.Health.Last.Output))
		}
		if strings.Contains(c.Program, "/") && c.Program != "/" {
			t.Errorf("program %q is no base name", c.Program)
		}
		if c.SwarmTask != (c.ManagedBy == "swarm") {
			t.Errorf("a swarm's task %v, made by %q", c.SwarmTask, c.ManagedBy)
		}
		out, err := json.Marshal(c)
		if err != nil && !strings.Contains(err.Error(), "year outside of range") {
			t.Fatal(err)
		}
		if !utf8.Valid(out) || !validText(reflect.ValueOf(c)) {
			t.Errorf("not UTF-8: %q", out)
		}
	})
}

// validText tells whether all strings in a value are valid UTF-8.
func validText(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer:
		return v.IsNil() || validText(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if !validText(v.Index(i)) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && !validText(v.Field(i)) {
				return false
			}
		}
	}
	return true
}
