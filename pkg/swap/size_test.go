package swap

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

func TestCheckSize(t *testing.T) {
	t.Parallel()
	const most4K, most64K = (1<<32 - 1) * 4096, (1<<32 - 1) * 65536
	for _, c := range []struct {
		bytes, pageSize, want uint64
		refusal               Refusal
	}{
		{40960, 4096, 40960, Refusal{}},
		{40959, 4096, 0, Refusal{"--size: 40 KiB is too small for a swap area", "accepted: 40 KiB and more", true}},
		{1, 4096, 0, Refusal{"--size: 1 B is too small for a swap area", "accepted: 40 KiB and more", true}},
		{40960, 65536, 0, Refusal{"--size: 40 KiB is too small for a swap area", "accepted: 640 KiB and more", true}},
		{655360, 65536, 655360, Refusal{}},
		{2 * gib, 4096, 2 * gib, Refusal{}},
		{2000000000, 4096, 1999998976, Refusal{}}, // 2GB is no whole number of pages
		{2*gib + 4095, 4096, 2 * gib, Refusal{}},
		{most4K, 4096, most4K, Refusal{}},
		{most4K + 4095, 4096, most4K, Refusal{}},
		{most4K + 4096, 4096, 0, Refusal{"--size: 16 TiB is more than a swap area can have", "accepted: up to 16 TiB", true}},
		{most64K, 65536, most64K, Refusal{}},
		{math.MaxUint64, 4096, 0, Refusal{"--size: 16 EiB is more than a swap area can have", "accepted: up to 16 TiB", true}},
	} {
		got, err := checkSize(c.bytes, c.pageSize)
		refusal := Refusal{}
		if err != nil {
			refusal = refused(t, err)
		}
		if diff := cmp.Diff(c.refusal, refusal); got != c.want || diff != "" {
			t.Errorf("%d in pages of %d: %d, want %d; %s", c.bytes, c.pageSize, got, c.want, diff)
		}
		if err == nil {
			if _, err := NewHeader(got, c.pageSize, testUUID(), Label); err != nil {
				t.Errorf("%d in pages of %d: %v", got, c.pageSize, err)
			}
		}
	}
}

func TestDefaultSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ram, disk, free, want uint64
	}{
		{gib, 100 * gib, 50 * gib, 2 * gib},
		{4 * gib, 100 * gib, 50 * gib, 2 * gib},
		{4*gib + 1, 100 * gib, 50 * gib, 4 * gib},
		{512 * gib, 100 * gib, 50 * gib, 4 * gib},
		{8 * gib, 100 * gib, 14 * gib, 4 * gib}, // 10 % is 10 GiB
		{8 * gib, 100 * gib, 14*gib - 1, 2 * gib},
		{8 * gib, 100 * gib, 12*gib - 1, gib},
		{8 * gib, 100 * gib, 11*gib - 1, 512 * mib},
		{8 * gib, 100 * gib, 10*gib + 512*mib - 1, 0},
		{gib, 8 * gib, 3 * gib, 2 * gib}, // 1 GiB is more than 10 %
		{gib, 8 * gib, 3*gib - 1, gib},
		{gib, 8 * gib, gib + 512*mib, 512 * mib},
		{gib, 8 * gib, gib + 512*mib - 1, 0},
		{gib, 0, 0, 0},
		{0, 10 * gib, 10 * gib, 2 * gib},
	} {
		if got := DefaultSize(c.ram, host.Disk{Size: c.disk, Free: c.free}); got != c.want {
			t.Errorf("%d of RAM, %d of %d free: %d, want %d", c.ram, c.free, c.disk, got, c.want)
		}
	}
}

func TestLargest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ disk, free, want uint64 }{
		{8 * gib, 3 * gib, 2 * gib},
		{8 * gib, 3*gib - 1, 2*gib - mib},
		{8 * gib, gib + mib, mib},
		{8 * gib, gib + mib - 1, 0},
		{8 * gib, gib, 0},
		{8 * gib, 0, 0},
		{100 * gib, 10*gib + 5*mib + 7, 5 * mib},
	} {
		disk := host.Disk{Size: c.disk, Free: c.free}
		got := largest(disk)
		if got != c.want {
			t.Errorf("%d of %d free: %d, want %d", c.free, c.disk, got, c.want)
		}
		if got > 0 && (checkSpace(disk, "/", got, true) != nil || checkSpace(disk, "/", got+mib, true) == nil) {
			t.Errorf("%d of %d free: %d is not the largest that fits", c.free, c.disk, got)
		}
	}
}

