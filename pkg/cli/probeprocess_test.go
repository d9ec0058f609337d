package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/probe"
)

// process is vmguard in a process of its own, as TestMain has put it into the search path.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// launch starts a command, which must come to its end within a minute.
func launch(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return launchAt(t, nil, name, args...)
}

// launchAt starts a command with the given standard input; nil for none.
func launchAt(t *testing.T, stdin *os.File, name string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, name, args...)}
	p.cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", passwordVariable+"="+secret)
	if stdin != nil {
		p.cmd.Stdin = stdin
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// signal sends a signal.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait gives the exit code, -1 for the end by a signal.
func (p *process) wait() int {
	p.t.Helper()
	if _, isExit := errors.AsType[*exec.ExitError](p.cmd.Wait()); !isExit && p.cmd.ProcessState == nil {
		p.t.Fatal("it has no exit code")
	}
	mustBeClean(p.t, p.stdout.String(), p.stderr.String())
	return p.cmd.ProcessState.ExitCode()
}

// reached waits until a server has seen something.
func reached(t *testing.T, what <-chan struct{}) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(time.Minute):
		t.Fatal("it never came to that")
	}
}

// telling makes a server of mail that tells when it has heard a word, or at "" of the first connection.
func telling(t *testing.T, server mail, word string) (address string, heard chan struct{}) {
	t.Helper()
	heard = make(chan struct{}, 100)
	return faulty(t, func(_ int, c net.Conn) {
		if word == "" {
			heard <- struct{}{}
		}
		server.serve(listening{c, func(text string) {
			if word != "" && strings.Contains(text, word) {
				heard <- struct{}{}
			}
		}})
	}), heard
}

// TestInterrupted presses Ctrl-C in each state of a probe.
func TestInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		server mail
		word   string // after which it is pressed
		args   []string
	}{
		"TLS":       {server: mail{hello: silence}, word: "\x16\x03", args: []string{"--tls"}},
		"greeting":  {server: mail{hello: silence}},
		"login":     {server: mail{"AUTHENTICATE": silence}, word: "AUTHENTICATE"},
		"idle":      {word: "AUTHENTICATE", args: []string{"--idle", "1h"}},
		"request":   {server: mail{"NOOP": silence}, word: "NOOP"},
		"heartbeat": {word: "NOOP", args: []string{"--idle", "none", "--heartbeat", "10ms", "--for", "1h"}},
		"leave":     {server: mail{"LOGOUT": silence}, word: "LOGOUT"},
	} {
		for _, format := range []string{"text", "json", "jsonl"} {
			t.Run(name+" "+format, func(t *testing.T) {
				t.Parallel()
				address, heard := telling(t, c.server, c.word)
				args := []string{"probe", "imap", address, "--user", "me", "--packets=false", "--open-timeout", "1h", "--answer-timeout", "1h", "-o", format}
				if !slices.Contains(c.args, "--idle") {
					args = append(args, "--idle", "10ms,20ms")
				}
				p := launch(t, "vmguard", slices.Concat(args, begun(c.args))...)
				reached(t, heard)
				p.signal(os.Interrupt)
				if code := p.wait(); code != exitInterrupted {
					t.Errorf("exit code %d: %s", code, p.stderr.String())
				}
				partial(t, format, p.stdout.Bytes())
			})
		}
	}
}

// partial fails unless an interrupted run printed all that it had.
func partial(t *testing.T, format string, stdout []byte) {
	t.Helper()
	if format == "text" {
		if !bytes.Contains(stdout, []byte("interrupted")) {
			t.Errorf("no word of it: %s", stdout)
		}
		return
	}
	var last struct {
		Kind string
		Data struct{ Interrupted bool }
	}
	decoder := json.NewDecoder(bytes.NewReader(stdout))
	documents := 0
	for ; decoder.More(); documents++ {
		if err := decoder.Decode(&last); err != nil {
			t.Fatalf("%v in %s", err, stdout)
		}
	}
	if last.Kind != "ProbeReport" || !last.Data.Interrupted || format == "json" && documents != 1 {
		t.Errorf("%d documents, of which the last is %+v", documents, last)
	}
}

// TestInterruptedHalfway presses it when one connection has its verdict and another has not.
func TestInterruptedHalfway(t *testing.T) {
	address, heard := telling(t, mail{}, "LOGOUT")
	p := launch(t, "vmguard", "probe", "imap", address, "--plain", "--user", "me", "--packets=false", "--idle", "10ms,1h", "-o", "json")
	reached(t, heard)
	p.signal(os.Interrupt)
	if code := p.wait(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if got := kinds(t, p.stdout.Bytes()); !slices.Equal(got, []probe.Kind{probe.Alive, probe.Unknown}) {
		t.Errorf("got %v: %s", got, p.stdout.String())
	}
}

// ladder gives n idle times of which none ends before all connections are begun.
func ladder(n int) string {
	var all []string
	for i := range n {
		all = append(all, (2*time.Second + time.Duration(i)*time.Millisecond).String())
	}
	return strings.Join(all, ",")
}

// TestFewFiles lets a probe open no more than a few files: what it cannot open is not measured, and nothing is said to have died.
func TestFewFiles(t *testing.T) {
	for name, c := range map[string]struct {
		server mail
		want   []probe.Kind // beside unknown
	}{
		"that lives": {want: []probe.Kind{probe.Alive}},
		"that dies":  {server: mail{"NOOP": cutRST}, want: []probe.Kind{probe.ResetOnUse}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := telling(t, c.server, "")
			p := launch(t, "sh", "-c", `ulimit -n 20; exec vmguard "$@"`, "vmguard", "probe", "imap", address, "--plain", "--user", "me",
				"--packets=false", "--refine=false", "--arms=false", "--connections", "64", "-o", "json", "--idle", ladder(40))
			code := p.wait()
			unknown := 0
			for _, kind := range kinds(t, p.stdout.Bytes()) {
				switch {
				case kind == probe.Unknown:
					unknown++
				case !slices.Contains(c.want, kind):
					t.Errorf("got %s", kind)
				}
			}
			if code != exitOK || unknown == 0 || unknown == 40 {
				t.Errorf("exit code %d, %d are unknown: %s", code, unknown, p.stderr.String())
			}
			if !strings.Contains(p.stdout.String(), "ulimit -n") {
				t.Errorf("no word of it: %s", p.stdout.String())
			}
		})
	}
}

// TestReaderGoesAway has a reader of events that does not read to the end, which ends the probe as it ends any program (SIGPIPE).
func TestReaderGoesAway(t *testing.T) {
	address, _ := telling(t, mail{}, "")
	p := launch(t, "sh", "-c", `vmguard "$@" | head -n 1`, "vmguard", "probe", "imap", address, "--plain", "--user", "me",
		"--packets=false", "--idle", "10ms,1h", "-o", "jsonl")
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Count(p.stdout.String(), "\n") != 1 || p.stderr.Len() > 0 {
		t.Errorf("got %s%s", p.stdout.String(), p.stderr.String())
	}
}
