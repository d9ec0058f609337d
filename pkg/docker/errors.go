package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/docker/docker/api"
)

// Reason is why an engine could not be asked, in one word for a program.
type Reason string

// The reasons.
const (
	NoSocket    Reason = "no-socket"    // the unix socket does not exist
	Denied      Reason = "denied"       // no permission on the socket
	Refused     Reason = "refused"      // nobody listens there
	Unreachable Reason = "unreachable"  // no route, no such host, TLS not agreed on
	Timeout     Reason = "timeout"      // no answer, or not all of it, in time
	CutOff      Reason = "cut-off"      // the answer ended in the middle
	BadAnswer   Reason = "bad-answer"   // what answers is no Docker engine, or talks nonsense
	APIMismatch Reason = "api-mismatch" // the engine is too new or too old for this program
	EngineError Reason = "engine-error" // the engine answered that it failed
	Interrupted Reason = "interrupted"  // the caller gave up
)

// Error is a question that an engine did not answer. errors.Is finds the cause
// below it, such as syscall.EACCES or context.DeadlineExceeded.
type Error struct {
	Reason Reason
	Op     string // what was asked: "ping", "info", "list containers", ...
	Host   string // the endpoint's address
	Err    error  // the cause
}

// Error says what failed and why, in one line.
func (e *Error) Error() string { return e.Op + " at " + e.Host + ": " + e.Why() }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Why says the reason in words, without what was asked or where.
func (e *Error) Why() string {
	switch e.Reason {
	case NoSocket:
		return "the socket does not exist"
	case Denied:
		return "permission denied on the socket"
	case Refused:
		return "connection refused, no engine is listening"
	case Timeout:
		return "no complete answer in time"
	case CutOff:
		return "the engine broke off its answer"
	case BadAnswer:
		if errors.Is(e.Err, errNotEngine) {
			return clip(e.Err.Error())
		}
		return errNotEngine.Error() + ": " + clip(e.Err.Error())
	case APIMismatch:
		var old tooOldError
		if errors.As(e.Err, &old) {
			return old.Error()
		}
		return "the engine is too new for this program: " + clip(e.Err.Error())
	case Interrupted:
		return "interrupted"
	}
	return clip(e.Err.Error())
}

// Hint is what a user can do about it, without a final full stop; empty where there is nothing to advise.
func (e *Error) Hint() string {
	switch e.Reason {
	case NoSocket:
		return "start Docker (sudo systemctl start docker), or name the engine's address with --docker-host"
	case Denied:
		return "run it with sudo, or add the user to the docker group: sudo usermod -aG docker USER, then log in again"
	case Refused:
		return "start Docker: sudo systemctl start docker; why it stopped: sudo journalctl -u docker -n 50"
	case Unreachable:
		return "check the address, and DOCKER_TLS_VERIFY and DOCKER_CERT_PATH for an engine behind TLS"
	case Timeout:
		return "the engine hangs or is overloaded: sudo journalctl -u docker -n 50; or give it longer with --timeout"
	case CutOff:
		return "the engine may just have stopped: look at sudo systemctl status docker, then try again"
	case BadAnswer:
		return "check that the address is that of a Docker engine's API, and whether it wants TLS (DOCKER_TLS_VERIFY)"
	case APIMismatch:
		return "this program speaks Docker API " + api.MinSupportedAPIVersion + " to " + api.DefaultVersion +
			"; update whichever of the two is older"
	}
	return ""
}

// tooOldError is an engine whose newest API is older than the oldest that the SDK speaks.
type tooOldError struct{ engine string }

// Error names both versions.
func (e tooOldError) Error() string {
	return fmt.Sprintf("the engine is too old: it speaks API %s, at least %s is needed", e.engine, api.MinSupportedAPIVersion)
}

// fail turns an error of the SDK into an Error. op says what was asked.
func (c *Client) fail(op string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	var w *wireError
	onWire := errors.As(err, &w)
	switch {
	case onWire:
		err = w.err
	case errors.Is(err, io.EOF): // the decoder met the end where a value should begin
		err = fmt.Errorf("%w: it is empty: %w", errNotEngine, err)
	}
	return &Error{Reason: reasonOf(err, onWire), Op: op, Host: c.endpoint.Host, Err: err}
}

// reasonOf sorts an error. onWire tells that it came before an answer did.
func reasonOf(err error, onWire bool) Reason {
	var timeout net.Error
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var old tooOldError
	switch {
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case errors.Is(err, fs.ErrPermission):
		return Denied
	case errors.Is(err, fs.ErrNotExist):
		return NoSocket
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, errNotEngine), errors.Is(err, errTooLarge), errors.As(err, &syntax), errors.As(err, &kind):
		return BadAnswer
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return CutOff
	case errors.As(err, &old), isVersionRefusal(err.Error()):
		return APIMismatch
	case onWire && strings.Contains(err.Error(), "malformed "): // net/http: what came is no HTTP
		return BadAnswer
	case strings.Contains(err.Error(), "HTTP request to an HTTPS server"): // net/http: a server that wants TLS
		return BadAnswer
	case onWire:
		return Unreachable
	}
	return EngineError
}

// isVersionRefusal recognises an engine's answer (moby: api/server/middleware/version.go):
// "client version 1.51 is too old. Minimum supported API version is 1.60, ..." or "... is too new. ...".
func isVersionRefusal(msg string) bool {
	_, after, ok := strings.Cut(msg, "client version ")
	return ok && (strings.Contains(after, " is too old.") || strings.Contains(after, " is too new."))
}

// clip shortens an engine's message for use inside a sentence, and takes the SDK's preface away.
func clip(msg string) string {
	const most = 300
	msg = text(strings.TrimPrefix(msg, "Error response from daemon: "))
	if len(msg) > most {
		msg = cut(msg, most) + "..."
	}
	return msg
}
