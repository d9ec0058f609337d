package rootfs

import "syscall"

// ReadHead reads the first n bytes of a regular file of any size, following links; fewer
// where the file ends before. Like ReadFile it gives ErrNotRegular for a name that is no
// regular file, opens no device or FIFO, and does not wait.
func (f *FS) ReadHead(name string, n int) ([]byte, error) {
	data, err := f.readHead(name, n)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

func (f *FS) readHead(name string, n int) ([]byte, error) {
	if n < 0 {
		return nil, syscall.EINVAL
	}
	return f.readBy(name, func(read func([]byte) (int, error)) ([]byte, error) { return readUpTo(read, n) })
}

// readUpTo reads until there are n bytes, or read gives 0 at the end. Room is made as
// bytes come, not for all that was asked for.
func readUpTo(read func([]byte) (int, error), n int) ([]byte, error) {
	var data []byte
	for len(data) < n {
		const step = 1 << 16
		at := len(data)
		data = append(data, make([]byte, min(step, n-at))...)
		got, err := read(data[at:])
		if err != nil {
			return nil, err
		}
		data = data[:at+got]
		if got == 0 {
			break
		}
	}
	return data, nil
}
