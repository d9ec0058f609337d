package swap

import (
	"fmt"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// DefaultSize gives the size of swapfile that a VM with so much RAM should have: 2 GiB up
// to 4 GiB of RAM and 4 GiB above, halved until the disk keeps its headroom; 0 where not
// even 512 MiB fit.
func DefaultSize(ram uint64, disk host.Disk) uint64 {
	size := uint64(2 * gib)
	if ram > 4*gib {
		size = 4 * gib
	}
	for disk.Free < Headroom(disk)+size {
		if size /= 2; size < 512*mib {
			return 0
		}
	}
	return size
}

// Headroom is what a disk must keep free beside a swapfile: 10 % of it, and 1 GiB at least.
func Headroom(disk host.Disk) uint64 { return max(gib, disk.Size/10) }

// sizeReason says how DefaultSize came to its answer.
func sizeReason(ram uint64, size uint64) string {
	rule := fmt.Sprintf("2 GiB for up to 4 GiB of RAM, 4 GiB for more; this VM has %s", human.Bytes(ram))
	if size < 2*gib || ram > 4*gib && size < 4*gib {
		rule += ", and the disk has room for no more"
	}
	return rule
}

// checkSize rounds a size down to whole pages and errs where no swapfile can have it:
// the kernel wants 10 pages at least, and counts no more than 2^32 of them.
func checkSize(size, pageSize uint64) (uint64, error) {
	const fewest, most = 10, 1<<32 - 1
	pages := size / pageSize
	switch {
	case pages < fewest:
		return 0, refuseUsage(fmt.Sprintf("accepted: %d KiB and more", fewest*pageSize/1024),
			"--size: %s is too small for a swap area", human.Bytes(size))
	case pages > most:
		return 0, refuseUsage("accepted: up to "+human.Bytes(most*pageSize), "--size: %s is more than a swap area can have", human.Bytes(size))
	}
	return pages * pageSize, nil
}

// checkSpace errs where a disk has no room for so much more.
func checkSpace(disk host.Disk, dir string, size uint64, asked bool) error {
	keep := Headroom(disk)
	if disk.Free >= size && disk.Free-size >= keep {
		return nil
	}
	left := "nothing would be left"
	if disk.Free > size {
		left = fmt.Sprintf("%s would be left", human.Bytes(disk.Free-size))
	}
	hint := "free some space, or name a file on a larger disk with --file"
	if fits := largest(disk); fits > 0 && asked {
		hint = fmt.Sprintf("the largest that fits is --size %dM; else free some space, or name a file on a larger disk with --file", fits/mib)
	}
	// What is missing is said as well, since the other numbers are rounded and may look alike.
	return refuse(hint, "no room for %s in %s: %s free, %s, and %s must stay free (10 %% of the disk, and 1 GiB at least): %s too little",
		human.Bytes(size), dir, human.Bytes(disk.Free), left, human.Bytes(keep), human.Bytes(size+keep-disk.Free))
}

// largest is the largest swapfile, in whole MiB, that leaves a disk its headroom.
func largest(disk host.Disk) uint64 {
	keep := Headroom(disk)
	if disk.Free < keep+mib {
		return 0
	}
	return (disk.Free - keep) / mib * mib
}
