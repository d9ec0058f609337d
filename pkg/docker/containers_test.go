package docker

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// byName keys containers by their names without the test's prefix.
func byName(all []Container) map[string]Container {
	m := map[string]Container{}
	for _, c := range all {
		m[strings.TrimPrefix(c.Name, realPrefix)] = c
	}
	return m
}

// TestRecorded holds the recorded answers against the same wants as the live ones.
func TestRecorded(t *testing.T) {
	all, err := newFake(t).client().Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(all, func(a, b Container) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not ordered by name")
	}
	got := byName(all)
	if len(got) != len(realWants) {
		t.Errorf("%d containers, want %d", len(got), len(realWants))
	}
	for name, check := range realWants {
		if why := check(got[name]); why != "" {
			t.Errorf("%s: %s\n%+v", name, why, got[name])
		}
		if c := got[name]; c.InspectError != "" || !c.EventsKnown || c.ImageSize == 0 {
			t.Errorf("%s: incomplete: %+v", name, c)
		}
	}
}

func TestRecordedInfo(t *testing.T) {
	f := newFake(t)
	got, err := f.client().Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Engine{
		Endpoint: "unix://" + f.socket, Version: "20.10.24+dfsg1", APIVersion: "1.41", APINegotiated: "1.41",
		OS: "Debian GNU/Linux 12 (bookworm)", Name: "vm", CgroupDriver: "cgroupfs", CgroupVersion: "1",
		StorageDriver: "overlay2", LogDriver: "json-file", RootDir: "/var/lib/docker",
		MemoryLimit: true, SwapLimit: true, InitBinary: "docker-init",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestVersions: the newest version that both speak is used, and asked for once.
func TestVersions(t *testing.T) {
	for _, tt := range []struct{ engine, used, newest string }{
		{"1.24", "1.24", "1.24"},
		{"1.41", "1.41", "1.41"},
		{"1.60", "1.51", "1.60"},
		{"", "1.24", "1.41"}, // before 1.13: not told with the ping, so /version is asked
	} {
		f := newFake(t)
		f.api = tt.engine
		c := f.client()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				e, err := c.Info(t.Context())
				if err != nil || e.APINegotiated != tt.used || e.APIVersion != tt.newest {
					t.Errorf("engine %q: negotiated %s of %s, %v", tt.engine, e.APINegotiated, e.APIVersion, err)
				}
			})
			all.Go(func() {
				if _, err := c.Containers(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := f.count("/_ping"); n != 1 {
			t.Errorf("engine %q: %d pings, want 1", tt.engine, n)
		}
		for _, p := range f.asked {
			if p != "/_ping" && !strings.HasPrefix(p, "/v"+tt.used+"/") {
				t.Errorf("engine %q: asked %s", tt.engine, p)
			}
		}
	}
}

// recordedID is the ID of a recorded container.
func recordedID(t *testing.T, name string) string {
	t.Helper()
	all, err := newFake(t).client().Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return byName(all)[name].ID
}

// TestOneInspectFails: one container's failure costs nothing but that container's details.
func TestOneInspectFails(t *testing.T) {
	id := recordedID(t, "web")
	for _, tt := range []struct {
		name string
		h    http.HandlerFunc
		says string // empty: the container is left out
	}{
		{"gone", say(404, `{"message":"No such container: `+id+`"}`), ""},
		{"gone, as podman says it", say(404, `{"cause":"no such container","message":"no container with name or ID \"x\" found: no such container"}`), ""},
		{"another 404", say(404, `{"message":"page not found"}`), "page not found"},
		{"fails", say(500, `{"message":"layer does not exist"}`), "layer does not exist"},
		{"hangs", hang, "no complete answer in time"},
		{"dies", breakOff(`{"Id":`), "the engine broke off its answer"},
		{"garbage", say(200, `[]`), "cannot unmarshal array"},
		{"web page", page(502), "a web page (HTTP status 502)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.answer["/containers/"+id+"/json"] = tt.h
			patience := 20 * time.Second
			if tt.name == "hangs" {
				patience = time.Second
			}
			all, err := f.client().Containers(soon(t, patience))
			if err != nil {
				t.Fatal(err)
			}
			got := byName(all)
			c, there := got["web"]
			if there != (tt.says != "") || len(got) < len(realWants)-1 {
				t.Fatalf("%d containers, web there: %v", len(got), there)
			}
			if why := realWants["deaf"](got["deaf"]); why != "" {
				t.Errorf("deaf: %s", why)
			}
			if !there {
				return
			}
			if !strings.Contains(c.InspectError, tt.says) {
				t.Errorf("says %q, want %q", c.InspectError, tt.says)
			}
			if c.ID != id || c.State != "running" || c.Image != realImage || c.ComposeProject != "shop" || c.StopSignal != "" || c.ImageSize == 0 {
				t.Errorf("the list's part is not kept, or more is made up: %+v", c)
			}
		})
	}
}

// TestSideAnswersFail: events and images that fail are told from events and images that are none.
func TestSideAnswersFail(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		h          http.HandlerFunc
		events     bool
		size       bool
	}{
		{"events fail", "/events", say(500, `{"message":"no"}`), false, true},
		{"events hang", "/events", hang, false, true},
		{"events are cut at once", "/events", dropIt, false, true},
		{"events break off", "/events", breakOff(`{"Type":"container","Action":"die","Actor":{"ID":"x"}}`), false, true},
		{"events never end", "/events", endless("", `{"Type":"container","Action":"die","Actor":{"ID":"x"}}`+strings.Repeat(" ", 10000)), false, true},
		{"events are none", "/events", say(200, ""), true, true},
		{"images fail", "/images/json", say(500, `{"message":"no"}`), true, false},
		{"images hang", "/images/json", hang, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.answer[tt.path] = tt.h
			all, err := f.client().Containers(soon(t, 3*time.Second))
			if err != nil || len(all) != len(realWants) {
				t.Fatalf("%d containers, %v", len(all), err)
			}
			for _, c := range all {
				if c.EventsKnown != tt.events || (c.ImageSize != 0) != tt.size || c.InspectError != "" {
					t.Errorf("%s: events known %v, size %d, %s", c.Name, c.EventsKnown, c.ImageSize, c.InspectError)
				}
				if !tt.events && len(c.Events) != 0 {
					t.Errorf("%s: a part of the events is taken for all", c.Name)
				}
			}
		})
	}
}

