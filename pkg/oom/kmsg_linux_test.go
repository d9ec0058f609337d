package oom

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// step is what one read of the device gives.
type step struct {
	text string
	err  error
}

func TestReadRing(t *testing.T) {
	record := func(seq int) step { return step{text: fmt.Sprintf("3,%d,100,-;%s\n", seq, kill)} }
	end := step{err: syscall.EAGAIN}
	tests := []struct {
		name    string
		steps   []step
		want    Log
		kills   int
		wantErr error
	}{
		{"empty", []step{end}, Log{}, 0, nil},
		{"a file's end", []step{record(0), {}}, Log{Records: 1}, 1, nil},
		{"one", []step{record(0), end}, Log{Records: 1}, 1, nil},
		{"overwritten", []step{{err: syscall.EPIPE}, record(7), {err: syscall.EPIPE}, end}, Log{Records: 1, Lost: 2, Truncated: true}, 1, nil},
		{"interrupted", []step{{err: syscall.EINTR}, record(0), {err: syscall.EINTR}, end}, Log{Records: 1}, 1, nil},
		{"too large for the buffer", []step{{err: syscall.EINVAL}, record(1), end}, Log{Records: 1, Malformed: 1}, 1, nil},
		{"malformed", []step{{text: "nonsense"}, {text: "3,1,1,-"}, record(2), end}, Log{Records: 1, Malformed: 2}, 1, nil},
		{"broken", []step{record(0), {err: syscall.EIO}}, Log{Records: 1}, 1, syscall.EIO},
		{"a right taken away", []step{record(0), {err: syscall.EPERM}}, Log{Records: 1}, 1, fs.ErrPermission},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next := 0
			got, err := readRing(t.Context(), func(buf []byte) (int, error) {
				s := tt.steps[next]
				next++
				return copy(buf, s.text), s.err
			})
			if !errors.Is(err, tt.wantErr) || next != len(tt.steps) {
				t.Errorf("after %d of %d reads: %v, want %v", next, len(tt.steps), err, tt.wantErr)
			}
			if len(got.Kills) != tt.kills {
				t.Errorf("kills: %v", short(got.Kills))
			}
			got.Kills = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadRingEnds(t *testing.T) {
	reads := 0
	flood := func([]byte) (int, error) { reads++; return 0, syscall.EPIPE }
	log, err := readRing(t.Context(), flood)
	if !errors.Is(err, errEndless) || log.Lost != maxReads {
		t.Errorf("a flood: lost %d, %v", log.Lost, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	reads = 0
	_, err = readRing(ctx, func(buf []byte) (int, error) { cancel(); return flood(buf) })
	if !errors.Is(err, context.Canceled) || reads > askEvery {
		t.Errorf("cancelled: %d reads, %v", reads, err)
	}
}

// TestRealKmsg reads this machine's own log, and shows that what root writes to it,
// with the kernel's own priority, is no kill.
func TestRealKmsg(t *testing.T) {
	const device = "/dev/kmsg"
	if os.Getuid() != 0 {
		t.Skip("needs root, to write to /dev/kmsg")
	}
	if _, err := os.Stat(device); err != nil {
		t.Skipf("needs the kernel log's device: %v", err)
	}
	comm := fmt.Sprintf("f%d", time.Now().UnixNano()%1e12)
	forged := []string{
		"<0>Memory cgroup out of memory: Killed process 4194303 (" + comm + ") total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0",
		"<6>oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),global_oom,task_memcg=/,task=" + comm + ",pid=4194303,uid=0",
	}
	writeKmsg(t, device, comm, forged)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	log, err := ReadKmsg(ctx, device)
	if err != nil {
		t.Fatal(err)
	}
	if log.Records == 0 {
		t.Error("no record of the kernel in its own log")
	}
	if log.Malformed != 0 {
		t.Errorf("%d of its records could not be parsed", log.Malformed)
	}
	for _, k := range log.Kills {
		if k.Comm == comm {
			t.Errorf("a kill that user space made up: %+v", k)
		}
	}
}

// writeKmsg writes the lines until all of them can be read back: the kernel may drop
// what user space writes too often (kernel.printk_devkmsg=ratelimit).
func writeKmsg(t *testing.T, device, marker string, lines []string) {
	t.Helper()
	w, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		for _, line := range lines {
			if _, err := w.WriteString(line + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		if log := rawKmsg(t, device); strings.Contains(log, "("+marker+")") && strings.Contains(log, ",task="+marker+",") {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatal("the kernel does not keep what is written to " + device)
}

// rawKmsg gives the device's text.
func rawKmsg(t *testing.T, device string) string {
	t.Helper()
	fd, err := syscall.Open(device, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	var text strings.Builder
	buf := make([]byte, maxRecord)
	for {
		switch n, err := syscall.Read(fd, buf); {
		case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.EINTR):
		case err != nil:
			return text.String()
		default:
			text.Write(buf[:n])
		}
	}
}

// TestReadKmsgRefusesAtOnce shows by ending that nothing was opened and waited for.
func TestReadKmsgRefusesAtOnce(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKmsg(t.Context(), fifo); !errors.Is(err, errNotKmsg) {
		t.Errorf("a FIFO: %v", err)
	}
	shut := filepath.Join(t.TempDir(), "shut")
	if err := os.WriteFile(shut, []byte("6,0,1,-;x\n"), 0); err != nil {
		t.Fatal(err)
	}
	asUser(t, func() {
		_, err := ReadKmsg(t.Context(), shut)
		if !errors.Is(err, fs.ErrPermission) || !errors.Is(err, syscall.EACCES) {
			t.Errorf("a file without the right to read it: %v", err)
		}
	})
}

// asUser runs fn on a thread without root's rights over files (setfsuid(2) concerns
// the calling thread only); that thread ends with fn.
func asUser(t *testing.T, fn func()) {
	t.Helper()
	if os.Getuid() != 0 {
		fn()
		return
	}
	const nobody = 65534
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); errno != 0 {
			t.Errorf("setfsuid: %v", errno)
			return
		}
		fn()
	}()
	<-done
}
