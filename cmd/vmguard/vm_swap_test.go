package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The swapfiles of testdata/vm/swap as fstab and systemd name them. The second one's name
// is "/srv/swap dir/.a-b\#é".
const (
	plainLine = "/swapfile none swap sw,nofail 0 0"
	oddLine   = `/srv/swap\040dir/.a-b\134#é none swap sw,nofail,pri=7 0 0`
	oddUnit   = `srv-swap\x20dir-.a\x2db\x5c\x23\xc3\xa9.swap`
)

// TestSwapInAVM runs vmguard swap over five boots of one machine: what it made is there
// after a reboot and after a power cut, what was cut short is mended by the same command,
// a missing swapfile does not stop the boot, and disable leaves nothing behind.
func TestSwapInAVM(t *testing.T) {
	needVM(t)
	out := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 18*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../scripts/vm", "swap", "--out", out, "--timeout", "300")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it then ends the machine
	cmd.WaitDelay = time.Minute
	log, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("scripts/vm swap: %v\n%s", err, log)
	}
	t.Log(regexp.MustCompile(`boot \d took \d+ s`).FindAllString(string(log), -1))
	for i, judge := range []func(vmBoot){judgeFirstBoot, judgeResize, judgePowerCut, judgeMissingFile, judgeLastBoot} {
		name := fmt.Sprintf("boot %d", i+1)
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					_, rest, _ := strings.Cut(string(log), name+", ")
					part, _, _ := strings.Cut(rest, name+" took")
					t.Logf("%s, %s", name, part)
				}
			})
			judge(vmBoot{t, filepath.Join(out, strconv.Itoa(i+1))})
		})
	}
}

func judgeFirstBoot(b vmBoot) {
	b.ran("make", 0, `allocate +/\.swapfile\.vmguard-new, 256 MiB`, `persist +/etc/fstab, one line added`, `systemctl daemon-reload \(`)
	b.stands("made", "30", []string{plainLine}, "active /swapfile 256 MiB", "file /swapfile 600 root", "unit swapfile.swap loaded active")
	b.ran("again", 0, "there was nothing to do")
	b.ran("odd", 0, "swap is on")
	b.stands("both", "30", []string{plainLine, oddLine}, withOdd(256)...)
	b.allPass("doctor", "272 MiB")
	b.ran("status", 0, `(?m)^/swapfile +file +256 MiB +0 B +-2 +yes +/etc/fstab line 4 +0600 root +ext4$`, "vm.swappiness: 30", "no problems")
	b.ran("verify", 0, "0 parse errors, 0 errors")
	b.ran("show", 0, `(?m)^/swapfile 268431360 -2$`, `(?m) 16773120 7$`)
	b.ran("swaplabel", 0, `(?m)^LABEL: vmguard$`)
	b.ran("unit", 0, "^LoadState=loaded\nActiveState=active\nFragmentPath=/run/systemd/generator/swapfile.swap\nNeedDaemonReload=no\n$")

	b.ran("masked", 3, "/etc/systemd/system/srv-masked.swap masks its unit")
	b.stands("masked", "30", []string{plainLine, oddLine}, withOdd(256)...)
	b.ran("unmask", 0)
	b.ran("unmasked", 0, "swap is on: /srv/masked, 16 MiB")
	b.ran("third-away", 0, "/srv/masked is not swap")
	b.stands("third-away", "30", []string{plainLine, oddLine}, withOdd(256)...)
	b.ran("settled", 0)
	b.ran("hungry", 137)
	b.killed("kills", true)
}

func judgeResize(b vmBoot) {
	b.stands("booted", "30", []string{plainLine, oddLine}, withOdd(256)...)
	b.allPass("doctor", "272 MiB")
	b.killed("kills", true)
	b.killed("kills-now", false)
	if !regexp.MustCompile(`(?m)^/swapfile\s+file\s+262140\s+[1-9]\d{3}`).MatchString(b.text("hogged.swaps")) {
		b.t.Errorf("the resize shall meet a swapfile in use: %s", b.text("hogged.swaps"))
	}
	b.ran("resize", 0, "swap is on: /swapfile, 384 MiB")
	if looks := b.text("meanwhile"); strings.Contains(looks, "off") || strings.Count(looks, "on\n") < 3 {
		b.t.Errorf("swap shall be on at every look during the resize: %q", looks)
	}
	if got := b.text("hog"); got != "ready\nwhole\n" {
		b.t.Errorf("the program whose memory was in swap says %q", got)
	}
	b.stands("resized", "30", []string{plainLine, oddLine}, withOdd(384)...)
	b.allPass("doctor-resized", "400 MiB")
	for _, name := range []string{"killed", "half"} {
		b.stands(name, "30", []string{plainLine, oddLine}, withOdd(384, "file /.swapfile.vmguard-new 600 root")...)
		b.halfMade(name)
	}
}

