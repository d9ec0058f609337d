package http

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"unicode/utf8"

	"vmguard/pkg/probe"
)

const (
	// maxBody is the longest content of an answer that is read, in bytes.
	maxBody = 1 << 20
	// maxText is how much of foreign text is kept, in bytes.
	maxText = 300
)

const notHTTP = "this is not HTTP/1.1: "

// answer is the head of an HTTP response, whose content is still on the connection, or what came instead.
type answer struct {
	*http.Response        // nil for what is not HTTP
	foreign        string // what that is; "" for a response
}

// readFinal reads heads up to that of the final answer. Those before it (1xx) are passed by.
func readFinal(c *probe.Conn, request *http.Request) (answer, error) {
	for {
		a, err := readHead(c, request)
		switch {
		case err != nil:
			return answer{}, err
		case a.foreign != "":
			return answer{}, &probe.Said{What: probe.SaidStrange, Text: bound(a.foreign)}
		case a.StatusCode == http.StatusSwitchingProtocols:
			return answer{}, a.unfit("the server leaves HTTP")
		case a.StatusCode >= http.StatusOK:
			return a, nil
		}
	}
}

// readHead reads the head of a response, by lines, so that the Conn's limits hold.
func readHead(c *probe.Conn, request *http.Request) (answer, error) {
	// What is not HTTP need not hold the end of a line. The error is this one: a second reading after an RST gives EOF.
	start, err := c.Reader().Peek(1)
	if err != nil {
		return answer{}, err
	}
	if start[0] == 0x15 || start[0] == 0x16 {
		return answer{foreign: "the server speaks TLS, and was spoken to without it"}, nil
	}
	var head bytes.Buffer
	for line := "-"; line != ""; {
		if line, err = c.ReadLine(); err != nil {
			return answer{}, err
		}
		if head.Len() == 0 && !strings.HasPrefix(line, "HTTP/1.") {
			return answer{foreign: notHTTP + line}, nil
		}
		head.WriteString(line + "\r\n")
	}
	return parse(&head, request), nil
}

// parse parses the head of a response. The request tells whether content follows (HEAD); nil for none that was made.
func parse(head io.Reader, request *http.Request) answer {
	response, err := http.ReadResponse(bufio.NewReader(head), request)
	if err != nil {
		return answer{foreign: notHTTP + err.Error()}
	}
	// The content is not in what was parsed.
	response.Body.Close()
	return answer{Response: response}
}

// status is the status with its reason, in the server's words.
func (a answer) status() string { return bound(a.Status) }

// unfit makes an error of an answer after which the connection is of no use.
func (a answer) unfit(words string) error {
	return &probe.Said{What: probe.SaidUnfit, Text: bound(fmt.Sprintf("%s (%s, %s)", words, a.Proto, a.Status))}
}

// skipBody reads the content to its end, which RFC 9112 6.3 finds in one of four ways.
func (a answer) skipBody(c *probe.Conn) error {
	switch {
	case a.Request != nil && a.Request.Method == http.MethodHead, a.StatusCode < http.StatusOK,
		a.StatusCode == http.StatusNoContent, a.StatusCode == http.StatusNotModified:
		return nil
	case slices.Equal(a.TransferEncoding, []string{"chunked"}):
		return a.skipChunks(c)
	case a.ContentLength < 0:
		return a.unfit("the server ends its answer by closing the connection")
	case a.ContentLength > maxBody:
		return a.unfit("the answer is longer than 1 MiB")
	}
	if _, err := io.CopyN(io.Discard, c.Reader(), a.ContentLength); err != nil {
		return fmt.Errorf("content: %w", err)
	}
	return nil
}

// skipChunks reads chunks and what follows the last one (RFC 9112 7.1).
func (a answer) skipChunks(c *probe.Conn) error {
	n, err := io.CopyN(io.Discard, httputil.NewChunkedReader(c.Reader()), maxBody+1)
	switch {
	case n > maxBody:
		return a.unfit("the answer is longer than 1 MiB")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("content: %w", io.EOF)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("content: %w", err)
	}
	for {
		line, err := c.ReadLine()
		if err != nil || line == "" {
			return err
		}
	}
}

// bound cuts foreign text to maxText bytes, between characters where it has any.
func bound(text string) string {
	const more = "..."
	if len(text) <= maxText {
		return text
	}
	text = text[:maxText-len(more)]
	for back := 1; back < utf8.UTFMax; back++ {
		if tail := text[len(text)-back:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRuneInString(tail) {
				text = text[:len(text)-back]
			}
			break
		}
	}
	return text + more
}
