package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run vmguard as a command: the test binary itself.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"vmguard": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			code := Main(ctx, App{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
				Build: Build{Version: "1.2.3", Commit: "abcdef", Date: "2026-11-22T10:00:00Z"}})
			stop()
			os.Exit(code)
		},
	})
}

func TestScripts(t *testing.T) {
	data, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join(data, "script"),
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TESTDATA", data)
			e.Setenv("LANG", "C.UTF-8")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"engine": engine, "exits": exits, "safe": safe},
	})
}

// engine starts a faulty stand-in for a Docker engine on a unix socket: "engine hang d.sock".
func engine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: engine hang|html|cut|denied SOCKET")
	}
	release := make(chan struct{})
	answer := map[string]http.HandlerFunc{
		"hang": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
		"html": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>It works!</html>") },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = fmt.Fprint(w, "{")
		},
	}[args[0]]
	if answer == nil {
		ts.Fatalf("engine: no fault %q", args[0])
	}
	listener, err := net.Listen("unix", ts.MkAbs(args[1]))
	ts.Check(err)
	server := &http.Server{Handler: answer, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	ts.Defer(func() {
		close(release)
		_ = server.Close()
	})
}

// exits runs a command that must end with the given exit code: "exits 2 vmguard doctr".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = regexp.MustCompile(`\d+$`).FindString(err.Error())
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s (%v)", got, args[0], err)
	}
}

// safe fails when the given output holds a character that a terminal would act on.
func safe(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	for i, r := range text {
		if r == '\n' || r >= ' ' && r < 0x7f || r > 0xa0 && (r < 0x200b || r > 0x200f) && (r < 0x2028 || r > 0x202e) && (r < 0x2066 || r > 0x2069) && r != 0xfeff {
			continue
		}
		ts.Fatalf("%s holds %U at byte %d", args[0], r, i)
	}
}
