package report

import (
	"io"
	"time"

	"vmguard/pkg/oom"
)

// OOM is the result of vmguard oom, and the data of an OOMReport document
// (docs/schema/oom-report.schema.json).
type OOM struct {
	Version string `json:"vmguardVersion"`
	// At is when the logs were read. In text, times are spelled in its time zone.
	At time.Time `json:"collectedAt"`
	// Asked says which kills were asked for.
	Asked OOMAsked `json:"asked"`
	// Complete tells that all that was asked for was looked at: where it is false, there
	// may have been kills that are not listed, and Unknown says why.
	Complete bool `json:"complete"`
	// Interrupted tells that the reading was ended by the user, so that Kills are those of what was read.
	Interrupted bool `json:"interrupted,omitempty"`
	// Groups are the kills by victim and limit, that of the newest kill first.
	Groups []OOMGroup `json:"groups"`
	// Kills are the newest first; nil where each is a document of its own.
	Kills []OOMKill `json:"kills,omitzero"`
	// Total is how many kills there are.
	Total int `json:"totalKills"`
	// Unknown is what could not be found out, a sentence each.
	Unknown []string `json:"unknown"`
	// Notes are what else the logs say: no victim found, the machine stopped.
	Notes []string `json:"notes"`
	// Counter compares the kernel's own count since boot with its log; nil for a log that was named.
	Counter *oom.Reconciliation `json:"counter,omitempty"`
	// Sources are what was read, or why it was not.
	Sources []oom.Source `json:"sources"`
}

// OOMAsked is which kills were asked for.
type OOMAsked struct {
	File      string    `json:"file,omitempty"` // the log that was named; "-" is standard input, empty are this host's own
	Boot      string    `json:"boot,omitempty"` // "0", "-1" ..., "all"; empty for a log that was named
	Since     time.Time `json:"since,omitzero"`
	Container string    `json:"container,omitempty"` // as it was named
}

// OOMKill is one kill with who it hit and whose limit it was, and the data of an OOMKill
// document (docs/schema/oom-kill.schema.json).
type OOMKill struct {
	Kill    oom.Kill   `json:"kill"`
	Victim  OOMOwner   `json:"victim"`
	Limiter OOMLimiter `json:"limiter"`
	// Memory is what the victim had in RAM at its death, in bytes; nil where the log does not say.
	Memory *uint64 `json:"memoryBytes,omitempty"`
	Need   OOMNeed `json:"need"`
}

// OOMOwner is who owns a cgroup: as its path says, and what the engine calls the container.
type OOMOwner struct {
	oom.Owner
	Name           string `json:"name,omitempty"` // the container's; empty where the engine does not know it
	ComposeProject string `json:"composeProject,omitempty"`
	ComposeService string `json:"composeService,omitempty"`
	// Removed tells that the container is gone, and only the engine's events still name it.
	Removed bool `json:"removed,omitempty"`
	// Around is the name, or the ID, of the container that this one runs in.
	Around string `json:"around,omitempty"`
}

// OOMLimitKind is whose limit was hit, as seen from the victim.
type OOMLimitKind string

// The kinds of limits.
const (
	OOMOwn     OOMLimitKind = "own"     // that of the victim's container, service or cgroup
	OOMParent  OOMLimitKind = "parent"  // that of a cgroup above
	OOMInside  OOMLimitKind = "inside"  // that of a cgroup inside the victim's container
	OOMCgroup  OOMLimitKind = "cgroup"  // a cgroup's; how it lies to the victim's is not known
	OOMHost    OOMLimitKind = "host"    // the machine's memory
	OOMUnknown OOMLimitKind = "unknown" // the log does not say
)

// OOMLimiter is the limit that was hit.
type OOMLimiter struct {
	Kind   OOMLimitKind `json:"kind"`
	Cgroup string       `json:"cgroup,omitempty"` // empty for the machine, and where the log does not say
	Owner  *OOMOwner    `json:"owner,omitempty"`  // whose cgroup that is, where it is not the victim's own
	Limit  *uint64      `json:"limitBytes,omitempty"`
}

// OOMNeed is what would have been enough, as far as the log tells. All are in bytes, and nil where it does not.
type OOMNeed struct {
	// MoreThan is what was not enough: what the cgroup used when it asked for more.
	MoreThan *uint64 `json:"moreThanBytes,omitempty"`
	// EnoughThen is a limit that would have been enough at that moment: it would have
	// made as much room as the kill did.
	EnoughThen *uint64 `json:"enoughThenBytes,omitempty"`
	// MoreForHost is how much more RAM or swap would have made as much room as the kill did.
	MoreForHost *uint64 `json:"moreForHostBytes,omitempty"`
}

// OOMGroup is the kills of one victim by one limit.
type OOMGroup struct {
	Victim  OOMOwner   `json:"victim"`
	Limiter OOMLimiter `json:"limiter"` // of the newest kill
	Comms   []string   `json:"comms"`   // the names of the killed processes
	Kills   int        `json:"kills"`
	First   time.Time  `json:"first,omitzero"` // the oldest kill's time; zero where it is not known
	Last    time.Time  `json:"last,omitzero"`  // the newest kill's
	// Memory is the most that a victim had in RAM at its death, in bytes.
	Memory *uint64 `json:"memoryBytes,omitempty"`
	// Need is the largest of the kills.
	Need OOMNeed `json:"need"`
}

// OOMJSON writes the result as an OOMReport document.
func OOMJSON(w io.Writer, r OOM) error {
	if r.Kills == nil {
		r.Kills = []OOMKill{}
	}
	return JSON(w, kindOOMReport, r.filled())
}

// OOMLines writes each kill as an OOMKill document on a line, the oldest first, and then
// the result without them as an OOMReport document.
func OOMLines(w io.Writer, r OOM) error {
	for i := len(r.Kills) - 1; i >= 0; i-- {
		if err := OOMKillLine(w, r.Kills[i]); err != nil {
			return err
		}
	}
	r.Kills = nil
	return JSONLine(w, kindOOMReport, r.filled())
}

// OOMKillLine writes one kill as an OOMKill document on a line.
func OOMKillLine(w io.Writer, k OOMKill) error { return JSONLine(w, "OOMKill", k) }

const kindOOMReport = "OOMReport"

// filled gives the result with empty lists for those that are nil.
func (r OOM) filled() OOM {
	if r.Groups == nil {
		r.Groups = []OOMGroup{}
	}
	if r.Unknown == nil {
		r.Unknown = []string{}
	}
	if r.Notes == nil {
		r.Notes = []string{}
	}
	if r.Sources == nil {
		r.Sources = []oom.Source{}
	}
	return r
}
