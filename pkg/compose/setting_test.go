package compose

import (
	"strings"
	"testing"
	"time"
)

// FuzzDuration: what Go writes of a duration that is not negative means the same here.
func FuzzDuration(f *testing.F) {
	f.Add(int64(90*time.Second), "1m30s")
	f.Add(int64(0), "-1s")
	f.Fuzz(func(t *testing.T, n int64, text string) {
		d := time.Duration(n).Truncate(time.Millisecond)
		got, err := Setting{Text: strings.ReplaceAll(d.String(), "µ", "u")}.Duration()
		switch {
		case d < 0 && err == nil:
			t.Fatalf("%v gave %v", d, got)
		case d >= 0 && (err != nil || (got-d).Abs() > d/1e12+1):
			t.Fatalf("%v gave %v, %v", d, got, err)
		}
		if got, err := (Setting{Text: text}).Duration(); err == nil && got < 0 {
			t.Fatalf("%q gave %v", text, got)
		}
	})
}

// FuzzBytes: a number alone is a number of bytes, and a unit makes it no less.
func FuzzBytes(f *testing.F) {
	f.Add("512", "m")
	f.Add("1.5", "GiB")
	f.Fuzz(func(t *testing.T, number, unit string) {
		plain, err := Setting{Text: number + "b"}.Bytes()
		if err != nil {
			return
		}
		if with, err := (Setting{Text: number + "k"}).Bytes(); err == nil && with < plain {
			t.Fatalf("%qk is %d, less than %d", number, with, plain)
		}
		if with, err := (Setting{Text: number + unit}).Bytes(); err == nil && !strings.ContainsAny(unit, "0123456789.") && with < plain {
			t.Fatalf("%q%q is %d, less than %d", number, unit, with, plain)
		}
	})
}

// FuzzScript: what is quoted separates nothing, and what comes after exec does not matter.
func FuzzScript(f *testing.F) {
	f.Add("a | b; c & (d)")
	f.Add(`a "b' $(c`)
	f.Fuzz(func(t *testing.T, text string) {
		_ = script(text) // must end
		if strings.ContainsAny(text, "'<>") {
			return
		}
		if got := script("echo '" + text + "'"); got != ShellSimple {
			t.Fatalf("quoted, %q is %s", text, got)
		}
		if got := script("exec echo '" + text + "' "); got != Program {
			t.Fatalf("after exec, %q is %s", text, got)
		}
		if got := script("exec echo; " + text); got != Program {
			t.Fatalf("after exec and a semicolon, %q is %s", text, got)
		}
	})
}
