package check

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// FuzzJudge: whatever a recording holds, every check says something well-formed, says
// the same twice, and never passes on a host of which nothing is known.
func FuzzJudge(f *testing.F) {
	for _, facts := range []*host.Facts{healthy(), bare(), {}} {
		var b bytes.Buffer
		if err := facts.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	for _, cases := range rules() {
		for _, tc := range cases {
			if tc.change != nil {
				facts := healthy()
				tc.change(facts, &facts.Containers.Value[0])
				var b bytes.Buffer
				if err := facts.Write(&b); err != nil {
					f.Fatal(err)
				}
				f.Add(b.Bytes())
			}
		}
	}
	f.Fuzz(func(t *testing.T, recording []byte) {
		facts, err := host.Read(bytes.NewReader(recording))
		if err != nil {
			return
		}
		got := Run(All(), facts, DefaultPolicy(checkedAt))
		said := map[string]bool{}
		for _, g := range got {
			said[g.ID] = true
			if _, err := g.Status.MarshalJSON(); err != nil || g.Summary == "" || g.Severity == 0 || g.Area == 0 {
				t.Fatalf("malformed: %+v", g)
			}
			if g.Status == finding.Fail && len(g.Evidence) == 0 {
				t.Fatalf("no evidence: %+v", g)
			}
		}
		for _, c := range All() {
			if !said[c.ID] {
				t.Fatalf("%s says nothing", c.ID)
			}
		}
		if diff := cmp.Diff(got, Run(All(), facts, DefaultPolicy(checkedAt))); diff != "" {
			t.Fatal(diff)
		}
	})
}
