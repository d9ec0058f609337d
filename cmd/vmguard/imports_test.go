package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "vmguard"

// room is one package and what it may import beside the standard library.
type room struct {
	path   string   // below the module
	own    []string // our packages that it may import
	libs   []string // foreign modules or packages that it may import
	banned []string // standard packages, with what is below them, that it may not import
	why    string
}

// inputOutput is what a pure package has no business with.
var inputOutput = []string{"os", "net", "syscall", "io/ioutil", "log"}

// rooms is the whole house. A package that is not listed fails the test, so a new
// one says here what it depends on and why.
var rooms = []room{
	{
		path: "cmd/vmguard",
		own:  []string{"pkg/cli"},
		why:  "main only hands over to cli",
	},
	{
		path: "cmd/gendocs",
		own:  []string{"pkg/cli", "pkg/check", "pkg/finding", "pkg/probe"},
		libs: []string{"github.com/spf13/cobra"},
		why:  "documents are made from the command tree, the list of checks and the table of timeouts",
	},
	{
		path: "pkg/cli",
		own: []string{
			"pkg/finding", "pkg/human", "pkg/rootfs", "pkg/host", "pkg/docker", "pkg/journal", "pkg/oom", "pkg/check", "pkg/report",
			"pkg/change", "pkg/swap", "pkg/netns", "pkg/probe", "pkg/probe/imap", "pkg/probe/http", "pkg/lab", "pkg/verdict", "pkg/policy",
		},
		libs: []string{
			"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/fatih/color",
			"github.com/google/renameio", "golang.org/x/term", "golang.org/x/sys",
		},
		why: "the only place that knows the command line, and that joins the parts",
	},
	{
		path:   "pkg/finding",
		banned: inputOutput,
		why:    "a leaf: everything speaks in findings, so findings depend on nothing",
	},
	{
		path:   "pkg/human",
		banned: inputOutput,
		why:    "a leaf: the spelling of quantities, the same in findings and reports",
	},
	{
		path: "pkg/rootfs",
		why:  "a leaf: the one door to host files must be short enough to audit",
	},
	{
		path: "pkg/journal",
		why:  "a leaf: journalctl is the only foreign program that facts come from, and one place runs it",
	},
	{
		path: "pkg/journal/journaltest",
		why:  "a test tool: real journals, for the tests of three packages",
	},
	{
		path: "pkg/oom",
		own:  []string{"pkg/rootfs", "pkg/journal"},
		libs: []string{"golang.org/x/sys"},
		why:  "kernel log text to kills; its sources read the log and nothing else",
	},
	{
		path: "pkg/docker",
		libs: []string{
			"github.com/docker/docker", "github.com/docker/go-connections", "github.com/docker/go-units",
			"github.com/containerd/errdefs", "github.com/opencontainers/image-spec",
		},
		why: "the Docker SDK is frozen upstream: a move to its successor shall be one package's work",
	},
	{
		path: "pkg/netns",
		libs: []string{"golang.org/x/sys"},
		why:  "a leaf: a thread that enters a namespace must come home or end, and one place sees to that",
	},
	{
		path: "pkg/packet",
		libs: []string{"golang.org/x/sys"},
		why:  "a leaf: packets to evidence",
	},
	{
		path: "pkg/probe",
		own:  []string{"pkg/netns", "pkg/packet"},
		libs: []string{"golang.org/x/sys"},
		why:  "it measures and judges; the protocols and the lab import it, never the other way round",
	},
	{
		path:   "pkg/probe/imap",
		own:    []string{"pkg/probe"},
		banned: inputOutput,
		why:    "it speaks over the connection that it is given: dialling, deadlines and limits are the engine's",
	},
	{
		path:   "pkg/probe/http",
		own:    []string{"pkg/probe"},
		banned: []string{"os", "syscall", "log", "net/http/httptest"},
		why:    "as imap; of net/http it takes the parsing and the writing, never a client",
	},
	{
		path: "pkg/lab",
		own:  []string{"pkg/probe"},
		libs: []string{"golang.org/x/sys"},
		why:  "it plays faults and states the verdicts that they must get; of probe it knows the verdicts' names alone",
	},
	{
		path:   "pkg/compose",
		libs:   []string{"go.yaml.in/yaml/v3"},
		banned: inputOutput,
		why:    "a leaf: a team's compose files to what checks need of them",
	},
	{
		path:   "pkg/caddy",
		banned: inputOutput,
		why:    "a leaf: Caddyfiles to timeouts",
	},
	{
		path:   "pkg/policy",
		own:    []string{"pkg/check", "pkg/finding", "pkg/human"},
		libs:   []string{"go.yaml.in/yaml/v3"},
		banned: inputOutput,
		why:    "a policy is text: who reads it from where is the command line's business",
	},
	{
		path: "pkg/host",
		own:  []string{"pkg/rootfs", "pkg/docker", "pkg/oom", "pkg/netns", "pkg/compose", "pkg/caddy"},
		libs: []string{"github.com/shirou/gopsutil/v3", "golang.org/x/sys", "go.yaml.in/yaml/v3"},
		why:  "it runs the parsers; gopsutil is dormant and shall not spread",
	},
	{
		path: "pkg/change",
		libs: []string{"golang.org/x/sys"},
		why:  "a leaf: the only writer must be short enough to audit",
	},
	{
		path: "pkg/swap",
		own:  []string{"pkg/change", "pkg/host", "pkg/human", "pkg/oom"},
		libs: []string{"golang.org/x/sys"},
		why:  "it reads how things stand and judges that; what it changes it changes through change",
	},
	{
		path:   "pkg/verdict",
		own:    []string{"pkg/docker", "pkg/oom", "pkg/host", "pkg/finding", "pkg/human"},
		banned: inputOutput,
		why:    "a verdict is a pure function of what was read, so that a death can be judged again from a recording",
	},
	{
		path:   "pkg/check",
		own:    []string{"pkg/host", "pkg/finding", "pkg/human", "pkg/docker", "pkg/oom", "pkg/swap", "pkg/verdict", "pkg/compose", "pkg/caddy"},
		banned: inputOutput,
		why:    "a rule is a pure function of the facts: what it needs to know must be a fact",
	},
	{
		path:   "pkg/report",
		own:    []string{"pkg/finding", "pkg/human", "pkg/host", "pkg/docker", "pkg/oom", "pkg/change", "pkg/swap", "pkg/probe", "pkg/packet", "pkg/lab", "pkg/verdict"},
		libs:   []string{"github.com/fatih/color"},
		banned: []string{"os/exec", "net", "syscall", "log"},
		why:    "it reads result types and decides nothing; only cli calls it",
	},
	{
		path: "third_party/otelhttp",
		libs: []string{"go.opentelemetry.io/otel"},
		why:  "a stand-in for what Docker's client imports and vmguard has no use for: it hands calls on",
	},
	{
		path: "scripts/testsum",
		why:  "a test tool, needed before anything else is fetched",
	},
}

