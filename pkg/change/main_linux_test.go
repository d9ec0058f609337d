package change_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// roleVariable makes this test binary one of the programs that the tests need beside them.
	roleVariable = "VMGUARD_TEST_ROLE"
	// mountsVariable says that this process has its mounts for itself.
	mountsVariable = "VMGUARD_TEST_OWN_MOUNTS"
)

// roles are the programs; each gives its exit code.
func roles() map[string]func(args []string) int {
	return map[string]func([]string) int{
		"lock":    playLock,
		"race":    playRace,
		"reload":  playReload,
		"swapped": playSwapped,
		"swapoff": playSwapoff,
	}
}

func TestMain(m *testing.M) {
	// A role ends without what the race detector and the coverage have to say at the end of a process.
	if filepath.Base(os.Args[0]) == "systemctl" {
		unix.Exit(playSystemctl())
	}
	if role := os.Getenv(roleVariable); role != "" {
		unix.Exit(roles()[role](os.Args[1:]))
	}
	if err := ownMounts(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// ownMounts gives this process a mount namespace of its own, where it may: what the tests mount then goes with it,
// however it ends. A namespace is had by a thread, and the one that calls exec is the process from there on.
func ownMounts() error {
	if os.Getenv(mountsVariable) != "" || os.Geteuid() != 0 || slices.Contains(os.Args, "-test.fuzzworker") {
		return nil
	}
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNS)
	if errors.Is(err, unix.EPERM) {
		runtime.UnlockOSThread()
		return nil // the tests that mount are skipped
	}
	if err != nil {
		return fmt.Errorf("unshare mounts: %w", err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return fmt.Errorf("exec %s: %w", self, syscall.Exec(self, os.Args, append(os.Environ(), mountsVariable+"=yes")))
}

// needsMounts skips a test where nothing can be mounted.
func needsMounts(t *testing.T) {
	t.Helper()
	if os.Getenv(mountsVariable) == "" {
		t.Skipf("needs root: a mount namespace (CAP_SYS_ADMIN)")
	}
}

func needsRoot(t *testing.T, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("needs root: %s", why)
	}
}

// tool finds a program, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} { // not all are on every user's path
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	t.Skipf("needs %s", name)
	return ""
}

// says runs a program that must be content.
func says(t *testing.T, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", path, strings.Join(args, " "), err, said)
	}
	return string(said)
}

// mounted gives the root of a new filesystem. Those that live in memory are of that size, and the others on a
// sparse image of it.
func mounted(t *testing.T, kind string, size int64, mkfsArgs ...string) string {
	t.Helper()
	needsMounts(t)
	dir := t.TempDir()
	if kind == "tmpfs" || kind == "ramfs" {
		if err := unix.Mount(kind, dir, kind, 0, fmt.Sprintf("size=%d", size)); err != nil {
			t.Fatalf("mount a %s: %v", kind, err)
		}
	} else {
		mkfs, mount := tool(t, "mkfs."+kind), tool(t, "mount")
		image := filepath.Join(t.TempDir(), kind)
		if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, size)); err != nil {
			t.Fatal(err)
		}
		says(t, mkfs, append(mkfsArgs, "-q", image)...)
		says(t, mount, "-n", "-t", kind, "-o", "loop", image, dir)
	}
	t.Cleanup(func() {
		// A program that is just being started by another test may have it open for an instant.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount the %s: %v", kind, err)
		}
	})
	return dir
}

// onOwnThread runs a function on a thread that is changed before, and is thrown away afterwards.
// The function must not end the test.
func onOwnThread(t *testing.T, prepare func() error, do func()) {
	t.Helper()
	prepared, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: so the thread ends with the goroutine
		err := prepare()
		prepared <- err
		if err == nil {
			do()
		}
	}()
	<-done
	if err := <-prepared; err != nil {
		t.Fatal(err)
	}
}

// refusal is a system call that is to be answered without being done.
type refusal struct {
	call  uintptr
	flags uint32        // only where its third argument is so; 0 for whatever it is
	errno syscall.Errno // 0 for a success that does nothing
}

// refusing runs a function on a thread that has some system calls refused.
func refusing(t *testing.T, refusals []refusal, do func()) {
	t.Helper()
	onOwnThread(t, func() error { return refuse(refusals) }, do)
}

// refuse has system calls of this thread refused from here on (seccomp(2)): there are failures that no filesystem
// gives on demand.
func refuse(refusals []refusal) error {
	// Offsets in struct seccomp_data; the arguments' lower half comes first, as on all machines that vmguard is for.
	const number, thirdArgument = 0, 16 + 2*8
	const load, equal, give = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	var program []unix.SockFilter
	for _, r := range refusals {
		program = append(program, unix.SockFilter{Code: load, K: number})
		if r.flags == 0 {
			program = append(program, unix.SockFilter{Code: equal, Jf: 1, K: uint32(r.call)})
		} else {
			program = append(program,
				unix.SockFilter{Code: equal, Jf: 3, K: uint32(r.call)},
				unix.SockFilter{Code: load, K: thirdArgument},
				unix.SockFilter{Code: equal, Jf: 1, K: r.flags})
		}
		program = append(program, unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ERRNO | uint32(r.errno)})
	}
	program = append(program, unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl: %w", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&filter)), 0, 0); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}

// setMask gives this thread a umask of its own.
func setMask(mask int) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	unix.Umask(mask)
	return nil
}

// actor is this test binary in another role, in a process of its own.
type actor struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start starts a role. Its end is the test's at the latest.
func start(t *testing.T, role string, args ...string) *actor {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &actor{t, cmd, in, bufio.NewReader(out)}
	t.Cleanup(a.kill)
	return a
}

// hears reads the next line, which must be that.
func (a *actor) hears(want string) {
	a.t.Helper()
	line, err := a.out.ReadString('\n')
	if got := strings.TrimSuffix(line, "\n"); got != want {
		a.t.Fatalf("%s said %q (%v), want %q", a.cmd.Args, got, err, want)
	}
}

// tell wakes a role that waits for a line.
func (a *actor) tell(line string) {
	a.t.Helper()
	if _, err := io.WriteString(a.in, line+"\n"); err != nil {
		a.t.Fatal(err)
	}
}

// ends waits for a good end.
func (a *actor) ends() {
	a.t.Helper()
	_ = a.in.Close()
	said, _ := io.ReadAll(a.out)
	if err := a.cmd.Wait(); err != nil {
		a.t.Fatalf("%s: %v\n%s", a.cmd.Args, err, said)
	}
}

// kill ends it at once, wherever it is.
func (a *actor) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// report is how a role says how it went.
func report(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return 1
	}
	return 0
}
