package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
)

// Style is how text may look where it goes.
type Style struct {
	Color bool // ANSI colours
	Wide  bool // characters beyond ASCII
	Width int  // columns; text is wrapped at word boundaries
}

// mark is a finding's symbol and its ASCII twin.
type mark struct {
	symbol, ascii string
	color         color.Attribute
}

func markOf(status finding.Status, severity finding.Severity) mark {
	switch {
	case status == finding.Pass:
		return mark{"✓", "ok  ", color.FgGreen}
	case status == finding.Unknown:
		return mark{"?", "??  ", color.FgMagenta}
	case status == finding.NotAssessable:
		return mark{"·", "..  ", color.Faint}
	case status == finding.Waived:
		return mark{"~", "~~  ", color.Faint}
	case status == finding.Skipped:
		return mark{"-", "--  ", color.Faint}
	case severity == finding.Critical:
		return mark{"✗", "FAIL", color.FgRed}
	case severity == finding.Warning:
		return mark{"!", "warn", color.FgYellow}
	default:
		return mark{"i", "info", color.FgCyan}
	}
}

func (s Style) mark(m mark) string {
	if s.Wide {
		return s.paint(m.symbol, m.color)
	}
	return s.paint(m.ascii, m.color)
}

// paint colours text. The library's own switch looks at stdout and is shared, so each
// colour is told what this writer wants.
func (s Style) paint(text string, attributes ...color.Attribute) string {
	if !s.Color {
		return text
	}
	c := color.New(attributes...)
	c.EnableColor()
	return c.Sprint(text)
}

func (s Style) paintIf(on bool, text string, attributes ...color.Attribute) string {
	if !on {
		return text
	}
	return s.paint(text, attributes...)
}

// clean is Clean for a line of text as long as a summary may be.
func (s Style) clean(text string) string { return Clean(text, 600, s.Wide) }

// name is Clean for a name, which a hostile host may make 10,000 characters long.
func (s Style) name(text string) string { return Clean(text, 60, s.Wide) }

// command is Clean for a command line, which must not be cut where it can still be used.
func (s Style) command(text string) string { return Clean(text, 4000, s.Wide) }

// noBreak is a blank at which wrap does not break a line.
const noBreak = "\u00a0"

// wrap breaks text at blanks so that no line is longer than width, where its words allow,
// and starts every line but the first with indent.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	column := 0
	blank := func(r rune) bool { return r != '\u00a0' && unicode.IsSpace(r) }
	for i, word := range strings.FieldsFunc(text, blank) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(strings.ReplaceAll(word, noBreak, " "))
		column += n
	}
	return b.String()
}

// Paragraph wraps a text to the style's width, indented by two columns.
func Paragraph(text string, s Style) string {
	return "  " + wrap(s.command(text), s.Width-2, "  ")
}
