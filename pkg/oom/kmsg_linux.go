package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// ReadKmsg reads the kernel's log from /dev/kmsg, or from a regular file with such
// records, up to the newest one; it does not wait for more. Records that were
// overwritten while it read are counted in Lost. On a device that needs a right which
// the caller has not (root, or CAP_SYSLOG where kernel.dmesg_restrict is set) the
// error is EACCES or EPERM, and without the file ENOENT: errors.Is finds them, as
// fs.ErrPermission and fs.ErrNotExist too. Any other device, a directory, a FIFO or a
// socket is refused. With an error comes what was read until then.
func ReadKmsg(ctx context.Context, path string) (Log, error) {
	var st syscall.Stat_t
	// Before opening, since opening another device may do something.
	if err := retry(func() error { return syscall.Stat(path, &st) }); err != nil {
		return emptyLog(), &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if !readable(&st) {
		return emptyLog(), &fs.PathError{Op: "open", Path: path, Err: errNotKmsg}
	}
	// Not by the os package, whose Read would wait for the next record at the log's end.
	const flags = syscall.O_RDONLY | syscall.O_NONBLOCK | syscall.O_CLOEXEC | syscall.O_NOCTTY
	var fd int
	err := retry(func() (err error) { fd, err = syscall.Open(path, flags, 0); return err })
	if err != nil {
		return emptyLog(), &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	if err := syscall.Fstat(fd, &st); err != nil {
		return emptyLog(), &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	switch {
	case !readable(&st): // another file by now
		return emptyLog(), &fs.PathError{Op: "open", Path: path, Err: errNotKmsg}
	case st.Mode&syscall.S_IFMT == syscall.S_IFREG:
		return ReadRecords(ctx, regular(fd))
	}
	return readRing(ctx, func(buf []byte) (int, error) { return syscall.Read(fd, buf) })
}

// readable tells whether a file is a regular one or the kernel log's device, 1:11
// (Documentation/admin-guide/devices.txt). In a container /dev/kmsg is often another
// device, such as /dev/null or the console.
func readable(st *syscall.Stat_t) bool {
	const kmsg = 1<<8 | 11
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return true
	case syscall.S_IFCHR:
		return st.Rdev == kmsg
	}
	return false
}

// regular reads a file descriptor without waiting, even where a file only looks
// regular, as /proc/kmsg does.
type regular int

// Read reads what is there.
func (fd regular) Read(buf []byte) (n int, err error) {
	err = retry(func() (err error) { n, err = syscall.Read(int(fd), buf); return err })
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// retry calls again what a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// maxReads ends the reading of a log that grows faster than it is read. The largest
// buffer that can be set up holds fewer records.
const maxReads = 1 << 22

var errEndless = errors.New("the log grows faster than it can be read")

// readRing reads records, one per call of read, until there is none left (EAGAIN).
func readRing(ctx context.Context, read func([]byte) (int, error)) (Log, error) {
	var (
		p   Parser
		buf = make([]byte, maxRecord)
	)
	for n := range maxReads {
		if n%askEvery == 0 && ctx.Err() != nil {
			return p.Log(), fmt.Errorf("read kernel log: %w", context.Cause(ctx))
		}
		n, err := read(buf)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EPIPE): // the next read gives the oldest record left
			p.AddLost()
		case errors.Is(err, syscall.EINVAL): // larger than the buffer; the next read is past it
			p.AddMalformed()
		case errors.Is(err, syscall.EAGAIN), err == nil && n <= 0:
			return p.Log(), nil
		case err != nil:
			return p.Log(), fmt.Errorf("read kernel log: %w", err)
		default:
			if r, err := ParseRecord(string(buf[:n])); err == nil {
				p.Add(r)
			} else {
				p.AddMalformed()
			}
		}
	}
	return p.Log(), fmt.Errorf("read kernel log: %w", errEndless)
}
