package swap

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"vmguard/pkg/oom"
)

// kernelLog reads what the kernel says in its log from when it was opened. One that cannot be read says nothing.
type kernelLog struct {
	fd int // -1 for none
}

func openKernelLog() kernelLog {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return kernelLog{-1}
	}
	if _, err := unix.Seek(fd, 0, unix.SEEK_END); err != nil {
		_ = unix.Close(fd)
		return kernelLog{-1}
	}
	return kernelLog{fd}
}

func (l kernelLog) close() {
	if l.fd >= 0 {
		_ = unix.Close(l.fd) // it was only read from
	}
}

// reasons gives what the kernel has said about swap since it was last asked.
func (l kernelLog) reasons() []string {
	if l.fd < 0 {
		return nil
	}
	const most = 10000 // records: no log grows faster than it is read for so long
	var reasons []string
	buf := make([]byte, 8<<10)
	for range most {
		n, err := unix.Read(l.fd, buf)
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
