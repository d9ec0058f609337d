package compose

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseEnv: the values are those of compose-go's dotenv.ParseWithLookup, or unresolved.
func TestParseEnv(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"": {}, "# A=1\n": {}, "A=1": {"A": "1"}, "A=1\nA=2\n": {"A": "2"}, "\ufeffA=1\r\nB=\r\n": {"A": "1", "B": ""}, "  export  A = x y  # c\n": {"A": "x y"},
		"A: 1\n": {"A": "1"}, "A='x # y'  # c\nB=\"p\nq\"\n": {"A": "x # y", "B": "p\nq"}, "A=\nB=1": {"A": "", "B": "1"}, "exportA=1\nA_B=2": {}, "C=hidden": {},
		"A=$B\nB=${A}": {"A": unresolved, "B": unresolved}, "A='$B'": {"A": "$B"}, `A="\n"`: {"A": unresolved}, "A=1#2": {"A": unresolved}, "A": {"A": unresolved}, "A\nB=1": {"A": unresolved, "B": "1"},
		"A=" + strings.Repeat("k", longestValue): {"A": strings.Repeat("k", longestValue)}, "A=" + strings.Repeat("k", longestValue+1): {"A": unresolved},
		"x.y-[0]=1\nA=1": {"A": "1"}, "A=b'c'": {"A": "b'c'"}, "A='1'B=2": {"A": "1", "B": "2"},
	} {
		got, line := parseEnv(text, map[string]bool{"A": true, "B": true})
		if diff := cmp.Diff(want, got); diff != "" || line != 0 {
			t.Errorf("%q: line %d\n%s", text, line, diff)
		}
	}
	for text, want := range map[string]int{"=1": 1, "A=1\n\nB B=1": 3, "A=1\nB='x\ny\n": 2, "A=1\n\u00e4=1": 2, "a b": 1} {
		if got, line := parseEnv(text, nil); got != nil || line != want {
			t.Errorf("%q: %v, line %d, want %d", text, got, line, want)
		}
	}
}

// TestInterpolateWithEnv holds what a value of .env makes of each form of a variable.
func TestInterpolateWithEnv(t *testing.T) {
	v := variables{values: map[string]string{"A": "v", "E": "", "U": unresolved}}
	for in, want := range map[string]resolution{
		"$A": {text: "v", private: "A"}, "x${A}y": {text: "xvy", private: "A"}, "${A:-d}": {text: "v", private: "A"}, "${A-d}": {text: "v", private: "A"}, "${A:?e}": {text: "v", private: "A"},
		"${A:+r}": {text: "r"}, "${E:+r}": {private: "E"}, "${E+r}": {text: "r"}, "${E}": {private: "E"}, "${E-d}": {private: "E"}, "${E:-d}": {text: "d"}, "${E:?e}": {variable: "E"}, "${E?e}": {private: "E"},
		"${N:-$A}": {text: "v", private: "A"}, "${N:-d}": {text: "d"}, "${N:+r}": {variable: "N"}, "$U": {variable: "U"}, "${U:-d}": {variable: "U"}, "${A:+$U}": {variable: "U"}, "${A:}": {variable: "A"}, "${A!d}": {variable: "A"},
		"$$A": {text: "$A"},
	} {
		if got := v.interpolate(in); got != want {
			t.Errorf("%q gave %+v, want %+v", in, got, want)
		}
	}
	got := variables{unread: ".env: permission denied"}.interpolate("${A:-d}")
	if got != (resolution{variable: "A (.env: permission denied)"}) {
		t.Errorf("%+v", got)
	}
}

// TestEnvStaysPrivate: what .env says is in the settings that checks go by, and nowhere else.
func TestEnvStaysPrivate(t *testing.T) {
	const name = "V"
	text := strings.ReplaceAll("services:\n  a:\n    image: x/$V\n    build: {context: \"$V\", dockerfile: \"$V\", target: \"$V\"}\n    profiles: [\"$V\"]\n    stop_signal: $V\n"+
		"    command: [sh, -c, \"$V\"]\n    healthcheck: {test: [\"$V\"]}\n    restart: $V\n    mem_limit: $V\n    stop_grace_period: $V\n    init: $V\n    environment: {P: \"$V\"}\n", "$V", "${"+name+":-d}")
	f, err := Parse(Env{Source: Source{".env", []byte("V=hunter2\nCOMPOSE_FILE=b.yaml\n")}}, Source{"compose.yaml", []byte(text)})
	if err != nil || !f.Chosen {
		t.Fatal(f, err)
	}
	s := f.Services[0]
	for _, got := range []Setting{s.Restart, s.Memory, s.StopGrace, s.Init} {
		if got.Text != "hunter2" {
			t.Errorf("%+v", got)
		}
	}
	for _, got := range []Setting{s.Image, s.Build.Context, s.Build.Dockerfile, s.Build.Target, s.StopSignal} {
		if got.Text != "" || got.Variable != name {
			t.Errorf("%+v", got)
		}
	}
	s.Restart, s.Memory, s.StopGrace, s.Init = Setting{}, Setting{}, Setting{}, Setting{}
	if all := fmt.Sprintf("%+v %+v %+v", s, *s.Build, StartOf(s, nil)); strings.Contains(strings.ReplaceAll(all, fmt.Sprintf("%+v", s.command), ""), "hunter2") {
		t.Error(all)
	}
	// A broken file leaves every variable open, and its text out of the reason.
	f, err = Parse(Env{Source: Source{".env", []byte("V=no\nhunter2 is it\n")}}, Source{"compose.yaml", []byte(text)})
	if want := "V (.env:2 is no line of such a file)"; err != nil || f.Services[0].Restart.Variable != want {
		t.Errorf("%+v, %v", f.Services[0].Restart, err)
	}
}

// FuzzParseEnv: only names that were asked for come out, no value is longer than a setting,
// a line that is refused lies in the text, and a comment before it changes nothing else.
func FuzzParseEnv(f *testing.F) {
	f.Add("A=1\nexport B='2'\n")
	f.Add("A: \"x\ny\" # c\nB")
	f.Fuzz(func(t *testing.T, text string) {
		used := map[string]bool{"A": true, "B": true}
		got, line := parseEnv(text, used)
		if lines := strings.Count(text, "\n") + 1; line < 0 || line > lines || line > 0 && got != nil {
			t.Fatalf("line %d of %d, %v", line, lines, got)
		}
		for name, value := range got {
			if !used[name] || len(value) > longestValue {
				t.Fatalf("%q=%q", name, value)
			}
		}
		again, next := parseEnv("# c\n"+text, used)
		if !strings.HasPrefix(text, "\ufeff") && (!cmp.Equal(got, again) || line > 0 && next != line+1 || line == 0 && next != 0) {
			t.Fatalf("%v, line %d; with a comment %v, line %d", got, line, again, next)
		}
	})
}
