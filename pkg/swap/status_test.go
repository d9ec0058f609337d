package swap

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
)

// statusFacts is a host of which all is known, and that has no swap.
func statusFacts() *host.Facts {
	return &host.Facts{
		System:   host.Known(host.System{Root: true}, "/proc"),
		Memory:   host.Known(host.Memory{Total: 4 << 30, Available: 3 << 30}, "/proc/meminfo"),
		Sysctls:  map[string]host.Fact[int64]{"vm.swappiness": host.Known[int64](60, "/proc/sys/vm/swappiness")},
		Swaps:    host.Known([]host.SwapArea{}, "/proc/swaps"),
		Fstab:    host.Known([]host.FstabSwap{}, "/etc/fstab"),
		Units:    host.Known([]host.SwapUnit{}, "systemd's unit directories"),
		ZramConf: host.Known(false, "zram-generator.conf"),
	}
}

// The areas of these tests.
func fileArea() host.SwapArea {
	return host.SwapArea{Path: "/swapfile", Type: "file", Size: 2 << 30, Used: 1 << 20, Priority: -2, File: host.Known(host.SwapFile{Mode: 0o600}, "/swapfile")}
}

func deletedArea() host.SwapArea {
	a := fileArea()
	a.Deleted, a.File = true, host.Missing[host.SwapFile]("the file was removed while in use")
	return a
}

func diskArea() host.SwapArea {
	return host.SwapArea{Path: "/dev/vdb1", Type: "partition", Size: 1 << 30, Priority: 5, Aliases: []string{"UUID=0a-0b", "LABEL=swap"}}
}

func zramArea() host.SwapArea {
	return host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: 1 << 30, Priority: 100}
}

func fstabLines(lines ...host.FstabSwap) func(*host.Facts) {
	return func(f *host.Facts) { f.Fstab.Value = lines }
}

func swapUnits(units ...host.SwapUnit) func(*host.Facts) {
	return func(f *host.Facts) { f.Units.Value = units }
}

func there(known bool) host.Fact[bool] { return host.Known(known, "/swapfile") }

