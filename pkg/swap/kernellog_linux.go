package swap

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"vmguard/pkg/oom"
)

// kernelLog marks the end of the kernel's log. The function that it gives returns what
// the kernel has said about swap since; nothing where the log cannot be read.
func kernelLog() (since func() []string) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return func() []string { return nil }
	}
	if _, err := unix.Seek(fd, 0, unix.SEEK_END); err != nil {
		_ = unix.Close(fd)
		return func() []string { return nil }
	}
	return func() []string {
		defer unix.Close(fd) //nolint:errcheck // it was only read from
		return readReasons(func(buf []byte) (int, error) { return unix.Read(fd, buf) })
	}
}

// readReasons reads records, one a call, up to the newest.
func readReasons(read func([]byte) (int, error)) []string {
	const most = 10000 // records: no log grows faster than it is read for so long
	var reasons []string
	buf := make([]byte, 8<<10)
	for range most {
		n, err := read(buf)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EPIPE): // interrupted; overwritten meanwhile
			continue
		case err != nil || n <= 0:
			return reasons
		}
		if r, err := oom.ParseRecord(string(buf[:n])); err == nil {
			if why, ok := reasonIn(r); ok && !slices.Contains(reasons, why) {
				reasons = append(reasons, why)
			}
		}
	}
	return reasons
}
