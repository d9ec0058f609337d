package change

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The flags of swapon(2) (include/linux/swap.h).
const (
	swapFlagPrefer   = 0x8000
	swapPriorityMask = 0x7fff
)

// interruptEvery is how long a signal to a thread has to do its work.
const interruptEvery = 20 * time.Millisecond

// Swapon activates a swap area (swapon(2)). A priority below 0 leaves it to the kernel.
// The error's cause is the kernel's: EINVAL for a file that it cannot use, with the
// reason in its log; EBUSY where it is active; EPERM without CAP_SYS_ADMIN, and where
// there are as many areas as the kernel takes.
func Swapon(path string, priority int) error {
	flags := 0
	if priority >= 0 {
		flags = swapFlagPrefer | priority&swapPriorityMask
	}
	for {
		err := swapCall(unix.SYS_SWAPON, path, uintptr(flags))
		if !errors.Is(err, unix.EINTR) {
			return wrapSwap("swapon", path, err)
		}
	}
}

// Swapoff brings back what a swap area holds and deactivates it (swapoff(2)). That may
// take minutes. When ctx ends before, the area stays active and the error is the
// context's; but the kernel looks for that only between one process and the next, so all
// that it has swapped out of the one it is at comes back first, and if that was the last
// one the area is gone (mm/swapfile.c, try_to_unuse). The error's cause is ENOMEM where the kernel has no room for what comes
// back, EINVAL where the area is not active.
func Swapoff(ctx context.Context, path string) error {
	// An area that holds nothing goes at once, whatever signal waits.
	if err := ctx.Err(); err != nil {
		return wrapSwap("swapoff", path, err)
	}
	over := interrupt(ctx)
	defer over()
	for {
		err := swapCall(unix.SYS_SWAPOFF, path, 0)
		switch {
		case !errors.Is(err, unix.EINTR):
			return wrapSwap("swapoff", path, err)
		case ctx.Err() != nil:
			return wrapSwap("swapoff", path, ctx.Err())
		}
	}
}

// IsSwap tells whether a regular file is active as swap, under whatever name. It asks for
// the file's first byte to have a block, which it has in any file that is no hole: the kernel
// refuses even that for an active swapfile (fs/open.c, vfs_fallocate).
func IsSwap(path string) (bool, error) {
	file, err := openRegular(path, os.O_WRONLY)
	if err != nil {
		return false, err
	}
	defer file.Close()
	switch err := unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, 1); {
	case errors.Is(err, unix.ETXTBSY):
		return true, nil
	case err == nil, errors.Is(err, unix.EOPNOTSUPP): // a filesystem without it is asked last
		return false, nil
	default:
		return false, &fs.PathError{Op: "fallocate", Path: path, Err: err}
	}
}

func swapCall(call uintptr, path string, flags uintptr) error {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall(call, uintptr(unsafe.Pointer(name)), flags, 0) //nolint:gosec // there is no other way to hand over a path
	if errno != 0 {
		return errno
	}
	return nil
}

func wrapSwap(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// interrupt makes the system call that this goroutine waits in return with EINTR when
// ctx ends: a signal for the process may go to any of its threads, so this one is sent
// its own, again and again, since one that comes before the call has begun is lost. The
// function that it gives must be called when the call is over.
func interrupt(ctx context.Context) (over func()) {
	runtime.LockOSThread()
	pid, thread := unix.Getpid(), unix.Gettid()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-stop:
			return
		case <-ctx.Done():
		}
		again := time.NewTicker(interruptEvery)
		defer again.Stop()
		for {
			// SIGURG, since the runtime expects it at any time and does nothing about it.
			_ = unix.Tgkill(pid, thread, unix.SIGURG)
			select {
			case <-stop:
				return
			case <-again.C:
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		runtime.UnlockOSThread()
	}
}
