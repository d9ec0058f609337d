package docker

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// deniedSocket tells the second run of this test, as another user, which socket to ask.
const deniedSocket = "VMGUARD_TEST_DENIED_SOCKET"

// TestDenied asks a socket that it may not open. Root may open any, so root runs the
// test once more as nobody.
func TestDenied(t *testing.T) {
	if socket := os.Getenv(deniedSocket); socket != "" {
		askDenied(t, socket)
		return
	}
	f := newFake(t)
	if err := os.Chmod(f.socket, 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		askDenied(t, f.socket)
		return
	}
	dir := filepath.Dir(f.socket)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "test")
	copyProgram(t, exe)
	again := exec.CommandContext(t.Context(), exe, "-test.run=^TestDenied$", "-test.v")
	again.Dir = dir
	again.Env = []string{deniedSocket + "=" + f.socket}
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
}

func askDenied(t *testing.T, socket string) {
	t.Helper()
	_, err := dialled(t, Endpoint{Host: "unix://" + socket}).Info(soon(t, 10*time.Second))
	checkFault(t, err, Denied, syscall.EACCES, "permission denied on the socket", socket)
}

// copyProgram copies this test's program to where everyone may run it.
func copyProgram(t *testing.T, to string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
