package host

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"vmguard/pkg/compose"
	"vmguard/pkg/docker"
)

func TestRecordingKeepsFacts(t *testing.T) {
	f := Collect(t.Context(), recordedSource(t))
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "{\n  \"schemaVersion\": 1,\n  \"kind\": \"Facts\",\n  \"data\": {") {
		t.Errorf("starts with %.80q", b.String())
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, f)
}

func TestReadFacts(t *testing.T) {
	for name, c := range map[string]struct{ text, err string }{
		"empty":         {"", "read facts: empty"},
		"blank":         {" \n\t", "read facts: empty"},
		"broken":        {"{\n\"schemaVersion\": 1,\n\"kind\" }", "line 3: invalid character"},
		"cut off":       {`{"schemaVersion":1,"kind":"Facts","data":{"memory":{`, "unexpected end"},
		"no JSON":       {"MemTotal: 1 kB\n", "line 1: invalid character"},
		"a list":        {"[]", "cannot unmarshal array"},
		"no kind":       {"{}", `it has no "kind"`},
		"another kind":  {`{"schemaVersion":1,"kind":"DoctorReport","data":{}}`, `this is a "DoctorReport"`},
		"a newer one":   {`{"schemaVersion":2,"kind":"Facts","data":{}}`, "schema version 2; this program reads version 1"},
		"no version":    {`{"kind":"Facts","data":{}}`, "schema version 0"},
		"no data":       {`{"schemaVersion":1,"kind":"Facts"}`, `"data" is no object`},
		"null":          {`{"schemaVersion":1,"kind":"Facts","data":null}`, `"data" is no object`},
		"a wrong type":  {`{"schemaVersion":1,"kind":"Facts","data":{"memory":7}}`, "data: json: cannot unmarshal number"},
		"two of them":   {`{"schemaVersion":1,"kind":"Facts","data":{}}{}`, "invalid character '{' after top-level value"},
		"garbage after": {`{"schemaVersion":1,"kind":"Facts","data":{}} x`, "invalid character 'x' after top-level value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.text))
			if !refused(t, err, c.err) {
				t.Error("accepted")
			}
		})
	}
	_, err := Read(io.LimitReader(zeros{}, recordingLimit+1))
	refused(t, err, "larger than 64 MiB")
	_, err = Read(iotest.ErrReader(errors.New("disk gone")))
	refused(t, err, "read facts: disk gone")
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestReadFactsOfLittle(t *testing.T) {
	f, err := Read(strings.NewReader(`{"schemaVersion":1,"kind":"Facts","data":{"memory":{"value":{"totalBytes":5}},"swaps":{"source":"/proc/swaps"},"newerFact":1}}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	missing(t, f.Memory, "not collected") // a value from nowhere is none
	missing(t, f.VMStat, "not collected")
	missing(t, f.Sysctl("vm.swappiness"), "not collected")
	equal(t, f.Swaps.Known(), true)
}

func TestRedacted(t *testing.T) {
	const secret = "hunter2"
	one := Container{Container: running(7)}
	one.Error, one.InspectError = "exec: \"--password="+secret+"\"", "inspect: "+secret
	one.Health = &docker.Health{Status: "unhealthy", FailingStreak: 3, Last: &docker.Probe{End: time.Unix(5, 0).UTC(), ExitCode: 1, Output: secret}}
	f := &Facts{
		System:     Known(System{Hostname: "vm"}, "/proc"),
		Docker:     Known(docker.Engine{Endpoint: "tcp://me:" + secret + "@10.0.0.1:2375", Warnings: []string{"proxy http://me:" + secret + "@proxy is odd"}}, "docker info"),
		Containers: Known([]Container{one, {Container: docker.Container{Name: "fine", Health: &docker.Health{Status: "none"}}}}, "docker inspect"),
	}
	var before, after bytes.Buffer
	if err := f.Write(&before); err != nil {
		t.Fatal(err)
	}
	r := f.Redacted()
	if err := r.Write(&after); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(after.String(), secret) {
		t.Errorf("kept the secret:\n%s", after.String())
	}
	equal(t, strings.Count(before.String(), secret), 5)
	equal(t, r.System.Value.Hostname, "vm")
	equal(t, r.Docker.Value.Endpoint, "tcp://10.0.0.1:2375")
	equal(t, r.Docker.Value.Warnings, []string{"proxy http://proxy is odd"})
	equal(t, r.Containers.Value[0].Error, leftOut)
	equal(t, r.Containers.Value[0].Health.Last.ExitCode, 1)
	equal(t, r.Containers.Value[1].Error, "")

	var still bytes.Buffer
	if err := f.Write(&still); err != nil {
		t.Fatal(err)
	}
	equal(t, still.String(), before.String()) // the facts themselves are as they were

	gone := (&Facts{Docker: Missing[docker.Engine]("dial ssh://me:" + secret + "@host: refused"), Containers: Missing[[]Container]("dial ssh://me:" + secret + "@host")}).Redacted()
	equal(t, gone.Docker.Why(), "dial ssh://host: refused")
	equal(t, gone.Containers.Why(), "dial ssh://host")
}

// TestRedactedValues: what is none of the values of its key is left out, and what is stays.
func TestRedactedValues(t *testing.T) {
	const secret = "hunter2"
	facts := func(wrong bool) *Facts {
		or := func(right string) string {
			if wrong {
				return secret
			}
			return right
		}
		set := func(right string) compose.Setting { return compose.Setting{File: "c", Line: 1, Text: or(right)} }
		return &Facts{
			DaemonConfig: Known(DaemonConfig{LogDriver: or("local"), LogMaxSize: or("10m"), LogMaxFile: or("3")}, "daemon.json"),
			Cmdline: Known([]KernelParam{
				{Name: "swapaccount", Value: or("1")}, {Name: "cgroup_enable", Value: or("memory,cpu")}, {Name: "panic", Value: or("-1")}, {Name: "sysctl.vm.swappiness", Value: or("10")}, {Name: "noswap"},
			}, "grub.cfg"),
			Compose: []Fact[ComposeFile]{Known(ComposeFile{
				Dockerfile: &compose.Image{StopSignal: set("SIGTERM")},
				Services: []ComposeService{{
					Service: compose.Service{
						Restart: set("on-failure:3"), Memory: set("1g"), StopGrace: set("30s"), StopSignal: set("9"), Init: set("true"), Build: &compose.Build{Target: compose.Setting{Text: or("")}},
					},
					Built: new(Known(compose.Image{StopSignal: set("SIGINT")}, "d")),
				}},
			}, "c")},
		}
	}
	written := func(f *Facts) string {
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	equal(t, written(facts(false).Redacted()), written(facts(false)))
	wrong := facts(true)
	before := written(wrong)
	if after := written(wrong.Redacted()); strings.Contains(after, secret) || strings.Count(after, leftOut) != strings.Count(before, secret) {
		t.Errorf("of %d secrets:\n%s", strings.Count(before, secret), after)
	}
	equal(t, written(wrong), before) // the facts themselves are as they were
}

// FuzzRead holds that what was read is written and read again as the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":1,"kind":"Facts","data":{"memory":{"value":{"totalBytes":5},"source":"x"},"disks":[{"missing":"y"}]}}`))
	f.Add([]byte(`{"schemaVersion":1,"kind":"Facts","data":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := facts.Write(&first); err != nil {
			return // such as a year beyond 9999
		}
		again, err := Read(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Write(&second); err != nil {
			t.Fatal(err)
		}
		equal(t, second.String(), first.String())
	})
}

// TestReadFactsBounds holds that a recording is not decoded where its lists are longer than any host's.
func TestReadFactsBounds(t *testing.T) {
	many := func(n int) string { return "[" + strings.Repeat("{},", n) + "{}]" }
	for name, text := range map[string]string{
		"containers": `"containers":{"source":"x","value":` + many(10_000) + `}`, "composeFiles": `"composeFiles":` + many(1000),
		"services": `"composeFiles":[{"source":"x","value":{"services":` + many(1000) + `}}]`, "fstab": `"fstab":{"value":` + many(1000) + `}`,
	} {
		_, err := Read(strings.NewReader(`{"schemaVersion":1,"kind":"Facts","data":{` + text + `}}`))
		refused(t, err, "read facts: its lists of "+name+" are too long")
		_, err = Read(strings.NewReader(`{"schemaVersion":1,"kind":"Facts","data":{` + strings.Replace(text, "{},", "", 1) + `}}`))
		refused(t, err, "")
	}
}
