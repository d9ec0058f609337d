package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

// kernelLogs gives the files of testdata/kmsg.
func kernelLogs(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/kmsg/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no logs (%v)", err)
	}
	return files
}

// Every recorded log follows the schemas, as one document and as lines, without an engine.
func TestOOMOfRecordedLogsFollowsItsSchemas(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere.sock")
	for _, file := range kernelLogs(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			accepts(t, schema(t, "oom-report"), vmguard(t, "oom", "--file", file, "-o", "json"))
			lines := bytes.SplitAfter(vmguard(t, "oom", "--file", file, "-o", "jsonl"), []byte("\n"))
			last := len(lines) - 2 // nothing stands behind the last end of a line
			for _, line := range lines[:last] {
				accepts(t, schema(t, "oom-kill"), line)
			}
			accepts(t, schema(t, "oom-report"), lines[last])
			var summary struct{ Data struct{ TotalKills int } }
			if err := json.Unmarshal(lines[last], &summary); err != nil || summary.Data.TotalKills != last {
				t.Errorf("%d lines of kills, and a summary of %d (%v)", last, summary.Data.TotalKills, err)
			}
		})
	}
}

func TestOOMOfThisHostFollowsItsSchema(t *testing.T) {
	onLinux(t)
	for _, args := range [][]string{{"oom", "-o", "json"}, {"oom", "-o", "json", "--boot", "0", "--since", "1h"}} {
		code, stdout, stderr := tryVMGuard(t, args...)
		if code == exitFailed {
			t.Skipf("no kernel log may be read: %s", stderr)
		}
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		accepts(t, schema(t, "oom-report"), stdout)
	}
}

// filledOOM has every field set, and a word where only certain ones are right.
func filledOOM() report.OOM {
	var r report.OOM
	all := reflect.ValueOf(&r).Elem()
	for i := range all.NumField() {
		if all.Type().Field(i).Name != "Sources" { // an error, which they hold, is in no document
			fill(all.Field(i))
		}
	}
	r.Asked.Boot = "-1"
	r.Sources = []oom.Source{{
		Name: oom.SourceJournal, Where: "journalctl", Missing: "x", Kills: 1, Oldest: r.At, Storage: oom.StorageVolatile, Notes: []string{"x"},
	}}
	kill := &r.Kills[0]
	kill.Kill.Scope = oom.ScopeCgroup
	for _, o := range []*report.OOMOwner{&kill.Victim, kill.Limiter.Owner, &r.Groups[0].Victim, r.Groups[0].Limiter.Owner} {
		o.Kind, o.ContainerID = oom.KindDocker, "257e7b039793257e7b039793257e7b039793257e7b039793257e7b0397930000"
	}
	kill.Limiter.Kind, r.Groups[0].Limiter.Kind = report.OOMParent, report.OOMParent
	return r
}

// oomDocuments gives a document for each of the schemas, with every field that there is.
func oomDocuments(t *testing.T) map[string][]byte {
	t.Helper()
	var doc, line bytes.Buffer
	full := filledOOM()
	if err := report.OOMJSON(&doc, full); err != nil {
		t.Fatal(err)
	}
	if err := report.OOMKillLine(&line, full.Kills[0]); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"oom-report": doc.Bytes(), "oom-kill": line.Bytes()}
}

// The schemas know every field that there is, and no other.
func TestOOMSchemasKnowEveryFieldAndNoOther(t *testing.T) {
	for name, raw := range oomDocuments(t) {
		s, doc := schema(t, name), decode(t, raw)
		accepts(t, s, raw)
		for _, object := range objects(doc) {
			object["surprise"] = "x"
			if s.Validate(doc) == nil {
				t.Errorf("%s: accepted an unknown field in %.200v", name, object)
			}
			delete(object, "surprise")
		}
	}
}

// Lists are never null, and what is not known is left out.
func TestOOMReportOfNothing(t *testing.T) {
	var got bytes.Buffer
	if err := report.OOMJSON(&got, report.OOM{}); err != nil {
		t.Fatal(err)
	}
	accepts(t, schema(t, "oom-report"), got.Bytes())
}

func TestOOMSchemasRefuseWrongValues(t *testing.T) {
	data := []any{"data"}
	kill := []any{"data", "kills", 0}
	documents := oomDocuments(t)
	for _, tt := range []struct {
		schema string
		path   []any
		field  string
		value  any // nil takes the field away
	}{
		{"oom-report", nil, "kind", "OOMKill"},
		{"oom-report", data, "complete", nil},
		{"oom-report", data, "unknown", nil},
		{"oom-report", data, "totalKills", json.Number("-1")},
		{"oom-report", []any{"data", "asked"}, "boot", "1"},
		{"oom-report", []any{"data", "groups", 0}, "kills", json.Number("0")},
		{"oom-report", []any{"data", "groups", 0}, "last", "yesterday"},
		{"oom-report", []any{"data", "groups", 0, "limiter"}, "kind", "host"}, // with a cgroup
		{"oom-report", []any{"data", "sources", 0}, "name", "dmesg"},
		{"oom-report", []any{"data", "sources", 0}, "kills", nil},
		{"oom-report", []any{"data", "counter"}, "missing", json.Number("-1")},
		{"oom-report", kill, "victim", nil},
		{"oom-report", append(kill[:3:3], "kill"), "scope", "slice"},
		{"oom-report", append(kill[:3:3], "limiter"), "kind", "slice"},
		{"oom-kill", nil, "kind", "OOMReport"},
		{"oom-kill", data, "limiter", nil},
		{"oom-kill", data, "memoryBytes", json.Number("1.5")},
		{"oom-kill", []any{"data", "victim"}, "kind", "rkt"},
		{"oom-kill", []any{"data", "victim"}, "containerId", "257e"},
		{"oom-kill", []any{"data", "need"}, "moreThanBytes", "much"},
	} {
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
