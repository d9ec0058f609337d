package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vmguard/pkg/host"
	"vmguard/pkg/rootfs"
)

// TestServicesAreLookedFor holds that each unit that a check names is among those that are read:
// of one that was not looked for a check would say that it is not enabled.
func TestServicesAreLookedFor(t *testing.T) {
	tree, err := rootfs.OpenImage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close() //nolint:errcheck // it was only read
	var read []string
	for _, s := range host.CollectImage(t.Context(), host.Source{FS: tree}).Services.Value {
		read = append(read, s.Name)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	isUnit := regexp.MustCompile(`^[a-z.-]+\.(service|socket)$`)
	var named []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && isUnit.MatchString(s) {
					named = append(named, s)
				}
			}
			return true
		})
	}
	for _, killer := range killerUnits() {
		named = append(named, killer+".service")
	}
	for _, name := range named {
		if !slices.Contains(read, name) {
			t.Errorf("%s is not read", name)
		}
	}
	if !slices.Contains(named, "kubelet.service") || !slices.Contains(named, "docker.socket") {
		t.Errorf("found only %q", named)
	}
}
