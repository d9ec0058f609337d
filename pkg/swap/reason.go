package swap

import (
	"errors"
	"strings"

	"vmguard/pkg/oom"
)

// swapReasons lists parts of what the kernel says in its log when it refuses a swapfile
// with EINVAL (mm/swapfile.c, fs/iomap/swapfile.c, fs/btrfs/inode.c, fs/f2fs/data.c).
func swapReasons() []string {
	return []string{"swap", "Swap"}
}

// reasonIn gives the text of a record in which the kernel itself speaks of swap.
func reasonIn(r oom.Record) (string, bool) {
	if r.Facility != 0 { // what a program wrote into the log
		return "", false
	}
	for _, part := range swapReasons() {
		if strings.Contains(r.Message, part) && !strings.HasPrefix(r.Message, "Adding ") {
			return strings.TrimSpace(strings.TrimPrefix(r.Message, "swapon: ")), true
		}
	}
	return "", false
}

// curable tells whether writing the file's blocks may cure what the kernel found: it
// does not where a filesystem says that no file of that kind will do. Nothing said is worth a try.
func curable(reasons []string) bool {
	for _, why := range reasons {
		for _, hopeless := range []string{"compressed", "copy-on-write", "checksummed", "multiple devices", "single", "read-only", "mmap", "Swap on a", "inline"} {
			if strings.Contains(why, hopeless) {
				return false
			}
		}
	}
	return true
}

// spell puts reasons into brackets, to be added to a sentence.
func spell(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return " (" + strings.Join(reasons, "; ") + ")"
}

func isHibernation(err error) bool { return errors.Is(err, ErrHibernation) }
