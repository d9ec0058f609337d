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

func TestJournalTmpfs(t *testing.T) {
	const (
		fstab = "/etc/fstab"
		line  = "UUID=1 / ext4 defaults 0 1\ntmpfs /var/log tmpfs defaults 0 0\n"
		unit  = "/etc/systemd/system/var-log.mount"
		tmp   = "[Mount]\nWhat=tmpfs\nWhere=/var/log\nType=tmpfs\n"
		live  = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	)
	log := &Tmpfs{Dir: "/var/log", File: fstab, Line: 2}
	for name, c := range map[string]struct {
		host files
		want *Tmpfs
	}{
		"none":               {files{fstab: "UUID=1 / ext4 defaults 0 1\n"}, nil},
		"fstab":              {files{fstab: line}, log},
		"/var":               {files{fstab: "x /var/ ramfs\n"}, &Tmpfs{Dir: "/var", File: fstab, Line: 1}},
		"a comment":          {files{fstab: "#tmpfs /var/log tmpfs\ntmpfs /var/log/nginx tmpfs\n"}, nil},
		"a disk in it":       {files{fstab: line + "/dev/vdb /var/log/journal ext4\n"}, nil},
		"a tmpfs on a disk":  {files{fstab: line + "/dev/vdb /var ext4\n"}, log},
		"a unit":             {files{unit: tmp}, &Tmpfs{Dir: "/var/log", File: unit}},
		"a masked unit":      {files{fstab: line, unit: "-> /dev/null"}, nil},
		"a unit of a disk":   {files{fstab: line, unit: "[Mount]\nWhat=/dev/vdb\n"}, nil},
		"fstab's goes first": {files{fstab: line, "usr/lib/systemd/system/var-log.mount": "[Mount]\nType=ext4\n"}, log},
		"mounted":            {files{mountinfo: live + "23 22 0:9 / /var/log rw - tmpfs tmpfs rw\n"}, &Tmpfs{Dir: "/var/log", File: mountinfo}},
		"not mounted":        {files{mountinfo: live, fstab: line}, nil},
		"log2ram":            {files{mountinfo: live + "23 22 0:9 / /var/log rw - tmpfs log2ram rw\n", "etc/log2ram.conf": ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := readJournald(tree(t, files{"var/log/journal/": ""}, c.host))
			equal(t, got.Value.Tmpfs, c.want)
			equal(t, got.Value.Persistent(), c.want == nil)
			equal(t, got.Known(), true)
		})
	}
	missing(t, readJournald(tree(t, files{"etc/fstab/": ""})), "not a regular file")
	missing(t, readJournald(tree(t, files{mountinfo: ""})), mountinfo)
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