// FuzzSizes: whatever a rule or a hint proposes, the checks accept, and the largest is the largest.
func FuzzSizes(f *testing.F) {
	f.Add(uint64(8*gib), uint64(100*gib), uint64(50*gib))
	f.Add(uint64(0), uint64(0), uint64(0))
	f.Add(uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64/2))
	f.Fuzz(func(t *testing.T, ram, bytes, free uint64) {
		disk := host.Disk{Size: bytes, Free: min(free, bytes)}
		if bytes > math.MaxUint64/2 {
			return // no disk has 8 EiB
		}
		for _, fits := range []uint64{DefaultSize(ram, disk), largest(disk)} {
			if fits == 0 {
				continue
			}
			if err := checkSpace(disk, "/", fits, true); err != nil {
				t.Errorf("%d is said to fit: %v", fits, err)
			}
			if fits < 10*maxPageSize || fits > 1<<43 {
				continue // nobody asks for so little or so much
			}
			if got, err := checkSize(fits, maxPageSize); err != nil || got != fits {
				t.Errorf("%d becomes %d: %v", fits, got, err)
			}
			if back, err := human.ParseBytes(sizeFlag(fits)); err != nil || back != fits {
				t.Errorf("%d is spelt %s, and read as %d: %v", fits, sizeFlag(fits), back, err)
			}
		}
		if more := largest(disk) + mib; checkSpace(disk, "/", more, true) == nil {
			t.Errorf("%d fits, and it says that %d is the largest", more, largest(disk))
		}
	})
}

func TestSizeFlag(t *testing.T) {
	t.Parallel()
	for want, bytes := range map[string]uint64{"2G": 2 * gib, "512M": 512 * mib, "2049M": 2*gib + mib, "40K": 40 << 10, "2097156K": 2*gib + 4096} {
		got := sizeFlag(bytes)
		if back, err := human.ParseBytes(got); got != want || err != nil || back != bytes {
			t.Errorf("%d: %s, want %s; it is read as %d, %v", bytes, got, want, back, err)
		}
	}
}

const roomHint = "free some space, or name a file on a larger disk with --file"

