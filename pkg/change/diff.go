package change

import (
	"fmt"
	"slices"
	"strings"
)

// Diff gives the difference of two texts as a unified diff without context: the lines
// around a change may hold secrets, and are not needed. It is empty where the texts are
// the same. A nil text is a file that is not there.
func Diff(path string, was, now []byte) string {
	from, to := path, path
	if was == nil {
		from = "/dev/null"
	}
	if now == nil {
		to = "/dev/null"
	}
	old, fresh := slices.Collect(strings.Lines(string(was))), slices.Collect(strings.Lines(string(now)))
	var b strings.Builder
	for _, h := range hunks(old, fresh) {
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", h.old.String(), h.fresh.String())
		writeLines(&b, "-", old[h.old.start:h.old.end])
		writeLines(&b, "+", fresh[h.fresh.start:h.fresh.end])
	}
	if b.Len() == 0 && from == to {
		return ""
	}
	return "--- " + from + "\n+++ " + to + "\n" + b.String()
}

func writeLines(b *strings.Builder, sign string, lines []string) {
	for _, line := range lines {
		b.WriteString(sign + line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// span is a run of lines, counted from 0; end is past the last.
type span struct{ start, end int }

// String spells a span as a unified diff does: first line and number of lines; of no
// lines, the line before.
func (s span) String() string {
	switch n := s.end - s.start; n {
	case 0:
		return fmt.Sprintf("%d,0", s.start)
	case 1:
		return fmt.Sprint(s.start + 1)
	default:
		return fmt.Sprintf("%d,%d", s.start+1, n)
	}
}

// hunk is a run of old lines and the new ones that stand in its place.
type hunk struct{ old, fresh span }

// hunks compares two lists of lines. What is the same at both ends is set aside first;
// of the rest the longest common subsequence stays, unless the rest is too large for that.
func hunks(old, fresh []string) []hunk {
	head := 0
	for head < len(old) && head < len(fresh) && old[head] == fresh[head] {
		head++
	}
	oldEnd, freshEnd := len(old), len(fresh)
	for oldEnd > head && freshEnd > head && old[oldEnd-1] == fresh[freshEnd-1] {
		oldEnd--
		freshEnd--
	}
	a, b := old[head:oldEnd], fresh[head:freshEnd]
	const most = 1 << 22 // cells of the table
	if len(a) == 0 && len(b) == 0 {
		return nil
	}
	if len(a)*len(b) > most {
		return []hunk{{span{head, oldEnd}, span{head, freshEnd}}}
	}
	return walk(a, b, common(a, b), head)
}

// common gives the table of lengths of the longest common subsequences of a[i:] and b[j:].
func common(a, b []string) [][]int32 {
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

// walk gives the runs that are not common, with their places in the whole lists.
func walk(a, b []string, table [][]int32, offset int) []hunk {
	var out []hunk
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		if i < len(a) && j < len(b) && a[i] == b[j] {
			i++
			j++
			continue
		}
		h := hunk{span{i, i}, span{j, j}}
		for i < len(a) || j < len(b) {
			if i < len(a) && j < len(b) && a[i] == b[j] {
				break
			}
			if j == len(b) || i < len(a) && table[i+1][j] >= table[i][j+1] {
				i++
			} else {
				j++
			}
		}
		h.old.end, h.fresh.end = i, j
		h.old.start, h.old.end = h.old.start+offset, h.old.end+offset
		h.fresh.start, h.fresh.end = h.fresh.start+offset, h.fresh.end+offset
		out = append(out, h)
	}
	return out
}
