package change

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock takes the lock at a path, such as LockFile, and gives the function that gives it
// back. It does not wait: where another process holds it, the error is a *LockedError.
// The kernel drops the lock of a process that dies (flock(2)).
func Lock(path string) (unlock func() error, err error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			held := &LockedError{PID: readPID(file)}
			_ = file.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, held
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		// Whoever held it before may have removed the file in between: then this lock
		// is on a file that nobody else will find.
		if !stillThere(file, path) {
			_ = file.Close()
			continue
		}
		if err := writePID(file); err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return func() error {
			err := os.Remove(path)
			return errors.Join(err, file.Close())
		}, nil
	}
}

func stillThere(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return err == nil && os.SameFile(mine, there)
}

func readPID(file *os.File) int {
	buf := make([]byte, 20)
	n, _ := file.ReadAt(buf, 0) // at the end of the file with what there is
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		return 0
	}
	return pid
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}
