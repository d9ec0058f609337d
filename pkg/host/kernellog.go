package host

import (
	"context"
	"errors"
	"io/fs"

	"vmguard/pkg/oom"
)

// kmsg is the kernel's log device (Documentation/ABI/testing/dev-kmsg).
const kmsg = "/dev/kmsg"

// readOOM reads the OOM kills that the kernel's log still holds.
func readOOM(ctx context.Context, s Source) Fact[oom.Log] {
	if s.KernelLog == nil {
		return Missing[oom.Log]("the kernel's log can only be read on the running host")
	}
	log, err := s.KernelLog(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing[oom.Log](kmsg + " does not exist")
	case errors.Is(err, fs.ErrPermission):
		why := "reading the kernel log needs root"
		if restrict := readSysctl(s.FS, "kernel.dmesg_restrict"); restrict.Value == 1 {
			why += " (kernel.dmesg_restrict=1)"
		}
		return Missing[oom.Log](why)
	case err != nil:
		return Missing[oom.Log](err.Error())
	}
	return Known(log, kmsg)
}
