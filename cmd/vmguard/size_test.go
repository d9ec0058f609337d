package main

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The budget of the released binary.
const (
	maxBytes   = 11 << 20
	maxModules = 45
)

// heavy are functions that show that a package is in use which a stray call can drag in.
// That text/template is imported and initialised cannot be helped: cobra does that.
var heavy = []struct{ symbol, why string }{
	{"text/template.(*state).", "2.4 MiB, and with it the linker keeps every exported method: cobra links it only for custom templates, use SetHelpFunc and SetUsageFunc"},
	{"html/template.", "as text/template"},
	{"net/http/pprof.", "a debug server has no place in a tool that runs as root"},
	{"testing.", "test code in the release"},
}

// TestReleaseSize builds the binary as it is released and holds it to the budget.
func TestReleaseSize(t *testing.T) {
	t.Parallel()
	binary := buildRelease(t, "-ldflags=-s -w -funcalign=16")

	stat, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("size: %.2f MiB of %d", float64(stat.Size())/(1<<20), maxBytes>>20)
	if stat.Size() > maxBytes {
		t.Errorf("the binary has %d bytes, more than %d", stat.Size(), maxBytes)
	}

	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("linked modules: %d of %d", len(info.Deps), maxModules)
	if len(info.Deps) > maxModules {
		for _, dep := range info.Deps {
			t.Log(dep.Path)
		}
		t.Errorf("%d modules are linked, more than %d", len(info.Deps), maxModules)
	}

	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, prog := range file.Progs {
		if prog.Type == elf.PT_INTERP || prog.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary is not static: it has a %v segment", prog.Type)
		}
	}
}

// TestReleaseLinks looks at the symbols of the same build, unstripped.
func TestReleaseLinks(t *testing.T) {
	t.Parallel()
	file, err := elf.Open(buildRelease(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}

	functions, mains := 0, 0
	for _, symbol := range symbols {
		if elf.ST_TYPE(symbol.Info) != elf.STT_FUNC {
			continue
		}
		functions++
		if symbol.Name == "main.main" {
			mains++
		}
		for _, h := range heavy {
			if strings.HasPrefix(symbol.Name, h.symbol) {
				t.Errorf("%s is linked: %s", symbol.Name, h.why)
			}
		}
	}
	if mains != 1 {
		t.Errorf("the symbols are not read right: %d functions, %d of them main.main", functions, mains)
	}
}

// buildRelease makes the linux/amd64 binary as .goreleaser.yaml does, apart from the given flag.
func buildRelease(t *testing.T, flag string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "vmguard")
	args := []string{"build", "-trimpath", "-buildvcs=false", "-gcflags=all=-l", "-tags=nethttpomithttp2", "-o", binary}
	if flag != "" {
		args = append(args, flag)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}
