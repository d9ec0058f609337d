package cli

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// deaf gives an address on which a connection never comes to be: whoever listens there has as many waiting as may be,
// so the kernel drops the SYN of the next (tcp_conn_request in net/ipv4/tcp_input.c).
func deaf(t *testing.T) (address string, port uint16) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	inet, ok := name.(*unix.SockaddrInet4)
	if !ok {
		t.Fatalf("%T is no address of IPv4", name)
	}
	address = fmt.Sprintf("127.0.0.1:%d", inet.Port)
	waiting, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { waiting.Close() })
	return address, uint16(inet.Port)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to that: %s", what)
		}
	}
}

// TestNoAnswer has an address that answers no SYN.
func TestNoAnswer(t *testing.T) {
	address, _ := deaf(t)
	code, stdout, stderr := probeFault(t, "imap", address, "--plain", "--idle", "10ms", "--open-timeout", "100ms")
	if code != exitFailed || len(stdout) > 0 {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	mustTell(t, stderr, "cannot connect to "+address+": no answer within 100 ms", "a firewall may drop the packets")
}

// TestInterruptedDial presses Ctrl-C while the first connection is being opened.
func TestInterruptedDial(t *testing.T) {
	for _, format := range []string{"text", "json", "jsonl"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			address, port := deaf(t)
			p := launch(t, "vmguard", "probe", "imap", address, "--plain", "--idle", "10ms", "--open-timeout", "1h", "--packets=false", "-o", format)
			eventually(t, "a SYN is sent", func() bool {
				table, err := os.ReadFile("/proc/net/tcp")
				// The remote address, and the state TCP_SYN_SENT (proc_net_tcp in the kernel's documentation).
				return err == nil && bytes.Contains(table, fmt.Appendf(nil, "0100007F:%04X 02 ", port))
			})
			p.signal(os.Interrupt)
			if code := p.wait(); code != exitInterrupted {
				t.Errorf("exit code %d: %s", code, p.stderr.String())
			}
			partial(t, format, p.stdout.Bytes())
		})
	}
}

// terminal makes a pseudo-terminal (pty(7)): the side of who types, and that of the program.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

// echoes tells whether a terminal shows what is typed.
func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestTypedPassword types the password at a terminal, which does not show it.
func TestTypedPassword(t *testing.T) {
	address, heard := telling(t, mail{}, "AUTHENTICATE")
	user, program := terminal(t)
	p := launchAt(t, program, "vmguard", "probe", "imap", address, "--plain", "--user", "me", "--password-stdin", "--idle", "10ms", "--packets=false")
	eventually(t, "nothing is shown", func() bool { return !echoes(t, user) })
	if _, err := user.WriteString(secret + "\n"); err != nil {
		t.Fatal(err)
	}
	reached(t, heard)
	if code := p.wait(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
	if !strings.HasPrefix(p.stderr.String(), "password: \n") {
		t.Errorf("it did not ask: %s", p.stderr.String())
	}
	if !echoes(t, user) {
		t.Error("the terminal is left without its echo")
	}
	// What the terminal showed, if anything: its end as a blank line, and nothing else.
	if _, err := program.WriteString("end"); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, 4096)
	n, err := user.Read(shown)
	if text := string(shown[:n]); err != nil || strings.TrimSpace(text) != "end" {
		t.Errorf("the terminal shows %q (%v)", text, err)
	}
}

// TestInterruptedPrompt presses Ctrl-C instead.
func TestInterruptedPrompt(t *testing.T) {
	user, program := terminal(t)
	p := launchAt(t, program, "vmguard", "probe", "imap", "127.0.0.1:1", "--plain", "--user", "me", "--password-stdin")
	eventually(t, "nothing is shown", func() bool { return !echoes(t, user) })
	p.signal(os.Interrupt)
	if code := p.wait(); code != exitInterrupted || p.stdout.Len() > 0 {
		t.Errorf("exit code %d: %s", code, p.stdout.String())
	}
	if !echoes(t, user) {
		t.Error("the terminal is left without its echo")
	}
}

// opening tells whether a thread of a process waits in openat(2), by the number of the system call (proc_pid_syscall(5)).
func opening(pid int) bool {
	calls, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	return slices.ContainsFunc(calls, func(file string) bool {
		call, err := os.ReadFile(file)
		number, _, _ := strings.Cut(string(call), " ")
		return err == nil && number == strconv.Itoa(unix.SYS_OPENAT)
	})
}

// TestPasswordFromPipe has a named pipe for a file: with somebody who writes into it, and with nobody.
func TestPasswordFromPipe(t *testing.T) {
	pipe := t.TempDir() + "/pipe"
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	address, heard := telling(t, mail{}, "AUTHENTICATE")
	args := []string{"probe", "imap", address, "--plain", "--user", "me", "--password-file", pipe, "--idle", "10ms", "--packets=false"}

	p := launch(t, "vmguard", args...)
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // which waits for who reads
	if err != nil {
		t.Fatal(err)
	}
	// One line is enough: the pipe stays open.
	defer writer.Close()
	if _, err := writer.WriteString(secret + "\n"); err != nil {
		t.Fatal(err)
	}
	reached(t, heard)
	if code := p.wait(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
	writer.Close()

	p = launch(t, "vmguard", args...)
	eventually(t, "it waits at the pipe", func() bool { return opening(p.cmd.Process.Pid) })
	p.signal(os.Interrupt)
	if code := p.wait(); code != exitInterrupted || p.stdout.Len() > 0 {
		t.Errorf("exit code %d: %s%s", code, p.stdout.String(), p.stderr.String())
	}
}