func judgePowerCut(b vmBoot) {
	b.stands("booted", "30", []string{plainLine, oddLine}, withOdd(384, "file /.swapfile.vmguard-new 600 root")...)
	b.killed("kills", true)
	b.halfMade("booted")
	b.ran("mend", 0, `remove +/\.swapfile\.vmguard-new`, "600 MiB by writing zeroes")
	b.stands("mended", "30", []string{plainLine, oddLine}, withOdd(600)...)
	b.allPass("doctor", "616 MiB")

	const freshUnit = `unit \x2eswapfile.vmguard\x2dnew.swap loaded active`
	b.stands("at-swapoff", "30", []string{plainLine, oddLine}, withOdd(600,
		"active /.swapfile.vmguard-new 320 MiB", "file /.swapfile.vmguard-new 600 root", freshUnit)...)
	b.stands("at-swapon", "30", []string{plainLine, oddLine}, withOdd(0,
		"active /.swapfile.vmguard-new 320 MiB", "file /.swapfile.vmguard-new 600 root", freshUnit,
		"file /.swapfile.vmguard-old 600 root", "unit swapfile.swap loaded inactive")...)
}

func judgeMissingFile(b vmBoot) {
	b.ran("failed", 0, `^swapfile\.swap loaded failed failed /swapfile\n$`)
	b.ran("reached", 0, "^active\nactive\n$") // swap.target as well: nofail
	b.stands("booted", "30", []string{plainLine, oddLine}, withOdd(0,
		"file /.swapfile.vmguard-new 600 root", "file /.swapfile.vmguard-old 600 root", "unit swapfile.swap loaded failed")...)
	expect(b.t, b.findings("doctor"), finding{"swap-persistent", "fail", "warning", "host", "/etc/fstab wants swap on /swapfile, which does not exist"})
	b.ran("mend", 0, "swap is on: /swapfile, 320 MiB")
	b.stands("mended", "30", []string{plainLine, oddLine}, withOdd(320)...)
	b.allPass("doctor-mended", "336 MiB")

	b.ran("disable-odd", 0, "is not swap")
	b.ran("disable", 0, "/swapfile is not swap")
	b.stands("disabled", "60", nil)
	b.ran("tree", 0, "^$")
	b.ran("again", 0, "there was nothing to do")
	b.ran("units", 0, `^swap\.target .*\n$`)

	if _, err := os.Stat(filepath.Join(b.dir, "cut.exit")); err == nil {
		b.t.Error("the command that the power was cut under came to its end")
	}
	b.fstab("cut", []string{plainLine})
}

func judgeLastBoot(b vmBoot) {
	b.ran("failed", 0, "^$")
	b.stands("booted", "60", []string{plainLine}, "active /swapfile 128 MiB", "file /swapfile 600 root", "unit swapfile.swap loaded active")
	b.allPass("doctor", "128 MiB")
	expect(b.t, b.findings("doctor-lost"), finding{"swap-persistent", "fail", "warning", "host", "/etc/fstab wants swap on /swapfile, which does not exist"})
	b.ran("mend", 0, "swap is on: /swapfile, 1.0 GiB")
	b.stands("mended", "60", []string{plainLine}, "active /swapfile 1024 MiB", "file /swapfile 600 root", "unit swapfile.swap loaded active")
	b.allPass("doctor-mended", "1.0 GiB")
	b.ran("disable", 0, "/swapfile is not swap")
	b.stands("disabled", "60", nil)
	b.ran("tree", 0, "^$")
}

// withOdd gives how things stand with the swapfile of an odd name and, unless its size is
// 0, an active /swapfile of so many MiB.
func withOdd(size int, more ...string) []string {
	want := slices.Concat(more, []string{`active /srv/swap\040dir/.a-b\134#é 16 MiB, priority 7`, `file /srv/swap dir/.a-b\#é 600 root`,
		"unit " + oddUnit + " loaded active"})
	if size != 0 {
		want = append(want, fmt.Sprintf("active /swapfile %d MiB", size), "file /swapfile 600 root", "unit swapfile.swap loaded active")
	}
	return want
}

// vmBoot reads what testdata/vm/swap recorded of one boot.
type vmBoot struct {
	t   *testing.T
	dir string
}

func (b vmBoot) text(name string) string { return string(readFile(b.t, filepath.Join(b.dir, name))) }

