package change_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

// playLock takes the lock and gives it back when it is told so.
func playLock(args []string) int {
	unlock, err := change.Lock(args[0])
	if err != nil {
		return report(err)
	}
	fmt.Fprintln(os.Stdout, "locked")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	err = unlock()
	fmt.Fprintln(os.Stdout, "unlocked")
	return report(err)
}

// playRace takes the lock so many times, against all others that do the same. While it has it, nobody else may make
// the second file.
func playRace(args []string) int {
	times, err := strconv.Atoi(args[2])
	if err != nil {
		return report(err)
	}
	for range times {
		if err := lockOnce(args[0], func() error {
			file, err := os.OpenFile(args[1], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return fmt.Errorf("two have the lock: %w", err)
			}
			return errors.Join(file.Close(), os.Remove(args[1]))
		}); err != nil {
			return report(err)
		}
	}
	return 0
}

// lockOnce tries until it has the lock, and gives it back.
func lockOnce(path string, inside func() error) error {
	for {
		unlock, err := change.Lock(path)
		if _, held := errors.AsType[*change.LockedError](err); held {
			continue
		}
		if err != nil {
			return err
		}
		return errors.Join(inside(), unlock())
	}
}

// refused checks that the lock is held by that process.
func refused(t *testing.T, path string, pid int) {
	t.Helper()
	unlock, err := change.Lock(path)
	if err == nil {
		t.Fatalf("got the lock that pid %d holds, and back: %v", pid, unlock())
	}
	locked, ok := errors.AsType[*change.LockedError](err)
	if !ok || locked.PID != pid {
		t.Errorf("error %v, want that pid %d holds it", err, pid)
	}
}

// locks checks that the lock is to be had, and leaves nothing behind.
func locks(t *testing.T, path string) {
	t.Helper()
	unlock, err := change.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := contentOf(t, path), strconv.Itoa(os.Getpid())+"\n"; got != want {
		t.Errorf("the lock holds %q, want %q", got, want)
	}
	refused(t, path, os.Getpid())
	if err := unlock(); err != nil {
		t.Errorf("unlock: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
}

// contentOf reads a file.
func contentOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

func TestLockInOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	for range 3 {
		locks(t, path)
	}
	unlock, err := change.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock() //nolint:errcheck // what it holds goes with the test's folder
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLockOfAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	other := start(t, "lock", path)
	other.hears("locked")
	refused(t, path, other.cmd.Process.Pid)
	start(t, "lock", path).hears(fmt.Sprintf("another vmguard is changing this host (pid %d)", other.cmd.Process.Pid))
	refused(t, path, other.cmd.Process.Pid)
	other.tell("go")
	other.hears("unlocked")
	locks(t, path)
	other.ends()
}

func TestLockOfOneThatWasKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	for range 3 {
		other := start(t, "lock", path)
		other.hears("locked")
		refused(t, path, other.cmd.Process.Pid)
		other.kill()
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("it should have left its file: %v", err)
	}
	locks(t, path)
}

// TestLockRace: whoever has the lock has it alone, though the file is made and removed all the time.
func TestLockRace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, inside := filepath.Join(dir, "lock"), filepath.Join(dir, "inside")
	const each = 40
	var others []*actor
	for range 3 {
		others = append(others, start(t, "race", path, inside, strconv.Itoa(each)))
	}
	var holders atomic.Int32
	var threads sync.WaitGroup
	for range 3 {
		threads.Go(func() {
			for range each {
				err := lockOnce(path, func() error {
					if n := holders.Add(1); n != 1 {
						t.Errorf("%d threads have the lock", n)
					}
					file, err := os.OpenFile(inside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
					if err != nil {
						return fmt.Errorf("two processes have the lock: %w", err)
					}
					err = errors.Join(file.Close(), os.Remove(inside))
					holders.Add(-1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	threads.Wait()
	for _, other := range others {
		other.ends()
	}
	locks(t, path)
}

func TestLockHeldByWhoCannotBeTold(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"empty": "", "words": "no number\n", "a long number": "123456789012345678901234567890"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lock")
			put(t, filepath.Dir(path), map[string]string{"lock": content})
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			_, err = change.Lock(path)
			if got, want := text(err), "another vmguard is changing this host"; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if got := contentOf(t, path); got != content {
				t.Errorf("%q became %q", content, got)
			}
		})
	}
}

func TestLockRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(at("file"), []byte("kept"), 0o600), os.Symlink("file", at("link")), os.Symlink("nowhere", at("loose")),
		os.Mkdir(at("folder"), 0o700), unix.Mkfifo(at("fifo"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"link": unix.ELOOP, "loose": unix.ELOOP, "folder": unix.EISDIR, "fifo": unix.EINVAL, "file/below": unix.ENOTDIR, "no/folder": unix.ENOENT,
	} {
		if _, err := change.Lock(at(name)); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", name, err, want)
		}
	}
	if got := contentOf(t, at("file")); got != "kept" {
		t.Errorf("the link's target holds %q", got)
	}
	if _, err := os.Lstat(at("nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the loose link's target was made: %v", err)
	}
}
