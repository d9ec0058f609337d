package docker

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

const (
	// logLineLimit is how much of one line is kept, in bytes.
	logLineLimit = 4 << 10
	// logFrameHead is the length of what stands before each frame, in bytes.
	logFrameHead = 8
	// stampLength is more than a time stamp before a line takes, in bytes.
	stampLength = 64
)

// LogLine is one line that a container printed.
type LogLine struct {
	At     time.Time // zero where the engine gave no time
	Text   string    // at most 4 KiB, without its end of line
	Stderr bool      // false also for a container with a terminal, whose engine does not tell them apart
}

// LogQuery picks lines of a container's log.
type LogQuery struct {
	// Lines is how many of the newest lines that fit are given, at least 1.
	Lines int
	// Since and Until bound their times; zero for no bound. The engine then reads the
	// whole log, which takes it a second for each 100 MB or so.
	Since, Until time.Time
}

// Logs gives a container's newest log lines, oldest first. The error is an *Error: with
// EngineError where the container's log driver cannot be read back, and then its Why
// says so in the engine's words.
func (c *Client) Logs(ctx context.Context, id string, q LogQuery) ([]LogLine, error) {
	const op = "read container log"
	in, err := c.describe(ctx, op, id)
	if err != nil {
		return nil, err
	}
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Tail: strconv.Itoa(max(1, q.Lines))}
	if !q.Since.IsZero() || !q.Until.IsZero() { // the tail is taken first, and would leave nothing
		options.Tail = "all"
	}
	if !q.Since.IsZero() {
		options.Since = unixNano(q.Since)
	}
	if !q.Until.IsZero() {
		options.Until = unixNano(q.Until)
	}
	body, err := c.sdk.ContainerLogs(ctx, id, options)
	if err != nil {
		return nil, c.fail(op, err)
	}
	defer body.Close()
	lines := newLogTail(max(1, q.Lines))
	if in.Config != nil && in.Config.Tty {
		err = lines.readRaw(body)
	} else {
		err = lines.readFrames(body)
	}
	if err != nil {
		return nil, c.fail(op, err)
	}
	return lines.newest(), nil
}

// describe inspects one container.
func (c *Client) describe(ctx context.Context, op, id string) (container.InspectResponse, error) {
	if err := c.agree(ctx); err != nil {
		return container.InspectResponse{}, err
	}
	in, err := c.sdk.ContainerInspect(ctx, id)
	if err != nil {
		return container.InspectResponse{}, c.fail(op, err)
	}
	return in, nil
}

// logTail keeps the newest lines of a log.
type logTail struct {
	keep  int
	lines []LogLine
	// open tells for stdout and stderr that their last line has no end yet.
	open [2]bool
}

func newLogTail(keep int) *logTail { return &logTail{keep: keep} }

func (t *logTail) newest() []LogLine {
	return t.lines[max(0, len(t.lines)-t.keep):]
}

// add takes a line in, and lets the oldest go.
func (t *logTail) add(l LogLine) {
	if len(t.lines) >= 2*t.keep+2 {
		t.lines = append(t.lines[:0], t.lines[len(t.lines)-t.keep-2:]...)
	}
	t.lines = append(t.lines, l)
}

// readFrames reads the log of a container without a terminal: frames of one message
// each, with the stream's number and the length before them (Docker's API, "attach to
// a container"). The engine cuts a line of more than 16 KiB into several messages, of
// which only the last ends in a newline; each has its own time stamp.
func (t *logTail) readFrames(r io.Reader) error {
	in := bufio.NewReader(r)
	head := make([]byte, logFrameHead)
	for {
		if _, err := io.ReadFull(in, head); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read log frame: %w", err)
		}
		if head[0] > 3 || head[1] != 0 || head[2] != 0 || head[3] != 0 {
			return fmt.Errorf("%w: no log frame begins with %x", errNotEngine, head)
		}
		message, whole, err := readFrame(in, int64(binary.BigEndian.Uint32(head[4:])))
		if err != nil {
			return err
		}
		if head[0] == 3 { // the engine's own error in the middle of a log
			return errors.New(cut(text(strings.TrimSpace(string(message))), logLineLimit))
		}
		t.message(string(message), head[0] == 2, whole)
	}
}

// readFrame gives the beginning of a frame's message, and whether the message ends in a newline.
func readFrame(r *bufio.Reader, size int64) (message []byte, whole bool, err error) {
	message = make([]byte, min(size, stampLength+logLineLimit))
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, false, fmt.Errorf("read log frame: %w", midway(err))
	}
	whole = len(message) > 0 && message[len(message)-1] == '\n'
	if rest := size - int64(len(message)); rest > 0 {
		if _, err := io.CopyN(io.Discard, r, rest-1); err != nil {
			return nil, false, fmt.Errorf("read log frame: %w", midway(err))
		}
		last, err := r.ReadByte()
		if err != nil {
			return nil, false, fmt.Errorf("read log frame: %w", midway(err))
		}
		whole = last == '\n'
	}
	return message, whole, nil
}

// midway is the error of an end where there should have been more.
func midway(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// message takes in one message, which goes on with the stream's last line where that has no end.
func (t *logTail) message(raw string, stderr, whole bool) {
	l := parseLogLine(raw)
	l.Stderr = stderr
	stream := 0
	if stderr {
		stream = 1
	}
	goesOn := t.open[stream]
	t.open[stream] = !whole
	if goesOn {
		for i := len(t.lines) - 1; i >= 0; i-- {
			if t.lines[i].Stderr == stderr {
				t.lines[i].Text = cut(t.lines[i].Text+l.Text, logLineLimit)
				return
			}
		}
	}
	t.add(l)
}

// readRaw reads the log of a container with a terminal: lines, as the terminal showed them.
func (t *logTail) readRaw(r io.Reader) error {
	in := bufio.NewReaderSize(r, stampLength+logLineLimit)
	for {
		line, isPrefix, err := in.ReadLine()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		t.add(parseLogLine(string(line)))
		for isPrefix {
			if _, isPrefix, err = in.ReadLine(); err != nil {
				return fmt.Errorf("read log: %w", err)
			}
		}
	}
}

// parseLogLine takes the time stamp from the beginning of a line, and its end of line away.
func parseLogLine(raw string) LogLine {
	raw = strings.TrimRight(raw, "\r\n")
	first, rest, _ := strings.Cut(raw, " ")
	at := stamp(first)
	if at.IsZero() {
		rest = raw
	}
	return LogLine{At: at, Text: cut(text(rest), logLineLimit)}
}
