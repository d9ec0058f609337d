package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Follow waits for OOM kills in the kernel's log, /dev/kmsg, from its end on, and calls
// report with each as soon as its kill line is there; it does not wait for a record after
// it. A summary whose kill line does not come is reported after a second. While nothing is
// logged it sleeps. It ends with the context, whose cause is the error, or where the log
// cannot be read: fs.ErrPermission without the right to (root, or CAP_SYSLOG where
// kernel.dmesg_restrict is set), fs.ErrNotExist without the device.
//
// The Log holds the counts of what was read (Lost: how often records were overwritten
// before they could be read, as report held it up), and no kills.
func Follow(ctx context.Context, path string, report func(Kill)) (Log, error) {
	file, err := openKmsg(path)
	if err != nil {
		return emptyLog(), fmt.Errorf("follow kernel log: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		return emptyLog(), fmt.Errorf("follow kernel log: %w", err)
	}
	clock, _ := ReadBootClock() // of an unknown boot is empty, and says so
	return follow(ctx, file, summaryWaits, func(kill Kill) {
		// It has just happened. A time worked out of the stamp would lack the suspends.
		kill.Boot, kill.At = clock.Boot, time.Now()
		report(kill)
	})
}

// openKmsg opens the kernel log's device for reading through the runtime's poller.
func openKmsg(path string) (*os.File, error) {
	check := func(fi fs.FileInfo) error {
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !ok || st.Mode&syscall.S_IFMT != syscall.S_IFCHR || !readable(st) {
			return &fs.PathError{Op: "open", Path: path, Err: errNotFollowed}
		}
		return nil
	}
	// Before opening, since opening another device may do something.
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := check(fi); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fi, err = file.Stat()
	if err == nil {
		err = check(fi) // another file by now
	}
	if err != nil {
		_ = file.Close() // the reason is err
		return nil, err
	}
	return file, nil
}

// follow reads records, one per Read of file, until the context ends or the file does.
// waits is how long a lone summary waits.
func follow(ctx context.Context, file *os.File, waits time.Duration, report func(Kill)) (Log, error) {
	// A time that has passed ends the Read that waits now, and any later one.
	stop := context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) }) // it fails on a closed file only
	defer stop()
	var (
		f     follower
		buf   = make([]byte, maxRecord)
		until time.Time // how long to wait for the next record; zero is for ever
	)
	give := func(kills []Kill) {
		for _, kill := range kills {
			report(kill)
		}
	}
	for {
		n, err := file.Read(buf)
		switch {
		case err == nil:
			ready, waiting := f.read(buf[:n])
			give(ready)
			switch {
			case !waiting:
				until = time.Time{}
			case until.IsZero() || len(ready) > 0: // another summary than before
				until = time.Now().Add(waits)
			}
		case ctx.Err() != nil:
			give(f.expire())
			return f.log(), fmt.Errorf("follow kernel log: %w", context.Cause(ctx))
		case errors.Is(err, os.ErrDeadlineExceeded):
			give(f.expire())
			until = time.Time{}
		case errors.Is(err, syscall.EPIPE): // the next read gives the oldest record left
			f.parser.AddLost()
		case errors.Is(err, syscall.EINVAL): // larger than the buffer; the next read is past it
			f.parser.AddMalformed()
		default:
			give(f.expire())
			return f.log(), fmt.Errorf("follow kernel log: %w", err)
		}
		if err := file.SetReadDeadline(until); err != nil {
			return f.log(), fmt.Errorf("follow kernel log: %w", err)
		}
		// The context may have ended before that took its deadline away.
		if ctx.Err() != nil {
			_ = file.SetReadDeadline(time.Unix(1, 0)) // as above
		}
	}
}

// read takes one record's text.
func (f *follower) read(text []byte) (ready []Kill, waits bool) {
	r, err := ParseRecord(string(text))
	if err != nil {
		f.parser.AddMalformed()
		return nil, f.waits
	}
	return f.add(r)
}

// firstStamp gives the stamp of the oldest record that the device holds.
func firstStamp(path string) (time.Duration, error) {
	const tries = 16 // the oldest may be overwritten before it is read
	file, err := openKmsg(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	buf := make([]byte, maxRecord)
	for range tries {
		// An empty log would be waited for.
		if err := file.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return 0, err
		}
		n, err := file.Read(buf)
		if err == nil {
			r, err := ParseRecord(string(buf[:n]))
			return r.SinceBoot, err
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.EINVAL) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("read %s: %w", path, errEndless)
}
