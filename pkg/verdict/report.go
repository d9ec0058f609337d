package verdict

import (
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// Report is all that can be said of one container.
type Report struct {
	// Deaths are the ends that are still on record, newest first. A start that failed is
	// one too; it has no date, and stands first.
	Deaths []Death `json:"deaths"`
	// Running is the life that goes on; nil where the container does not run.
	Running *Running `json:"running,omitempty"`
	// Loop is the crash loop of which the newest death is one; nil for none.
	Loop *Loop `json:"crashLoop,omitempty"`
	// Unmatched are kills in the container that belong to no life that is still known.
	Unmatched []Moment `json:"unmatched,omitempty"`
}

// Death is the end of one life.
type Death struct {
	Started  time.Time `json:"startedAt,omitzero"` // zero where not known
	At       time.Time `json:"at,omitzero"`        // zero for a start that failed
	ExitCode *int      `json:"exitCode,omitempty"` // nil where not known
	Verdict  Verdict   `json:"verdict"`
	// Timeline is what happened around the end, oldest first.
	Timeline []Moment `json:"timeline,omitempty"`
}

// Running is the life that goes on.
type Running struct {
	Started time.Time `json:"startedAt,omitzero"`
	// Verdicts are what befell it: ChildKilled, Unhealthy. Neither is a death.
	Verdicts []Verdict `json:"verdicts,omitempty"`
	// Used is its memory without page cache, and Limit its limit, in bytes; nil where not known, or where there is none.
	Used  *uint64 `json:"usedBytes,omitempty"`
	Limit *uint64 `json:"limitBytes,omitempty"`
	// Memory says in words how near the limit it is, or why that is not known.
	Memory   string   `json:"memory"`
	Timeline []Moment `json:"timeline,omitempty"`
}

// Verdict is one cause.
type Verdict struct {
	Kind       Kind       `json:"kind"`
	Confidence Confidence `json:"confidence"`
	// Summary is one sentence.
	Summary string `json:"summary"`
	// Evidence is what was read, the most telling first. There is always some.
	Evidence []finding.Evidence `json:"evidence"`
	// Against says why it was nothing else, or what else it may have been.
	Against []string `json:"against,omitempty"`
	// Notes say where witnesses disagree, and what else befell it in this life.
	Notes []string `json:"notes,omitempty"`
	// Remedies are what mends it, the best first.
	Remedies []finding.Remedy `json:"remedies,omitempty"`

	// Kill is the kernel's kill that the verdict rests on; nil where it rests on none that is logged.
	Kill *oom.Kill `json:"-"`
	// Disagreement is the one of the Notes that says where Docker and the kernel's log
	// contradict each other; empty where they do not.
	Disagreement string `json:"-"`
}

// Moment is one line of a timeline.
type Moment struct {
	At     time.Time `json:"at,omitzero"` // zero where the kernel's log gives no date
	Text   string    `json:"text"`
	Source string    `json:"source"`
}

func (v *Verdict) evidence(source, got string) {
	v.Evidence = append(v.Evidence, finding.Evidence{Source: source, Got: got})
}

func (v *Verdict) against(text string) { v.Against = append(v.Against, text) }
func (v *Verdict) note(text string)    { v.Notes = append(v.Notes, text) }

func (v *Verdict) disagree(text string) {
	v.Disagreement = text
	v.note(text)
}

func (v *Verdict) remedy(text, command string) {
	text, command = human.Typed(text, command)
	v.Remedies = append(v.Remedies, finding.Remedy{Text: text, Command: command})
}
