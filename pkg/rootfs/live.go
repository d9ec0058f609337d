package rootfs

import (
	"errors"
	"syscall"
)

// readLive reads a regular file of the live host, as ReadFile promises. A snapshot reads
// thousands of small files of /proc and cgroups, and an os.File, which joins the runtime's
// poller and leaves it again, costs more than the reading.
func readLive(path string, limit int64) ([]byte, error) {
	var st syscall.Stat_t
	if err := retry(func() error { return syscall.Stat(path, &st) }); err != nil {
		return nil, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, ErrNotRegular
	}
	var fd int
	err := retry(func() (err error) {
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	// The name may have changed hands since it was looked at.
	if err := retry(func() error { return syscall.Fstat(fd, &st) }); err != nil {
		return nil, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, ErrNotRegular
	}
	return readAll(func(buf []byte) (n int, err error) {
		err = retry(func() error { n, err = syscall.Read(fd, buf); return err })
		return n, err
	}, limit)
}

// retry calls again what a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
