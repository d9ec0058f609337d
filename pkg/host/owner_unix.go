//go:build unix

package host

import (
	"io/fs"
	"syscall"
)

// owner gives the user that a file belongs to.
func owner(info fs.FileInfo) (uint32, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, true
}
