package journal

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// id is the container's ID in all tests.
const id = "0bb05d2b070bca28bd9b7fbb7c4b1de0e3da2e761a3609ebd9c276b054857d65"

// The forms in which engines note that a grace time ran out, and other lines of theirs
// (Docker 20.10, containerd 1.6, Podman 4.3).
const (
	forced     = `time="2026-11-25T23:04:14.283856606Z" level=info msg="Container failed to exit within 2s of signal 15 - using the force" container=` + id
	forcedOld  = `time="2026-11-25T23:04:14.283856606+01:00" level=info msg="Container ` + id + ` failed to exit within 10 seconds of signal 15 - using the force"`
	deleted    = `time="2026-11-25T23:04:15.249235Z" level=info msg="ignoring event" container=` + id + ` module=libcontainerd namespace=moby topic=/tasks/delete type="*events.TaskDelete"`
	shim       = `time="2026-11-25T23:04:15.2Z" level=warning msg="cleaning up after shim disconnected" id=` + id + ` namespace=moby`
	stream     = `time="2026-11-25T23:04:15Z" level=error msg="copy stream failed" error="reading from a closed fifo" container=` + id
	loop       = `time="2026-11-25T23:04:15Z" level=info msg="starting signal loop" namespace=moby path=/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/` + id + ` pid=1319`
	debugging  = `time="2026-11-25T23:04:15Z" level=debug msg="Sending kill signal 15 to container ` + id + `"`
	podman     = `time="2026-11-25T23:04:15Z" level=warning msg="StopSignal SIGTERM failed to stop container web in 10 seconds, resorting to SIGKILL"`
	nested     = `time="2026-11-25T23:04:15Z" level=warning msg="cleanup warnings time=\"2026-11-25T23:04:15Z\" level=info container=` + `other\n"`
	colourless = `INFO[0001] Container ` + id + ` failed to exit within 10 seconds of signal 15 - using the force`
)

func TestParseLogfmt(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Pair
	}{
		{"plain", `a=b c.d=/x@1`, []Pair{{"a", "b"}, {"c.d", "/x@1"}}},
		{"quoted", `a="b c=\"d\"\n" e=f`, []Pair{{"a", "b c=\"d\"\n"}, {"e", "f"}}},
		{"empty", `a= b="" c=`, []Pair{{"a", ""}, {"b", ""}, {"c", ""}}},
		{"twice", `a=1 a=2`, []Pair{{"a", "1"}, {"a", "2"}}},
		{"nothing", ``, nil},
		{"words", `hello world`, nil},
		{"a word before", `hello a=b`, nil},
		{"a word behind", `a=b hello`, nil},
		{"no key", `=b`, nil},
		{"an open quote", `a="b`, nil},
		{"no space after a quote", `a="b"c=d`, nil},
		{"two spaces", `a=b  c=d`, nil},
		{"a space at the end", `a=b `, nil},
		{"a quote inside", `a=b"c`, nil},
		{"single quotes", `a='b c'`, nil},
		{"a rune in quotes", `a='b'`, []Pair{{"a", "'b'"}}},
		{"back quotes", "a=`b c`", nil},
		{"JSON", `{"level":"info","msg":"x=y"}`, nil},
	}
	for _, tt := range tests {
		got, ok := ParseLogfmt(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != (tt.want != nil) {
			t.Errorf("%s: %t\n%s", tt.name, ok, diff)
		}
	}
}

// FuzzParseLogfmt holds that what was read, written as logrus would, reads the same again,
// and that nothing stands in the pairs which is not in the line.
func FuzzParseLogfmt(f *testing.F) {
	for _, text := range []string{forced, forcedOld, deleted, shim, nested, podman, colourless, `a= b="\xff\u1234"`, "a=`b`"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, ok := ParseLogfmt(text)
		if ok != (len(pairs) > 0) {
			t.Fatalf("%t with %q", ok, pairs)
		}
		var again []string
		for _, p := range pairs {
			if !strings.Contains(text, p.Key+"=") || !strings.Contains(text, `"`) && !strings.Contains(text, p.Key+"="+p.Value) {
				t.Fatalf("%q is not in %q", p, text)
			}
			again = append(again, p.Key+"="+strconv.Quote(p.Value))
		}
		if got, _ := ParseLogfmt(strings.Join(again, " ")); !slices.Equal(got, pairs) {
			t.Fatalf("%q gives %q, and again %q", text, pairs, got)
		}
	})
}

func TestParseMessage(t *testing.T) {
	at := time.Date(2026, 11, 25, 23, 4, 14, 283856606, time.UTC)
	tests := []struct {
		name, text string
		want       Message
		ok, names  bool
	}{
		{"a grace time", forced, Message{at, "info", "Container failed to exit within 2s of signal 15 - using the force", id}, true, true},
		{"before 20.10, in another zone", forcedOld, Message{at.Add(-time.Hour), "info", "Container " + id + " failed to exit within 10 seconds of signal 15 - using the force", ""}, true, true},
		{"containerd's", shim, Message{time.Date(2026, 11, 25, 23, 4, 15, 200e6, time.UTC), "warning", "cleaning up after shim disconnected", id}, true, true},
		{"with an error", stream, Message{time.Date(2026, 11, 25, 23, 4, 15, 0, time.UTC), "error", "copy stream failed: reading from a closed fifo", id}, true, true},
		{"the ID in a path of another field", loop, Message{time.Date(2026, 11, 25, 23, 4, 15, 0, time.UTC), "info", "starting signal loop", ""}, true, false},
		{"a longer ID", `msg="x 0` + id + ` y"`, Message{Text: "x 0" + id + " y"}, true, false},
		{"a longer ID and then the ID", `msg="` + id + `f, ` + id + `"`, Message{Text: id + "f, " + id}, true, true},
		{"a field inside a message", `msg="x container=` + id[:12] + `"`, Message{Text: "x container=" + id[:12]}, true, false},
		{"the first of two", `msg=a container=` + id + ` container=b`, Message{Text: "a", Container: id}, true, true},
		{"an unreadable time", `time=yesterday msg=a`, Message{Text: "a"}, true, false},
		{"no message", `level=info container=` + id, Message{}, false, false},
		{"no logfmt", colourless, Message{}, false, false},
	}
	for _, tt := range tests {
		got, ok := ParseMessage(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok || got.Names(id) != tt.names {
			t.Errorf("%s: ok %t, names %t\n%s", tt.name, ok, got.Names(id), diff)
		}
	}
	if (Message{}).Names("") || (Message{Text: "x"}).Names("") {
		t.Error("no ID is named by everything")
	}
}
