package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

const (
	noiseLine   = "usb 1-1: new device"
	killLine    = "Memory cgroup out of memory: Killed process %d (app) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0"
	summaryLine = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=app,pid=%d,uid=0"
)

// device is a socket that gives what is written to it record by record, as /dev/kmsg
// does. It ends when the test does.
func device(t *testing.T) (reads, writes *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	reads, writes = os.NewFile(uintptr(fds[0]), "device"), os.NewFile(uintptr(fds[1]), "kernel")
	t.Cleanup(func() {
		_ = reads.Close()
		_ = writes.Close()
	})
	return reads, writes
}

// TestFollowWaitsForNothing writes a line, and nothing after it until its kill was
// reported: that the test ends shows that no later record is waited for.
func TestFollowWaitsForNothing(t *testing.T) {
	defer goleak.VerifyNone(t)
	reads, writes := device(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan string, 10)
	ended := make(chan error, 1)
	go func() {
		log, err := follow(ctx, reads, 20*time.Millisecond, func(k Kill) {
			reported <- fmt.Sprintf("%d %t %s", k.PID, k.TotalVM != nil, k.TaskCgroup)
		})
		if diff := cmp.Diff(Log{Kills: []Kill{}, Records: 7, Malformed: 1}, log); diff != "" {
			t.Error(diff)
		}
		ended <- err
	}()
	seq := 7
	for _, step := range []struct {
		lines []string
		pid   int
		want  string
	}{
		{[]string{killLine}, 1, "1 true "},
		{[]string{noiseLine, summaryLine, "nonsense", killLine}, 2, "2 true /a"},
		{[]string{summaryLine}, 3, "3 false /a"}, // by the timer
		{[]string{noiseLine, killLine}, 4, "4 true "},
	} {
		for _, line := range step.lines {
			if line != "nonsense" {
				line = record(seq, line, step.pid)
			}
			if _, err := writes.WriteString(line); err != nil {
				t.Fatal(err)
			}
			seq++
		}
		if got := <-reported; got != step.want {
			t.Errorf("reported %q, want %q", got, step.want)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
}

// record is one as /dev/kmsg gives it, a millisecond after the one before.
func record(seq int, line string, pid int) string {
	if line != noiseLine {
		line = fmt.Sprintf(line, pid)
	}
	return fmt.Sprintf("3,%d,%d,-;%s\n", seq, seq*1000, line)
}

// TestFollowEnds holds that following ends with its context, also one that ended
// before, and with the device; what is known by then is reported.
func TestFollowEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	tests := []struct {
		name  string
		end   func(cancel func(), writes *os.File)
		wants error
	}{
		{"with the context", func(cancel func(), _ *os.File) { cancel() }, context.Canceled},
		{"with the device", func(_ func(), writes *os.File) { _ = writes.Close() }, io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reads, writes := device(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			reported := make(chan int, 10)
			ended := make(chan error, 1)
			go func() {
				_, err := follow(ctx, reads, time.Hour, func(k Kill) { reported <- k.PID })
				ended <- err
			}()
			for seq, line := range []string{killLine, summaryLine} {
				if _, err := writes.WriteString(record(seq, line, 10+seq)); err != nil {
					t.Fatal(err)
				}
			}
			if got := <-reported; got != 10 {
				t.Errorf("reported %d first", got)
			}
			awaitRead(t, reads)
			tt.end(cancel, writes)
			if err := <-ended; !errors.Is(err, tt.wants) {
				t.Errorf("%v, want %v", err, tt.wants)
			}
			if got := <-reported; got != 11 {
				t.Errorf("reported %d at the end", got)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	reads, _ := device(t)
	if _, err := follow(ctx, reads, time.Hour, func(Kill) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// awaitRead waits until a socket holds nothing more to read.
func awaitRead(t *testing.T, reads *os.File) {
	t.Helper()
	conn, err := reads.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		waiting := 1
		err := conn.Control(func(fd uintptr) {
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			if errors.Is(err, syscall.EAGAIN) {
				waiting = 0
			}
		})
		if err != nil || waiting == 0 {
			return
		}
	}
	t.Fatal("a record is not read")
}

func TestFollowRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo, file := filepath.Join(dir, "fifo"), filepath.Join(dir, "file")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(record(0, killLine, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "missing"): fs.ErrNotExist,
		fifo:                          errNotFollowed,
		file:                          errNotFollowed,
		dir:                           errNotFollowed,
		"/dev/null":                   errNotFollowed,
	} {
		log, err := Follow(t.Context(), path, func(k Kill) { t.Errorf("%s: %+v", path, k) })
		if !errors.Is(err, want) || log.Kills == nil {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}
