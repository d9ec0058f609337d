package http

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"vmguard/pkg/probe"
)

func TestRequest(t *testing.T) {
	for name, c := range map[string]struct {
		client     *Client
		wire, line string
		fault      string
	}{
		"as it is": {&Client{Host: "example.org"}, "GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: vmguard\r\n\r\n", "GET /", ""},
		"all": {&Client{Host: "[::1]:8080", Path: "/a?b=c%20d", Method: "HEAD", UserAgent: "x/1"},
			"HEAD /a?b=c%20d HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: x/1\r\n\r\n", "HEAD /a", ""},
		"two lines in one":   {&Client{Host: "a", UserAgent: "x\r\nEvil: y"}, "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: x  Evil: y\r\n\r\n", "GET /", ""},
		"another method":     {&Client{Host: "a", Method: "DELETE"}, "", "DELETE /", "neither GET nor HEAD"},
		"no host":            {&Client{}, "", "GET /", "the host is neither"},
		"no path":            {&Client{Host: "a", Path: "x"}, "", "GET x", "invalid URI"},
		"a whole address":    {&Client{Host: "a", Path: "http://b/"}, "", "GET http://b/", "names a host"},
		"a line end":         {&Client{Host: "a", Path: "/\r\n"}, "", "GET /\r\n", "invalid control character"},
		"a host with a path": {&Client{Host: "a/b"}, "", "GET /", "the host is neither"},
		"a host of two":      {&Client{Host: "a\r\nb"}, "", "GET /", "the host is neither"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, wire := says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			err := c.client.Open(conn)
			if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("error %v, want %q", err, c.fault)
			}
			if got := wire.sent.String(); got != c.wire {
				t.Errorf("%q, want %q", got, c.wire)
			}
			var p probe.Protocol = c.client
			if p.Request() != c.line || p.Name() != "HTTP" {
				t.Errorf("%q %q", p.Name(), p.Request())
			}
		})
	}
}

