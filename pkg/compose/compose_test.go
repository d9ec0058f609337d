package compose

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// services parses one file and gives its services by name.
func services(t *testing.T, texts ...string) map[string]Service {
	t.Helper()
	names := []string{"compose.yaml", "compose.override.yaml"}
	var sources []Source
	for i, text := range texts {
		sources = append(sources, Source{names[i], []byte(text)})
	}
	f, err := Parse(Env{}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Service{}
	for _, s := range f.Services {
		out[s.Name] = s
	}
	return out
}

func at(line int, text string) Setting { return Setting{File: "compose.yaml", Line: line, Text: text} }

func TestParse(t *testing.T) {
	got := services(t, `# a mail service
name: mail
x-common: &common
  restart: unless-stopped
  stop_grace_period: 1m30s
services:
  sync:
    <<: *common
    build:
      context: ./sync
      dockerfile: Dockerfile.prod
      target: run
    healthcheck:
      test: ["CMD", "node", "health.js"]
    mem_limit: 512m
    init: true
    stop_signal: SIGINT
    environment:
      PASSWORD: hunter2
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
  db:
    image: postgres:16
    restart: "no"
    healthcheck: {disable: true}
    deploy:
      restart_policy: {condition: on-failure}
      resources: {limits: {memory: 1g}}
  migrate:
    image: app
    build: .
    profiles: [tools]
    healthcheck:
      test: NONE
`)
	want := map[string]Service{
		"sync": {
			Name: "sync", File: "compose.yaml", Line: 7,
			Build:       &Build{Context: at(10, "./sync"), Dockerfile: at(11, "Dockerfile.prod"), Target: at(12, "run")},
			Healthcheck: Healthcheck{File: "compose.yaml", Line: 14},
			Restart:     at(4, "unless-stopped"), StopGrace: at(5, "1m30s"), Memory: at(15, "512m"), Init: at(16, "true"), StopSignal: at(17, "SIGINT"),
		},
		"db": {
			Name: "db", File: "compose.yaml", Line: 23, Image: at(24, "postgres:16"), Awaited: []string{"sync"},
			Healthcheck: Healthcheck{File: "compose.yaml", Line: 26, Off: true}, Restart: at(28, "on-failure"), Memory: at(29, "1g"),
		},
		"migrate": {
			Name: "migrate", File: "compose.yaml", Line: 30, Image: at(31, "app"), Build: &Build{Context: at(32, ".")}, Profiles: []string{"tools"}, Job: true,
			Healthcheck: Healthcheck{File: "compose.yaml", Line: 35, Off: true},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Service{})); diff != "" {
		t.Error(diff)
	}
}

// TestParseLayers holds how override files, extends and tags change what a key has.
func TestParseLayers(t *testing.T) {
	base := "services:\n  a:\n    image: x\n    restart: always\n    mem_limit: 1g\n    healthcheck:\n      test: [CMD, a]\n"
	for _, tt := range []struct {
		name, override string
		check          func(s Service) any
		want           any
	}{
		{"a scalar is replaced", "services:\n  a:\n    restart: \"no\"\n", func(s Service) any { return s.Restart },
			Setting{File: "compose.override.yaml", Line: 3, Text: "no"}},
		{"a null changes nothing", "services:\n  a:\n    restart:\n", func(s Service) any { return s.Restart.Text }, "always"},
		{"reset", "services:\n  a:\n    restart: !reset null\n", func(s Service) any { return s.Restart.Set() }, false},
		{"sections are merged", "services:\n  a:\n    healthcheck:\n      interval: 5s\n", func(s Service) any { return s.Healthcheck.Partial }, false},
		{"override", "services:\n  a:\n    healthcheck: !override\n      interval: 5s\n", func(s Service) any { return s.Healthcheck.Partial }, true},
		{"an empty test is the image's", "services:\n  a:\n    healthcheck: {test: []}\n", func(s Service) any { return s.Healthcheck.Partial }, true},
		{"no condition", "services:\n  a:\n    deploy: {restart_policy: {max_attempts: 3}}\n", func(s Service) any { return s.Restart },
			Setting{File: "compose.override.yaml", Line: 3}},
		{"attempts", "services:\n  a:\n    deploy: {restart_policy: {condition: any, max_attempts: 3}}\n", func(s Service) any { return s.Restart.Text }, "any:3"},
		{"attempts by a variable", "services:\n  a:\n    deploy: {restart_policy: {condition: any, max_attempts: $N}}\n", func(s Service) any { return s.Restart.Variable }, "N"},
		{"disabled", "services:\n  a:\n    healthcheck:\n      disable: true\n", func(s Service) any { return s.Healthcheck.Off }, true},
		{"another file's service", "services:\n  b: {image: y}\n", func(s Service) any { return s.Restart.Text }, "always"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.check(services(t, base, tt.override)["a"])); diff != "" {
				t.Error(diff)
			}
		})
	}
	got := services(t, "services:\n  base: {image: x, restart: always}\n  mid: {extends: base, init: true}\n  top: {extends: {service: mid}, mem_limit: 1g}\n"+
		"  far: {extends: {file: c.yaml, service: z}}\n  loop: {extends: loop}\n")
	if s := got["top"]; s.Restart.Text != "always" || s.Init.Text != "true" || s.Memory.Text != "1g" || s.Unseen != "" {
		t.Errorf("%+v", s)
	}
	for _, name := range []string{"far", "loop"} {
		if s := got[name]; !strings.HasPrefix(s.Unseen, "it extends a service") {
			t.Errorf("%s: %q", name, s.Unseen)
		}
	}
}

