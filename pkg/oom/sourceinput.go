package oom

import (
	"context"
	"io"
	"os"
	"syscall"
	"time"
)

// OpenInput opens a log that the user named. Unlike the files of a host, it may be a FIFO
// or a descriptor of the shell, as in "--file <(zstdcat log.zst)". Opening a FIFO waits
// for its writer, until the context ends.
func OpenInput(ctx context.Context, path string) (*os.File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if fi.Mode()&os.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	opened := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { wake(path, opened) })
	file, err := os.Open(path)
	close(opened)
	stop()
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		_ = file.Close() // only read from
		return nil, context.Cause(ctx)
	}
	return file, nil
}

// wake ends the open of a FIFO that waits for a writer, by being one: nothing else can
// break it off. Until the open has begun to wait, the writer finds no reader (ENXIO).
func wake(path string, opened <-chan struct{}) {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err == nil {
			_ = syscall.Close(fd) // nothing was written
		}
		select {
		case <-opened:
			return
		case <-again.C:
		}
	}
}

// interruptible gives a reader of r whose Read ends with the context. release must be
// called after use.
func interruptible(ctx context.Context, r io.Reader) (reader io.Reader, release func()) {
	if file, ok := r.(*os.File); ok {
		if fi, err := file.Stat(); err == nil && fi.Mode().IsRegular() {
			return r, func() {} // a regular file does not wait
		}
		if file.SetReadDeadline(time.Time{}) == nil {
			stop := context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) }) // it can, as just seen
			return deadlined{ctx, file}, func() { stop() }
		}
	}
	h := &handed{ctx: ctx, from: r, want: make(chan []byte), got: make(chan answer, 1)}
	go h.serve()
	return h, func() { close(h.want) }
}

// deadlined says why a reading was broken off.
type deadlined struct {
	ctx  context.Context
	file *os.File
}

// Read reads, and errs with the context's cause once it ended.
func (d deadlined) Read(buf []byte) (int, error) {
	n, err := d.file.Read(buf)
	if err != nil && d.ctx.Err() != nil {
		err = context.Cause(d.ctx)
	}
	return n, err
}

// handed reads in a goroutine of its own, which stays behind where a read never returns.
type handed struct {
	ctx  context.Context
	from io.Reader
	want chan []byte
	got  chan answer
	own  []byte
}

// answer is what one read gave.
type answer struct {
	n   int
	err error
}

func (h *handed) serve() {
	for buf := range h.want {
		n, err := h.from.Read(buf)
		h.got <- answer{n, err}
	}
}

// Read reads, and errs with the context's cause once it ended. The goroutine gets a
// buffer that nobody else uses, since it may still write to it later.
func (h *handed) Read(buf []byte) (int, error) {
	if h.ctx.Err() != nil {
		return 0, context.Cause(h.ctx)
	}
	if len(h.own) < len(buf) {
		h.own = make([]byte, len(buf))
	}
	h.want <- h.own[:len(buf)]
	select {
	case c := <-h.got:
		return copy(buf, h.own[:c.n]), c.err
	case <-h.ctx.Done():
		return 0, context.Cause(h.ctx)
	}
}