// answers are what a server may say to a request, and what Open and Nudge make of it.
var answers = map[string]struct {
	text        string
	open, nudge probe.What
	part        string
}{
	"nothing in it":         {"HTTP/1.1 204 No Content\r\n\r\n", "", "", ""},
	"a length":              {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "", "", ""},
	"not found":             {"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", "", "", ""},
	"elsewhere":             {"HTTP/1.1 302 Found\r\nLocation: http://b/\r\nContent-Length: 0\r\n\r\n", "", "", ""},
	"not modified":          {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "", "", ""},
	"chunks":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n", "", "", ""},
	"hints first":           {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "", ""},
	"1.0 that keeps":        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", "", "", ""},
	"1.0":                   {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", probe.SaidUnfit, "", "does not keep connections open (HTTP/1.0, 200 OK)"},
	"close":                 {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\nabc", probe.SaidUnfit, "", "does not keep connections open (HTTP/1.1, 200 OK)"},
	"to the end":            {"HTTP/1.1 200 OK\r\n\r\nabc", probe.SaidUnfit, probe.SaidUnfit, "ends its answer by closing"},
	"timed out":             {"HTTP/1.1 408 Request Time-out\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", probe.SaidUnfit, probe.SaidBye, "408 Request Time-out"},
	"another protocol":      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", probe.SaidUnfit, probe.SaidUnfit, "101 Switching Protocols"},
	"too long":              {"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", probe.SaidUnfit, probe.SaidUnfit, "longer than 1 MiB"},
	"too long, in chunks":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("x", 1<<21), probe.SaidUnfit, probe.SaidUnfit, "longer than 1 MiB"},
	"a long line":           {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", probe.MaxLine), probe.SaidStrange, probe.SaidStrange, "more than 16 KiB"},
	"many lines":            {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<18), probe.SaidStrange, probe.SaidStrange, "more than 1 MiB"},
	"hints without an end":  {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1<<17), probe.SaidStrange, probe.SaidStrange, "more than 1 MiB"},
	"SSH":                   {"SSH-2.0-OpenSSH_9.2\r\n", probe.SaidStrange, probe.SaidStrange, "not HTTP/1.1: SSH-2.0-OpenSSH_9.2"},
	"TLS":                   {"\x15\x03\x01\x00\x02\x02\x28", probe.SaidStrange, probe.SaidStrange, "speaks TLS"},
	"HTTP/2":                {"HTTP/2.0 200 OK\r\n\r\n", probe.SaidStrange, probe.SaidStrange, "not HTTP/1.1: HTTP/2.0 200"},
	"a long foreign line":   {strings.Repeat("é", 1000) + "\n", probe.SaidStrange, probe.SaidStrange, "é..."},
	"no status":             {"HTTP/1.1 abc\r\n\r\n", probe.SaidStrange, probe.SaidStrange, "not HTTP/1.1: malformed"},
	"two lengths":           {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", probe.SaidStrange, probe.SaidStrange, "multiple Content-Length"},
	"an unknown encoding":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n", probe.SaidStrange, probe.SaidStrange, "unsupported transfer encoding"},
	"escapes in the status": {"HTTP/1.1 200 \x1b[2J" + strings.Repeat("\xff", 400) + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", probe.SaidUnfit, "", "\x1b[2J\xff"},
}

func TestOpenAndNudge(t *testing.T) {
	for name, c := range answers {
		for phase, p := range map[string]struct {
			run  func(*Client, *probe.Conn) error
			what probe.What
		}{"open": {(*Client).Open, c.open}, "nudge": {(*Client).Nudge, c.nudge}} {
			t.Run(name+" "+phase, func(t *testing.T) {
				conn, _ := says(c.text)
				h := &Client{Host: "example.org"}
				saidIs(t, p.run(h, conn), p.what, c.part)
				if p.what == "" && conn.Ready() {
					t.Error("something was left unread")
				}
			})
		}
	}
}

func TestHead(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		conn, _ := says(text + "HTTP/1.1 404 Not Found\r\n\r\n")
		h := &Client{Host: "a", Method: "HEAD"}
		saidIs(t, h.Open(conn), "", "")
		saidIs(t, h.Nudge(conn), "", "")
		if h.FirstStatus() != "200 OK" {
			t.Error(h.FirstStatus())
		}
	}
}

func TestHeard(t *testing.T) {
	const closing = "Connection: close\r\nContent-Length: 100\r\n\r\n" // of which nothing needs to come
	for name, c := range map[string]struct {
		text string
		what probe.What
		part string
	}{
		"408":                 {"HTTP/1.0 408 Request Time-out\r\nContent-Type: text/html\r\n\r\n<html>", probe.SaidBye, "408 Request Time-out"},
		"408 that stays":      {"HTTP/1.1 408 x\r\nContent-Length: 0\r\n\r\n", probe.SaidBye, "408 x"},
		"503":                 {"HTTP/1.1 503 Service Unavailable\r\n" + closing, probe.SaidBye, "503 Service Unavailable"},
		"an answer to nobody": {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "", ""},
		"two":                 {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 408 x\r\n\r\n", probe.SaidBye, "408 x"},
		"foreign":             {"* BYE x\r\nHTTP/1.1 408 x\r\n\r\n", "", ""},
		"TLS":                 {"\x16\x03", "", ""},
		"a long line":         {"HTTP/1.1 " + strings.Repeat("x", 1<<15), probe.SaidStrange, "16 KiB"},
		"too long":            {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nabc", probe.SaidUnfit, "longer than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			// The server's end stays open: what waits for a FIN would hang.
			conn, server := pair(t)
			if _, err := server.Write([]byte(c.text)); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Reader().Peek(min(len(c.text), 4<<10)); err != nil {
				t.Fatal(err)
			}
			h := &Client{Host: "a"}
			told, err := h.Heard(conn)
			saidIs(t, err, c.what, c.part)
			if told == "" && err == nil || len(told) > maxText {
				t.Errorf("told %q", told)
			}
			if c.what == "" && conn.Ready() {
				t.Error("something was left unread")
			}
			if h.FirstStatus() != "" {
				t.Errorf("%q counts as an answer", h.FirstStatus())
			}
		})
	}
	conn, _ := pair(t)
	told, err := (&Client{}).Heard(conn) // nothing has begun
	saidIs(t, err, "", told)
}

func TestRealServer(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		what    probe.What
		status  string
	}{
		"kept":   {func(http.ResponseWriter, *http.Request) {}, "", "200 OK"},
		"closed": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }, probe.SaidUnfit, "200 OK"},
		"chunks": {func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write([]byte("abc"))
		}, "", "200 OK"},
		"a status of its own": {func(w http.ResponseWriter, r *http.Request) {
			code, _ := strconv.Atoi(r.URL.Query().Get("code"))
			w.WriteHeader(code)
		}, "", "503 Service Unavailable"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(name+" "+method, func(t *testing.T) {
				address := web(t, c.handler)
				h := &Client{Host: address, Path: "/x?code=503", Method: method}
				conn := dial(t, address)
				saidIs(t, h.Greet(conn), "", "")
				saidIs(t, h.Open(conn), c.what, "")
				if c.what == "" {
					saidIs(t, h.Nudge(conn), "", "")
					saidIs(t, h.Nudge(conn), "", "")
				}
				saidIs(t, h.Leave(conn), "", "")
				if h.FirstStatus() != c.status {
					t.Errorf("status %q", h.FirstStatus())
				}
			})
		}
	}
}

// TestManyAtOnce has connections of one Client at the same time, for the race detector too.
func TestManyAtOnce(t *testing.T) {
	address := web(t, http.NotFound)
	h := &Client{Host: address}
	var all sync.WaitGroup
	for range 8 {
		conn := dial(t, address)
		all.Go(func() {
			for _, do := range []func(*probe.Conn) error{h.Greet, h.Open, h.Nudge, h.Leave} {
				if err := do(conn); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if h.FirstStatus() != "404 Not Found" {
		t.Error(h.FirstStatus())
	}
}
