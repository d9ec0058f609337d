package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fatih/color"

	"vmguard/pkg/change"
	"vmguard/pkg/human"
)

// Change is what became of a change to the host, or what would.
type Change struct {
	DryRun bool
	// File is the swapfile's path, and Size its area in bytes; 0 where there is none afterwards.
	File string
	Size uint64
	// Result holds the steps and what became of them.
	Result change.Result
	Notes  []string
	// Undo is the command that takes the change back; empty where nothing is to be taken back.
	Undo string
}

// stepWidth is the column of a step's text, after its name.
const stepWidth = 12

// StepText writes one line for what became of a step, as soon as it is known.
func StepText(w io.Writer, o change.Outcome, s Style) error {
	m, text, after := stepMark(o.State), o.Did, ""
	switch o.State {
	case change.Failed:
		text = spell(o.Err)
	case change.NotUndone:
		text = "not undone: " + o.Did + ": " + spell(o.Err)
	case change.Undone:
		text = "undone: " + o.Did
	case change.Done:
		after = " (" + strings.ReplaceAll(took(o.Took), " ", noBreak) + ")"
	}
	name := fmt.Sprintf("%-*s", stepWidth, o.Step.Name)
	indent := 2 + len([]rune(m.symbol)) + 1
	if !s.Wide {
		indent = 2 + len(m.ascii) + 1
	}
	line := wrap(s.command(text)+after, max(s.Width-indent-stepWidth, 30), strings.Repeat(" ", indent+stepWidth))
	_, err := fmt.Fprintf(w, "  %s %s%s\n", s.mark(m), name, line)
	return err
}

// spell says why a step failed. Of one that the user's interruption ended, that is all there is to say.
func spell(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return err.Error()
}

func stepMark(state change.State) mark {
	switch state {
	case change.Done, change.Already:
		return mark{"✓", "ok  ", color.FgGreen}
	case change.Failed, change.NotUndone:
		return mark{"✗", "FAIL", color.FgRed}
	case change.Undone:
		return mark{"↩", "undo", color.FgYellow}
	default:
		return mark{"·", "-   ", color.Faint}
	}
}

// took spells how long a step took: fsync and swapon are a matter of milliseconds.
func took(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return human.Duration(d)
}

// PlanText writes the steps of a dry run, with the exact changes to text files.
func PlanText(w io.Writer, c Change, s Style) error {
	for _, o := range c.Result.Outcomes {
		if err := StepText(w, o, s); err != nil {
			return err
		}
		for line := range strings.Lines(o.Step.Diff) {
			if _, err := fmt.Fprintf(w, "      %s\n", s.command(strings.TrimSuffix(line, "\n"))); err != nil {
				return err
			}
		}
	}
	return nil
}

// NotesText writes what the user should know beside the steps.
func NotesText(w io.Writer, notes []string, s Style) error {
	for _, note := range notes {
		if _, err := fmt.Fprintf(w, "note: %s\n", wrap(s.command(note), s.Width-6, "      ")); err != nil {
			return err
		}
	}
	return nil
}

// changeJSON is the document of a change.
type changeJSON struct {
	DryRun bool       `json:"dryRun"`
	File   string     `json:"file"`
	Size   uint64     `json:"sizeBytes"`
	Steps  []stepJSON `json:"steps"`
	// Done tells that all that was wanted is so now.
	Done bool `json:"done"`
	// Restored tells that a change which failed left the host as it was.
	Restored    bool     `json:"restored,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`
	Error       string   `json:"error,omitempty"`
	Notes       []string `json:"notes"`
	Undo        string   `json:"undo,omitempty"`
}

type stepJSON struct {
	Name  string       `json:"name"`
	State change.State `json:"state"`
	Text  string       `json:"text"`
	Took  int64        `json:"tookMicroseconds,omitempty"`
	Error string       `json:"error,omitempty"`
	Diff  string       `json:"diff,omitempty"`
}

// ChangeJSON writes a change as one document of the kind SwapChange.
func ChangeJSON(w io.Writer, c Change) error {
	doc := changeJSON{
		DryRun: c.DryRun, File: c.File, Size: c.Size, Steps: []stepJSON{}, Undo: c.Undo, Notes: append([]string{}, c.Notes...),
		Done: c.Result.Err == nil && !c.DryRun, Interrupted: c.Result.Interrupted,
	}
	if c.Result.Err != nil {
		doc.Error, doc.Restored = spell(c.Result.Err), c.Result.Restored()
	}
	for _, o := range c.Result.Outcomes {
		step := stepJSON{Name: o.Step.Name, State: o.State, Text: o.Did, Took: o.Took.Microseconds(), Diff: o.Step.Diff}
		if o.Err != nil {
			step.Error = spell(o.Err)
		}
		doc.Steps = append(doc.Steps, step)
	}
	return JSON(w, "SwapChange", doc)
}
