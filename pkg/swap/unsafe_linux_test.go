package swap

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vmguard/pkg/host"
)

// A line that is mended keeps the options that do not contradict it.
func TestEntryKeepsOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options  []string
		priority int
		want     string
	}{
		{nil, -1, "/s none swap sw,nofail 0 0"},
		{[]string{"noauto"}, -1, "/s none swap sw,nofail 0 0"},
		{[]string{"defaults", "discard", "noauto", "pri=3", "x-systemd.device-timeout=9"}, -1, "/s none swap defaults,discard,x-systemd.device-timeout=9,nofail 0 0"},
		{[]string{"sw", "nofail", ""}, 7, "/s none swap sw,nofail,pri=7 0 0"},
	} {
		if got := (Entry{Path: "/s", Priority: test.priority, Options: test.options}).Line(); got != test.want {
			t.Errorf("%q: %s, want %s", test.options, got, test.want)
		}
	}
}

// A swapfile with holes is filled only where the disk has room for it.
func TestHolesNeedRoom(t *testing.T) {
	t.Parallel()
	s := bareState("/swapfile")
	s.Main = area(s.Main, 8*gib)
	s.Main.Blocks = 4096
	job, err := PlanEnable(s, EnableRequest{Priority: -1, Swappiness: -1, Persist: true})
	if err != nil || !strings.Contains(job.space, "holes of 8.0 GiB") {
		t.Errorf("%q, %v", job.space, err)
	}
	s.Disk.Value.Free = 2 * gib
	if _, err := PlanEnable(s, EnableRequest{Priority: -1, Swappiness: -1, Persist: true}); err == nil || !strings.Contains(err.Error(), "no room for 8.0 GiB") {
		t.Errorf("no room: %v", err)
	}
}

// Nothing is switched on, or named in fstab, that others could put their own file in place of; switching it off is right.
func TestUnsafeDirectory(t *testing.T) {
	t.Parallel()
	inactive, active := bareState("/swapfile"), running("/swapfile")
	inactive.Main = area(inactive.Main, gib)
	active.Etc.Fstab = []byte(rootLine)
	for name, s := range map[string]State{"inactive": inactive, "active, not in fstab": active} {
		s.DirProblem = "others than root may write to /"
		if _, err := PlanEnable(s, EnableRequest{Priority: -1, Swappiness: -1, Persist: true}); err == nil || !strings.Contains(err.Error(), s.DirProblem) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := PlanDisable(s, DisableRequest{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a killed run left beside the text files goes with the next one, whichever it is.
func TestLeftoversGo(t *testing.T) {
	t.Parallel()
	s := running("/swapfile")
	s.Leftovers = []string{"/etc/fstab.vmguard-new"}
	enable, err := PlanEnable(s, EnableRequest{Priority: -1, Swappiness: -1, Persist: true})
	if err != nil {
		t.Fatal(err)
	}
	disable, err := PlanDisable(s, DisableRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range []Job{enable, disable} {
		if !slices.Contains(job.last, op{kind: opSweep, path: "/etc/fstab.vmguard-new"}) {
			t.Errorf("stays: %+v", job.last)
		}
	}
}

// The other names of a swapfile that was open to others are closed as well, before they are active under its name.
func TestEveryFileIsProtected(t *testing.T) {
	t.Parallel()
	s := running("/swapfile")
	s.Main, s.Old = File{Path: "/swapfile"}, area(s.Old, 2*gib)
	s.Old.Mode = 0o644
	s.Facts.Swaps.Value = nil
	job, err := PlanEnable(s, EnableRequest{Size: 2 * gib, Priority: -1, Swappiness: -1, Persist: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(job.ops) == 0 || job.ops[0] != (op{kind: opProtect, path: s.Old.Path}) {
		t.Errorf("%v", job.ops)
	}
}

// A file that may be active under a name of another mount namespace is left alone.
func TestActiveUnseen(t *testing.T) {
	t.Parallel()
	s := bareState("/swapfile")
	s.Main = area(s.Main, gib)
	s.Main.MayBe = "/s"
	_, on := PlanEnable(s, EnableRequest{Priority: -1, Swappiness: -1, Persist: true})
	_, off := PlanDisable(s, DisableRequest{})
	for _, err := range []error{on, off} {
		if err == nil || !strings.Contains(err.Error(), "/swapfile seems to be active under a name") {
			t.Error(err)
		}
	}
}

func TestFindUnseen(t *testing.T) {
	t.Parallel()
	gone := area(File{Path: "/none/swapfile"}, gib) // cannot be asked, so it may be any
	idle := area(File{Path: filepath.Join(t.TempDir(), "idle")}, gib)
	if err := os.WriteFile(idle.Path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	here := t.TempDir()
	for _, test := range []struct {
		file File
		area host.SwapArea
		want string
	}{
		{gone, host.SwapArea{Path: "/none/s", Type: "file", Size: gib - minPageSize}, "/none/s"},
		{gone, host.SwapArea{Path: "/none/s", Type: "file", Size: gib}, ""},
		{gone, host.SwapArea{Path: "/none/s", Type: "file", Size: gib - minPageSize, Deleted: true}, ""},
		{gone, host.SwapArea{Path: "/none/s", Type: "partition", Size: gib - minPageSize}, ""},
		{gone, host.SwapArea{Path: here, Type: "file", Size: gib - minPageSize}, ""},
		{idle, host.SwapArea{Path: "/none/s", Type: "file", Size: gib - minPageSize}, ""},
	} {
		f := test.file
		f.findUnseen([]host.SwapArea{test.area})
		if f.MayBe != test.want {
			t.Errorf("%+v: %q, want %q", test.area, f.MayBe, test.want)
		}
	}
}
