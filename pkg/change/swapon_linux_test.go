package change_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
	"vmguard/pkg/swap"
)

// The tests that use swap are not parallel: then no other test runs beside them whose panic would
// end the process before an area is out of use again.

// swapDir makes a folder where a swapfile can be used, on /var/tmp's filesystem, or skips the test.
func swapDir(t *testing.T) string {
	t.Helper()
	needsRoot(t, "swapon(2)")
	const parent = "/var/tmp" // /tmp may be a tmpfs
	const ext4, xfs = 0xef53, 0x58465342
	var st unix.Statfs_t
	if err := unix.Statfs(parent, &st); err != nil {
		t.Skipf("needs %s: %v", parent, err)
	}
	if st.Type != ext4 && st.Type != xfs {
		t.Skipf("needs ext4 or xfs for a swapfile: %s is of type %#x (statfs(2))", parent, st.Type)
	}
	dir, err := os.MkdirTemp(parent, "vmguard-change-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("the folder stays: %v", err)
		}
	})
	return dir
}

// swapFile makes a swapfile. However the test ends, it is out of use afterwards.
func swapFile(t *testing.T, size uint64, method change.Method) string {
	t.Helper()
	path := filepath.Join(swapDir(t), "swapfile")
	var uuid [16]byte
	_, _ = rand.Read(uuid[:]) // never fails
	header, err := swap.NewHeader(size, uint64(os.Getpagesize()), uuid, swap.Label)
	if err != nil {
		t.Fatal(err)
	}
	_, err = change.Allocation{Path: path, Size: size, Method: method}.Create(t.Context(), unheard)
	if err := errors.Join(err, change.WriteAt(path, header.Encode(), 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := change.Swapoff(context.Background(), path)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) { // it is not in use, or nobody could bring it into use
			t.Error(err)
		}
	})
	return path
}