// TestNoSpace: what is said where a disk is too small, with its numbers.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	const rule = " must stay free (10 % of the disk, and 1 GiB at least)"
	small := func(free uint64) State {
		s := bareState("/swapfile")
		s.Disk.Value.Size, s.Disk.Value.Free = 10*gib, free
		return s
	}
	resized := small(4 * gib)
	resized.Main = area(resized.Main, 2*gib)
	swept := small(2 * gib)
	swept.Fresh.Exists, swept.Fresh.HeaderErr, swept.Fresh.Size = true, ErrNoHeader, gib
	for name, c := range map[string]struct {
		state State
		bytes uint64
		want  Refusal
	}{
		"much too large": {small(3 * gib), 8 * gib, Refusal{
			Why:  "no room for 8.0 GiB in /: 3.0 GiB free, nothing would be left, and 1.0 GiB" + rule + ": 6.0 GiB too little",
			Hint: "the largest that fits is --size 2048M; else " + roomHint,
		}},
		"a little too large": {small(3*gib - 20*mib), 2 * gib, Refusal{
			Why:  "no room for 2.0 GiB in /: 3.0 GiB free, 1.0 GiB would be left, and 1.0 GiB" + rule + ": 20 MiB too little",
			Hint: "the largest that fits is --size 2028M; else " + roomHint,
		}},
		"full": {small(gib), 2 * gib, Refusal{
			Why:  "no room for 2.0 GiB in /: 1.0 GiB free, nothing would be left, and 1.0 GiB" + rule + ": 2.0 GiB too little",
			Hint: roomHint,
		}},
		"no size": {small(gib + 300*mib), 0, Refusal{
			Why:  "no room for 512 MiB in /: 1.3 GiB free, 812 MiB would be left, and 1.0 GiB" + rule + ": 212 MiB too little",
			Hint: "the largest that fits is --size 300M; else " + roomHint,
		}},
		"resize": {resized, 6 * gib, Refusal{
			Why: "no room for 6.0 GiB in /: 4.0 GiB free, nothing would be left, and 1.0 GiB" + rule + ": 3.0 GiB too little",
			Hint: "the largest that fits is --size 3072M; else " + roomHint +
				"; for a resize there must be room for both files, unless you remove the old one first: sudo vmguard swap disable",
		}},
		"half a file goes first": {swept, 3 * gib, Refusal{
			Why:  "no room for 3.0 GiB in /: 3.0 GiB free, nothing would be left, and 1.0 GiB" + rule + ": 1.0 GiB too little",
			Hint: "the largest that fits is --size 2048M; else " + roomHint,
		}},
	} {
		_, err := PlanEnable(c.state, want(c.bytes))
		if diff := cmp.Diff(c.want, refused(t, err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := PlanEnable(swept, want(2*gib)); err != nil {
		t.Errorf("half a file goes first: %v", err)
	}
}

// TestSizeByRule: what a new swapfile gets, and what is said of it.
func TestSizeByRule(t *testing.T) {
	t.Parallel()
	const rule = "2 GiB for up to 4 GiB of RAM, 4 GiB for more; this VM has "
	for _, c := range []struct {
		ram, free, junk, want uint64
		note                  string
	}{
		{2 * gib, 50 * gib, 0, 2 * gib, "size: 2.0 GiB (" + rule + "2.0 GiB)"},
		{4 * gib, 50 * gib, 0, 2 * gib, "size: 2.0 GiB (" + rule + "4.0 GiB)"},
		{8 * gib, 50 * gib, 0, 4 * gib, "size: 4.0 GiB (" + rule + "8.0 GiB)"},
		{8 * gib, 12 * gib, 0, 2 * gib, "size: 2.0 GiB (" + rule + "8.0 GiB, and the disk has room for no more)"},
		{2 * gib, 11 * gib, 0, gib, "size: 1.0 GiB (" + rule + "2.0 GiB, and the disk has room for no more)"},
		{2 * gib, 11 * gib, gib, 2 * gib, "size: 2.0 GiB (" + rule + "2.0 GiB)"}, // a killed run's file goes first
	} {
		s := bareState("/swapfile")
		s.Facts.Memory.Value.Total, s.Disk.Value.Free = c.ram, c.free
		if c.junk != 0 {
			s.Fresh.Exists, s.Fresh.HeaderErr, s.Fresh.Size = true, ErrNoHeader, c.junk
		}
		job, err := PlanEnable(s, want(0))
		if err != nil || job.Size != c.want || !cmp.Equal(job.Notes, []string{c.note}) {
			t.Errorf("%+v: %d, %q, %v", c, job.Size, job.Notes, err)
		}
	}
	s := bareState("/swapfile")
	s.Facts.Memory = host.Missing[host.Memory]("/proc/meminfo: permission denied")
	_, err := PlanEnable(s, want(0))
	unknown := Refusal{Why: "cannot tell how much RAM there is: /proc/meminfo: permission denied", Hint: "say how large with --size"}
	if diff := cmp.Diff(unknown, refused(t, err)); diff != "" {
		t.Error(diff)
	}
}

// TestSizeOfWhatIsThere: without a size, that of a swapfile or of a killed run's file counts.
func TestSizeOfWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*State)
		want   uint64
	}{
		"the swapfile's": {func(s *State) { s.Main, s.Fresh, s.Old = area(s.Main, gib), area(s.Fresh, 2*gib), area(s.Old, 3*gib) }, gib},
		"the new one's":  {func(s *State) { s.Fresh, s.Old = area(s.Fresh, 2*gib), area(s.Old, 3*gib) }, 2 * gib},
		"the old one's":  {func(s *State) { s.Old = area(s.Old, 3*gib) }, 3 * gib},
	} {
		s := bareState("/swapfile")
		c.change(&s)
		if job, err := PlanEnable(s, want(0)); err != nil || job.Size != c.want || len(job.Notes) > 0 {
			t.Errorf("%s: %d, %q, %v", name, job.Size, job.Notes, err)
		}
	}
}

