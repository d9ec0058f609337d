package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"vmguard/pkg/change"
	"vmguard/pkg/check"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
	"vmguard/pkg/swap"
)

const (
	schemaDir = "../../docs/schema"
	factsDir  = "../../testdata/facts"
)

// schema compiles one of docs/schema, which also holds it against the meta-schema.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(filepath.Join(schemaDir, name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decode reads a document as the validator wants it, with numbers kept exactly.
func decode(t *testing.T, doc []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("no JSON: %v\n%.300s", err, doc)
	}
	return v
}

func accepts(t *testing.T, s *jsonschema.Schema, doc []byte) {
	t.Helper()
	if err := s.Validate(decode(t, doc)); err != nil {
		t.Errorf("%v\nin %.300s", err, doc)
	}
}

// vmguard runs the command line in this process and gives its output. An exit code
// that says more than "the answer is bad" fails the test.
func vmguard(t *testing.T, args ...string) []byte {
	t.Helper()
	code, stdout, stderr := tryVMGuard(t, args...)
	if code != exitOK && code != exitBad {
		t.Fatalf("vmguard %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

func tryVMGuard(t *testing.T, args ...string) (code int, stdout []byte, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code = Main(ctx, App{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: os.Getenv})
	return code, out.Bytes(), errs.String()
}

// recordings gives the files of testdata/facts.
func recordings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(factsDir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings in %s (%v)", factsDir, err)
	}
	return files
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the live host can only be inspected on Linux")
	}
}

func TestVersionFollowsItsSchema(t *testing.T) {
	accepts(t, schema(t, "version"), vmguard(t, "version", "-o", "json"))
}

func TestCheckListFollowsItsSchema(t *testing.T) {
	s := schema(t, "check-list")
	accepts(t, s, vmguard(t, "doctor", "--list", "-o", "json"))
	for _, c := range check.All() {
		accepts(t, s, vmguard(t, "doctor", "--explain", c.ID, "-o", "json"))
	}
}

func TestRecordingsFollowTheirSchema(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			accepts(t, schema(t, "facts"), readFile(t, file))
			accepts(t, schema(t, "doctor-report"), vmguard(t, "doctor", "-o", "json", "--facts", file))
			accepts(t, schema(t, "container-list"), containersOf(t, file))
			accepts(t, schema(t, "swap-status"), swapStatusOf(t, file))
		})
	}
}

