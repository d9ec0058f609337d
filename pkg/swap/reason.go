package swap

import (
	"errors"
	"slices"
	"strings"

	"vmguard/pkg/oom"
)

// swapReasons lists parts of what the kernel says in its log when it refuses a swapfile with EINVAL: in
// mm/swapfile.c, mm/page_io.c, fs/iomap/swapfile.c, and the swap_activate of btrfs, f2fs, NFS, SMB and zonefs. Much
// else that it says has the word swap in it, such as a report of an OOM kill, or swapper, the name of its idle task.
func swapReasons() []string {
	return []string{
		"swapon: ", "swapfile", "Swapfile", "swap file: ", "swap activate: ",
		"swap-space signature", "swap header version", "Swap area shorter", "Empty swap-file",
	}
}

// reasonIn gives the text of a record in which the kernel itself speaks of swap.
func reasonIn(r oom.Record) (string, bool) {
	if r.Facility != 0 { // what a program wrote into the log
		return "", false
	}
	if strings.HasPrefix(r.Message, "Adding ") { // an area was accepted; its name may be anything
		return "", false
	}
	for _, part := range swapReasons() {
		if strings.Contains(r.Message, part) {
			return strings.TrimSpace(strings.TrimPrefix(r.Message, "swapon: ")), true
		}
	}
	return "", false
}

// hopeless lists parts of what the kernel says of a filesystem or a file that no writing of blocks cures. They
// are phrases, since the name of a file may have any word in it.
func hopeless() []string {
	return []string{
		// btrfs
		"must not be compressed", "must not be copy-on-write", "must not be checksummed", "must not be inline",
		"must have single data profile", "must be on one device", " is read-only",
		"cannot activate swapfile", "could not find block group",
		// iomap: ext4, XFS
		" is inline", " outside the main device", "Cannot find a single usable page",
		// f2fs, zonefs
		"not supported in LFS mode", "not a conventional zone file",
	}
}

// curable tells whether writing the file's blocks may cure what the kernel found: it
// does not where a filesystem says that no file of that kind will do. Nothing said is worth a try.
func curable(reasons []string) bool {
	return !slices.ContainsFunc(reasons, func(why string) bool {
		return slices.ContainsFunc(hopeless(), func(part string) bool { return strings.Contains(why, part) })
	})
}

// spell puts reasons into brackets, to be added to a sentence.
func spell(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return " (" + strings.Join(reasons, "; ") + ")"
}

func isHibernation(err error) bool { return errors.Is(err, ErrHibernation) }
