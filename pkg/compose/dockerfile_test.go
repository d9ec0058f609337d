package compose

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDockerfile(t *testing.T) {
	for _, tt := range []struct {
		name, text, target string
		want               Image
		start              Start
	}{
		{"exec form", "FROM node:20\nCMD [\"node\", \"a.js\"]\n", "", Image{Base: "node:20", Line: 1}, Start{Kind: Program, Line: 2}},
		{"shell form", "# syntax=docker/dockerfile:1\nFROM node:20\nCMD node a.js\n", "", Image{Base: "node:20", Line: 2}, Start{Kind: ShellSimple, Shell: "sh", Line: 3}},
		{"single quotes are no JSON", "FROM x\nCMD ['node', 'a']\n", "", Image{Base: "x", Line: 1}, Start{Kind: ShellSimple, Shell: "sh", Line: 2}},
		{"another shell", "FROM x\nSHELL [\"/bin/bash\", \"-c\"]\nCMD node a\n", "", Image{Base: "x", Line: 1}, Start{Kind: ShellSimple, Shell: "bash", Line: 3}},
		{"continued, with a comment between", "FROM x\nHEALTHCHECK --interval=5s \\\n  # often\n  CMD \\\n  true\nSTOPSIGNAL SIGINT\n", "",
			Image{Base: "x", Line: 1, Healthcheck: Healthcheck{File: "D", Line: 2}, StopSignal: Setting{"D", 6, "SIGINT", ""}}, Start{}},
		{"no healthcheck", "FROM scratch\nhealthcheck none\n", "", Image{Base: "scratch", Line: 1, Healthcheck: Healthcheck{File: "D", Line: 2, Off: true}}, Start{}},
		{"the last stage", "FROM a AS build\nCMD x y\nHEALTHCHECK CMD true\nFROM b\nCMD [\"z\"]\n", "", Image{Base: "b", Line: 4}, Start{Kind: Program, Line: 5}},
		{"a stage by name", "FROM a AS Build\nCMD x y\nFROM b\n", "build", Image{Base: "a", Line: 1}, Start{Kind: ShellSimple, Shell: "sh", Line: 2}},
		{"a stage on a stage", "FROM --platform=linux/amd64 a AS base\nHEALTHCHECK CMD true\nCMD x | y\nFROM base\n", "",
			Image{Base: "a", Line: 4, Healthcheck: Healthcheck{File: "D", Line: 2}}, Start{Kind: ShellStays, Shell: "sh", Line: 3}},
		{"an entrypoint takes back the base's command", "FROM a AS base\nCMD x | y\nFROM base\nENTRYPOINT [\"tini\", \"--\"]\n", "", Image{Base: "a", Line: 3}, Start{Init: true}},
		{"heredoc", "FROM a\nRUN <<EOF cat\nCMD not one\nEOF\nCOPY <<-'X' /f\n\tCMD nor this\n\tX\nCMD exec a b\n", "", Image{Base: "a", Line: 1}, Start{Kind: Program, Shell: "sh", Line: 8}},
		{"escape", "# escape=`\nFROM a\nCMD a `\n  b\n", "", Image{Base: "a", Line: 2}, Start{Kind: ShellSimple, Shell: "sh", Line: 3}},
		{"Windows lines", "\ufeffFROM a\r\nCMD a \\\r\n b | c\r\n", "", Image{Base: "a", Line: 1}, Start{Kind: ShellStays, Shell: "sh", Line: 2}},
		{"arguments before FROM", "ARG V=1\nFROM a:${V}\n", "", Image{Base: "a:${V}", Line: 2}, Start{}},
		{"a signal by variable", "FROM a\nSTOPSIGNAL $SIG\n", "", Image{Base: "a", Line: 1, StopSignal: Setting{"D", 2, "", "$SIG"}}, Start{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := ParseDockerfile(Source{"D", []byte(tt.text)})
			if err != nil {
				t.Fatal(err)
			}
			got, ok := d.Image("D", tt.target)
			tt.want.File = "D"
			if tt.start.Line > 0 {
				tt.start.File = "D"
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(Image{})); !ok || diff != "" {
				t.Errorf("%t\n%s", ok, diff)
			}
			if diff := cmp.Diff(tt.start, got.Start()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDockerfileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "D: no FROM",
		"RUN x\nFROM a\n":               "D:1: RUN before the first FROM",
		"FROM a\n\nservices:\n":         "D:3: it begins with no instruction",
		"FROM a\nRUN <<EOF\nRUN true\n": "D:2: a heredoc that does not end",
	} {
		if _, err := ParseDockerfile(Source{"D", []byte(text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gave %v, want %q", text, err, want)
		}
	}
	d, err := ParseDockerfile(Source{"D", []byte("FROM a AS b\n")})
	if _, ok := d.Image("D", "c"); err != nil || ok {
		t.Errorf("a stage that is not there: %t, %v", ok, err)
	}
}

// TestStart holds what stands first in a container for each way to say it.
func TestStart(t *testing.T) {
	image := func(text string) *Image {
		d, err := ParseDockerfile(Source{"D", []byte("FROM x\n" + text)})
		if err != nil {
			t.Fatal(err)
		}
		i, _ := d.Image("D", "")
		return &i
	}
	for _, tt := range []struct {
		name, service string
		image         *Image
		want          Start
	}{
		{"nothing", "image: x", nil, Start{}},
		{"a text is no shell", "command: node a.js --x='a b'", nil, Start{Kind: Program}},
		{"a shell by hand", "command: sh -c 'node a.js'", nil, Start{Kind: ShellSimple, Shell: "sh"}},
		{"a list", `command: ["/bin/bash", "-euxc", "a && b"]`, nil, Start{Kind: ShellSequence, Shell: "bash"}},
		{"a shell's exec", `entrypoint: [sh, -c, "cd /x && exec node a"]`, nil, Start{Kind: Program, Shell: "sh"}},
		{"the script in the command", "entrypoint: [sh, -c]\n    command: ['a | b']", nil, Start{Kind: ShellStays, Shell: "sh"}},
		{"a script", "entrypoint: /docker-entrypoint.sh", nil, Start{Kind: ShellFile}},
		{"a shell's script", "command: sh run.txt", nil, Start{Kind: ShellFile, Shell: "sh"}},
		{"a shell", "command: bash", nil, Start{Kind: ShellItself, Shell: "bash"}},
		{"traps", `command: ["sh", "-c", "trap 'kill $$!' TERM; a & wait"]`, nil, Start{Kind: ShellTraps, Shell: "sh"}},
		{"tini", `entrypoint: [tini, -g, --, node, a]`, nil, Start{Kind: Program, Init: true}},
		{"tini and a shell", `entrypoint: [/sbin/tini, --, sh, -c, "a; b"]`, nil, Start{Kind: ShellSequence, Shell: "sh", Init: true}},
		{"busybox", `command: [busybox, sh, -c, a]`, nil, Start{Kind: ShellSimple, Shell: "ash"}},
		{"a variable", "command: $CMD", nil, Start{Kind: Undecided, Variable: "CMD"}},
		{"a variable that does not matter", "command: [node, $FILE]", nil, Start{Kind: Program}},
		{"a variable in the script", `command: [sh, -c, "$RUN"]`, nil, Start{Kind: Undecided, Shell: "sh", Variable: "RUN"}},
		{"a dollar of the shell", `command: [sh, -c, "node $$FILE"]`, nil, Start{Kind: ShellSimple, Shell: "sh"}},
		{"the image's", "build: .", image("CMD node a\n"), Start{Kind: ShellSimple, Shell: "sh"}},
		{"over the image's", "command: [node, b]", image("CMD node a\n"), Start{Kind: Program}},
		{"after the image's entrypoint", "command: [node, b]", image("ENTRYPOINT [\"sh\", \"-c\"]\nCMD node a\n"), Start{Kind: ShellSimple, Shell: "sh"}},
		{"exec first", "build: .", image("CMD exec node x; echo\n"), Start{Kind: Program, Shell: "sh"}},
		{"an own entrypoint forgets the image's command", "entrypoint: []", image("ENTRYPOINT sh\nCMD node a\n"), Start{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := services(t, "services:\n  a:\n    "+tt.service+"\n")["a"]
			got := StartOf(s, tt.image)
			if got.Kind != NotSaid && got.Line == 0 {
				t.Errorf("%+v stands nowhere", got)
			}
			got.File, got.Line = "", 0
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestShellsDoAsSaid starts real shells: what is called to stay stays in all of them, exec
// replaces each, and with a simple command dash stays where bash and busybox do not.
func TestShellsDoAsSaid(t *testing.T) {
	for text, want := range map[string]Kind{
		"sleep 60": ShellSimple, "A=1 sleep 60": ShellSimple, "sleep $(echo 60)": ShellSimple, "sleep 60 > /dev/null 2>&1": ShellSequence,
		"true && sleep 60": ShellSequence, "cd /; sleep 60": ShellSequence,
		"sleep 60 | cat": ShellStays, "sleep 60 || true": ShellStays, "sleep 60 & wait": ShellStays, "while true; do sleep 60; done": ShellStays,
		"exec sleep 60": Program, "cd / && exec sleep 60": Program, "A='a;b' exec sleep 60": Program,
		"trap 'exit' TERM; sleep 60": ShellTraps, "# nothing": ShellItself, "echo 'a | b' && exec sleep 60": Program,
		"exec sleep 60; echo": Program, "exec sleep 60 || exit 1": Program, "true & exec sleep 60": Program, "exec >&2 sleep 60\necho": Program, "cd / || exit; exec sleep 60 && true": Program,
		"exec 2>&1; sleep 60": ShellSequence, "exec < /dev/null; sleep 60": ShellSequence, "false && exec true; sleep 60": ShellSequence, "true || exec true; sleep 60; true": ShellStays,
		"(exec sleep 60; true); true": ShellStays, "exec sleep 60 | cat; true": ShellStays, "exec sleep 60 & wait": ShellStays, "if true; then\nsleep 60\nexec true\nfi": ShellStays,
	} {
		if got := script(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
			continue
		}
		for _, shell := range [][]string{{"dash"}, {"bash"}, {"busybox", "sh"}} {
			if _, err := exec.LookPath(shell[0]); err != nil {
				continue
			}
			switch replaced := replaces(t, shell, text); {
			case want == Program && !replaced, want == ShellStays && replaced, want == ShellSimple && replaced == (shell[0] == "dash"):
				t.Errorf("%v: %q: replaced %t, and it is called %s", shell, text, replaced, want)
			}
		}
	}
}

// replaces tells whether a shell becomes the program that its script ends with.
func replaces(t *testing.T, shell []string, text string) bool {
	t.Helper()
	if strings.HasPrefix(text, "#") {
		return false
	}
	cmd := exec.Command(shell[0], append(append([]string{}, shell[1:]...), "-c", text)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group is the shell's own
		_ = cmd.Wait()                                      // it was killed
	}()
	comm := func(pid string) string {
		data, _ := os.ReadFile("/proc/" + pid + "/comm") // a process may have ended by now
		return strings.TrimSpace(string(data))
	}
	// Either it becomes sleep, or sleep appears below it.
	pid := strconv.Itoa(cmd.Process.Pid)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if comm(pid) == "sleep" {
			return true
		}
		children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, child := range strings.Fields(string(children)) {
			if comm(child) == "sleep" {
				return false
			}
		}
	}
	t.Fatalf("%v never started sleep for %q", shell, text)
	return false
}

// FuzzParseDockerfile: a file that parses has a last stage that begins in it, and a comment
// above changes no more than the lines.
func FuzzParseDockerfile(f *testing.F) {
	f.Add("FROM a AS b\nCMD x \\\n y\nFROM b\nRUN <<EOF\nx\nEOF\nENTRYPOINT [\"a\"]\n")
	f.Add("# escape=`\nFROM a\nHEALTHCHECK NONE")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDockerfile(Source{"D", []byte(text)})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "D:") {
				t.Fatalf("%v does not name the file", err)
			}
			return
		}
		image, ok := d.Image("D", "")
		if !ok || image.Line < 1 || image.Line > strings.Count(text, "\n")+1 {
			t.Fatalf("%t, %+v", ok, image)
		}
		if start := image.Start(); start.Kind != NotSaid && (start.Line < 1 || start.Line > strings.Count(text, "\n")+1) {
			t.Fatalf("%+v", start)
		}
	})
}

// FuzzSplit: words that are quoted come back as they were.
func FuzzSplit(f *testing.F) {
	f.Add("a", "b c")
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.ContainsAny(a+b, "'") {
			return
		}
		if got := split("'" + a + "'  '" + b + "'"); len(got) != 2 || got[0] != a || got[1] != b {
			t.Fatalf("%q", got)
		}
	})
}
