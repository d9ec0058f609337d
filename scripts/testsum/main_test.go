package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Lines as Go 1.26 prints them, shortened to what is read.
const (
	passing = `{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestA"}
{"Action":"output","Package":"m/a","Test":"TestA","Output":"    a_test.go:3: chatter\n"}
{"Action":"pass","Package":"m/a","Test":"TestA","Elapsed":0}
{"Action":"pass","Package":"m/a","Elapsed":0.1}
`
	failing = `{"Action":"output","Package":"m/b","Test":"TestB/sub","Output":"=== RUN   TestB/sub\n"}
{"Action":"output","Package":"m/b","Test":"TestB/sub","Output":"    b_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"m/b","Test":"TestB/sub","Elapsed":0}
{"Action":"fail","Package":"m/b","Test":"TestB","Elapsed":0}
{"Action":"output","Package":"m/b","Output":"FAIL\n"}
{"Action":"output","Package":"m/b","Output":"FAIL\tm/b\t1.250s\n"}
{"Action":"fail","Package":"m/b","Elapsed":1.25}
`
	skipping = `{"Action":"output","Package":"m/c","Test":"TestC","Output":"=== RUN   TestC\n"}
{"Action":"output","Package":"m/c","Test":"TestC","Output":"    c_test.go:5: looking around\n"}
{"Action":"output","Package":"m/c","Test":"TestC","Output":"    c_test.go:7: needs root: run as root\n"}
{"Action":"output","Package":"m/c","Test":"TestC","Output":"        or with sudo\n"}
{"Action":"output","Package":"m/c","Test":"TestC","Output":"--- SKIP: TestC (0.00s)\n"}
{"Action":"skip","Package":"m/c","Test":"TestC","Elapsed":0}
{"Action":"pass","Package":"m/c","Elapsed":0}
`
	unbuilt = `{"ImportPath":"m/d","Action":"build-output","Output":"d/d.go:1:1: undefined: x\n"}
{"ImportPath":"m/d","Action":"build-fail"}
{"Action":"fail","Package":"m/d","Elapsed":0,"FailedBuild":"m/d"}
`
)

func TestRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in   string
		code       int
		out, skips string
	}{
		{"all pass", passing, 0, "ok    m/a  0.1 s\n1 passed, 0 failed\n", ""},
		{
			"a failure shows what the test said", passing + failing, 1,
			"ok    m/a  0.1 s\n    b_test.go:9: got 1, want 2\nFAIL  m/b  1.2 s\n1 passed, 2 failed\n", "",
		},
		{
			"a skip is counted and keeps its last reason", passing + skipping, 0,
			"ok    m/a  0.1 s\nok    m/c  0.0 s\n1 passed, 0 failed, 1 skipped\n",
			"m/c TestC: needs root: run as root or with sudo\n",
		},
		{
			"a package that does not build is a failure", passing + unbuilt, 1,
			"ok    m/a  0.1 s\nd/d.go:1:1: undefined: x\nFAIL  m/d  0.0 s\n1 passed, 1 failed\n", "",
		},
		{"nothing ran", "", 2, "0 passed, 0 failed\n", ""},
		{
			"text of the go command is passed on", "go: cannot find main module\n", 2,
			"go: cannot find main module\n0 passed, 0 failed\n", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			skips := filepath.Join(t.TempDir(), "skips")
			var out, errOut strings.Builder
			code := run([]string{"-skips", skips}, strings.NewReader(test.in), &out, &errOut)
			if code != test.code {
				t.Errorf("exit code %d, want %d (stderr %q)", code, test.code, errOut.String())
			}
			if diff := cmp.Diff(test.out, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			got, err := os.ReadFile(skips)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.skips, string(got)); diff != "" {
				t.Errorf("skips (-want +got):\n%s", diff)
			}
		})
	}
}
