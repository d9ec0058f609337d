package swap

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Entry is the line that vmguard writes into fstab(5) for a swapfile.
type Entry struct {
	// Path is the swapfile's absolute path. It holds no NUL byte, as no path does.
	Path string
	// Priority is that of swapon(2), 0 to 32767, and written as pri=N. Below zero it
	// is left to the kernel, and nothing is written.
	Priority int
	// Options are those of the line that this one takes the place of; none for a new line. Of them stays what
	// does not contradict the entry.
	Options []string
}

// Line is the entry's line, without its line ending. It carries nofail, so that a
// swapfile that is missing at boot fails alone: without it, systemd's swap.target fails with it.
func (e Entry) Line() string {
	var options []string
	for _, o := range e.Options {
		if o != "" && o != "noauto" && o != "auto" && o != "fail" && o != "nofail" && !strings.HasPrefix(o, "pri=") {
			options = append(options, o)
		}
	}
	if len(options) == 0 {
		options = []string{"sw"}
	}
	options = append(options, "nofail")
	if e.Priority >= 0 {
		options = append(options, "pri="+strconv.Itoa(e.Priority))
	}
	return escapeField(e.Path) + " none swap " + strings.Join(options, ",") + " 0 0"
}

// FstabLine is one line of type swap, as swapon(8) reads it from fstab(5).
type FstabLine struct {
	// Number is the line's, counted from 1.
	Number int
	// Spec is the first field with its escapes undone: a path, or a tag such as UUID=
	// without the quotes that its value may have.
	Spec string
	// Options are the fourth field's, in their order; none where the field is missing.
	Options []string
	// NoAuto tells that the line is not activated at boot.
	NoAuto bool
	// NoFail tells that the boot goes on where the activation fails.
	NoFail bool
	// Priority is that of the first pri=N, and at most 32767, which is how swapon(8)
	// takes it. It is -1 where none is given, or one that is no number or below zero.
	Priority int
}

// ParseFstab finds the lines of type swap. It reads the file as libmount does
// (tab_parse.c): fields are parted by blanks and tabs, \NNN is an octal escape, a #
// before the first field starts a comment, a line may end in CRLF, and what has fewer
// than three fields is no entry. It is more generous where libmount drops a line for
// a bad number in the last two fields, because systemd-fstab-generator takes that line.
func ParseFstab(fstab []byte) []FstabLine {
	var list []FstabLine
	n := 0
	for line := range bytes.Lines(fstab) {
		n++
		if entry, ok := parseSwapLine(line); ok {
			entry.Number = n
			list = append(list, entry)
		}
	}
	return list
}

// AddEntry adds the entry's line to a file, which it leaves as it is otherwise. The
// line comes after the last line ending, so before a last line that has none: nothing
// is glued to what stood there, and RemoveEntries gives back the very same bytes. It
// does not look whether there is such an entry; ReplaceEntries does.
func AddEntry(fstab []byte, e Entry) []byte {
	end := bytes.LastIndexByte(fstab, '\n') + 1
	return slices.Concat(fstab[:end], []byte(e.Line()+"\n"), fstab[end:])
}

// RemoveEntries removes the swap lines whose Spec means what the caller has in mind,
// each with its line ending. Every other byte stays. The caller decides on the meaning,
// because a swapfile has several names: its path, a link to it, the UUID in its header.
func RemoveEntries(fstab []byte, means func(spec string) bool) []byte {
	kept, _ := editSwapLines(fstab, means, func([]byte) string { return "" })
	return kept
}

// ReplaceEntries puts the entry's line into the place of the first swap line whose Spec
// means the same, with that line's ending, and removes the others that do. Where there
// is none it is AddEntry. Every other byte stays. As long as the entry's own path has
// that meaning, to do it twice is to do it once.
func ReplaceEntries(fstab []byte, means func(spec string) bool, e Entry) []byte {
	done := false
	edited, found := editSwapLines(fstab, means, func(old []byte) string {
		if done {
			return ""
		}
		done = true
		return e.Line() + lineEnding(old)
	})
	if !found {
		return AddEntry(fstab, e)
	}
	return edited
}

// editSwapLines puts another text into the place of each swap line whose spec has the
// meaning, line ending included, and tells whether there was one.
func editSwapLines(fstab []byte, means func(spec string) bool, text func(old []byte) string) (edited []byte, found bool) {
	edited = make([]byte, 0, len(fstab))
	for line := range bytes.Lines(fstab) {
		if entry, ok := parseSwapLine(line); ok && means(entry.Spec) {
			edited = append(edited, text(line)...)
			found = true
			continue
		}
		edited = append(edited, line...)
	}
	return edited, found
}

// lineEnding is how a line ends: with LF, CRLF, or the end of the file. Of several CRs
// one is kept: libmount takes any other for a part of the last field.
func lineEnding(line []byte) string {
	switch {
	case bytes.HasSuffix(line, []byte("\r\n")):
		return "\r\n"
	case bytes.HasSuffix(line, []byte("\n")):
		return "\n"
	default:
		return ""
	}
}

// parseSwapLine reads one line, with or without its ending, all but its number. It
// is false for a line that is no swap line.
func parseSwapLine(line []byte) (FstabLine, bool) {
	text := strings.TrimRight(strings.TrimSuffix(string(line), "\n"), "\r")
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || fields[2] != "swap" {
		return FstabLine{}, false
	}
	entry := FstabLine{Spec: unquoteTag(unescapeField(fields[0])), Priority: -1}
	if len(fields) > 3 {
		entry.Options = strings.Split(fields[3], ",")
		entry.NoAuto = slices.Contains(entry.Options, "noauto")
		entry.NoFail = slices.Contains(entry.Options, "nofail")
		entry.Priority = priorityOf(entry.Options)
	}
	return entry, true
}

// priorityOf finds the priority that swapon(8) takes from the options: the first pri=N.
func priorityOf(options []string) int {
	const highest = 32767 // SWAP_FLAG_PRIO_MASK in linux/swap.h
	for _, option := range options {
		value, ok := strings.CutPrefix(option, "pri=")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return -1
		}
		return min(n, highest)
	}
	return -1
}

// escapeField writes a field such that none of it parts fields or lines: just those
// escapes that every reader of fstab(5) knows, see getmntent(3).
func escapeField(text string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(text)
}

// unescapeField undoes the octal escapes. What only looks like one stays.
func unescapeField(field string) string {
	const digits = 3
	var b strings.Builder
	for {
		plain, rest, ok := strings.Cut(field, `\`)
		b.WriteString(plain)
		if !ok {
			return b.String()
		}
		field = rest
		if len(rest) >= digits {
			if n, err := strconv.ParseUint(rest[:digits], 8, 8); err == nil {
				b.WriteByte(byte(n))
				field = rest[digits:]
				continue
			}
		}
		b.WriteByte('\\')
	}
}

// unquoteTag takes the quotes off the value of a tag, as in LABEL="swap".
func unquoteTag(spec string) string {
	tag, value, ok := strings.Cut(spec, "=")
	if !ok || strings.HasPrefix(spec, "/") || len(value) < 2 {
		return spec
	}
	if q := value[0]; (q == '"' || q == '\'') && value[len(value)-1] == q {
		return tag + "=" + value[1:len(value)-1]
	}
	return spec
}
