package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run vmguard as a command: the test binary itself.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"vmguard": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
			e.Setenv("HOSTILE", "x\x1b[31m\u202e\u009b2J\n$(reboot)")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"engine": engine, "exits": exits, "safe": safe, "mode": mode, "samefindings": sameFindings, "remedies": remedies,
		},
	})
}

// engine starts a faulty stand-in for a Docker engine on a unix socket: "engine hang d.sock".
func engine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: engine hang|html|cut SOCKET")
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

// safe fails when the given output holds a character that a terminal would act on, or
// that hides or reorders text: controls, line and paragraph separators, format characters.
func safe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: safe FILE")
	}
	text := ts.ReadFile(args[0])
	if !utf8.ValidString(text) {
		ts.Fatalf("%s holds invalid UTF-8", args[0])
	}
	for i, r := range text {
		if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			ts.Fatalf("%s holds %U at byte %d", args[0], r, i)
		}
	}
}

// mode fails when a file does not have the given permission bits: "mode 600 facts.json".
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	info, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] || !info.Mode().IsRegular() {
		ts.Fatalf("%s is %s (%s), want a regular file with %s", args[1], info.Mode(), got, args[0])
	}
}

// told is what the scripts look at in a DoctorReport document.
type told struct {
	Data struct {
		Findings []struct {
			ID, Status, Severity, Subject, Summary string
			Evidence                               []map[string]any
			Remedy                                 struct{ Text, Command string }
		}
	}
}

func readReport(ts *testscript.TestScript, name string) told {
	var report told
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &report))
	if len(report.Data.Findings) == 0 {
		ts.Fatalf("%s holds no findings", name)
	}
	return report
}

// sameFindings fails when two reports do not say the same: "samefindings a.json b.json".
func sameFindings(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samefindings FILE FILE")
	}
	if diff := cmp.Diff(readReport(ts, args[0]), readReport(ts, args[1])); diff != "" {
		ts.Fatalf("%s and %s differ:\n%s", args[0], args[1], diff)
	}
}

// remedies gives the command of every finding of a report to a shell whose programs are
// stand-ins that only write down their arguments. It fails where a name becomes a command
// of its own, or does not reach the program as it is: "remedies report.json".
func remedies(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: remedies FILE")
	}
	bin := ts.MkAbs("stand-ins")
	ts.Check(os.MkdirAll(bin, 0o700))
	const script = "#!/bin/sh\nprintf '%s\\0' \"${0##*/}\" \"$@\" end >>\"$CALLS\"\n"
	for _, name := range []string{"docker", "sudo", "sort", "tail", "tee", "reboot", "halt", "rm"} {
		ts.Check(os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700))
	}
	ran := 0
	for _, f := range readReport(ts, args[0]).Data.Findings {
		if f.Status != "fail" || f.Remedy.Command == "" {
			continue
		}
		ran++
		calls, err := callsOf(ts, bin, f.Remedy.Command)
		for _, name := range []string{"reboot", "halt", "rm"} {
			if strings.Contains("end\x00"+calls, "end\x00"+name+"\x00") {
				ts.Fatalf("%s of %.40q: this runs %s:\n%.600q", f.ID, f.Subject, name, f.Remedy.Command)
			}
		}
		if err != nil {
			ts.Fatalf("%s of %.40q: %.600q: %v", f.ID, f.Subject, f.Remedy.Command, err)
		}
		if f.Subject != "host" && !strings.Contains(calls, "\x00"+f.Subject+"\x00") {
			ts.Fatalf("%s: no program is given the name %.40q:\n%.600q\n%.600q", f.ID, f.Subject, f.Remedy.Command, calls)
		}
	}
	if ran == 0 {
		ts.Fatalf("%s holds no command", args[0])
	}
}

// callsOf gives the programs that a command line runs, each with its arguments and "end", all ended by NUL.
func callsOf(ts *testscript.TestScript, bin, command string) (string, error) {
	file := ts.MkAbs("calls")
	ts.Check(os.WriteFile(file, nil, 0o600))
	sh := exec.Command("/bin/sh", "-c", command)
	sh.Dir, sh.Env = ts.MkAbs("."), []string{"PATH=" + bin, "CALLS=" + file}
	out, failure := sh.CombinedOutput()
	if failure != nil {
		failure = fmt.Errorf("%w: %.300s", failure, out)
	}
	calls, err := os.ReadFile(file)
	ts.Check(err)
	return string(calls), failure
}