// TestForeignNames: names come through as they are, however long or wild. A report
// cleans them; here they are also keys.
func TestForeignNames(t *testing.T) {
	long := strings.Repeat("n", 10000)
	for name, want := range map[string]string{
		`/` + long:                     long,
		`/\u001b[31mred\u0007\nline`:   "\x1b[31mred\a\nline",
		`/\u202etxt.exe`:               "\u202etxt.exe",
		`//two`:                        "/two",
		`bare`:                         "bare",
		"/bad\xff\xfeutf8":             "bad\uFFFD\uFFFDutf8",
		`/half\ud800surrogate`:         "half\uFFFDsurrogate",
		`/` + strings.Repeat("é", 200): strings.Repeat("é", 200),
	} {
		f := newFake(t)
		f.answer["/containers/json"] = say(200, `[{"Id":"a1","Names":["`+name+`"],"Image":"i","State":"running","Labels":null}]`)
		f.answer["/containers/a1/json"] = say(200, `{"Id":"a1","Name":"`+name+`","State":{"Status":"running","Pid":7}}`)
		all, err := f.client().Containers(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%d containers, %v", len(all), err)
		}
		if all[0].Name != want || all[0].PID != 7 {
			t.Errorf("got %.60q, want %.60q", all[0].Name, want)
		}
	}
}

// TestManyContainers: more containers than are inspected at a time, each once, all there.
func TestManyContainers(t *testing.T) {
	const n = 500
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"Id":"%064x","Names":["/c%03d"],"State":"running"}`, i, i))
	}
	body, err := os.ReadFile("testdata/inspect-web.json")
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	var mu sync.Mutex
	now, most := 0, 0
	f.answer["/containers/json"] = say(200, "["+strings.Join(list, ",")+"]")
	f.prefix["/containers/"] = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		id := strings.Split(r.URL.Path, "/")[3]
		say(200, strings.Replace(string(body), "/"+realPrefix+"web", "/c"+id[61:], 1))(w, r)
		mu.Lock()
		now--
		mu.Unlock()
	}
	all, err := f.client().Containers(t.Context())
	if err != nil || len(all) != n {
		t.Fatalf("%d containers, %v", len(all), err)
	}
	if most > inspectors {
		t.Errorf("%d at a time, want at most %d", most, inspectors)
	}
	if got := f.count("/containers/" + fmt.Sprintf("%064x", 7) + "/json"); got != 1 {
		t.Errorf("inspected %d times", got)
	}
}

// TestEventsOfARemoteEngine: an engine elsewhere is asked for events until its own time,
// for a clock that is behind ours would keep the answer open.
func TestEventsOfARemoteEngine(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	f := newFake(t)
	var until string
	f.answer["/events"] = func(_ http.ResponseWriter, r *http.Request) { until = r.URL.Query().Get("until") }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", past.UTC().Format(http.TimeFormat))
		f.ServeHTTP(w, r)
	}))
	defer s.Close()
	e, err := FindEndpoint(s.Listener.Addr().String(), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dialled(t, e).Containers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d.000000000", past.Unix()); until != want {
		t.Errorf("until %s, want %s", until, want)
	}
}

func TestLimits(t *testing.T) {
	if limitOf("/v1.41/containers/json") != listLimit || limitOf("/v1.41/containers/abc/json") != bodyLimit || limitOf("/v1.41/info") != bodyLimit {
		t.Error("wrong limits")
	}
	b := &limitedBody{ReadCloser: io.NopCloser(strings.NewReader("0123456789")), left: 4}
	got, err := io.ReadAll(b)
	if string(got) != "0123" || err != errTooLarge { //nolint:errorlint // the bare error is what Read gives
		t.Errorf("%q, %v", got, err)
	}
}
