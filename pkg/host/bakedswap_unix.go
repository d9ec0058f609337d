//go:build unix

package host

import (
	"io/fs"
	"syscall"
)

// allocated gives how many bytes of a file take up space. st_blocks counts 512 bytes,
// whatever the file system's own blocks are (stat(2)).
func allocated(info fs.FileInfo) uint64 {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Blocks < 0 {
		return 0
	}
	return uint64(stat.Blocks) * 512
}