func TestParseForms(t *testing.T) {
	if got := services(t, "web:\n  image: x\n  mem_limit: 64m\ndb:\n  build: .\n"); len(got) != 2 || got["web"].Memory.Text != "64m" {
		t.Errorf("version 1: %+v", got)
	}
	f, err := Parse(Env{}, Source{"c.yaml", []byte("include:\n  - other.yaml\nservices: {}\n")})
	if err != nil || f.Unseen != "c.yaml:2 includes files that were not read" {
		t.Errorf("%+v, %v", f, err)
	}
	got := services(t, "services:\n  a:\n    restart: ${R}\n    mem_limit: ${M:-1g}\n    stop_grace_period: \"${G-5}s\"\n    healthcheck: {test: [\"$T\"]}\n    init: $$x\n")["a"]
	if got.Restart.Variable != "R" || got.Memory.Text != "1g" || got.StopGrace.Text != "5s" || got.Healthcheck.Variable != "T" || got.Init.Text != "$x" {
		t.Errorf("%+v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for _, pair := range []string{"ba", "cb", "dc", "ed", "fe", "gf", "hg"} {
		bomb += pair[:1] + ": &" + pair[:1] + " {<<: [" + strings.Repeat("*"+pair[1:]+",", 9) + "]}\n"
	}
	for name, tt := range map[string]struct{ text, want string }{
		"no YAML":         {"services:\n  a: [\n", "c.yaml:"},
		"a tab":           {"services:\n\ta: b\n", "c.yaml:2: no YAML"},
		"a list":          {"\n- a\n", "c.yaml:2: no mapping"},
		"empty":           {"# nothing\n", "c.yaml: empty"},
		"another file":    {"apiVersion: v1\nkind: Pod\n", "c.yaml:1: neither a services section"},
		"twice":           {"services:\n  a:\n    image: x\n    image: y\n", `c.yaml:4: the key "image" stands twice`},
		"two documents":   {"services: {}\n---\nservices: {}\n", "c.yaml:"},
		"an alias bomb":   {bomb + "services:\n  a: {<<: *h}\n", "lead too far"},
		"eats itself":     {"services:\n  a: &a\n    <<: *a\n    image: x\n", "lead too far"},
		"too many":        {"services:\n" + strings.Repeat("  ", 1) + strings.Join(strings.Fields(many(1001)), "\n  ") + "\n", "more than 1000 services"},
		"unknown anchor":  {"services: *nobody\n", "no YAML"},
		"invalid unicode": {"a: \xff\n", "no YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(Env{}, Source{"c.yaml", []byte(tt.text)})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "nobody") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestRemoteContext: who fetches a context from elsewhere, and with what password, is not kept.
func TestRemoteContext(t *testing.T) {
	for in, want := range map[string]string{
		"https://oauth2:hunter2@host/a/b.git": "https://***@host/a/b.git", "https://u:hun/ter2@x@host/a.git#v1": "https://***@host/a.git#v1", "git@host:a/b.git": "***@host:a/b.git",
		"oauth2:hunter2@host/a.git": "***@host/a.git", "https://host/a.git": "https://host/a.git", "github.com/a/b": "github.com/a/b",
		"./node@18": "./node@18", "node@18": "node@18", "a/b@c:d": "a/b@c:d", "https://" + strings.Repeat("hunter2", 30) + "@host/a.git": "https://***@host/a.git",
	} {
		for _, text := range []string{"services: {a: {build: '" + in + "'}}", "services: {a: {build: {context: '" + in + "'}}}"} {
			file, err := Parse(Env{}, Source{"c.yaml", []byte(text)})
			if err != nil {
				t.Fatal(err)
			}
			if got := file.Services[0].Build.Context.Text; got != want {
				t.Errorf("%s gave %s", in, got)
			}
		}
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("s" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + ":{} ")
	}
	return strings.ReplaceAll(b.String(), ":{}", ":")
}

func TestInterpolate(t *testing.T) {
	for in, want := range map[string][2]string{
		"plain": {"plain", ""}, "$$": {"$", ""}, "a$": {"a$", ""}, "$ 5": {"$ 5", ""}, "$A": {"", "A"}, "${A}": {"", "A"}, "x${A_1}y": {"", "A_1"},
		"${A:-d}": {"d", ""}, "${A-}": {"", ""}, "${A:-${B:-c}}": {"c", ""}, "${A:-${B}}": {"", "B"}, "${A:?needed}": {"", "A"}, "${A?}": {"", "A"},
		"${A:+set}": {"", "A"}, "${A": {"", "{A"}, "${}": {"", "${}"}, "$$A ${B:-$$}": {"$A $", ""}, "$1": {"$1", ""},
	} {
		if got := (variables{}).interpolate(in); got != (resolution{text: want[0], variable: want[1]}) {
			t.Errorf("%q gave %+v", in, got)
		}
	}
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]time.Duration{"10s": 10 * time.Second, "1m30s": 90 * time.Second, "1h": time.Hour, "0": 0, "0s": 0, "1.5s": 1500 * time.Millisecond, "1d": 24 * time.Hour, "250ms": 250 * time.Millisecond} {
		if got, err := (Setting{Text: text}).Duration(); err != nil || got != want {
			t.Errorf("%q gave %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "s", "-5s", "1x", "1e9h", "99999999999999h", "1m 30s"} {
		if got, err := (Setting{Text: text}).Duration(); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
	for text, want := range map[string]uint64{"512m": 512 << 20, "1G": 1 << 30, "1gb": 1 << 30, "1GiB": 1 << 30, "64k": 64 << 10, "1024": 1024, "10b": 10, "0": 0, "1.5g": 3 << 29, "1 g": 1 << 30} {
		if got, err := (Setting{Text: text}).Bytes(); err != nil || got != want {
			t.Errorf("%q gave %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "m", "1x", "-1", "1kk", "99999999p", "1ib2"} {
		if got, err := (Setting{Text: text}).Bytes(); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}

// FuzzParse: whatever a file holds, its services have names and lines in the file, and the
// same comes out twice. A comment below changes nothing.
func FuzzParse(f *testing.F) {
	f.Add("services:\n  a:\n    image: x\n    restart: ${A:-no}\n    extends: b\n  b: {<<: {init: true}}\n")
	f.Add("web:\n  build: .\n")
	f.Add("x: &x {a: *x}\nservices: {a: *x}\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(Env{}, Source{"f", []byte(text)})
		again, err2 := Parse(Env{}, Source{"f", []byte(text)})
		if (err == nil) != (err2 == nil) || !cmp.Equal(got, again, cmpopts.IgnoreUnexported(Service{})) {
			t.Fatalf("%v, %v\n%+v\n%+v", err, err2, got, again)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Fatalf("%v does not name the file", err)
		}
		lines := strings.Count(strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text), "\n") + 1
		for _, s := range got.Services {
			if s.Line < 1 || s.Line > lines {
				t.Fatalf("%q begins at line %d of %d", s.Name, s.Line, lines)
			}
			for _, set := range []Setting{s.Image, s.Restart, s.Memory, s.StopGrace, s.StopSignal, s.Init} {
				if set.Variable != "" && set.Text != "" || set.Line > lines || set.Line == 0 && set != (Setting{}) {
					t.Fatalf("%+v", set)
				}
			}
		}
	})
}

// FuzzInterpolate: without a dollar sign nothing changes, and doubled ones come back single.
func FuzzInterpolate(f *testing.F) {
	f.Add("a${B:-c}d")
	f.Add("$$")
	f.Fuzz(func(t *testing.T, text string) {
		got := variables{}.interpolate(text)
		if got.variable != "" && got.text != "" {
			t.Fatalf("%q gave both: %+v", text, got)
		}
		if got = (variables{}).interpolate(strings.ReplaceAll(text, "$", "$$")); got != (resolution{text: text}) {
			t.Fatalf("%q came back as %+v", text, got)
		}
	})
}