// testLibs may be imported by the tests of every package.
var testLibs = []string{
	"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "github.com/santhosh-tekuri/jsonschema", "go.uber.org/goleak",
	"github.com/emersion/go-imap/v2", "go.yaml.in/yaml/v3",
}

// use is a rule on what code does rather than what it imports.
type use struct {
	pkg     string // import path of the package whose names are restricted, "" for builtins
	names   func(string) bool
	only    []string // the packages that may; "main" stands for every package main
	noTests bool     // tests are held to it as well
	why     string
}

// writers are the packages that may change the host.
var writers = []string{"pkg/change"}

var uses = []use{
	{pkg: "fmt", names: oneOf("Print", "Printf", "Println"), why: "print to an io.Writer that the caller gave"},
	{pkg: "", names: oneOf("print", "println"), noTests: true, why: "print to an io.Writer that the caller gave"},
	{pkg: "os", names: oneOf("Exit"), only: []string{"main"}, why: "deferred clean-up is lost: return an error, main turns it into an exit code"},
	{pkg: "log", names: startsWith("Fatal", "Panic"), noTests: true, why: "return an error"},
	{
		pkg: "os", names: oneOf(
			"WriteFile", "Create", "CreateTemp", "Rename", "Remove", "RemoveAll", "Mkdir", "MkdirAll", "MkdirTemp", "Chmod", "Chown",
			"Lchown", "Chtimes", "Symlink", "Link", "Truncate", "O_WRONLY", "O_RDWR", "O_CREATE", "O_APPEND", "O_TRUNC"),
		only: append([]string{"pkg/cli", "main"}, writers...), // cli writes only what the user named, main of gendocs the documents
		why:  "whoever audits this tool, which runs as root, reads one folder for its writes",
	},
	{
		pkg: "syscall", names: isHostChange, only: writers, noTests: true,
		why: "mounts and swap are changed in one place, with a plan and its undoing",
	},
	{
		pkg: "golang.org/x/sys/unix", names: isHostChange, only: writers, noTests: true,
		why: "mounts and swap are changed in one place, with a plan and its undoing",
	},
	{
		pkg: "os/exec", names: startsWith(""), only: append([]string{"pkg/journal", "pkg/journal/journaltest"}, writers...),
		why: "facts are read from files and sockets; a foreign program is a dependency (the journal has no other door)",
	},
	{
		pkg: module + "/pkg/report", names: startsWith(""), only: []string{"pkg/cli", "main"},
		why: "the exit code comes from the result, never from a writer",
	},
}

