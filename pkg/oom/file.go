package oom

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// maxFile bounds a recorded log; the kernel's own buffer is 16 MiB where it is large.
	maxFile = 64 << 20
	// maxRecord is more than the kernel can write as one record (CONSOLE_EXT_LOG_MAX
	// and PRINTK_MESSAGE_MAX, kernel/printk/internal.h: 8 KiB and 2 KiB).
	maxRecord = 16 << 10
	// askEvery is how many records are read between two looks at the context.
	askEvery = 256
)

// ErrTooLarge says that a recorded log is larger than 64 MiB.
var ErrTooLarge = errors.New("kernel log too large")

// ReadRecords reads a recorded kernel log: records as /dev/kmsg gives them, one per
// line, each followed by the lines of its dictionary. A record that cannot be parsed
// is counted and does not end the reading. A gap in the sequence numbers is counted
// in Lost. With an error comes what was read until then.
func ReadRecords(ctx context.Context, r io.Reader) (Log, error) {
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	s := scan{lines: bufio.NewReaderSize(limited, maxRecord)}
	for n := 0; ; n++ {
		if n%askEvery == 0 && ctx.Err() != nil {
			return s.parser.Log(), fmt.Errorf("read kernel log: %w", context.Cause(ctx))
		}
		err := s.next()
		switch {
		case limited.N <= 0:
			return s.parser.Log(), fmt.Errorf("read kernel log: %w", ErrTooLarge)
		case errors.Is(err, io.EOF):
			return s.parser.Log(), nil
		case err != nil:
			return s.parser.Log(), fmt.Errorf("read kernel log: %w", err)
		}
	}
}

// scan is the state of reading a recorded log.
type scan struct {
	lines  *bufio.Reader
	parser Parser
	begun  bool
	want   uint64 // the sequence number that follows the last record
}

// next takes one line.
func (s *scan) next() error {
	line, err := s.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = s.lines.ReadSlice('\n')
		}
		s.malformed()
		return err
	}
	if text := strings.TrimSuffix(string(line), "\n"); text != "" && text[0] != ' ' {
		s.record(text)
	}
	return err
}

func (s *scan) record(text string) {
	r, err := ParseRecord(text)
	if err != nil {
		s.malformed()
		return
	}
	if s.begun && r.Seq > s.want {
		s.parser.AddLost()
	}
	s.begun, s.want = true, r.Seq+1
	s.parser.Add(r)
}

// malformed counts a record that had a sequence number too.
func (s *scan) malformed() {
	s.parser.AddMalformed()
	s.want++
}

var errNotKmsg = errors.New("neither the kernel log's device nor a regular file")

// emptyLog is a log of which nothing was read.
func emptyLog() Log { return Log{Kills: []Kill{}} }
