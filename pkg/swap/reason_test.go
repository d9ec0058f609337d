package swap

import (
	"fmt"
	"strings"
	"testing"

	"vmguard/pkg/oom"
)

// kernelReasons are what kernels say when they refuse a swapfile with EINVAL, what is shown of it, and whether
// writing the blocks may cure it.
func kernelReasons() []struct {
	said, shown string
	cure        bool
} {
	return []struct {
		said, shown string
		cure        bool
	}{
		// mm/page_io.c, before 5.6 for ext4; f2fs before 5.12
		{"swapon: swapfile has holes", "swapfile has holes", true},
		// fs/iomap/swapfile.c: ext4, XFS
		{"swapon: file /swapfile is not committed", "file /swapfile is not committed", true},
		{"swapon: file /swapfile has shared extents", "file /swapfile has shared extents", true},
		{"swapon: file /swapfile has unallocated extents", "file /swapfile has unallocated extents", true},
		{"swapon: file /must be one/read-only/inline compressed has shared extents", "file /must be one/read-only/inline compressed has shared extents", true},
		{"swapon: file /swapfile is inline", "file /swapfile is inline", false},
		{"swapon: file /swapfile outside the main device", "file /swapfile outside the main device", false},
		{"swapon: Cannot find a single usable page in file.", "Cannot find a single usable page in file.", false},
		// mm/swapfile.c
		{"Unable to find swap-space signature", "Unable to find swap-space signature", true},
		{"Unable to handle swap header version 2", "Unable to handle swap header version 2", true},
		{"Swap area shorter than signature indicates", "Swap area shorter than signature indicates", true},
		{"Empty swap-file", "Empty swap-file", true},
		// fs/btrfs/inode.c
		{"BTRFS warning (device vdb): swapfile must not be copy-on-write", "BTRFS warning (device vdb): swapfile must not be copy-on-write", false},
		{"BTRFS warning (device loop0 state M): swapfile must not be compressed", "BTRFS warning (device loop0 state M): swapfile must not be compressed", false},
		{"BTRFS warning (device loop0): swapfile must not be checksummed", "BTRFS warning (device loop0): swapfile must not be checksummed", false},
		{"BTRFS warning (device loop0): swapfile must not be inline", "BTRFS warning (device loop0): swapfile must not be inline", false},
		{"BTRFS warning (device loop0): swapfile must not have holes", "BTRFS warning (device loop0): swapfile must not have holes", true},
		{"BTRFS warning (device loop1): swapfile must be on one device", "BTRFS warning (device loop1): swapfile must be on one device", false},
		{"BTRFS warning (device loop1): swapfile must have single data profile", "BTRFS warning (device loop1): swapfile must have single data profile", false},
		{"BTRFS warning (device dm-0): could not find block group containing swapfile", "BTRFS warning (device dm-0): could not find block group containing swapfile", false},
		{"BTRFS warning (device dm-0): block group for swapfile at 1104150528 is read-only (scrub running?)", "BTRFS warning (device dm-0): block group for swapfile at 1104150528 is read-only (scrub running?)", false},
		{"BTRFS warning (device dm-0): cannot activate swapfile because snapshot creation is in progress", "BTRFS warning (device dm-0): cannot activate swapfile because snapshot creation is in progress", false},
		// fs/f2fs/data.c
		{"F2FS-fs (loop0): Swapfile has holes", "F2FS-fs (loop0): Swapfile has holes", true},
		{"F2FS-fs (loop0): Swapfile (3) is not align to section: 1) creat(), 2) ioctl(F2FS_IOC_SET_PIN_FILE), 3) fallocate(2097152 * N)", "F2FS-fs (loop0): Swapfile (3) is not align to section: 1) creat(), 2) ioctl(F2FS_IOC_SET_PIN_FILE), 3) fallocate(2097152 * N)", true},
		{"F2FS-fs (loop0): Swapfile not supported in LFS mode", "F2FS-fs (loop0): Swapfile not supported in LFS mode", false},
		// fs/nfs/file.c, fs/smb/client/file.c, fs/zonefs/file.c
		{"swap activate: swapfile has holes", "swap activate: swapfile has holes", true},
		{"CIFS: swap activate: swapfile has holes", "CIFS: swap activate: swapfile has holes", true},
		{"zonefs (nvme0n1) ERROR: swap file: not a conventional zone file", "zonefs (nvme0n1) ERROR: swap file: not a conventional zone file", false},
	}
}

