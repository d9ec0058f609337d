package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"vmguard/pkg/host"
	"vmguard/pkg/report"
	"vmguard/pkg/verdict"
)

// whyOf gives a WhyReport document.
func whyOf(t *testing.T, r report.Why) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := report.WhyJSON(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// filledWhy has every field set, and a word where only certain ones are right.
func filledWhy() report.Why {
	var r report.Why
	fill(reflect.ValueOf(&r).Elem())
	for _, v := range []*verdict.Verdict{&r.Deaths[0].Verdict, &r.Running.Verdicts[0]} {
		v.Kind, v.Confidence = verdict.OwnLimit, verdict.Certain
	}
	r.Witnesses = []report.Witness{{What: "x", Source: "y"}, {What: "x", Missing: "z"}}
	return r
}

// TestWhyFollowsItsSchema judges every container of the recordings, and has every field and every kind.
func TestWhyFollowsItsSchema(t *testing.T) {
	s := schema(t, "why-report")
	accepts(t, s, whyOf(t, filledWhy()))
	for _, kind := range verdict.Kinds() {
		r := filledWhy()
		r.Deaths[0].Verdict.Kind = kind
		if kind == verdict.Unknown {
			r.Deaths[0].Verdict.Confidence = verdict.None
		}
		accepts(t, s, whyOf(t, r))
	}
	judged := 0
	for _, file := range recordings(t) {
		facts, err := host.Read(bytes.NewReader(readFile(t, file)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range facts.Containers.Value {
			if c.ID == "" {
				continue
			}
			judged++
			r := whyOptions{all: true}.judge(seen{Input: verdict.FromFacts(facts, c)})
			r.Version = "dev"
			accepts(t, s, whyOf(t, r))
		}
	}
	if judged == 0 {
		t.Error("no container in the recordings")
	}
}

// TestWhySchemaKnowsEveryKind: the kinds of the schema are those of the package, in their order.
func TestWhySchemaKnowsEveryKind(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(schemaDir, "why-report.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Defs struct {
			Verdict struct {
				Properties struct {
					Kind struct {
						Enum []verdict.Kind `json:"enum"`
					} `json:"kind"`
				} `json:"properties"`
			} `json:"verdict"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc.Defs.Verdict.Properties.Kind.Enum; !slices.Equal(got, verdict.Kinds()) {
		t.Errorf("the schema has the kinds %v", got)
	}
}

// TestWhySchemaRefuses: no unknown field anywhere, and no wrong value.
func TestWhySchemaRefuses(t *testing.T) {
	s := schema(t, "why-report")
	raw := whyOf(t, filledWhy())
	doc := decode(t, raw)
	for _, object := range objects(doc) {
		object["surprise"] = "x"
		if s.Validate(doc) == nil {
			t.Errorf("accepted an unknown field in %.200v", object)
		}
		delete(object, "surprise")
	}
	cause := []any{"data", "deaths", 0, "verdict"}
	for _, tt := range []struct {
		path  []any
		field string
		value any // nil takes the field away
	}{
		{nil, "kind", "Why"},
		{[]any{"data"}, "deaths", nil},
		{[]any{"data"}, "earlierDeaths", json.Number("-1")},
		{[]any{"data"}, "collectedAt", "today"},
		{[]any{"data", "container"}, "id", nil},
		{[]any{"data", "container"}, "state", ""},
		{[]any{"data", "deaths", 0}, "verdict", nil},
		{[]any{"data", "deaths", 0}, "exitCode", "137"},
		{[]any{"data", "running"}, "memory", nil},
		{cause, "kind", "oom"},
		{cause, "kind", "unknown"}, // beside a confidence
		{cause, "confidence", "none"},
		{cause, "confidence", "sure"},
		{cause, "evidence", []any{}},
		{cause, "summary", ""},
		{append(cause[:4:4], "remedies", 0), "text", nil},
		{[]any{"data", "deaths", 0, "timeline", 0}, "source", ""},
		{[]any{"data", "witnesses", 0}, "source", nil},
		{[]any{"data", "witnesses", 0}, "missing", "beside a source"},
	} {
		doc := decode(t, raw)
		object := at(t, doc, tt.path...)
		if tt.value == nil {
			delete(object, tt.field)
		} else {
			object[tt.field] = tt.value
		}
		if s.Validate(doc) == nil {
			t.Errorf("accepted %v %s = %v", tt.path, tt.field, tt.value)
		}
	}
}
