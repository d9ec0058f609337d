package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"
)

// ErrSilent says that the journal holds no message of any engine's unit from the time
// that was asked for: the engine may not be systemd's to start, and log elsewhere.
// errors.Is finds fs.ErrNotExist in it.
var ErrSilent = fmt.Errorf("the journal holds no message of docker.service, containerd.service or podman.service from that time: %w", fs.ErrNotExist)

// errEnough ends the reading of a log of which enough was read.
var errEnough = errors.New("enough was read")

const (
	// mostLines bounds what is kept of a container's messages; the newest are.
	mostLines = 200
	// maxRecord bounds a record that is looked at, in bytes. journalctl leaves out a field
	// of more than 4096.
	maxRecord = 64 << 10
)

// engineUnits are the units that engines are started as.
func engineUnits() []string {
	return []string{"docker.service", "containerd.service", "podman.service"}
}

// EngineLog is what the engines' units logged about one container.
type EngineLog struct {
	// Lines are about the container, oldest first, at most 200.
	Lines []EngineLine
	// Units are those of the engines' units that logged anything at all, sorted.
	Units []string
	// More tells that there are older lines, which were left out.
	More bool
}

// EngineLine is one message about a container.
type EngineLine struct {
	// At is the engine's own stamp, as its events have it; the journal's where it has none.
	At   time.Time
	Unit string
	Text string
}

// EngineLog reads what the engine's own log says about the container with that full ID,
// without what is for debugging, from a time on; the zero time leaves out nothing.
//
// It reads what units wrote to their standard streams alone: with the log drivers
// journald and syslog the output of containers comes from the engine's unit as well, and
// could play the engine (moby: daemon/logger/journald). It reads backwards, so that where
// the context ends it the newest lines come with the error.
//
// It errs with ErrAbsent, ErrDenied, ErrSilent, and with the context's cause.
func (s Source) EngineLog(ctx context.Context, container string, since time.Time) (EngineLog, error) {
	if _, _, err := s.Text(ctx, "--output=short", "--lines=1"); err != nil {
		return EngineLog{}, fmt.Errorf("look at journal: %w", err)
	}
	var log EngineLog
	_, err := s.Stream(ctx, engineArgs(since), func(r io.Reader) (err error) {
		log, err = gather(r, container)
		return err
	})
	slices.Reverse(log.Lines)
	slices.Sort(log.Units)
	switch {
	case errors.Is(err, errEnough):
		log.More = true
	case err != nil:
		return log, fmt.Errorf("read journal of the engine: %w", err)
	case len(log.Units) == 0:
		return log, ErrSilent
	}
	return log, nil
}

// engineArgs are journalctl's arguments: of one field any value will do, and every field must fit.
func engineArgs(since time.Time) []string {
	args := []string{"--output=json", "--reverse"}
	if !since.IsZero() {
		args = append(args, "--since=@"+strconv.FormatInt(since.Unix(), 10))
	}
	args = append(args, "_TRANSPORT=stdout")
	for _, unit := range engineUnits() {
		args = append(args, "_SYSTEMD_UNIT="+unit)
	}
	return args
}

// gather takes from records, newest first, those about a container, and errs with
// errEnough where there are more than are kept.
func gather(r io.Reader, container string) (EngineLog, error) {
	var log EngineLog
	unseen := engineUnits()
	lines := bufio.NewReaderSize(r, maxRecord)
	for {
		data, err := nextLine(lines)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return log, err
		}
		unseen = slices.DeleteFunc(unseen, func(unit string) bool {
			seen := bytes.Contains(data, []byte(`"`+unit+`"`))
			if seen {
				log.Units = append(log.Units, unit)
			}
			return seen
		})
		if line, ok := engineLine(data, container); ok {
			if len(log.Lines) == mostLines {
				return log, errEnough
			}
			log.Lines = append(log.Lines, line)
		}
		if last {
			return log, nil
		}
	}
}

// nextLine gives a line, empty in the place of one that is too long. With the last comes io.EOF.
func nextLine(r *bufio.Reader) ([]byte, error) {
	data, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return data, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return nil, err
}

// engineLine reads a record that is about a container. Most are not: they are told by the ID's absence.
func engineLine(data []byte, container string) (EngineLine, bool) {
	if container == "" || !bytes.Contains(data, []byte(container)) {
		return EngineLine{}, false
	}
	record, ok := ParseRecord(data)
	if !ok || record.Transport != "stdout" || !slices.Contains(engineUnits(), record.Unit) {
		return EngineLine{}, false
	}
	line := EngineLine{At: record.At, Unit: record.Unit}
	message, ok := ParseMessage(record.Message)
	switch {
	case !ok: // of another form, it is shown as it is
		line.Text = record.Message
		return line, hasWord(line.Text, container)
	case message.Level == "debug", message.Level == "trace":
		return EngineLine{}, false
	case !message.At.IsZero():
		line.At = message.At
	}
	line.Text = message.Text
	return line, message.Names(container)
}
