package change_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

// Where the systemctl of these tests is: in a folder that stands over the real one for a single process. What it shall do is
// written beside it, as is what it was called with.
const (
	systemctlDir = "/usr/bin/"
	conduct      = systemctlDir + "conduct"
	called       = systemctlDir + "called"
	begun        = systemctlDir + "begun" // a FIFO
)

// playSystemctl is this test binary under the name of systemctl.
func playSystemctl() int {
	content := strings.Join(append(os.Args, os.Environ()...), "\n")
	how, err := os.ReadFile(conduct)
	if err := errors.Join(err, os.WriteFile(called, []byte(content), 0o600)); err != nil {
		return report(err)
	}
	switch string(how) {
	case "fail":
		fmt.Fprintln(os.Stderr, "Failed to reload daemon: Access denied")
		return 1
	case "fail silently":
		return 4
	case "hang":
		file, err := os.OpenFile(begun, os.O_RDWR, 0)
		if err != nil {
			return report(err)
		}
		_, _ = file.WriteString("x")
		for {
			_ = unix.Pause() // until it is killed
		}
	}
	return 0
}

// playReload reloads systemd with the systemctl that the test wants.
func playReload(args []string) int {
	runtime.LockOSThread() // for good: the mounts are this thread's
	if err := errors.Join(unix.Unshare(unix.CLONE_NEWNS), unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")); err != nil {
		return report(err)
	}
	self, err := os.Executable()
	if err != nil {
		return report(err)
	}
	for _, dir := range []string{systemctlDir, "/bin"} {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
				return report(err)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if how := args[0]; how != "missing" {
		systemctl := filepath.Join(systemctlDir, "systemctl")
		if err := errors.Join(
			os.WriteFile(systemctl, nil, 0o700), unix.Mount(self, systemctl, "", unix.MS_BIND, ""),
			os.WriteFile(conduct, []byte(how), 0o600), unix.Mkfifo(begun, 0o600),
		); err != nil {
			return report(err)
		}
		if how == "hang" {
			cancelOnceBegun(cancel)
		}
	}
	err = change.ReloadSystemd(ctx)
	said, _ := os.ReadFile(called)
	fmt.Fprintf(os.Stdout, "%v\n%v\n%s", err, errors.Is(err, context.Canceled), said)
	return 0
}

func cancelOnceBegun(cancel context.CancelFunc) {
	file, err := os.OpenFile(begun, os.O_RDWR, 0) // both ends: to open one waits for the other
	if err != nil {
		return
	}
	go func() {
		_, _ = file.Read(make([]byte, 1))
		cancel()
	}()
}

func TestReloadSystemd(t *testing.T) {
	t.Parallel()
	needsMounts(t)
	const call = "\n/usr/bin/systemctl\ndaemon-reload\nLC_ALL=C"
	for how, want := range map[string]string{
		"missing":       "systemctl is neither in /usr/bin nor in /bin\nfalse\n",
		"obey":          "<nil>\nfalse" + call,
		"fail":          "systemctl daemon-reload: exit status 1: Failed to reload daemon: Access denied\nfalse" + call,
		"fail silently": "systemctl daemon-reload: exit status 4\nfalse" + call,
		"hang":          "systemctl daemon-reload: context canceled\ntrue" + call,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			role := start(t, "reload", how)
			said, err := io.ReadAll(role.out)
			if err != nil || string(said) != want {
				t.Errorf("it said %q (%v), want %q", said, err, want)
			}
			role.ends()
		})
	}
}