// ran wants that a command ended with that exit code and printed what matches.
func (b vmBoot) ran(name string, code int, patterns ...string) {
	b.t.Helper()
	said := b.text(name+".out") + b.text(name+".err")
	if got := strings.TrimSpace(b.text(name + ".exit")); got != strconv.Itoa(code) {
		b.t.Errorf("%s: exit code %s, want %d:\n%s", name, got, code, said)
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(said) {
			b.t.Errorf("%s: want %q in:\n%s", name, p, said)
		}
	}
}

// stands wants that value of vm.swappiness, those lines in fstab beside the first ones, and
// of active areas, files and systemd's units those and no others.
func (b vmBoot) stands(name, swappiness string, fstab []string, want ...string) {
	b.t.Helper()
	if got := strings.TrimSpace(b.text(name + ".swappiness")); got != swappiness {
		b.t.Errorf("%s: vm.swappiness is %s, want %s", name, got, swappiness)
	}
	b.fstab(name, fstab)
	var got []string
	for _, f := range b.fields(name + ".swaps")[1:] { // after the heading
		size, err := strconv.Atoi(f[2])
		if err != nil {
			b.t.Fatalf("%s: %q", name, f)
		}
		area := fmt.Sprintf("active %s %d MiB", f[0], (size+4)/1024) // the header's page is not counted
		if !strings.HasPrefix(f[4], "-") {
			area += ", priority " + f[4]
		}
		got = append(got, area)
	}
	for line := range strings.Lines(b.text(name + ".files")) {
		got = append(got, "file "+line[:strings.LastIndex(line, " ")])
	}
	for _, f := range b.fields(name + ".units") {
		got = append(got, "unit "+strings.Join(f[:3], " "))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func (b vmBoot) fields(name string) [][]string {
	var list [][]string
	for line := range strings.Lines(b.text(name)) {
		list = append(list, strings.Fields(line))
	}
	return list
}

// fstab wants the bytes that were there at first, and those lines before the last one, which
// has no line ending.
func (b vmBoot) fstab(name string, lines []string) {
	b.t.Helper()
	want := "# the root filesystem\n/dev/vda / ext4 defaults 0 1\n#\ttabs,  and no line ending at the end\n"
	for _, line := range lines {
		want += line + "\n"
	}
	want += "none\t/media\ttmpfs\tnoauto\t0 0"
	if diff := cmp.Diff(want, b.text(name+".fstab")); diff != "" {
		b.t.Errorf("%s: fstab (-want +got):\n%s", name, diff)
	}
}

// halfMade wants that the file of a resize to 600 MiB is there, and not whole.
func (b vmBoot) halfMade(name string) {
	b.t.Helper()
	for _, f := range b.fields(name + ".files") {
		if size, err := strconv.Atoi(f[len(f)-1]); f[0] == "/.swapfile.vmguard-new" && err == nil && size > 0 && size < 600<<20 {
			return
		}
	}
	b.t.Errorf("%s: no half-made file:\n%s", name, b.text(name+".files"))
}

// killed wants that vmguard oom lists the kill of the first boot, or none.
func (b vmBoot) killed(name string, listed bool) {
	b.t.Helper()
	b.ran(name, 0)
	r := readKills(b.t, filepath.Join(b.dir, name+".out"))
	switch {
	case !listed && len(r.Data.Kills) == 0 && r.Data.Complete:
		return
	case listed && len(r.Data.Kills) == 1 && r.Data.Complete:
		k := r.Data.Kills[0]
		if k.Victim.Kind == "docker" && k.Victim.ContainerID == strings.Repeat("0", 63)+"7" && k.Limiter.Kind == "own" && k.Limiter.LimitBytes == 16<<20 {
			return
		}
	}
	b.t.Errorf("%s: %+v", name, r.Data)
}

func (b vmBoot) findings(name string) []finding {
	b.t.Helper()
	var report struct{ Data struct{ Findings []finding } }
	decode(b.t, []byte(b.text(name+".json")), &report)
	return report.Data.Findings
}

// allPass wants that doctor finds nothing wrong with swap, and so much of it.
func (b vmBoot) allPass(name, total string) {
	b.t.Helper()
	findings := b.findings(name)
	for _, id := range []string{"swap-enabled", "swap-persistent", "swap-permissions", "swappiness"} {
		if !slices.ContainsFunc(findings, func(f finding) bool { return f.ID == id }) {
			b.t.Errorf("%s: nothing is said of %s", name, id)
		}
	}
	for _, f := range findings {
		if f.Status != "pass" || f.ID == "swap-enabled" && !strings.HasPrefix(f.Summary, total) {
			b.t.Errorf("%s: %+v, want %s that pass", name, f, total)
		}
	}
}
