package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// openRegular opens a regular file for reading. It looks before it opens, so that a
// device or FIFO is not opened at all, and once more afterwards, since the name may
// have changed hands in between; that open does not block and takes no terminal.
func (f *FS) openRegular(name string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY
	isRegular := func(fi fs.FileInfo) error {
		if !fi.Mode().IsRegular() {
			return ErrNotRegular
		}
		return nil
	}
	return f.open(name, flags, isRegular)
}

// openDir opens a directory for listing, with the same care.
func (f *FS) openDir(name string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_DIRECTORY
	isDir := func(fi fs.FileInfo) error {
		if !fi.IsDir() {
			return syscall.ENOTDIR
		}
		return nil
	}
	return f.open(name, flags, isDir)
}

func (f *FS) open(name string, flags int, wanted func(fs.FileInfo) error) (*os.File, error) {
	fi, opener, err := f.look(name)
	if err != nil {
		return nil, err
	}
	if err := wanted(fi); err != nil {
		return nil, err
	}
	file, err := opener(flags)
	if err != nil {
		return nil, err
	}
	fi, err = file.Stat()
	if err == nil {
		err = wanted(fi)
	}
	if err != nil {
		_ = file.Close() // the reason is err
		return nil, err
	}
	return file, nil
}

// look describes what name leads to, and gives the way to open just that.
func (f *FS) look(name string) (fs.FileInfo, func(flags int) (*os.File, error), error) {
	if f.root == nil {
		p, err := livePath(name)
		if err != nil {
			return nil, nil, err
		}
		fi, err := os.Stat(p)
		return fi, func(flags int) (*os.File, error) { return os.OpenFile(p, flags, 0) }, err
	}
	p, err := f.walk(name, true)
	if err != nil {
		return nil, nil, err
	}
	fi, err := f.lstat(p)
	return fi, func(flags int) (*os.File, error) { return f.root.OpenFile(below(p), flags, 0) }, err
}

// readAll reads a file to its end, or gives ErrTooLarge once it has more than limit
// bytes. It reads without waiting: files such as /proc/kmsg and trace_pipe look
// regular, and a plain Read of them would wait for the next message; here they give
// EAGAIN.
func readAll(file *os.File, limit int64) ([]byte, error) {
	if limit < 0 {
		return nil, syscall.EINVAL
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, min(limit, 4095)+1)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		room := data[len(data):cap(data)]
		if left := limit - int64(len(data)); int64(len(room)) > left {
			room = room[:left+1] // one byte more tells that there is more
		}
		n, err := readOnce(conn, room)
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		}
		data = data[:len(data)+n]
		if int64(len(data)) > limit {
			return nil, ErrTooLarge
		}
	}
}

func readOnce(conn syscall.RawConn, buf []byte) (int, error) {
	var (
		n   int
		err error
	)
	ctlErr := conn.Read(func(fd uintptr) bool {
		for {
			n, err = syscall.Read(int(fd), buf)
			if !errors.Is(err, syscall.EINTR) {
				return true // done, also with EAGAIN: do not wait
			}
		}
	})
	switch {
	case ctlErr != nil:
		return 0, ctlErr
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