func oneOf(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

func startsWith(prefixes ...string) func(string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
}

var isHostChange = startsWith("Mount", "MS_", "Unmount", "Umount", "PivotRoot", "Swapon", "Swapoff", "MoveMount",
	"SYS_MOUNT", "SYS_UMOUNT", "SYS_SWAPON", "SYS_SWAPOFF", "SYS_PIVOT_ROOT", "SYS_MOVE_MOUNT", "Reboot", "SYS_REBOOT")

// TestArchitecture reads every Go file of the module, whatever system it is for, and holds it to the rules above.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	files := parseModule(t, "../..")
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	for _, f := range files {
		for _, fault := range faults(f) {
			t.Error(fault)
		}
	}
	for _, r := range rooms {
		if r.why == "" {
			t.Errorf("room %s gives no reason", r.path)
		}
	}
}

// TestArchitectureCatches shows that the rules bite: each source breaks one.
func TestArchitectureCatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, source, want string }{
		{"pkg/brandnew/x.go", `package brandnew`, "not in the table"},
		{"pkg/finding/x.go", `package finding; import _ "vmguard/pkg/host"`, "may not import vmguard/pkg/host"},
		{"pkg/finding/x.go", `package finding; import _ "github.com/google/go-cmp/cmp"`, "may not import github.com/google/go-cmp/cmp"},
		{"pkg/rootfs/x_test.go", `package rootfs; import _ "github.com/docker/docker/client"`, "may not import github.com/docker"},
		{"pkg/host/x.go", `package host; import _ "github.com/docker/docker/client"`, "may not import github.com/docker"},
		{"pkg/host/x.go", `package host; import _ "github.com/dockerother/x"`, "may not import github.com/dockerother"},
		{"pkg/docker/x.go", `package docker; import _ "github.com/shirou/gopsutil/v3/mem"`, "may not import github.com/shirou"},
		{"pkg/host/x.go", `package host; import _ "github.com/spf13/cobra"`, "may not import github.com/spf13/cobra"},
		{"pkg/host/x.go", `package host; import _ "vmguard/pkg/check"`, "may not import vmguard/pkg/check"},
		{"pkg/check/x.go", `package check; import _ "os"`, "may not import os"},
		{"pkg/check/x.go", `package check; import _ "os/exec"`, "may not import os/exec"},
		{"pkg/check/x.go", `package check; import _ "net/http"`, "may not import net/http"},
		{"pkg/report/x.go", `package report; import _ "vmguard/pkg/check"`, "may not import vmguard/pkg/check"},
		{"pkg/check/x.go", `package check; import _ "vmguard/pkg/report"`, "may not import vmguard/pkg/report"},
		{"pkg/cli/x.go", `package cli; import "fmt"; func f() { fmt.Println() }`, "fmt.Println"},
		{"pkg/cli/x.go", `package cli; import f "fmt"; func g() { f.Printf("") }`, "fmt.Printf"},
		{"pkg/cli/x.go", `package cli; func f() { println() }`, "println"},
		{"pkg/cli/x.go", `package cli; import "os"; func f() { os.Exit(1) }`, "os.Exit"},
		{"pkg/host/x.go", `package host; import "os"; func f() { os.WriteFile("", nil, 0) }`, "os.WriteFile"},
		{"pkg/host/x_linux.go", `package host; import "golang.org/x/sys/unix"; func f() { unix.Mount("", "", "", 0, "") }`, "unix.Mount"},
		{"pkg/host/x.go", `package host; import "os/exec"; func f() { exec.Command("x") }`, "os/exec.Command"},
		{"pkg/host/x.go", `package host; import . "fmt"; func f() { Println() }`, "dot import"},
	} {
		file := parse(t, test.file, test.source)
		got := strings.Join(faults(file), "\n")
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s\ngot  %q\nwant %q in it", test.file, test.source, got, test.want)
		}
	}
	for file, source := range map[string]string{
		"cmd/vmguard/main.go":   `package main; import ("os"; "vmguard/pkg/cli"); func main() { os.Exit(cli.Main(nil)) }`,
		"pkg/docker/client.go":  `package docker; import "github.com/docker/docker/client"; var _ = client.Version`,
		"pkg/check/swap.go":     `package check; import ("cmp"; "vmguard/pkg/host"); var _ host.Facts; var _ = cmp.Compare[int]`,
		"pkg/check/x_test.go":   `package check; import ("os"; "github.com/google/go-cmp/cmp"); var _ = os.ReadFile; var _ = cmp.Diff`,
		"pkg/host/exec_test.go": `package host; import ("fmt"; "os/exec"); func f() { exec.Command("x"); fmt.Println() }`,
	} {
		if got := faults(parse(t, file, source)); len(got) != 0 {
			t.Errorf("%s: %s\nunexpected faults %q", file, source, got)
		}
	}
}

