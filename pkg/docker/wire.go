package docker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Limits of one answer's body, in bytes. An inspect has about 5 KiB, a list about
// 1 KiB for each container.
const (
	bodyLimit = 16 << 20
	listLimit = 64 << 20
)

var (
	errTooLarge  = errors.New("the answer is too large")
	errNotEngine = errors.New("not a Docker engine's answer")
)

// wire is the transport under the SDK. It bounds each answer's size, refuses web
// pages, and keeps the cause of a failure from being lost.
type wire struct {
	base *http.Transport
	// clock is the engine's time at its last answer (the Date header), in Unix seconds; 0 before it.
	clock atomic.Int64
}

// RoundTrip sends one request.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		if strings.Contains(err.Error(), "readLoopPeekFail") { // net/http's words for a peer that greets first, as sshd does
			err = fmt.Errorf("%w: it speaks before it is asked", errNotEngine)
		}
		return nil, &wireError{err}
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		_ = resp.Body.Close()
		return nil, &wireError{fmt.Errorf("%w: a web page (HTTP status %d)", errNotEngine, resp.StatusCode)}
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.clock.Store(date.Unix())
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, left: limitOf(req.URL.Path)}
	if strings.HasSuffix(req.URL.Path, "/info") {
		return readWhole(resp)
	}
	return resp, nil
}

// readWhole reads an answer's body at once, so that an error in the middle of it comes as
// an error of the wire. The SDK's Info needs that: it keeps only the text of a reading error.
func readWhole(resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, &wireError{err}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// engineTime is the engine's clock as of its last answer, cut to seconds; zero before the first.
func (w *wire) engineTime() time.Time {
	if s := w.clock.Load(); s > 0 {
		return time.Unix(s, 0)
	}
	return time.Time{}
}

// limitOf is the size limit for the answer to a request path.
func limitOf(path string) int64 {
	if strings.HasSuffix(path, "/containers/json") || strings.HasSuffix(path, "/images/json") {
		return listLimit
	}
	return bodyLimit
}

// limitedBody ends an answer with errTooLarge after a number of bytes.
type limitedBody struct {
	io.ReadCloser
	left int64
}

// Read reads no more than is left.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// wireError carries a transport's error through the SDK. The SDK recognises a refused
// connection, a missing socket and a time-out by the error's text and by its Timeout
// method, and then puts a sentence without the cause in its place (client/request.go,
// doRequest). With neither of them to be seen it wraps, and errors.Is still finds the errno.
type wireError struct{ err error }

// Error says as little as it can; fail looks at the cause.
func (e *wireError) Error() string { return "transport failed" }

// Unwrap is the transport's own error.
func (e *wireError) Unwrap() error { return e.err }
