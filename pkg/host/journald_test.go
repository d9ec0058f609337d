package host

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// journaldTrees are configurations, and the Storage that comes of them.
func journaldTrees() map[string]struct {
	host files
	want Journald
} {
	set := func(storage string) string { return "# x\n[Journal]\nStorage=" + storage + "\n" }
	const main = "etc/systemd/journald.conf"
	return map[string]struct {
		host files
		want Journald
	}{
		"nothing":             {host: files{"etc/": ""}, want: Journald{Storage: "auto"}},
		"commented":           {host: files{main: "[Journal]\n#Storage=none\n"}, want: Journald{Storage: "auto"}},
		"set":                 {host: files{main: set("volatile")}, want: Journald{Storage: "volatile", File: "/" + main, Line: 3}},
		"twice":               {host: files{main: set("volatile") + "Storage = none\n"}, want: Journald{Storage: "none", File: "/" + main, Line: 4}},
		"no value of it":      {host: files{main: set("volatile") + "Storage=disk\n"}, want: Journald{Storage: "volatile", File: "/" + main, Line: 3}},
		"another section":     {host: files{main: "[Upload]\nStorage=none\n"}, want: Journald{Storage: "auto"}},
		"a fragment":          {host: files{main: set("volatile"), main + ".d/a.conf": set("persistent")}, want: Journald{Storage: "persistent", File: "/" + main + ".d/a.conf", Line: 3}},
		"by name":             {host: files{main + ".d/a.conf": set("none"), "usr/lib/systemd/journald.conf.d/b.conf": set("volatile")}, want: Journald{Storage: "volatile", File: "/usr/lib/systemd/journald.conf.d/b.conf", Line: 3}},
		"hidden by /etc":      {host: files{main + ".d/a.conf": set("none"), "usr/lib/systemd/journald.conf.d/a.conf": set("volatile")}, want: Journald{Storage: "none", File: "/" + main + ".d/a.conf", Line: 3}},
		"masked":              {host: files{main + ".d/a.conf": "-> /dev/null", "usr/lib/systemd/journald.conf.d/a.conf": set("volatile")}, want: Journald{Storage: "auto"}},
		"emptied":             {host: files{main + ".d/a.conf": "", "usr/lib/systemd/journald.conf.d/a.conf": set("volatile")}, want: Journald{Storage: "auto"}},
		"no .conf":            {host: files{main + ".d/a": set("none")}, want: Journald{Storage: "auto"}},
		"/etc hides the main": {host: files{main: "", "usr/lib/systemd/journald.conf": set("none")}, want: Journald{Storage: "auto"}},
		"the vendor's main":   {host: files{"usr/lib/systemd/journald.conf": set("none")}, want: Journald{Storage: "none", File: "/usr/lib/systemd/journald.conf", Line: 3}},
		"this boot's":         {host: files{"run/systemd/journald.conf.d/a.conf": set("none"), "usr/local/lib/systemd/journald.conf.d/a.conf": set("auto")}, want: Journald{Storage: "none", File: "/run/systemd/journald.conf.d/a.conf", Line: 3}},
	}
}

func TestReadJournald(t *testing.T) {
	for name, c := range journaldTrees() {
		t.Run(name, func(t *testing.T) {
			got := readJournald(tree(t, c.host))
			equal(t, got.Value, c.want)
			equal(t, got.Known(), true)
		})
	}
	const daemon = "usr/lib/systemd/systemd-journald"
	got := readJournald(tree(t, files{daemon: "ELF", "var/log/journal/": ""}))
	equal(t, got.Value, Journald{Installed: true, Storage: "auto", LogDir: true})
	equal(t, got.Value.Persistent(), true)
	equal(t, readJournald(tree(t, files{"lib/systemd/systemd-journald": "ELF", "var/log/journal": "a file"})).Value, Journald{Installed: true, Storage: "auto"})
	equal(t, readJournald(tree(t, files{"etc/systemd/journald.conf.d/a.conf": "-> /nowhere"})).Value, Journald{Storage: "auto"})
	equal(t, readJournald(tree(t, files{"etc/systemd/journald.conf/": ""})).Value, Journald{Storage: "auto"})
	missing(t, readJournald(tree(t, files{"etc/systemd/journald.conf.d": "a file"})), "not a directory")
	missing(t, readJournald(tree(t, files{"etc/systemd/journald.conf.d/a.conf": strings.Repeat(" ", smallFile+1)})), "larger than expected")
}

func TestJournaldPersistent(t *testing.T) {
	for storage, want := range map[string][2]bool{"auto": {false, true}, "persistent": {true, true}, "volatile": {}, "none": {}} {
		for i, dir := range []bool{false, true} {
			equal(t, Journald{Storage: storage, LogDir: dir}.Persistent(), want[i])
		}
	}
}

// TestJournaldAsSystemd holds the order of the files against what systemd itself merges.
func TestJournaldAsSystemd(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze") //nolint:misspell // its name
	if err != nil {
		t.Skip("needs systemd's own tools")
	}
	for name, c := range journaldTrees() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for path, content := range c.host {
				place(t, filepath.Join(dir, path), strings.HasSuffix(path, "/"), content)
			}
			merged, _ := exec.Command(tool, "cat-config", "--root="+dir, "systemd/journald.conf").Output() // it fails where there is none
			got, _ := parseStorage(merged)
			if got == "" {
				got = "auto"
			}
			equal(t, got, c.want.Storage)
		})
	}
}

// FuzzParseStorage holds that the last valid Storage of the section wins.
func FuzzParseStorage(f *testing.F) {
	f.Add("[Journal]\nStorage=none\n", "x")
	f.Fuzz(func(t *testing.T, before, after string) {
		before = strings.ReplaceAll(before, `\`, "")
		after = strings.NewReplacer("Storage", "", `\`, "").Replace(after)
		got, _ := parseStorage([]byte(before + "\n[Journal]\nStorage=volatile\n" + after))
		equal(t, got, "volatile")
	})
}