func TestPersistenceOfActiveAreas(t *testing.T) {
	t.Parallel()
	noFstab := func(f *host.Facts) {
		f.Fstab = host.Missing[[]host.FstabSwap]("reading /etc/fstab needs root")
	}
	noUnits := func(f *host.Facts) { f.Units = host.Missing[[]host.SwapUnit]("/etc/systemd/system is a file") }
	inside := func(f *host.Facts) { f.System.Value.Container = "docker" }
	zramConf := func(f *host.Facts) { f.ZramConf = host.Known(true, "/etc/systemd/zram-generator.conf") }
	unit := host.SwapUnit{Name: "swapfile.swap", What: "/swapfile", Target: "/swapfile", Enabled: true}
	const nothing = "neither /etc/fstab nor an enabled systemd unit names it"
	tests := []struct {
		name string
		area host.SwapArea
		with []func(*host.Facts)
		want Persistence
	}{
		{"file, by its path", fileArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile"})}, Persistence{PersistYes, "/etc/fstab line 3", ""}},
		{"file, by a link", fileArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 1, Spec: "/swap", Target: "/swapfile"})}, Persistence{PersistYes, "/etc/fstab line 1", ""}},
		{"file, twice", fileArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile"}, host.FstabSwap{Line: 5, Spec: "/swapfile"})}, Persistence{PersistYes, "/etc/fstab lines 3, 5", ""}},
		{"file, another line", fileArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile2"})}, Persistence{PersistNo, "", nothing}},
		{"file, noauto", fileArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile", NoAuto: true})}, Persistence{PersistNo, "/etc/fstab line 3", "noauto"}},
		{"file, noauto and a unit", fileArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile", NoAuto: true}), swapUnits(unit)}, Persistence{PersistYes, "unit swapfile.swap", ""}},
		{"file, a unit", fileArea(), []func(*host.Facts){swapUnits(unit)}, Persistence{PersistYes, "unit swapfile.swap", ""}},
		{"file, a line and a unit", fileArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile"}), swapUnits(unit)}, Persistence{PersistYes, "/etc/fstab line 3, unit swapfile.swap", ""}},
		{"file, a unit that is not enabled", fileArea(), []func(*host.Facts){swapUnits(host.SwapUnit{Name: "swapfile.swap", What: "/swapfile"})}, Persistence{PersistNo, "unit swapfile.swap", "not enabled"}},
		{"file, a unit of a line that is gone", fileArea(), []func(*host.Facts){swapUnits(host.SwapUnit{Name: "swapfile.swap", What: "/swapfile", FromFstab: true, Enabled: true})}, Persistence{PersistNo, "", nothing}},
		{"file, nothing", fileArea(), nil, Persistence{PersistNo, "", nothing}},
		{"file, fstab unread", fileArea(), []func(*host.Facts){noFstab}, Persistence{PersistUnknown, "", "reading /etc/fstab needs root"}},
		{"file, fstab unread and a unit", fileArea(), []func(*host.Facts){noFstab, swapUnits(unit)}, Persistence{PersistYes, "unit swapfile.swap", ""}},
		{"file, units unread", fileArea(), []func(*host.Facts){noUnits}, Persistence{PersistUnknown, "", "whether a systemd unit activates it cannot be told: /etc/systemd/system is a file"}},
		{"file, units unread and a line", fileArea(), []func(*host.Facts){noUnits, fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile"})}, Persistence{PersistYes, "/etc/fstab line 3", ""}},
		{"file, units unread and noauto", fileArea(), []func(*host.Facts){noUnits, fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile", NoAuto: true})}, Persistence{PersistUnknown, "", "whether a systemd unit activates it cannot be told: /etc/systemd/system is a file"}},
		{"file, seen from a container", fileArea(), []func(*host.Facts){inside, fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile"})}, Persistence{PersistUnknown, "", "vmguard runs in a container, whose /etc/fstab is not the VM's"}},

		{"deleted", deletedArea(), nil, Persistence{PersistNo, "", "the file was removed while in use"}},
		{"deleted, a line", deletedArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile", Exists: there(false)})}, Persistence{PersistNo, "/etc/fstab line 3", "the file was removed while in use"}},
		{"deleted, a line for its successor", deletedArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile", Target: "/swapfile", Exists: there(true)})}, Persistence{PersistYes, "/etc/fstab line 3", ""}},
		{"deleted, a line for one knows not what", deletedArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 3, Spec: "/swapfile"})}, Persistence{PersistUnknown, "/etc/fstab line 3", "the file was removed while in use, and whether another has its name cannot be told"}},
		{"deleted, a unit for its successor", deletedArea(), []func(*host.Facts){swapUnits(unit)}, Persistence{PersistYes, "unit swapfile.swap", ""}},

		{"partition, by its UUID", diskArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 2, Spec: "UUID=0a-0b"})}, Persistence{PersistYes, "/etc/fstab line 2", ""}},
		{"partition, by its label", diskArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 2, Spec: "LABEL=swap", Target: "/dev/vdb1"})}, Persistence{PersistYes, "/etc/fstab line 2", ""}},
		{"partition, another UUID", diskArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 2, Spec: "UUID=0a-0c"})}, Persistence{PersistNo, "", nothing}},
		{"partition, a unit by UUID", diskArea(), []func(*host.Facts){swapUnits(host.SwapUnit{Name: "x.swap", What: "UUID=0a-0b", Enabled: true})}, Persistence{PersistYes, "unit x.swap", ""}},
		{"partition, nothing", diskArea(), nil, Persistence{PersistNo, "", nothing}},
		{"partition, no zram of its own", diskArea(), []func(*host.Facts){zramConf}, Persistence{PersistNo, "", nothing}},

		{"zram, a service", zramArea(), []func(*host.Facts){zramConf}, Persistence{PersistYes, "/etc/systemd/zram-generator.conf", ""}},
		{"zram, a line", zramArea(), []func(*host.Facts){fstabLines(host.FstabSwap{Line: 2, Spec: "/dev/zram0"})}, Persistence{PersistYes, "/etc/fstab line 2", ""}},
		{"zram, a generated unit", zramArea(), []func(*host.Facts){swapUnits(host.SwapUnit{Name: "dev-zram0.swap", What: "/dev/zram0", Enabled: true})}, Persistence{PersistYes, "unit dev-zram0.swap", ""}},
		{"zram, no known service", zramArea(), nil, Persistence{PersistUnknown, "", "which service sets it up at boot cannot be told"}},
		{"zram, services unread", zramArea(), []func(*host.Facts){func(f *host.Facts) { f.ZramConf = host.Missing[bool]("not now") }}, Persistence{PersistUnknown, "", "which service sets it up at boot cannot be told: not now"}},
	}
	for _, test := range tests {
		facts := statusFacts()
		facts.Swaps.Value = []host.SwapArea{test.area}
		for _, with := range test.with {
			with(facts)
		}
		s := NewStatus(facts, nil)
		if len(s.Areas) == 0 || !s.Areas[0].Active {
			t.Fatalf("%s: %+v", test.name, s)
		}
		if diff := cmp.Diff(test.want, s.Areas[0].Persistence); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestPersistenceOfMaskedUnit(t *testing.T) {
	t.Parallel()
	const mask = "/etc/systemd/system/swapfile.swap"
	looks := map[string]FileLook{"/swapfile": {Masked: mask}}
	facts := statusFacts()
	facts.Swaps.Value = []host.SwapArea{fileArea()}
	facts.Fstab.Value = []host.FstabSwap{{Line: 3, Spec: "/swapfile"}}
	want := Persistence{PersistNo, "/etc/fstab line 3", mask + " masks its unit"}
	if diff := cmp.Diff(want, NewStatus(facts, looks).Areas[0].Persistence); diff != "" {
		t.Error(diff)
	}
	// A unit of another name activates it all the same.
	facts.Units.Value = []host.SwapUnit{{Name: "mine.swap", What: "/swapfile", Enabled: true}}
	want = Persistence{PersistYes, "/etc/fstab line 3, unit mine.swap", ""}
	if diff := cmp.Diff(want, NewStatus(facts, looks).Areas[0].Persistence); diff != "" {
		t.Error(diff)
	}
}

// size and priority give what a field points to.
func size(n uint64) *uint64 { return &n }
func priority(n int) *int   { return &n }

func TestNewStatus(t *testing.T) {
	t.Parallel()
	facts := statusFacts()
	facts.Swaps.Value = []host.SwapArea{fileArea(), diskArea(), zramArea()}
	facts.Fstab.Value = []host.FstabSwap{{Line: 1, Spec: "UUID=0a-0b"}}
	header := host.Known(HeaderStatus{Size: 2<<30 + 4096, Label: "vmguard", UUID: "u", ByVmguard: true}, "/swapfile")
	ext4 := host.Known("ext4", "statfs /")
	nothing := Persistence{PersistNo, "", "neither /etc/fstab nor an enabled systemd unit names it"}
	want := Status{
		Areas: []AreaStatus{
			{Path: "/swapfile", Kind: KindFile, Active: true, Size: size(2 << 30), Used: 1 << 20, Priority: priority(-2), Persistence: nothing,
				Permissions: host.Known(host.SwapFile{Mode: 0o600}, "/swapfile"), Filesystem: ext4, Header: header},
			{Path: "/dev/vdb1", Kind: KindPartition, Active: true, Size: size(1 << 30), Priority: priority(5),
				Persistence: Persistence{PersistYes, "/etc/fstab line 1", ""}, Aliases: []string{"UUID=0a-0b", "LABEL=swap"}},
			{Path: "/dev/zram0", Kind: KindZram, Active: true, Size: size(1 << 30), Priority: priority(100),
				Persistence: Persistence{PersistUnknown, "", "which service sets it up at boot cannot be told"}},
		},
		Total: 4 << 30, Used: 1 << 20,
		Swappiness: host.Known[int64](60, "/proc/sys/vm/swappiness"),
		Memory:     host.Known(MemoryStatus{4 << 30, 3 << 30}, "/proc/meminfo"),
	}
	looks := map[string]FileLook{"/swapfile": {Size: host.Known[uint64](1, "/swapfile"), Filesystem: ext4, Header: header}}
	if diff := cmp.Diff(want, NewStatus(facts, looks)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Gap(nil), want.Areas[0].Gaps()); diff != "" {
		t.Error(diff)
	}

	// What could not be read is missing with its reason, and nothing is a zero that was not read.
	facts = statusFacts()
	facts.Memory, facts.Sysctls = host.Missing[host.Memory]("gone"), nil
	got := NewStatus(facts, nil)
	if got.Areas == nil || len(got.Areas) != 0 || got.Memory.Why() != "gone" || got.Swappiness.Known() {
		t.Errorf("%+v", got)
	}
}

func TestGaps(t *testing.T) {
	t.Parallel()
	const removed, inside = "the file was removed while in use", "vmguard runs in a container, which does not show the VM's files"
	denied := host.Missing[HeaderStatus]("reading it needs root")
	look := FileLook{Filesystem: host.Known("ext4", "statfs /"), Header: denied, File: host.Known(host.SwapFile{}, "/swapfile")}
	hidden := fileArea()
	hidden.File = host.Missing[host.SwapFile]("/swapfile does not exist")
	tests := []struct {
		name string
		area host.SwapArea
		kind string // of container
		want []Gap
	}{
		{"without root", fileArea(), "", []Gap{{GapHeader, "reading it needs root"}}},
		{"hidden", hidden, "", []Gap{{GapPermissions, "/swapfile does not exist"}, {GapHeader, "reading it needs root"}}},
		// Another file of the same name says nothing of the one in use.
		{"deleted", deletedArea(), "", []Gap{{GapPermissions, removed}, {GapFilesystem, removed}, {GapHeader, removed}}},
		// Nor does a container's file of that name.
		{"in a container", fileArea(), "docker", []Gap{
			{GapPersistence, "vmguard runs in a container, whose /etc/fstab is not the VM's"}, {GapPermissions, inside}, {GapFilesystem, inside}, {GapHeader, inside},
		}},
		{"partition", diskArea(), "", nil},
		{"zram", zramArea(), "", []Gap{{GapPersistence, "which service sets it up at boot cannot be told"}}},
	}
	for _, test := range tests {
		facts := statusFacts()
		facts.Swaps.Value, facts.System.Value.Container = []host.SwapArea{test.area}, test.kind
		s := NewStatus(facts, map[string]FileLook{"/swapfile": look})
		if diff := cmp.Diff(test.want, s.Areas[0].Gaps()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestConfiguredAndNotActive(t *testing.T) {
	t.Parallel()
	facts := statusFacts()
	facts.Swaps.Value = []host.SwapArea{diskArea()}
	facts.Fstab.Value = []host.FstabSwap{
		{Line: 1, Spec: "UUID=0a-0b", Target: "/dev/vdb1", Exists: there(true)}, // in use
		{Line: 2, Spec: "/swapfile", Target: "/swapfile", Exists: there(true)},
		{Line: 3, Spec: "/gone", Exists: there(false)},
		{Line: 4, Spec: "/swap", Target: "/swapfile", Exists: there(true)}, // a link to that of line 2
		{Line: 5, Spec: "UUID=ff", Exists: there(false)},
		{Line: 6, Spec: "LABEL=two", Target: "/dev/vdc", Exists: there(true), NoAuto: true},
		{Line: 7, Spec: "/dev/zram7", Exists: there(false)},
		{Line: 8, Spec: "swapfile", Exists: host.Missing[bool]("no path")},
		{Line: 9, Spec: "/secret/swap", Exists: host.Missing[bool]("needs root")},
	}
	facts.Units.Value = []host.SwapUnit{
		{Name: "swapfile.swap", What: "/swapfile", Target: "/swapfile", FromFstab: true, Enabled: true},
		{Name: "mine.swap", What: "/swapfile", Target: "/swapfile", Enabled: true},
		{Name: "off.swap", What: "/off"}, // not enabled: nobody wants it
		{Name: "disk.swap", What: "/dev/vdb1", Target: "/dev/vdb1", Enabled: true},
		{Name: "more.swap", What: "/more", Target: "/more", Enabled: true},
		{Name: "empty.swap", Enabled: true},
	}
	mode := host.Known(host.SwapFile{Mode: 0o644, UID: 7}, "/swapfile")
	ext4 := host.Known("ext4", "statfs /")
	noHeader := host.Missing[HeaderStatus]("no swap header")
	looks := map[string]FileLook{
		"/swapfile": {Size: host.Known[uint64](1<<20, "/swapfile"), File: mode, Filesystem: ext4, Header: noHeader},
		"/more":     {Absent: true}, // since the facts were read
		"/gone":     {Size: host.Known[uint64](1, "/gone")},
	}
	yes := func(how string) Persistence { return Persistence{PersistYes, how, ""} }
	gone := func(how string) Persistence { return Persistence{PersistNo, how, "it does not exist"} }
	want := []AreaStatus{
		{Path: "/swapfile", Spec: "/swapfile", Kind: KindFile, Size: size(1 << 20), Persistence: yes("/etc/fstab lines 2, 4, unit mine.swap"),
			Permissions: mode, Filesystem: ext4, Header: noHeader},
		{Path: "/gone", Spec: "/gone", Kind: KindFile, Absent: true, Persistence: gone("/etc/fstab line 3")},
		{Path: "UUID=ff", Spec: "UUID=ff", Kind: KindPartition, Absent: true, Persistence: gone("/etc/fstab line 5")},
		{Path: "/dev/vdc", Spec: "LABEL=two", Kind: KindPartition, Persistence: Persistence{PersistNo, "/etc/fstab line 6", "noauto"}},
		{Path: "/dev/zram7", Spec: "/dev/zram7", Kind: KindZram, Absent: true, Persistence: gone("/etc/fstab line 7")},
		{Path: "swapfile", Spec: "swapfile", Kind: KindUnknown, Persistence: yes("/etc/fstab line 8")},
		{Path: "/secret/swap", Spec: "/secret/swap", Kind: KindFile, Persistence: yes("/etc/fstab line 9")},
		{Path: "/more", Spec: "/more", Kind: KindFile, Absent: true, Persistence: gone("unit more.swap")},
		{Path: "empty.swap", Spec: "empty.swap", Kind: KindUnknown, Persistence: yes("unit empty.swap")},
	}
	if diff := cmp.Diff(want, NewStatus(facts, looks).Areas[1:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	var gaps [][]Gap
	for _, a := range want {
		gaps = append(gaps, a.Gaps())
	}
	const notCollected = "not collected"
	wantGaps := [][]Gap{
		{{GapHeader, "no swap header"}}, nil, nil, {{GapSize, "a device that is not in use is not looked at"}}, nil, {{GapSize, "the name is no path and no tag"}},
		{{GapPermissions, notCollected}, {GapFilesystem, notCollected}, {GapHeader, notCollected}, {GapSize, notCollected}}, nil, {{GapSize, "the name is no path and no tag"}},
	}
	if diff := cmp.Diff(wantGaps, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}

	// In a container the configuration is another system's.
	facts.System.Value.Container = "docker"
	if got := NewStatus(facts, nil).Areas; len(got) != 1 {
		t.Errorf("in a container: %+v", got)
	}
}
