// Package http speaks HTTP/1.1 with keep-alive (RFC 9112) for a probe: the same request again and again on one
// connection. Statuses and contents do not matter to it, but that the connection stays open does.
package http

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"vmguard/pkg/probe"
)

// Client is HTTP as a probe.Protocol. Its exported fields are set before its first use; after that it may serve
// any number of connections at the same time.
type Client struct {
	// Host is the Host header: a name or an address, with the port where that is not the scheme's own.
	Host string
	// Path is what is asked for, with its query; "" for "/".
	Path string
	// Method is GET or HEAD; "" for GET.
	Method string
	// UserAgent is the User-Agent header; "" for "vmguard".
	UserAgent string

	mu    sync.Mutex
	first string
}

// FirstStatus gives the status of the first answer: "404 Not Found". It is foreign and bounded; "" where nothing
// was answered.
func (h *Client) FirstStatus() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first
}

// Name is "HTTP".
func (h *Client) Name() string { return "HTTP" }

// Request is the method and the path: "GET /health". The query is left out, since it may hold a token.
func (h *Client) Request() string {
	path, _, _ := strings.Cut(h.path(), "?")
	return h.method() + " " + path
}

func (h *Client) method() string { return cmp.Or(h.Method, http.MethodGet) }
func (h *Client) path() string   { return cmp.Or(h.Path, "/") }

// Greet does nothing: in HTTP the client speaks first.
func (h *Client) Greet(*probe.Conn) error { return nil }

// Open sends the first request and reads its answer. It gives *probe.Said where the server does not keep the
// connection open after it.
func (h *Client) Open(c *probe.Conn) error {
	a, err := h.ask(c)
	switch {
	case err != nil:
		return err
	case a.Close:
		return a.unfit("the server does not keep connections open")
	}
	return nil
}

// Nudge sends the request again and reads its answer. An answer is one, whether the server closes after it
// or not. A 408 is none: the server had given up waiting before the request reached it (RFC 9110 15.5.9).
func (h *Client) Nudge(c *probe.Conn) error {
	a, err := h.ask(c)
	if err == nil && a.StatusCode == http.StatusRequestTimeout {
		return &probe.Said{What: probe.SaidBye, Text: a.status()}
	}
	return err
}

// Heard reads what the server has begun to say unasked. It gives *probe.Said with SaidBye for an answer that
// closes the connection, such as the 408 by which HAProxy ends an idle one.
func (h *Client) Heard(c *probe.Conn) (text string, err error) {
	for c.Ready() {
		a, err := readHead(c, nil)
		switch {
		case err != nil:
			return text, err
		case a.foreign != "":
			_, err := c.Reader().Discard(c.Reader().Buffered())
			return cmp.Or(text, bound(a.foreign)), err
		}
		text = cmp.Or(text, a.status())
		if a.Close || a.StatusCode == http.StatusRequestTimeout {
			return text, &probe.Said{What: probe.SaidBye, Text: a.status()}
		}
		if err := a.skipBody(c); err != nil {
			return text, err
		}
	}
	return text, nil
}

// Leave does nothing: HTTP has no word for it.
func (h *Client) Leave(*probe.Conn) error { return nil }

// ask sends the request and reads its whole answer.
func (h *Client) ask(c *probe.Conn) (answer, error) {
	request, err := h.request()
	if err != nil {
		return answer{}, err
	}
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		return answer{}, fmt.Errorf("request: %w", err)
	}
	// In one piece, so that it leaves in one segment where it fits.
	if _, err := c.Write(wire.Bytes()); err != nil {
		return answer{}, err
	}
	a, err := readFinal(c, request)
	if err != nil {
		return answer{}, err
	}
	h.mu.Lock()
	h.first = cmp.Or(h.first, a.status())
	h.mu.Unlock()
	return a, a.skipBody(c)
}

func (h *Client) request() (*http.Request, error) {
	if h.method() != http.MethodGet && h.method() != http.MethodHead {
		return nil, errors.New("request: the method is neither GET nor HEAD")
	}
	target, err := url.ParseRequestURI(h.path())
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if target.Host != "" {
		return nil, errors.New("request: the path names a host")
	}
	// net/http would send an empty header for a host that cannot be one.
	if u, err := url.Parse("http://" + h.Host); err != nil || h.Host == "" || u.Host != h.Host {
		return nil, errors.New("request: the host is neither a name nor an address")
	}
	target.Scheme, target.Host = "http", h.Host // which are not sent but as the Host header
	return &http.Request{
		Method: h.method(), URL: target, Host: h.Host, Header: http.Header{"User-Agent": {cmp.Or(h.UserAgent, "vmguard")}},
	}, nil
}
