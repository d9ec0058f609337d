package host

import (
	"errors"

	"vmguard/pkg/rootfs"
)

// allowance is how much may still be read of one family of files, in bytes. Each file takes
// at least a little of it, so that it bounds their number as well.
type allowance int64

// errTooMuch says that the files before one took up the allowance.
var errTooMuch = errors.New("more files than are read, or larger ones")

const (
	// unitFileMost bounds a unit file or a drop-in, in bytes, and unitFilesMost all of them: a system has some hundred, of 1 KiB each.
	unitFileMost  = 64 << 10
	unitFilesMost = 4 << 20
	// leastCost is what a file takes of an allowance at least.
	leastCost = 1 << 10
)

// read reads a file of at most so many bytes. It errs where the files before it took up what
// there was.
func (a *allowance) read(tree *rootfs.FS, name string, most int64) ([]byte, error) {
	if *a <= 0 {
		return nil, errTooMuch
	}
	data, err := tree.ReadFile(name, most)
	if err == nil {
		*a -= allowance(max(len(data), leastCost))
	}
	return data, err
}

// spend counts what was read of a file by other means.
func (a *allowance) spend(n int) error {
	if *a <= 0 {
		return errTooMuch
	}
	*a -= allowance(max(n, leastCost))
	return nil
}
