package oom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// ScanOptions is what Scan needs to know of a log beside its text: what its stamps
// are read by, as in Clock. The zero value is UTC, and no time for stamps without year.
type ScanOptions struct {
	Location  *time.Location
	Reference time.Time
}

const (
	// chunk is how much is read at once, in bytes.
	chunk = 256 << 10
	// maxLine is the longest line that is looked into, in bytes. The kernel writes 2 KiB
	// at most, and the journal four bytes and more for each of them.
	maxLine = 64 << 10
	// sniffed is how many lines tell whether a log has prefixes.
	sniffed = 16
	// afterDump and afterKill are how many foreign lines may stand between two of one
	// kill: before its kill line, where whole stacks come between, and after.
	afterDump = 1024
	afterKill = 64
	// maxStreams bounds the machines and boots that are told apart at the same time.
	maxStreams = 64
)

// Scan reads a kernel log as text, in any of the forms of ParseLine, to its end: one
// machine's or several's, one boot or several, and whatever other programs wrote
// between. Most lines it only searches for the killer's words, and its memory is
// bounded whatever the text holds: lines of more than 64 KiB are passed over. A text
// none of whose first 16 lines has a known prefix, or is JSON or logfmt, is taken for the
// kernel's messages alone, as dmesg -t writes them; elsewhere a line without prefix is no
// message.
//
// A kill that the text holds twice is listed once. With an error comes what was read
// until then.
func Scan(ctx context.Context, r io.Reader, o ScanOptions) (Log, error) {
	s := newScanner(o)
	err := s.read(ctx, r, make([]byte, chunk))
	return s.log(), err
}

// scanner reads a text line by line near kills, and searches it elsewhere. Where it
// changes over depends on the lines alone, not on how they are read.
type scanner struct {
	clock     Clock
	maxLine   int
	afterDump int
	afterKill int

	begun     bool
	bare      bool // lines have no prefix
	fromBoot  bool // the first line is the first of a boot
	left      int  // lines still to be read
	overlong  bool // in the rest of a line that is passed over
	lines     int
	known     int  // lines with a known prefix, of those read
	yearless  bool // a kill's stamp names no year
	malformed int
	seq       uint64
	streams   streams
	previous  *stream // whose the line before was; nil if not the kernel's
}

func newScanner(o ScanOptions) *scanner {
	return &scanner{clock: Clock(o), maxLine: maxLine, afterDump: afterDump, afterKill: afterKill, left: afterDump}
}

// read fills the buffer again and again, and reads its whole lines.
func (s *scanner) read(ctx context.Context, r io.Reader, buf []byte) error {
	held := 0 // bytes of a line that has no end yet
	for {
		if ctx.Err() != nil {
			return fmt.Errorf("read kernel log: %w", context.Cause(ctx))
		}
		n, err := io.ReadFull(r, buf[held:])
		held += n
		if err != nil { // what was read before it counts
			s.last(s.whole(buf[:held]))
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return fmt.Errorf("read kernel log: %w", err)
		}
		held = copy(buf, s.tail(s.whole(buf[:held])))
	}
}

// whole reads all lines that have an end, and gives the rest.
func (s *scanner) whole(text []byte) []byte {
	if s.overlong {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return nil
		}
		s.overlong = false
		s.lines++
		text = text[end+1:]
	}
	if !s.begun && len(text) > 0 {
		s.sniff(text)
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	s.lines += bytes.Count(text[:end], []byte{'\n'})
	s.region(text[:end])
	return text[end:]
}

// tail keeps the beginning of a line whose end is not read yet, unless it is too long.
func (s *scanner) tail(text []byte) []byte {
	if len(text) <= s.maxLine {
		return text
	}
	s.line(text)
	s.overlong = true
	return nil
}

// last reads a line that has no end.
func (s *scanner) last(text []byte) {
	if len(text) == 0 {
		if s.overlong {
			s.lines++
		}
		return
	}
	s.lines++
	if s.left > 0 || interesting(text) {
		s.line(text)
	}
}

