package cli

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// recordedEngine plays the answers of a real engine that pkg/docker has on record, on a unix
// socket. Where a path's end is in answers, that is its answer; "501 " before it makes it an error.
func recordedEngine(t *testing.T, answers map[string]string) (endpoint string) {
	t.Helper()
	const dir = "../docker/testdata/"
	version := regexp.MustCompile(`^/v[0-9.]+`)
	var list []struct {
		ID    string `json:"Id"`
		Names []string
	}
	if err := json.Unmarshal(readFile(t, dir+"list.json"), &list); err != nil || len(list) == 0 {
		t.Fatalf("%d containers are on record: %v", len(list), err)
	}
	files := map[string]string{"/info": "info.json", "/containers/json": "list.json", "/images/json": "images.json", "/events": "events.json"}
	for _, c := range list {
		files["/containers/"+c.ID+"/json"] = "inspect-" + strings.TrimPrefix(c.Names[0], "/vmguardtest-docker-") + ".json"
	}
	serve := func(w http.ResponseWriter, r *http.Request) {
		path := version.ReplaceAllString(r.URL.Path, "")
		w.Header().Set("Api-Version", "1.41")
		for end, answer := range answers {
			if strings.HasSuffix(path, end) {
				if text, ok := strings.CutPrefix(answer, "501 "); ok {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusNotImplemented)
					answer = text
				}
				_, _ = w.Write([]byte(answer))
				return
			}
		}
		switch file, ok := files[path]; {
		case path == "/_ping":
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"message":"page not found"}`))
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(strings.ReplaceAll(string(readFile(t, dir+file)), `"Name": "vm"`, `"Name": "another.example.org"`)))
		}
	}
	socket := filepath.Join(t.TempDir(), "d.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(serve), ReadHeaderTimeout: time.Minute}}
	server.Start()
	t.Cleanup(server.Close)
	return "unix://" + socket
}

// logFrame is a line of a container's log as the engine sends it.
func logFrame(text string) string {
	head := make([]byte, 8)
	head[0] = 1
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return string(head) + text
}

// whyReport is what these tests read of a WhyReport.
type whyReport struct {
	Data struct {
		Container struct{ ID, Name, State string }
		Deaths    []struct {
			ExitCode *int
			Verdict  struct{ Kind, Confidence, Summary string }
		}
		EarlierDeaths int
		Running       *struct {
			Verdicts []struct{ Kind string }
		}
		Witnesses []struct{ What, Source, Missing string }
	}
}

func askWhy(t *testing.T, endpoint string, args ...string) whyReport {
	t.Helper()
	out := vmguard(t, append([]string{"why", "--docker-host", endpoint, "-o", "json"}, args...)...)
	accepts(t, schema(t, "why-report"), out)
	var r whyReport
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWhyOfARecordedEngine names containers in every way. The engine is on record as one
// on another machine, so that this one's kernel log says nothing of it.
func TestWhyOfARecordedEngine(t *testing.T) {
	onLinux(t)
	endpoint := recordedEngine(t, map[string]string{"/logs": logFrame("2026-11-23T14:16:53.7Z ready\n")})
	const p = "vmguardtest-docker-"
	for name, want := range map[string]struct{ state, kind, confidence string }{
		p + "eater":       {"exited", "own-limit", "likely"},
		"/" + p + "eater": {"exited", "own-limit", "likely"},
		p + "deaf":        {"exited", "stop-timeout", "certain"},
		p + "obeys":       {"exited", "exited", "certain"},
		p + "broken":      {"created", "crashed", "certain"},
		p + "loop":        {"restarting", "exited", "certain"},
		"da0a679d9544":    {"removed", "exited", "certain"},       // obeys, of the run before
		"adfb5cea8dac":    {"removed", "stop-timeout", "certain"}, // deaf, likewise
	} {
		r := askWhy(t, endpoint, name)
		if len(r.Data.Deaths) != 1 || r.Data.Container.State != want.state ||
			r.Data.Deaths[0].Verdict.Kind != want.kind || r.Data.Deaths[0].Verdict.Confidence != want.confidence {
			t.Errorf("%s: %+v", name, r.Data)
		}
	}
	if r := askWhy(t, endpoint, p+"sick"); r.Data.Running == nil || len(r.Data.Running.Verdicts) != 1 || r.Data.Running.Verdicts[0].Kind != "unhealthy" {
		t.Errorf("sick: %+v", r.Data)
	}
	if r := askWhy(t, endpoint, p+"fresh"); r.Data.Running != nil || len(r.Data.Deaths) != 0 {
		t.Errorf("fresh: %+v", r.Data)
	}
	one, all := askWhy(t, endpoint, p+"loop"), askWhy(t, endpoint, p+"loop", "--all")
	if len(one.Data.Deaths) != 1 || one.Data.EarlierDeaths == 0 || len(all.Data.Deaths) != 1+one.Data.EarlierDeaths || all.Data.EarlierDeaths != 0 {
		t.Errorf("loop: %d deaths and %d earlier; with --all %d and %d", len(one.Data.Deaths), one.Data.EarlierDeaths, len(all.Data.Deaths), all.Data.EarlierDeaths)
	}
	if r := askWhy(t, endpoint, p+"loop", "--since", "1ms"); len(r.Data.Deaths) != 0 || r.Data.EarlierDeaths != len(all.Data.Deaths) {
		t.Errorf("loop in the last millisecond: %+v", r.Data)
	}
}

// TestWhyNoContainer: one that is not there, or several, is an error that says what to do.
func TestWhyNoContainer(t *testing.T) {
	onLinux(t)
	listed := string(readFile(t, "../docker/testdata/list.json"))
	listed = strings.ReplaceAll(listed, "71288ffa5fe4", "714298cfffff")
	endpoint := recordedEngine(t, map[string]string{"/containers/json": listed})
	for name, want := range map[string]struct {
		code int
		err  string
	}{
		"eater":    {exitFailed, "error: no container is called eater\nhint: did you mean: vmguardtest-docker-eater\n"},
		"x":        {exitFailed, "error: no container is called x\nhint: docker ps -a lists them\n"},
		"714298cf": {exitUsage, "error: 2 containers have an ID that begins with 714298cf: 714298cf51fd (vmguardtest-docker-"},
	} {
		code, out, stderr := tryVMGuard(t, "why", "--docker-host", endpoint, name)
		if code != want.code || len(out) != 0 || !strings.HasPrefix(stderr, want.err) {
			t.Errorf("%s: exit code %d: %s%s", name, code, out, stderr)
		}
	}
}

// TestWhyWithoutLog: a log that cannot be read is named with its driver, and the verdict stands.
func TestWhyWithoutLog(t *testing.T) {
	onLinux(t)
	endpoint := recordedEngine(t, map[string]string{"/logs": `501 {"message":"configured logging driver does not support reading"}`})
	r := askWhy(t, endpoint, "vmguardtest-docker-eater")
	missing := map[string]string{}
	for _, w := range r.Data.Witnesses {
		missing[w.What] = w.Missing
	}
	if got := missing["what it printed"]; got != "configured logging driver does not support reading (log driver json-file)" {
		t.Errorf("what it printed: %q", got)
	}
	if got := missing["the kernel's log"]; !strings.Contains(got, "another machine") {
		t.Errorf("the kernel's log: %q", got)
	}
	if missing["the engine's events"] != "" || len(r.Data.Deaths) != 1 {
		t.Errorf("%+v", r.Data)
	}
}

func TestWhyPick(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	all := []verdict.Death{{}, {At: now.Add(-time.Minute)}, {At: now.Add(-time.Hour)}} // the first is a start that failed
	for name, tt := range map[string]struct {
		o              whyOptions
		all            []verdict.Death
		picked, others int
	}{
		"the last":       {whyOptions{}, all, 1, 2},
		"all":            {whyOptions{all: true}, all, 3, 0},
		"since a while":  {whyOptions{since: 30 * time.Minute}, all, 2, 1},
		"since just now": {whyOptions{since: time.Second}, all[1:], 0, 2},
		"none":           {whyOptions{}, nil, 0, 0},
	} {
		if picked, others := tt.o.pick(tt.all, now); len(picked) != tt.picked || others != tt.others {
			t.Errorf("%s: %d picked, %d others", name, len(picked), others)
		}
	}
}

// TestRemovedByKernelLog finds a removed container by an ID that the kernel's log alone has.
func TestRemovedByKernelLog(t *testing.T) {
	t.Parallel()
	endpoint := recordedEngine(t, map[string]string{"/events": ""})
	client, err := docker.Dial(docker.Endpoint{Host: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	gone, there := strings.Repeat("5a", 32), strings.Repeat("6b", 32)
	facts := &host.Facts{
		Containers: host.Known([]host.Container{{Container: docker.Container{ID: there}}}, "docker inspect"),
	}
	ids := func(kills ...oom.Kill) (out []string) {
		for _, c := range removedContainers(t.Context(), client, facts, kills) {
			out = append(out, c.ID+" "+c.State)
		}
		return out
	}
	kills := []oom.Kill{
		{TaskCgroup: "/docker/" + gone}, {TaskCgroup: "/docker/" + there}, {TaskCgroup: "/docker/" + gone}, {TaskCgroup: "/system.slice/cron.service"}, {},
	}
	if diff := cmp.Diff([]string{gone + " removed"}, ids(kills...)); diff != "" {
		t.Error(diff)
	}
	if got := ids(); got != nil {
		t.Errorf("without the kernel's log: %v", got)
	}
}

func TestFindRemoved(t *testing.T) {
	t.Parallel()
	removed := []host.Container{
		{Container: docker.Container{ID: strings.Repeat("1", 64), Name: "job"}}, {Container: docker.Container{ID: strings.Repeat("2", 64), Name: "job"}},
		{Container: docker.Container{ID: strings.Repeat("3", 64)}},
	}
	for asked, want := range map[string]int{"job": 0, "2222": 1, "3333": 2} {
		got := findRemoved(removed, asked)
		if len(got.matches) != 1 || got.matches[0].ID != removed[want].ID {
			t.Errorf("%s: %+v", asked, got.matches)
		}
	}
	for _, asked := range []string{"", "jobs", "333"} {
		if got := findRemoved(removed, asked); len(got.matches) != 0 {
			t.Errorf("%q: %+v", asked, got.matches)
		}
	}
}

// TestWhyCompletes offers the names of all containers, and nothing after the first.
func TestWhyCompletes(t *testing.T) {
	endpoint := recordedEngine(t, nil)
	out := string(vmguard(t, "__complete", "why", "--docker-host", endpoint, ""))
	for _, name := range []string{"vmguardtest-docker-web\t", "vmguardtest-docker-eater\t"} {
		if !strings.Contains(out, name) {
			t.Errorf("no %q in %s", name, out)
		}
	}
	if out := string(vmguard(t, "__complete", "why", "--docker-host", endpoint, "web", "")); strings.Contains(out, "vmguardtest") {
		t.Errorf("a second container is offered: %s", out)
	}
	if out := string(vmguard(t, "__complete", "why", "--docker-host", "unix://"+filepath.Join(t.TempDir(), "none"), "")); strings.Contains(out, "\t") {
		t.Errorf("without an engine: %s", out)
	}
}
