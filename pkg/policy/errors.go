package policy

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"vmguard/pkg/human"
)

// Error is one thing that is wrong with a policy.
type Error struct {
	// File is the policy's name, as the caller of Parse gave it.
	File string
	// Line is counted from 1.
	Line int
	// Text says what is wrong, and what is accepted.
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// Errors is all that is wrong with a policy, in the order of its lines: at least one, and 50 at most.
type Errors []*Error

// Error gives one line for each.
func (e Errors) Error() string {
	var lines []string
	for _, one := range e {
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single errors.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

func (e Errors) sorted() Errors {
	sort.SliceStable(e, func(i, j int) bool { return e[i].Line < e[j].Line })
	const most = 50
	if len(e) > most {
		e = e[:most]
		e[most-1] = &Error{e[most-1].File, e[most-1].Line, "from here on more is wrong: mend the lines above first"}
	}
	return e
}

// fail notes one thing that is wrong. What is far past anything that is shown is dropped.
func (p *parser) fail(line int, format string, args ...any) {
	const enough = 10_000
	if len(p.errors) < enough {
		p.errors = append(p.errors, &Error{p.name, max(line, 1), fmt.Sprintf(format, args...)})
	}
}

// suggest names the candidate that a word may have been meant for, ready to stand behind a
// sentence; empty where none comes near.
func suggest(word string, candidates []string) string {
	best, slips := "", 1+len(word)/3
	for _, c := range candidates {
		if n := human.Slips(word, c); n < slips || n == slips && best == "" {
			best, slips = c, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// quoted quotes what stands in a policy, and cuts it where it is long.
func quoted(s string) string {
	const enough = 60
	if len(s) > enough {
		s = strings.ToValidUTF8(s[:enough], "") + "..."
	}
	return strconv.Quote(s)
}
