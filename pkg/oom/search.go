package oom

import "bytes"

// The needles are what the lines hold that can begin a kill, be one, or follow one:
//
//	x invoked oom-killer:      oom-kill:constraint=      Kill process      Killed process
//
// The last is a message that journalctl -o json writes as a list of bytes, since it
// holds others than text: it may be any.
//
// bytes.Index goes by a needle's first byte while that is rare, so each begins with one
// that logs seldom hold: "oom-kill" takes eight times as long as "-kill".
const (
	needleKill  = "Kill"
	needleOOM   = "-kill"
	needleBytes = `MESSAGE":[`
)

// interesting tells whether a line may be of a kill.
func interesting(text []byte) bool {
	f := finder{text: text}
	return f.next(0) >= 0
}

// finder finds the needles in a text, from left to right, searching no byte twice.
type finder struct {
	text []byte
	hit  [3]int // where the next of each is, plus 1; 0 while unknown
}

// next gives where the first needle at or behind a place is, or -1.
func (f *finder) next(at int) int {
	first := -1
	for i, needle := range [...]string{needleKill, needleOOM, needleBytes} {
		if f.hit[i] <= at {
			found := bytes.Index(f.text[at:], []byte(needle))
			if found < 0 {
				found = len(f.text) - at
			}
			f.hit[i] = at + found + 1
		}
		if hit := f.hit[i] - 1; hit < len(f.text) && (first < 0 || hit < first) {
			first = hit
		}
	}
	return first
}