// TestMemory: what is swapped out must find room while an area is switched off.
func TestMemory(t *testing.T) {
	t.Parallel()
	zram := host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: 16 * gib, Priority: 100}
	disk := host.SwapArea{Path: "/dev/vdb1", Type: "partition", Size: 2 * gib, Used: gib, Priority: -3}
	gone := host.SwapArea{Path: "/swapfile", Type: "file", Size: gib, Deleted: true}
	const more = "stop what uses the most memory first (vmguard containers shows it), or add swap: sudo vmguard swap enable --size %s --file /swapfile2"
	refusal := func(room, size string) Refusal {
		return Refusal{
			Why: "memory cannot take back what is swapped out: 1.8 GiB in use, but only 512 MiB available" + room +
				", and 410 MiB must stay free for the programs that run",
			Hint: fmt.Sprintf(more, size),
		}
	}
	for name, c := range map[string]struct {
		available uint64
		others    []host.SwapArea
		plan      func(State) error
		want      Refusal
	}{
		"disable":                        {512 * mib, nil, planOff, refusal("", "2G")},
		"disable, room in zram":          {512 * mib, []host.SwapArea{zram}, planOff, refusal("", "2G")},
		"disable, room on another disk":  {512 * mib, []host.SwapArea{disk, zram}, planOff, refusal(" and 1.0 GiB free in other swap", "1G")},
		"disable, room in a gone file":   {512 * mib, []host.SwapArea{gone}, planOff, refusal(" and 1.0 GiB free in other swap", "1G")},
		"disable, room on two":           {512 * mib, []host.SwapArea{disk, gone}, planOff, Refusal{}},
		"disable, memory suffices":       {1800*mib + 8*gib/20, nil, planOff, Refusal{}},
		"disable, a byte is missing":     {1800*mib + 8*gib/20 - 1, nil, planOff, Refusal{Why: "memory cannot take back what is swapped out: 1.8 GiB in use, but only 2.2 GiB available, and 410 MiB must stay free for the programs that run", Hint: fmt.Sprintf(more, "1G")}},
		"smaller":                        {512 * mib, nil, planSize(gib), refusal(" and 1.0 GiB in the new swapfile", "1G")},
		"smaller, and what is used fits": {0, nil, planSize(1800 * mib), Refusal{}},
		"larger":                         {0, nil, planSize(4 * gib), Refusal{}},
		"another priority":               {512 * mib, nil, func(s State) error { _, err := PlanEnable(s, want(0, prio(3))); return err }, refusal("", "2G")},
	} {
		s := running("/swapfile")
		s.Main.Active.Used = 1800 * mib
		s.Facts.Memory.Value.Available = c.available
		s.Facts.Swaps.Value = append(s.Facts.Swaps.Value, c.others...)
		err := c.plan(s)
		if c.want == (Refusal{}) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, refused(t, err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	half := running("/swapfile") // what all three of a killed resize hold counts
	half.Fresh, half.Old = area(half.Fresh, gib), area(half.Old, gib)
	half.activate(&half.Fresh, gib, -3)
	half.activate(&half.Old, gib, -4)
	half.Facts.Memory.Value.Available = 2 * gib
	if got := refused(t, planOff(half)); !strings.Contains(got.Why, ": 2.0 GiB in use, but only 2.0 GiB available, and") {
		t.Errorf("%+v", got)
	}
	s := running("/a b")
	s.Main.Active.Used = gib
	s.Facts.Memory = host.Missing[host.Memory]("unreadable")
	got := refused(t, planOff(s))
	if want := (Refusal{Why: "cannot tell whether memory can take back the 1.0 GiB in use: unreadable"}); got != want {
		t.Errorf("%+v", got)
	}
	s.Facts.Memory = host.Known(host.Memory{Total: gib}, "/proc/meminfo")
	if got := refused(t, planOff(s)); !strings.HasSuffix(got.Hint, " --size 2G --file '/a b2'") {
		t.Errorf("%+v", got)
	}
}

func planOff(s State) error {
	_, err := PlanDisable(s, DisableRequest{FileNamed: true})
	return err
}

func planSize(bytes uint64) func(State) error {
	return func(s State) error {
		_, err := PlanEnable(s, want(bytes))
		return err
	}
}

// TestOtherSwap: a VM that has swap already needs none, unless a size, a file or a priority is asked for.
func TestOtherSwap(t *testing.T) {
	t.Parallel()
	disk := host.SwapArea{Path: "/dev/vdb1", Type: "partition", Size: 2 * gib, Priority: -2}
	zram := host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: gib, Priority: 100}
	gone := host.SwapArea{Path: "/gone", Type: "file", Size: gib, Deleted: true}
	there := []string{"= activate: /dev/vdb1 is active, 2.0 GiB", "note: to add a swapfile beside it, say how large: sudo vmguard swap enable --size 2G"}
	with := func(areas ...host.SwapArea) State {
		s := bareState(DefaultFile)
		s.Facts.Swaps.Value = areas
		return s
	}
	job, err := PlanEnable(with(zram, disk), want(0))
	planned(t, job, err, there...)
	if job.File != "/dev/vdb1" || job.Size != 2*gib || job.Persistent {
		t.Errorf("%+v", job)
	}
	job, err = PlanEnable(with(disk), want(0, swappy(10)))
	planned(t, job, err, there[0], "vm.swappiness 10 instead of 60, now and at boot (/etc/sysctl.d/99-vmguard-vm-swappiness.conf)", there[1],
		"undo: sudo rm /etc/sysctl.d/99-vmguard-vm-swappiness.conf && sudo sysctl -w vm.swappiness=60")
	unreadable := with(disk)
	unreadable.Swappiness.Running = host.Missing[int64]("unreadable")
	if _, err := PlanEnable(unreadable, want(0, swappy(10))); err == nil {
		t.Error("a swappiness is set that cannot be read")
	}
	half := with(disk)
	half.Fresh.Exists, half.Fresh.HeaderErr = true, ErrNoHeader
	for name, c := range map[string]struct {
		state State
		wish  EnableRequest
	}{
		"zram":     {with(zram), want(0)},
		"gone":     {with(gone), want(0)},
		"size":     {with(disk), want(4 * gib)},
		"file":     {with(disk), want(0, byName)},
		"priority": {with(disk), want(0, prio(3))},
		"half":     {half, want(0)},
	} {
		if job, err := PlanEnable(c.state, c.wish); err != nil || job.File != DefaultFile || job.Size != 4*gib || !job.Persistent {
			t.Errorf("%s: %+v, %v", name, told(job), err)
		}
	}
}
