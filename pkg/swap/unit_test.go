package swap

import (
	"os/exec"
	"strings"
	"testing"
)

// unitNames are as systemd-escape 252 gives them.
func unitNames() map[string]string {
	return map[string]string{
		"/swapfile":         "swapfile.swap",
		"/mnt/data/swap":    "mnt-data-swap.swap",
		"/swap-file":        `swap\x2dfile.swap`,
		"/a b":              `a\x20b.swap`,
		"/.swapfile":        `\x2eswapfile.swap`,
		"/a/.swap.img":      "a-.swap.img.swap",
		"/it's":             `it\x27s.swap`,
		"/50%":              `50\x25.swap`,
		`/back\slash`:       `back\x5cslash.swap`,
		"/a:b_c":            "a:b_c.swap",
		"/\u00e4":           `\xc3\xa4.swap`,
		"/@/~":              `\x40-\x7e.swap`,
		"/x.swap":           "x.swap.swap",
		"/a--b/-":           `a\x2d\x2db-\x2d.swap`,
		`/"quoted"/$HOME;#`: `\x22quoted\x22-\x24HOME\x3b\x23.swap`,
	}
}

func TestUnitName(t *testing.T) {
	t.Parallel()
	for file, want := range unitNames() {
		if got := unitName(file); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

// TestUnitNameAsSystemd compares with what systemd itself says.
func TestUnitNameAsSystemd(t *testing.T) {
	t.Parallel()
	escape := systemdEscape(t)
	for file := range unitNames() {
		compareUnitName(t, escape, file)
	}
}

// FuzzUnitName compares with systemd for any path that is accepted; without systemd-escape it
// tests that no two such paths have one unit.
func FuzzUnitName(f *testing.F) {
	for file := range unitNames() {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if CheckPath(file) != nil || len(file) > 60 { // of longer names systemd may make a hash
			return
		}
		if escape, err := exec.LookPath("systemd-escape"); err == nil {
			compareUnitName(t, escape, file)
		}
		if got := unescapeUnit(strings.TrimSuffix(unitName(file), ".swap")); got != file {
			t.Errorf("the unit of %q is that of %q", file, got)
		}
	})
}

// unescapeUnit is systemd-escape --unescape --path.
func unescapeUnit(name string) string {
	var b strings.Builder
	b.WriteByte('/')
	for len(name) > 0 {
		switch {
		case name[0] == '-':
			b.WriteByte('/')
		case strings.HasPrefix(name, `\x`):
			const digits = "0123456789abcdef"
			b.WriteByte(byte(strings.IndexByte(digits, name[2])<<4 | strings.IndexByte(digits, name[3])))
			name = name[3:]
		default:
			b.WriteByte(name[0])
		}
		name = name[1:]
	}
	return b.String()
}

func systemdEscape(t *testing.T) string {
	t.Helper()
	escape, err := exec.LookPath("systemd-escape")
	if err != nil {
		t.Skipf("needs systemd-escape: %v", err)
	}
	return escape
}

func compareUnitName(t *testing.T, escape, file string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), escape, "--path", "--suffix=swap", "--", file).CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-escape %q: %v: %s", file, err, out)
	}
	if want := strings.TrimSuffix(string(out), "\n"); unitName(file) != want {
		t.Errorf("%q: %s, and systemd says %s", file, unitName(file), want)
	}
}