// containersOf gives the ContainerList document of a recording.
func containersOf(t *testing.T, file string) []byte {
	t.Helper()
	facts, err := host.Read(bytes.NewReader(readFile(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	stop, err := check.Find("container-ignores-sigterm")
	if err != nil {
		t.Fatal(err)
	}
	var rows []report.ContainerRow
	for _, f := range check.Run([]check.Check{stop}, facts, check.DefaultPolicy(time.Now())) {
		for _, c := range facts.Containers.Value {
			if c.Name == f.Subject {
				rows = append(rows, report.ContainerRow{Container: c, StopSignal: &f})
			}
		}
	}
	var out bytes.Buffer
	if err := report.ContainersJSON(&out, rows); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// swapStatusOf gives the SwapStatus document of a recording.
func swapStatusOf(t *testing.T, file string) []byte {
	t.Helper()
	facts, err := host.Read(bytes.NewReader(readFile(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	problems, err := swapProblems(facts)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.SwapStatusJSON(&out, report.SwapStatus{Status: swap.NewStatus(facts, nil), Problems: problems}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// swapChangeOf gives the SwapChange document of a change.
func swapChangeOf(t *testing.T, c report.Change) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := report.ChangeJSON(&out, c); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// failedChange has a step of each state, and every field set.
func failedChange() report.Change {
	c := report.Change{File: "/swapfile", Size: 1 << 30, Notes: []string{"a note"}, Undo: "sudo vmguard swap disable"}
	c.Result = change.Result{Err: syscall.EIO, Interrupted: true}
	for _, state := range []change.State{change.Planned, change.Already, change.Done, change.Failed, change.Undone, change.NotUndone} {
		c.Result.Outcomes = append(c.Result.Outcomes, change.Outcome{
			Step: change.Step{Name: "persist", Text: "/etc/fstab", Diff: "@@ -0,0 +1 @@\n"}, State: state, Did: "did", Took: time.Millisecond, Err: syscall.EIO,
		})
	}
	return c
}

func TestChangesFollowTheirSchema(t *testing.T) {
	accepts(t, schema(t, "swap-change"), swapChangeOf(t, failedChange()))
	accepts(t, schema(t, "swap-change"), swapChangeOf(t, report.Change{}))
	undone := report.Change{Result: change.Result{Err: syscall.EIO, Outcomes: []change.Outcome{{State: change.Undone}}}}
	accepts(t, schema(t, "swap-change"), swapChangeOf(t, undone))
}

func TestLiveHostFollowsTheSchemas(t *testing.T) {
	onLinux(t)
	file := filepath.Join(t.TempDir(), "facts.json")
	accepts(t, schema(t, "doctor-report"), vmguard(t, "doctor", "-o", "json", "--save-facts", file))
	accepts(t, schema(t, "facts"), readFile(t, file))
	accepts(t, schema(t, "doctor-report"), vmguard(t, "doctor", "-o", "json", "--facts", file))
	accepts(t, schema(t, "swap-status"), vmguard(t, "swap", "status", "-o", "json"))
}

func TestLiveContainersFollowTheirSchema(t *testing.T) {
	onLinux(t)
	code, stdout, stderr := tryVMGuard(t, "containers", "-o", "json")
	if code == exitFailed {
		t.Skipf("no Docker engine to ask: %s", stderr)
	}
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	accepts(t, schema(t, "container-list"), stdout)
}

// documents gives a real document for each schema.
func documents(t *testing.T) map[string][]byte {
	t.Helper()
	sick := filepath.Join(factsDir, "sick.json")
	return map[string][]byte{
		"version":        vmguard(t, "version", "-o", "json"),
		"check-list":     vmguard(t, "doctor", "--list", "--only", "swappiness,conntrack-full", "-o", "json"),
		"doctor-report":  vmguard(t, "doctor", "-o", "json", "--facts", sick),
		"container-list": containersOf(t, sick),
		"facts":          readFile(t, sick),
		"swap-status":    swapStatusOf(t, filepath.Join(factsDir, "hostile.json")), // it has swap
		"swap-change":    swapChangeOf(t, failedChange()),
	}
}

// objects gives every object of a document.
func objects(v any) []map[string]any {
	var out []map[string]any
	switch v := v.(type) {
	case map[string]any:
		out = append(out, v)
		for _, one := range v {
			out = append(out, objects(one)...)
		}
	case []any:
		for _, one := range v {
			out = append(out, objects(one)...)
		}
	}
	return out
}

// No object of any document may have a field that the schema does not know.
func TestSchemasRefuseUnknownFields(t *testing.T) {
	for name, raw := range documents(t) {
		t.Run(name, func(t *testing.T) {
			s, doc := schema(t, name), decode(t, raw)
			if err := s.Validate(doc); err != nil {
				t.Fatal(err)
			}
			tried := map[string]bool{}
			for _, object := range objects(doc) {
				fields := strings.Join(slices.Sorted(maps.Keys(object)), " ")
				if tried[fields] {
					continue // of the same form as one before
				}
				tried[fields] = true
				object["surprise"] = "x"
				if s.Validate(doc) == nil {
					t.Errorf("accepted an unknown field in %.200v", object)
				}
				delete(object, "surprise")
			}
		})
	}
}

// at gives the object under a path of a document: "data", "findings", 0.
func at(t *testing.T, doc any, path ...any) map[string]any {
	t.Helper()
	for _, step := range path {
		object, isObject := doc.(map[string]any)
		list, isList := doc.([]any)
		switch step := step.(type) {
		case string:
			doc = object[step]
		case int:
			if step >= len(list) {
				t.Fatalf("%v: no element %d", path, step)
			}
			doc = list[step]
		}
		if !isObject && !isList {
			t.Fatalf("%v leads through a value", path)
		}
	}
	object, ok := doc.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", path)
	}
	return object
}

func TestSchemasRefuseWrongValues(t *testing.T) {
	finding0 := []any{"data", "findings", 0}
	stop := []any{"data", "containers", 1, "stopSignalFinding"}
	tests := []struct {
		schema string
		path   []any
		field  string
		value  any // nil takes the field away
	}{
		{"version", nil, "kind", "Versions"},
		{"version", nil, "schemaVersion", json.Number("2")},
		{"version", nil, "data", nil},
		{"version", []any{"data"}, "date", "yesterday"},
		{"version", []any{"data"}, "platform", "linux"},
		{"version", []any{"data"}, "commit", nil},
		{"check-list", []any{"data", "checks", 0}, "area", "network"},
		{"check-list", []any{"data", "checks", 0}, "worstSeverity", "fatal"},
		{"check-list", []any{"data", "checks", 0}, "why", ""},
		{"check-list", []any{"data", "checks", 0}, "rule", nil},
		{"doctor-report", nil, "kind", "CheckList"},
		{"doctor-report", finding0, "status", "failed"},
		{"doctor-report", finding0, "status", json.Number("1")},
		{"doctor-report", finding0, "severity", "high"},
		{"doctor-report", finding0, "area", "Memory"},
		{"doctor-report", finding0, "id", "Swap Enabled"},
		{"doctor-report", finding0, "subject", nil},
		{"doctor-report", append(finding0[:3:3], "evidence", 0), "source", ""},
		{"doctor-report", []any{"data", "counts"}, "critical", json.Number("-1")},
		{"doctor-report", []any{"data", "counts"}, "unknown", nil},
		{"doctor-report", []any{"data", "host"}, "cloud", "gcp"},
		{"doctor-report", []any{"data"}, "collectedAt", "today"},
		{"container-list", []any{"data", "containers", 0}, "exitCode", "137"},
		{"container-list", []any{"data", "containers", 0}, "name", nil},
		{"container-list", []any{"data", "containers", 0}, "startedAt", ""},
		{"container-list", stop, "status", "ok"},
		{"facts", nil, "kind", "facts"},
		{"facts", []any{"data", "system"}, "missing", "beside a source"},
		{"facts", []any{"data", "system"}, "source", nil},
		{"facts", []any{"data", "memory", "value"}, "totalBytes", json.Number("-1")},
		{"facts", []any{"data", "pressure", "cpu", "value", "some"}, "avg10", json.Number("101")},
		{"facts", []any{"data", "oomKills", "value", "kills", 0}, "scope", "slice"},
		{"facts", []any{"data", "disks", 0, "value"}, "role", "data"},
		{"facts", []any{"data"}, "dockerFailure", "broken"},
		{"facts", []any{"data", "containers", "value", 1, "process", "value"}, "runtime", "ruby"},
		{"facts", []any{"data", "containers", "value", 1, "process", "value"}, "sigCgt", json.Number("18446744073709551616")},
		{"facts", []any{"data", "sysctls", "vm.swappiness"}, "value", json.Number("1.5")},
		{"swap-change", []any{"data", "steps", 0}, "state", "perhaps"},
		{"swap-change", []any{"data", "steps", 0}, "text", nil},
		{"swap-change", []any{"data"}, "sizeBytes", json.Number("-1")},
		{"swap-change", []any{"data"}, "done", "yes"},
		{"swap-status", nil, "kind", "Swap"},
		{"swap-status", []any{"data"}, "problems", nil},
		{"swap-status", []any{"data"}, "totalBytes", json.Number("-1")},
		{"swap-status", []any{"data", "memory", "value"}, "availableBytes", "all"},
		{"swap-status", []any{"data", "problems", 0}, "status", "pass"},
		{"swap-status", []any{"data", "areas", 0}, "kind", "disk"},
		{"swap-status", []any{"data", "areas", 0}, "priority", nil}, // of an area in use
		{"swap-status", []any{"data", "areas", 0}, "sizeBytes", nil},
		{"swap-status", []any{"data", "areas", 1}, "persistence", nil},
		{"swap-status", []any{"data", "areas", 0, "persistence"}, "state", "perhaps"},
		{"swap-status", []any{"data", "areas", 0, "persistence"}, "why", nil}, // of an answer that is not yes
		{"swap-status", []any{"data", "areas", 1, "persistence"}, "how", nil}, // of a yes
		{"swap-status", []any{"data", "areas", 0, "permissions", "value"}, "mode", "0600"},
	}
	documents := documents(t)
	for _, tt := range tests {
		s, doc := schema(t, tt.schema), decode(t, documents[tt.schema])
		object := at(t, doc, tt.path...)
		if tt.value == nil {
			delete(object, tt.field)
		} else {
			object[tt.field] = tt.value
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s: accepted %v %s = %v", tt.schema, tt.path, tt.field, tt.value)
		}
	}
}

// fill sets every field of a value, so that none is left out of its document.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 14, 11, 29, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Name != "Missing" && field.IsExported() { // a fact is known or missing
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		one := reflect.New(v.Type().Elem()).Elem()
		fill(one)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("vm.swappiness"), one)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	default:
		panic("fill: " + v.Type().String())
	}
}

// filledFacts has every field set, and a word where only certain ones are right.
func filledFacts() *host.Facts {
	f := &host.Facts{}
	fill(reflect.ValueOf(f).Elem())
	f.Cloud.Value.Provider = host.Google
	f.Cgroup.Value.Version = "2"
	f.OOM.Value.Kills[0].Scope = "cgroup"
	f.Disks[0].Value.Role = host.RoleDocker
	f.Daemons.Value[0].Name = "dockerd"
	f.DockerFailure = "timeout"
	f.Containers.Value[0].Process.Value.Runtime = host.RuntimeNode
	return f
}

// filledSwapStatus has every field set, and a word where only certain ones are right.
func filledSwapStatus(problem finding.Finding) report.SwapStatus {
	var s report.SwapStatus
	fill(reflect.ValueOf(&s.Status).Elem())
	s.Areas[0].Kind, s.Areas[0].Persistence.State = swap.KindFile, swap.PersistYes
	problem.Status = finding.Unknown
	s.Problems = finding.Report{problem}
	return s
}

// The schemas know every field that there is, not only those of the recordings.
func TestSchemasKnowEveryField(t *testing.T) {
	facts := filledFacts()
	var one finding.Finding
	fill(reflect.ValueOf(&one).Elem())
	one.Waiver.Expires = "2027-01-31"
	var recording, containers, doctor, status bytes.Buffer
	for _, err := range []error{
		facts.Write(&recording),
		report.ContainersJSON(&containers, []report.ContainerRow{{Container: facts.Containers.Value[0], StopSignal: &one}}),
		report.DoctorJSON(&doctor, report.Doctor{Version: "dev", Facts: facts, Image: "/mnt/image", Findings: finding.Report{one}}),
		report.SwapStatusJSON(&status, filledSwapStatus(one)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	accepts(t, schema(t, "facts"), recording.Bytes())
	accepts(t, schema(t, "container-list"), containers.Bytes())
	accepts(t, schema(t, "doctor-report"), doctor.Bytes())
	accepts(t, schema(t, "swap-status"), status.Bytes())
}