// switchOn activates an area, or skips the test where nobody may.
func switchOn(t *testing.T, path string, priority int) {
	t.Helper()
	err := change.Swapon(path, priority)
	if errors.Is(err, unix.EPERM) {
		t.Skipf("needs CAP_SYS_ADMIN: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// area is a line of /proc/swaps (proc(5)).
type area struct {
	kind       string
	size, used uint64 // bytes
	priority   int
}

// areaOf finds an area that is in use; nil where it is not.
func areaOf(path string) (*area, error) {
	data, err := os.ReadFile("/proc/swaps")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) != 5 || words[0] != path {
			continue
		}
		size, err1 := strconv.ParseUint(words[2], 10, 64)
		used, err2 := strconv.ParseUint(words[3], 10, 64)
		priority, err3 := strconv.Atoi(words[4])
		return &area{words[1], size << 10, used << 10, priority}, errors.Join(err1, err2, err3)
	}
	return nil, nil //nolint:nilnil // nil is an area that is not in use
}

func shown(t *testing.T, path string) *area {
	t.Helper()
	a, err := areaOf(path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// refusedSwap checks the kernel's answer, which callers ask for, and that the error names the call and the file.
func refusedSwap(t *testing.T, err error, op, path string, want error) {
	t.Helper()
	failure, ok := errors.AsType[*fs.PathError](err)
	if !errors.Is(err, want) || !ok || failure.Op != op || failure.Path != path {
		t.Errorf("error %v, want %s %s: %v", err, op, path, want)
	}
}

func TestSwap(t *testing.T) {
	const size = 16 * mib
	for _, method := range []change.Method{change.Fallocate, change.Write} {
		path := swapFile(t, size, method)
		for _, test := range []struct{ priority, want int }{{0, 0}, {1, 1}, {100, 100}, {32767, 32767}} {
			switchOn(t, path, test.priority)
			got, want := shown(t, path), area{"file", size - uint64(os.Getpagesize()), 0, test.want}
			if got != nil {
				got.used = 0 // others on this machine may be swapping
			}
			if got == nil || *got != want {
				t.Errorf("%s: in use as %+v, want %+v", method, got, want)
			}
			refusedSwap(t, change.Swapon(path, test.priority), "swapon", path, unix.EBUSY)
			if err := change.Swapoff(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			if got := shown(t, path); got != nil {
				t.Errorf("%s: still in use as %+v", method, got)
			}
			refusedSwap(t, change.Swapoff(t.Context(), path), "swapoff", path, unix.EINVAL)
		}
	}
}

// TestSwapPriorityOfTheKernel: without one, the kernel takes one below 0.
func TestSwapPriorityOfTheKernel(t *testing.T) {
	path := swapFile(t, 16*mib, change.Fallocate)
	for _, priority := range []int{-1, -5} {
		switchOn(t, path, priority)
		if got := shown(t, path); got == nil || got.priority >= 0 {
			t.Errorf("%d: in use as %+v", priority, got)
		}
		if err := change.Swapoff(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSwapfileInUse: the kernel keeps it from what would harm it. A mode may be set.
func TestSwapfileInUse(t *testing.T) {
	path := swapFile(t, 16*mib, change.Fallocate)
	if active, err := change.IsSwap(path); active || err != nil {
		t.Errorf("not yet active: %v, %v", active, err)
	}
	switchOn(t, path, -1)
	if active, err := change.IsSwap(path); !active || err != nil {
		t.Errorf("active: %v, %v", active, err)
	}
	for what, test := range map[string]struct{ err, want error }{
		"remove":    {change.Remove(path), unix.EPERM},
		"rename":    {change.Rename(path, path+"2"), unix.EPERM},
		"write":     {change.WriteAt(path, []byte("x"), 0), unix.ETXTBSY},
		"overwrite": {change.Overwrite(t.Context(), path, 0, mib, unheard), unix.ETXTBSY},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: error %v, want %v", what, test.err, test.want)
		}
	}
	if was, err := change.Chmod(path, 0o640); err != nil || was != 0o600 {
		t.Errorf("chmod: was %v, %v", was, err)
	}
	if got := shown(t, path); got == nil {
		t.Error("it is in use no more")
	}
}

func TestSwapRefused(t *testing.T) {
	dir := swapDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, dir, map[string]string{"plain": strings.Repeat("x", mib)})
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	holed := swapFile(t, 16*mib, change.Write)
	if err := unix.Truncate(holed, 8*mib); err != nil {
		t.Fatal(err)
	}
	if err := unix.Truncate(holed, 16*mib); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path    string
		on, off error
	}{
		{at("nothing"), unix.ENOENT, unix.ENOENT},
		{at("plain"), unix.EINVAL, unix.EINVAL},
		{at("folder"), unix.EISDIR, unix.EISDIR},
		{at("plain/below"), unix.ENOTDIR, unix.ENOTDIR},
		{at("zero\x00byte"), unix.EINVAL, unix.EINVAL},
		{holed, unix.EINVAL, unix.EINVAL},
	} {
		err := change.Swapon(test.path, -1)
		if errors.Is(err, unix.EPERM) {
			t.Skipf("needs CAP_SYS_ADMIN: %v", err)
		}
		refusedSwap(t, err, "swapon", test.path, test.on)
		refusedSwap(t, change.Swapoff(t.Context(), test.path), "swapoff", test.path, test.off)
	}
}

// TestSwapoffAfterTheEnd: once the context has ended, not even an empty area goes.
func TestSwapoffAfterTheEnd(t *testing.T) {
	path := swapFile(t, 16*mib, change.Fallocate)
	switchOn(t, path, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	refusedSwap(t, change.Swapoff(ctx, path), "swapoff", path, context.Canceled)
	if shown(t, path) == nil {
		t.Error("it is in use no more")
	}
}

// TestSwapCallsAreRepeated: a signal that means nothing does not end a call. The kernel answers EINTR here for good, so that only
// the context's end brings Swapoff back.
func TestSwapCallsAreRepeated(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	refusing(t, []refusal{{call: unix.SYS_SWAPOFF, errno: unix.EINTR}}, func() {
		go cancel()
		refusedSwap(t, change.Swapoff(ctx, "/nowhere"), "swapoff", "/nowhere", context.Canceled)
	})
	refusing(t, []refusal{{call: unix.SYS_SWAPOFF, errno: unix.ENOMEM}, {call: unix.SYS_SWAPON, errno: unix.EPERM}}, func() {
		refusedSwap(t, change.Swapoff(t.Context(), "/nowhere"), "swapoff", "/nowhere", unix.ENOMEM)
		refusedSwap(t, change.Swapon("/nowhere", 1), "swapon", "/nowhere", unix.EPERM)
	})
}

// playSwapped has so many bytes of memory swapped out, and says later whether they are still the same.
func playSwapped(args []string) int {
	size, err := strconv.Atoi(args[0])
	if err != nil {
		return report(err)
	}
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return report(err)
	}
	content := make([]byte, 1*mib)
	_, _ = rand.Read(content) // never fails
	for at := 0; at < size; at += len(content) {
		copy(memory[at:], content)
	}
	if err := unix.Madvise(memory, unix.MADV_PAGEOUT); err != nil {
		return report(err)
	}
	fmt.Fprintln(os.Stdout, "out")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	for at := 0; at < size; at += len(content) {
		if !bytes.Equal(memory[at:at+len(content)], content) {
			return report(errors.New("the memory has changed"))
		}
	}
	fmt.Fprintln(os.Stdout, "the same")
	return 0
}

// endsInside is a context that ends once it has been asked whether it has: between that and the call that it is for.
type endsInside struct {
	context.Context
	asked atomic.Bool
	ended chan struct{}
}

func (c *endsInside) Done() <-chan struct{} { return c.ended }

func (c *endsInside) Err() error {
	if c.asked.CompareAndSwap(false, true) {
		close(c.ended)
		return nil
	}
	return context.Canceled
}

// playSwapoff switches an area off, and wants that no longer when the call has begun.
func playSwapoff(args []string) int {
	runtime.LockOSThread() // so that the call is made on another thread than the process's first
	ctx := &endsInside{Context: context.Background(), ended: make(chan struct{})}
	result := make(chan error)
	go func() { result <- change.Swapoff(ctx, args[0]) }()
	return report(<-result)
}

// TestSwapoffInterrupted: a Swapoff whose context ends while the kernel is at it comes back, and the area stays in use, with
// all that it holds. strace keeps the call from beginning its work until the signals have come that the context's end sends.
func TestSwapoffInterrupted(t *testing.T) {
	path := swapFile(t, 64*mib, change.Fallocate)
	strace := tool(t, "strace")
	switchOn(t, path, 32767) // before any other
	var holders []*actor
	for range 4 {
		holder := start(t, "swapped", strconv.Itoa(8*mib))
		holder.hears("out")
		holders = append(holders, holder)
	}
	before := shown(t, path)
	if before == nil || before.used < 16*mib {
		t.Fatalf("in use as %+v, want what the tests swapped out in it", before)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const late = "inject=swapoff:delay_enter=500000:when=1" // microseconds
	cmd := exec.CommandContext(t.Context(), strace, "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=swapoff", "-e", late, self, path)
	cmd.Env = append(os.Environ(), roleVariable+"=swapoff")
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput()
	failure, ok := errors.AsType[*exec.ExitError](err)
	if want := "swapoff " + path + ": context canceled\n"; !ok || failure.ExitCode() != 1 || string(said) != want {
		t.Errorf("Swapoff said %q (%v), want %q", said, err, want)
	}
	if after := shown(t, path); after == nil || after.used == 0 {
		t.Errorf("in use as %+v, before as %+v", after, before)
	}
	for _, holder := range holders {
		holder.tell("look")
		holder.hears("the same")
		holder.ends()
	}
	if err := change.Swapoff(t.Context(), path); err != nil || shown(t, path) != nil {
		t.Errorf("at last: %v, in use as %+v", err, shown(t, path))
	}
}

// TestSwapoffBringsBack: what is swapped out is the same in memory afterwards.
func TestSwapoffBringsBack(t *testing.T) {
	path := swapFile(t, 32*mib, change.Fallocate)
	switchOn(t, path, 32767)
	holder := start(t, "swapped", strconv.Itoa(8*mib))
	holder.hears("out")
	if before := shown(t, path); before == nil || before.used < 4*mib {
		t.Fatalf("in use as %+v, want what the test swapped out in it", before)
	}
	if err := change.Swapoff(t.Context(), path); err != nil || shown(t, path) != nil {
		t.Errorf("%v, in use as %+v", err, shown(t, path))
	}
	holder.tell("look")
	holder.hears("the same")
	holder.ends()
}