// source is one parsed file; its name is relative to the module's root, with slashes.
type source struct {
	name string
	*ast.File
}

func (s source) room() string { return path.Dir(s.name) }
func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

func parse(t *testing.T, name, text string) source {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	return source{name, file}
}

// parseModule parses the module's Go files; like the go command's wildcards it passes by testdata and names with a dot.
func parseModule(t *testing.T, root string) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != root && (base == "testdata" || base == "dist" || strings.HasPrefix(base, ".")) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(base, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		files = append(files, source{filepath.ToSlash(rel), file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// faults are the rules that a file breaks.
func faults(f source) []string {
	index := slices.IndexFunc(rooms, func(r room) bool { return r.path == f.room() })
	if index < 0 {
		return []string{fmt.Sprintf("%s: package %s is not in the table of rooms: add it there with what it may import and why", f.name, f.room())}
	}
	r := rooms[index]
	var found []string
	names := map[string]string{} // local name of an import -> its path
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return []string{fmt.Sprintf("%s: %v", f.name, err)}
		}
		local := path.Base(imported)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == "." {
			found = append(found, fmt.Sprintf("%s: dot import of %s hides where names come from", f.name, imported))
		}
		names[local] = imported
		if !r.allows(imported, f.isTest()) {
			found = append(found, fmt.Sprintf("%s: %s may not import %s: %s", f.name, r.path, imported, r.why))
		}
	}
	return append(found, usesOf(f, names)...)
}

// allows tells whether a file of the room may import a package.
func (r room) allows(imported string, test bool) bool {
	within := func(parent string) bool { return imported == parent || strings.HasPrefix(imported, parent+"/") }
	own, isOwn := strings.CutPrefix(imported, module+"/")
	switch {
	case isOwn:
		// An external test may import its own package, and any other that does not lead back to it.
		return slices.Contains(r.own, own) || (test && own != "pkg/report")
	case strings.Contains(strings.Split(imported, "/")[0], "."):
		return slices.ContainsFunc(r.libs, within) || (test && slices.ContainsFunc(testLibs, within))
	default:
		return test || !slices.ContainsFunc(r.banned, within)
	}
}

// usesOf finds what a file may not do.
func usesOf(f source, imports map[string]string) []string {
	var found []string
	report := func(pkg, name string) {
		for _, u := range uses {
			if u.pkg != pkg || !u.names(name) || (f.isTest() && !u.noTests) {
				continue
			}
			if slices.Contains(u.only, f.room()) || (f.Name.Name == "main" && slices.Contains(u.only, "main")) {
				continue
			}
			found = append(found, fmt.Sprintf("%s: %s: %s", f.name, strings.TrimPrefix(pkg+"."+name, "."), u.why))
		}
	}
	ast.Inspect(f.File, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectorExpr:
			if ident, ok := node.X.(*ast.Ident); ok && imports[ident.Name] != "" {
				report(imports[ident.Name], node.Sel.Name)
			}
		case *ast.CallExpr:
			if ident, ok := node.Fun.(*ast.Ident); ok {
				report("", ident.Name)
			}
		}
		return true
	})
	return found
}