func TestReasonIn(t *testing.T) {
	t.Parallel()
	for _, c := range kernelReasons() {
		got, ok := reasonIn(oom.Record{Message: c.said})
		if !ok || got != c.shown {
			t.Errorf("%q: %q, %v", c.said, got, ok)
		}
		if curable([]string{got}) != c.cure {
			t.Errorf("%q: may be cured: %v", c.said, !c.cure)
		}
		if _, ok := reasonIn(oom.Record{Message: c.said, Facility: 1}); ok {
			t.Errorf("%q is taken from a program", c.said)
		}
	}
}

// TestNoReason: what the kernel says of swap at other times is no reason for a refusal.
func TestNoReason(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"Adding 2097148k swap on /swapfile.  Priority:-2 extents:6 across:2260988k SS",
		"Adding 2097148k swap on /mnt/swapon: /x.  Priority:-2 extents:6 across:2260988k FS",
		"CPU: 1 PID: 0 Comm: swapper/1 Not tainted 6.1.0-18-cloud-amd64 #1",
		"swapper/0: page allocation failure: order:0, mode:0xa20(GFP_ATOMIC)",
		"0 pages in swap cache",
		"Free swap  = 0kB",
		"Total swap = 2097148kB",
		"[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
		"zswap: loaded using pool zstd/zsmalloc",
		"Truncating oversized swap area, only using 2097152k out of 8388604k",
		"get_swap_device: Bad swap file entry 3ffffffffffff",
		"EXT4-fs (vda1): mounted filesystem with ordered data mode",
		"",
	} {
		if got, ok := reasonIn(oom.Record{Message: said}); ok {
			t.Errorf("%q: %q", said, got)
		}
	}
}

func TestCurable(t *testing.T) {
	t.Parallel()
	holes, cow := "swapfile has holes", "BTRFS warning (device vdb): swapfile must not be copy-on-write"
	for _, c := range []struct {
		reasons []string
		want    bool
		spelt   string
	}{
		{nil, true, ""},
		{[]string{holes}, true, " (" + holes + ")"},
		{[]string{holes, cow}, false, " (" + holes + "; " + cow + ")"},
		{[]string{cow, holes}, false, " (" + cow + "; " + holes + ")"},
	} {
		if got := curable(c.reasons); got != c.want {
			t.Errorf("%q: %v", c.reasons, got)
		}
		if got := spell(c.reasons); got != c.spelt {
			t.Errorf("%q: %q", c.reasons, got)
		}
	}
}

// FuzzReason: nothing that a program writes into the log counts, and what is shown is part of what was said.
func FuzzReason(f *testing.F) {
	for _, c := range kernelReasons() {
		f.Add(c.said, 0)
	}
	f.Add("swapon: \n", 3)
	f.Fuzz(func(t *testing.T, said string, facility int) {
		got, ok := reasonIn(oom.Record{Message: said, Facility: facility})
		if ok && (facility != 0 || !strings.Contains(said, got) || strings.TrimSpace(got) != got) || !ok && got != "" {
			t.Errorf("%q from %d: %q, %v", said, facility, got, ok)
		}
		if curable([]string{got, "x"}) != curable([]string{"x", got}) {
			t.Errorf("%q: the order counts", said)
		}
	})
}

func TestIsHibernation(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		nil: false, ErrNoHeader: false, ErrOldVersion: false, ErrHibernation: true, fmt.Errorf("look: %w", ErrHibernation): true,
	} {
		if got := isHibernation(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}