// region reads whole lines: all while some are left to be read, and else those that a
// search finds.
func (s *scanner) region(text []byte) {
	f := finder{text: text}
	for at := 0; at < len(text); {
		if s.left == 0 {
			next := f.next(at)
			if next < 0 {
				s.skipped()
				return
			}
			if begin := bytes.LastIndexByte(text[at:next], '\n') + 1; begin > 0 {
				at += begin
				s.skipped()
			}
		}
		end := at + bytes.IndexByte(text[at:], '\n')
		s.line(text[at:end])
		at = end + 1
	}
}

// skipped notes that the next line does not follow at once on the one read last.
func (s *scanner) skipped() { s.previous = nil }

// line reads one line.
func (s *scanner) line(raw []byte) {
	if s.left > 0 {
		s.left--
	}
	raw = bytes.TrimSuffix(raw, []byte{'\r'})
	if len(raw) > s.maxLine {
		if interesting(raw[:s.maxLine]) {
			s.malformed++
		}
		s.previous = nil
		return
	}
	l, ok := parseLine(string(raw), s.clock)
	if ok {
		s.known++
	}
	if !ok && s.bare {
		l, ok = line{Record: Record{Message: unescape(string(raw))}}, true
	}
	s.seq++
	switch {
	case ok:
		s.record(l)
	case s.previous != nil && len(raw) > 0 && raw[0] == ' ':
		// The rest of a message of several lines, as journalctl writes it. It is the
		// kernel's as the first line is, but only Mem-Info has such lines.
		s.previous.parser.addRest(string(raw))
	default:
		s.previous = nil
		if len(raw) > 0 && raw[0] == '{' && interesting(raw) {
			s.malformed++ // an object that was cut
		}
	}
}

func (s *scanner) record(l line) {
	if l.Facility != 0 {
		s.previous = nil
		return
	}
	if !l.numbered {
		l.Seq = s.seq
	}
	s.previous = s.streams.of(l.Host, l.Boot)
	p := &s.previous.parser
	if !p.add(l.Record) {
		return
	}
	s.previous.records++
	s.yearless = s.yearless || l.yearless
	switch {
	case p.dump != nil || p.pending != nil || p.broken != nil:
		s.left = s.afterDump
	case len(s.streams.list) > 1: // another may wait
		s.left = max(s.left, s.afterKill)
	default:
		s.left = s.afterKill
	}
}

// sniff looks at the first lines.
func (s *scanner) sniff(text []byte) {
	s.begun, s.bare = true, true
	text = text[:min(len(text), s.maxLine)]
	for n := 0; n < sniffed && len(text) > 0; n++ {
		raw, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		l, ok := parseLine(string(bytes.TrimSuffix(raw, []byte{'\r'})), s.clock)
		s.bare = s.bare && !ok && !structured(raw)
		if n == 0 && ok && l.Facility == 0 {
			s.fromBoot = l.numbered && l.Seq == 0 || !l.numbered && l.stamped && l.SinceBoot == 0
		}
	}
}

// structured tells the lines of programs that log JSON or logfmt, such as
// level=info msg="...". The kernel writes neither, except for keys in capitals.
func structured(raw []byte) bool {
	if len(raw) > 0 && raw[0] == '{' {
		return true
	}
	key, _, ok := bytes.Cut(raw, []byte{'='})
	if !ok || !isWord(string(key)) {
		return false
	}
	for _, usual := range [...]string{" msg=", " level=", " lvl=", " severity="} {
		if bytes.HasPrefix(raw, []byte(usual[1:])) || bytes.Contains(raw, []byte(usual)) {
			return true
		}
	}
	return false
}

// log gives what was found.
func (s *scanner) log() Log {
	log := s.streams.log()
	log.Lines = s.lines
	log.Malformed += s.malformed
	log.Truncated = s.begun && !s.fromBoot
	log.Bare = s.bare && log.Records > 0
	log.Strange = s.lines > 0 && s.known == 0 && log.Records == 0
	log.Yearless = s.yearless
	return log
}
