package rootfs

import (
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
	if err := f.ended(); err != nil {
		return nil, err
	}
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

// ended says why nothing is read any more; nil where that is not so.
func (f *FS) ended() error {
	if f.ctx == nil {
		return nil
	}
	return f.ctx.Err()
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

// readAll reads to the end, or gives ErrTooLarge once there are more than limit bytes.
// read gives 0 at the end. It must not wait: files such as /proc/kmsg and trace_pipe look
// regular, and a plain read of them would wait for the next message; here they give EAGAIN.
func readAll(read func([]byte) (int, error), limit int64) ([]byte, error) {
	if limit < 0 {
		return nil, syscall.EINVAL
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
		n, err := read(room)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return data, nil
		}
		data = data[:len(data)+n]
		if int64(len(data)) > limit {
			return nil, ErrTooLarge
		}
	}
}

// reader reads from a file without waiting.
func reader(file *os.File) (func([]byte) (int, error), error) {
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	return func(buf []byte) (n int, err error) {
		ctlErr := conn.Read(func(fd uintptr) bool {
			err = retry(func() error { n, err = syscall.Read(int(fd), buf); return err })
			return true // done, also with EAGAIN: do not wait
		})
		if ctlErr != nil {
			return 0, ctlErr
		}
		return n, err
	}, nil
}
