package docker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"
)

const (
	stdout = 1
	stderr = 2
)

// frame is one message of a log as the engine sends it.
func frame(stream byte, message string) string {
	head := []byte{stream, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(head[4:], uint32(len(message)))
	return string(head) + message
}

// second is a moment that many seconds after the first of these logs.
func second(n int) time.Time { return time.Date(2026, 11, 25, 23, 4, n, 0, time.UTC) }

func stamped(n int, text string) string { return second(n).Format(time.RFC3339Nano) + " " + text }

func TestReadFrames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", logLineLimit)
	for name, tt := range map[string]struct {
		log  string
		want []LogLine
	}{
		"none":  {"", nil},
		"one":   {frame(stdout, stamped(1, "ready\n")), []LogLine{{At: second(1), Text: "ready"}}},
		"empty": {frame(stdout, stamped(1, "\n")) + frame(stderr, ""), []LogLine{{At: second(1)}, {Stderr: true}}},
		"two streams": {
			frame(stdout, stamped(1, "a\r\n")) + frame(stderr, stamped(2, "b\n")),
			[]LogLine{{At: second(1), Text: "a"}, {At: second(2), Text: "b", Stderr: true}},
		},
		"without a stamp": {frame(stdout, "not a time\n"), []LogLine{{Text: "not a time"}}},
		"in two parts": {
			frame(stdout, stamped(1, "a")) + frame(stderr, stamped(2, "x\n")) + frame(stdout, stamped(3, "b\n")) + frame(stdout, stamped(4, "c\n")),
			[]LogLine{{At: second(1), Text: "ab"}, {At: second(2), Text: "x", Stderr: true}, {At: second(4), Text: "c"}},
		},
		"without an end": {frame(stdout, stamped(1, "cut")), []LogLine{{At: second(1), Text: "cut"}}},
		"too long": {
			frame(stdout, stamped(1, long+"yyyy"+strings.Repeat("z", 1000)+"\n")) + frame(stdout, stamped(2, "next\n")),
			[]LogLine{{At: second(1), Text: long}, {At: second(2), Text: "next"}},
		},
		"too long, in parts": {
			frame(stdout, stamped(1, long+long)) + frame(stdout, stamped(2, long+"\n")) + frame(stdout, stamped(3, "next\n")),
			[]LogLine{{At: second(1), Text: long}, {At: second(3), Text: "next"}},
		},
		"no text": {frame(stdout, stamped(1, "\xff\x1b[2J\n")), []LogLine{{At: second(1), Text: "\uFFFD\x1b[2J"}}},
		"more than is kept": {
			strings.Repeat(frame(stdout, stamped(1, "old\n")), 20) + frame(stdout, stamped(2, "a\n")) + frame(stdout, stamped(3, "b\n")) +
				frame(stdout, stamped(4, "c\n")),
			[]LogLine{{At: second(2), Text: "a"}, {At: second(3), Text: "b"}, {At: second(4), Text: "c"}},
		},
	} {
		tail := newLogTail(3)
		if err := tail.readFrames(strings.NewReader(tt.log)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tt.want, tail.newest()); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestReadFramesFails(t *testing.T) {
	t.Parallel()
	one := frame(stdout, stamped(1, "ready\n"))
	for name, tt := range map[string]struct {
		log  string
		want error
	}{
		"cut in the head":     {one[:5], io.ErrUnexpectedEOF},
		"cut after the head":  {one[:8], io.ErrUnexpectedEOF},
		"cut in the message":  {one[:20], io.ErrUnexpectedEOF},
		"cut in what is left": {frame(stdout, strings.Repeat("x", 9000))[:8000], io.ErrUnexpectedEOF},
		"cut before the end":  {frame(stdout, strings.Repeat("x", 9000))[:9007], io.ErrUnexpectedEOF},
		"no frame":            {"ready and waiting", errNotEngine},
	} {
		if err := newLogTail(3).readFrames(strings.NewReader(tt.log)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := newLogTail(3).readFrames(strings.NewReader(one + frame(3, "Error grabbing logs: invalid character\n")))
	if err == nil || err.Error() != "Error grabbing logs: invalid character" {
		t.Errorf("the engine's own error: %v", err)
	}
}

func TestReadRaw(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*logLineLimit)
	tail := newLogTail(3)
	log := stamped(1, "gone\r\n") + stamped(2, "a\r\n") + stamped(3, long+"\r\n") + stamped(4, "b")
	if err := tail.readRaw(strings.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	want := []LogLine{{At: second(2), Text: "a"}, {At: second(3), Text: long[:logLineLimit]}, {At: second(4), Text: "b"}}
	if d := cmp.Diff(want, tail.newest()); d != "" {
		t.Error(d)
	}
	broken := io.MultiReader(strings.NewReader(log), &failing{})
	if err := newLogTail(3).readRaw(broken); !errors.Is(err, errTooLarge) {
		t.Errorf("a log that breaks off: %v", err)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errTooLarge }

// FuzzLogs: what is kept is bounded in number and length and is text; what is framed
// comes out again, in order.
func FuzzLogs(f *testing.F) {
	f.Add([]byte(frame(stdout, stamped(1, "ready\n"))), "a\nb")
	f.Add([]byte("\x02\x00\x00\x00\xff\xff\xff\xffx"), "")
	f.Fuzz(func(t *testing.T, raw []byte, said string) {
		for _, read := range []func(*logTail) error{
			func(l *logTail) error { return l.readFrames(bytes.NewReader(raw)) },
			func(l *logTail) error { return l.readRaw(bytes.NewReader(raw)) },
		} {
			tail := newLogTail(5)
			_ = read(tail) // it may say that this is no log
			if len(tail.newest()) > 5 || len(tail.lines) > 12 {
				t.Errorf("%d lines are kept", len(tail.lines))
			}
			for _, l := range tail.lines {
				if len(l.Text) > logLineLimit || !utf8.ValidString(l.Text) {
					t.Errorf("a line of %d bytes, or no text: %.80q", len(l.Text), l.Text)
				}
			}
		}
		var log strings.Builder
		want := strings.Split(said, "\n")
		for i := range want {
			want[i] = strings.TrimRight(want[i], "\r")
			log.WriteString(frame(stdout, stamped(i%60, want[i]+"\n")))
		}
		tail := newLogTail(5)
		if err := tail.readFrames(strings.NewReader(log.String())); err != nil {
			t.Fatal(err)
		}
		for i, l := range tail.newest() {
			if w := cut(text(want[len(want)-len(tail.newest())+i]), logLineLimit); l.Text != w {
				t.Errorf("line %d is %.80q, want %.80q", i, l.Text, w)
			}
		}
	})
}

// TestLogs asks a recorded engine, for a container with a terminal and one without.
func TestLogs(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := f.client()
	all, err := c.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := byName(all)["web"].ID
	var query string
	f.answer["/containers/"+id+"/logs"] = func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		_, _ = io.WriteString(w, frame(stdout, stamped(1, "a\n"))+frame(stderr, stamped(2, "b\n")))
	}
	got, err := c.Logs(t.Context(), id, LogQuery{Lines: 1})
	if d := cmp.Diff([]LogLine{{At: second(2), Text: "b", Stderr: true}}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, part := range []string{"stdout=1", "stderr=1", "timestamps=1", "tail=1"} {
		if !strings.Contains(query, part) || strings.Contains(query, "follow=1") {
			t.Errorf("asked with %s, want %s", query, part)
		}
	}
	if _, err := c.Logs(t.Context(), id, LogQuery{Lines: 9, Since: second(0), Until: second(9)}); err != nil ||
		!strings.Contains(query, "tail=all") || !strings.Contains(query, "since=1795647840.000000000") || !strings.Contains(query, "until=1795647849.000000000") {
		t.Errorf("asked with %s: %v", query, err)
	}

	f.answer["/containers/tty/json"] = say(http.StatusOK, `{"Id":"tty","Config":{"Tty":true}}`)
	f.answer["/containers/tty/logs"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, stamped(1, "a\r\n")) }
	got, err = c.Logs(t.Context(), "tty", LogQuery{Lines: 10})
	if d := cmp.Diff([]LogLine{{At: second(1), Text: "a"}}, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

// TestLogsFail: why there is no log is said with its class.
func TestLogsFail(t *testing.T) {
	t.Parallel()
	const unreadable = "configured logging driver does not support reading"
	for name, tt := range map[string]struct {
		inspect, logs http.HandlerFunc
		reason        Reason
		why           string
	}{
		"a driver that cannot be read": {logs: say(http.StatusNotImplemented, `{"message":"`+unreadable+`"}`), reason: EngineError, why: unreadable},
		"a container that is gone":     {inspect: say(http.StatusNotFound, `{"message":"No such container: x"}`), reason: EngineError, why: "No such container"},
		"an engine that hangs":         {logs: hang, reason: Timeout},
		"a log that stalls":            {logs: stall(frame(stdout, "a\n")), reason: Timeout},
		"a log that breaks off":        {logs: breakOff(frame(stdout, "a\n")), reason: CutOff},
		"a log without end":            {logs: endless("", frame(stdout, "again and again\n")), reason: BadAnswer, why: "too large"},
		"a web page":                   {logs: page(http.StatusOK), reason: BadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.answer["/containers/x/json"] = say(http.StatusOK, `{"Id":"x"}`)
			if tt.inspect != nil {
				f.answer["/containers/x/json"] = tt.inspect
			}
			f.answer["/containers/x/logs"] = tt.logs
			ctx := t.Context()
			if tt.reason == Timeout {
				ctx = soon(t, 300*time.Millisecond)
			}
			got, err := f.client().Logs(ctx, "x", LogQuery{Lines: 10})
			var e *Error
			if !errors.As(err, &e) || e.Reason != tt.reason || !strings.Contains(e.Why(), tt.why) || got != nil {
				t.Errorf("got %v and %v, want %s: %s", got, err, tt.reason, tt.why)
			}
		})
	}
}

// TestRealLogs reads what real containers have printed.
func TestRealLogs(t *testing.T) {
	c := realEngine(t)
	realImageFrom(t, c)
	plain := realCreate(t, c, "says", &container.Config{Cmd: []string{"logs", "500", "20000"}}, &container.HostConfig{})
	terminal := realCreate(t, c, "says-tty", &container.Config{Cmd: []string{"logs", "3", "10"}, Tty: true}, &container.HostConfig{})
	silent := realCreate(t, c, "says-none", &container.Config{Cmd: []string{"hold"}},
		&container.HostConfig{LogConfig: container.LogConfig{Type: "none"}})
	for _, id := range []string{plain, terminal, silent} {
		realStart(t, c, id)
	}
	last := func(id string, lines int) []LogLine {
		t.Helper()
		got, err := c.Logs(t.Context(), id, LogQuery{Lines: lines})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	ready := func(id string) func() bool {
		return func() bool {
			got := last(id, 1)
			return len(got) == 1 && got[0].Text == "ready"
		}
	}
	until(t, "the plain one is ready", ready(plain))
	until(t, "the one with a terminal is ready", ready(terminal))

	got := last(plain, 100)
	if len(got) < 50 || len(got) > 100 {
		t.Fatalf("%d lines", len(got))
	}
	for _, l := range got[1 : len(got)-1] { // the first may be the end of a line that the tail has cut
		if l.At.IsZero() || l.Text != strings.Repeat("x", logLineLimit) {
			t.Fatalf("a line at %v of %d bytes", l.At, len(l.Text))
		}
	}
	if got := last(terminal, 10); len(got) != 4 || got[2].Text != "xxxxxxxxxx" || got[2].At.IsZero() {
		t.Errorf("with a terminal: %+v", got)
	}
	end := got[len(got)-1].At
	window, err := c.Logs(t.Context(), plain, LogQuery{Lines: 10, Since: end, Until: end.Add(time.Second)})
	if err != nil || len(window) == 0 || window[len(window)-1].Text != "ready" {
		t.Errorf("a window of time: %+v, %v", window, err)
	}
	var e *Error
	if _, err := c.Logs(t.Context(), silent, LogQuery{Lines: 1}); !errors.As(err, &e) || e.Reason != EngineError {
		t.Errorf("a driver that keeps nothing: %v", err)
	} else if !strings.Contains(e.Why(), "does not support reading") {
		t.Errorf("it says %q", e.Why())
	}
}
