package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vmguard/pkg/probe"
)

// labProcess is vmguard lab in a process of its own, after it has told how to reach it.
type labProcess struct {
	cmd               *exec.Cmd
	out               io.ReadCloser
	address, password string
}

// startLab starts a lab, and reads what it tells.
func startLab(t *testing.T, args ...string) labProcess {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	l := labProcess{cmd: exec.CommandContext(ctx, "vmguard", slices.Concat([]string{"lab"}, args)...)}
	var err error
	if l.out, err = l.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
	})
	word := regexp.MustCompile(`^  (address|password) +([^ \n]+)`)
	told := map[string]string{}
	lines := bufio.NewScanner(l.out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "serving") {
		for _, found := range word.FindAllStringSubmatch(lines.Text(), -1) {
			told[found[1]] = found[2]
		}
	}
	l.address, l.password = told["address"], told["password"]
	if l.address == "" || l.password == "" {
		t.Fatal("the lab does not tell how to reach it")
	}
	return l
}

// connect opens a connection to an address, again and again until it can be.
func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	for {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			return c
		}
		if t.Context().Err() != nil {
			return nil
		}
	}
}

func TestLabEndsBySignal(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			l := startLab(t)
			c := connect(t, l.address)
			defer c.Close()
			if err := l.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, l.out); err != nil {
				t.Fatal(err)
			}
			if err := l.cmd.Wait(); err != nil {
				t.Errorf("it was to be ended, and says: %v", err)
			}
		})
	}
}

// TestLabWithoutReader has somebody who reads how to reach the lab, and no more.
func TestLabWithoutReader(t *testing.T) {
	l := startLab(t)
	l.out.Close()
	c := connect(t, l.address)
	defer c.Close()
	// What is told of this connection finds no reader, which ends the lab as it ends any program (SIGPIPE).
	_ = l.cmd.Wait()
	if code := l.cmd.ProcessState.ExitCode(); code != -1 {
		t.Errorf("exit code %d", code)
	}
}

// TestLabAndProbe probes a lab as a stranger: over TLS, with the authority that the lab has written, and with the password from a file.
func TestLabAndProbe(t *testing.T) {
	dir := t.TempDir()
	authority, password := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "pw")
	for _, begin := range []string{"--tls", "--starttls"} {
		t.Run(begin, func(t *testing.T) {
			l := startLab(t, begin, "--ca-out", authority, "--scenario", "close", "--idle", "300ms")
			if err := os.WriteFile(password, []byte(l.password), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := tryVMGuard(t, "probe", "imap", l.address, begin, "--ca-file", authority, "--user", "lab", "--password-file", password,
				"--idle", "50ms,1s", "--arms=false", "--precision", "1s", "--packets=false", "-o", "json")
			if got := kinds(t, stdout); code != exitOK || !slices.Equal(got, []probe.Kind{probe.Alive, probe.Closed}) {
				t.Errorf("exit code %d, %v: %s", code, got, stderr)
			}
			if strings.Contains(string(stdout)+stderr, l.password) {
				t.Error("the password is in the output")
			}
		})
	}
}

func TestLabOnTakenPort(t *testing.T) {
	code, stdout, stderr := tryVMGuard(t, "lab", "--listen", startLab(t).address)
	mustTell(t, stderr, "address already in use", "another program listens there")
	if code != exitFailed || len(stdout) > 0 {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}

// TestLabTellsAddressFirst has a client that connects as soon as it can.
func TestLabTellsAddressFirst(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() {
		defer cancel()
		c := connect(t, address)
		if c == nil {
			return
		}
		defer c.Close()
		_, _ = bufio.NewReader(c).ReadString('\n') // its greeting comes after its connection was told
	})
	var out, errs bytes.Buffer
	code := Main(ctx, App{Args: []string{"lab", "--listen", address}, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }})
	all.Wait()
	if code != exitOK || !strings.HasPrefix(out.String(), "scenario ") || !strings.Contains(out.String(), ": connected") {
		t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
	}
}

// TestLabAuthorityFile writes the authority only where nothing is lost, and never through a link.
func TestLabAuthorityFile(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	precious := readFile(t, newIdentity(t, "127.0.0.1", time.Now().Add(time.Hour)).file)
	for name, content := range map[string][]byte{"other.pem": precious, "two.pem": slices.Concat(precious, precious), "text": []byte("x\n"), "empty": nil} {
		if err := os.WriteFile(in(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(in("directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": in("ours.pem"), "dangling": in("none")} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	ca := []byte("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n")
	l := startLab(t, "--tls", "--ca-out", in("ours.pem"))
	first := readFile(t, in("ours.pem"))
	_ = l.cmd.Process.Kill()
	for name, is := range map[string]bool{
		"new.pem": true, "ours.pem": true, "other.pem": false, "two.pem": false, "text": false, "empty": true, "directory": false, "link": false, "dangling": false, "missing/x": false,
	} {
		before, _ := os.ReadFile(in(name))
		err := saveAuthority(t.Context(), in(name), ca)
		after, _ := os.ReadFile(in(name))
		if is != (err == nil) || is && !bytes.Equal(after, ca) || !is && !bytes.Equal(after, before) {
			t.Errorf("%s: %v, and it holds %s", name, err, after)
		}
	}
	if info, err := os.Stat(in("ours.pem")); err != nil || info.Mode().Perm() != 0o644 || len(first) < 100 {
		t.Errorf("%v, %v: %s", info, err, first)
	}
	if _, err := os.Lstat(in("none")); err == nil {
		t.Error("a dangling link was followed")
	}
}
