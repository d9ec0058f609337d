package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/probe"
)

// sources parses the Go files of a package, without its tests.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// texts gives the string literals below a node that are not empty.
func texts(t *testing.T, node ast.Node) []string {
	t.Helper()
	var out []string
	ast.Inspect(node, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if text != "" {
				out = append(out, text)
			}
		}
		return true
	})
	return out
}

// constants gives the values of the constants of a type of strings, but for the empty one.
func constants(t *testing.T, dir, typ string) []string {
	t.Helper()
	var out []string
	for _, file := range sources(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typ {
					out = append(out, texts(t, spec)...)
				}
			}
			return true
		})
	}
	return out
}

// namesIn gives the words that a function knows.
func namesIn(t *testing.T, dir, function string) []string {
	t.Helper()
	for _, file := range sources(t, dir) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == function {
				return texts(t, f.Body)
			}
		}
	}
	t.Fatalf("no function %s in %s", function, dir)
	return nil
}

// The schemas name the words that the code has, no more and no fewer.
func TestProbeSchemasNameTheCodesWords(t *testing.T) {
	t.Parallel()
	const dir, packets = "../probe", "../packet"
	var kinds []string
	for _, k := range probe.Kinds() {
		kinds = append(kinds, string(k))
	}
	if diff := cmp.Diff(constants(t, dir, "Kind"), kinds); diff != "" {
		t.Errorf("probe.Kinds (-constants +list)\n%s", diff)
	}
	for _, test := range []struct {
		schema string
		path   []any
		want   []string
	}{
		{"probe-report", []any{"$defs", "kind"}, kinds},
		{"probe-report", []any{"$defs", "arm"}, constants(t, dir, "Arm")},
		{"probe-report", []any{"$defs", "pass"}, constants(t, dir, "Pass")},
		{"probe-report", []any{"$defs", "trace", "properties", "phase"}, constants(t, dir, "Phase")},
		{"probe-report", []any{"$defs", "trace", "properties", "control"}, constants(t, dir, "Control")},
		{"probe-report", []any{"$defs", "end", "properties", "said", "properties", "what"}, constants(t, dir, "What")},
		{"probe-report", []any{"$defs", "tcp", "properties", "state"}, namesIn(t, dir, "tcpState")},
		{"probe-report", []any{"$defs", "reset", "properties", "origin"}, constants(t, packets, "Origin")},
		{"probe-report", []any{"$defs", "limit", "properties", "state"}, constants(t, dir, "LimitState")},
		{"probe-report", []any{"properties", "data", "properties", "armsSay"}, constants(t, dir, "ArmsSay")},
		{"probe-event", []any{"properties", "data", "properties", "kind"}, constants(t, dir, "EventKind")},
	} {
		doc := decode(t, readFile(t, filepath.Join(schemaDir, test.schema+".schema.json")))
		list, ok := at(t, doc, test.path...)["enum"].([]any)
		if !ok || len(test.want) == 0 {
			t.Errorf("%v: no enum, or no constants", test.path)
		}
		var got []string
		for _, word := range list {
			text, _ := word.(string)
			got = append(got, text)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %v (-code +schema)\n%s", test.schema, test.path, diff)
		}
	}
}
