// Package finding holds what a check says about a host: a status, how bad it is,
// the evidence, and the remedy. Everything that reports or decides an exit code
// reads these types; nothing in here does I/O.
package finding

import (
	"encoding/json"
	"fmt"
)

// Finding is one statement of one check about one subject.
type Finding struct {
	// ID is the check's stable name, such as "swap-enabled".
	ID string `json:"id"`
	// Area is the part of the host that the check belongs to.
	Area Area `json:"area"`
	// Status says whether the check passed, failed, could not be decided, or does not apply.
	Status Status `json:"status"`
	// Severity says how bad a Fail is; with any other status, how bad the check's worst Fail would be.
	Severity Severity `json:"severity"`
	// Subject is "host", or the name of the container that the finding is about.
	Subject string `json:"subject"`
	// Summary is one sentence: what was seen, and what happens if nothing is done.
	Summary string `json:"summary"`
	// Evidence lists what was read, where, and what was wanted instead.
	Evidence []Evidence `json:"evidence,omitempty"`
	// Remedy says what mends it; nil where nothing needs mending or nothing can be named.
	Remedy *Remedy `json:"remedy,omitempty"`
	// Waiver says why a Waived finding is accepted; nil with any other status.
	Waiver *Waiver `json:"waiver,omitempty"`
}

// Waiver is a policy's word that a failure is accepted.
type Waiver struct {
	// Reason is why, in the policy's words.
	Reason string `json:"reason"`
	// Expires is the day on which the waiver ends, as 2006-01-02; empty where it does not.
	Expires string `json:"expires,omitempty"`
}

// Host is the Subject of a finding about the VM itself.
const Host = "host"

// Evidence is one thing that was read, so that a reader can look for themselves.
type Evidence struct {
	// Source is where it was read: a path, or an API call such as "docker inspect web".
	Source string `json:"source"`
	// Got is what stood there.
	Got string `json:"got"`
	// Want is what a healthy host would show; empty where there is no one right value.
	Want string `json:"want,omitempty"`
	// File is the path of the one file that it was read from, as the host knows it; empty where it was no file, or several.
	File string `json:"file,omitempty"`
	// Line is the line in File, counted from 1; 0 where it is the whole file.
	Line int `json:"line,omitempty"`
}

// Remedy is how a finding is mended.
type Remedy struct {
	// Text is one sentence in plain words.
	Text string `json:"text"`
	// Command is what to type, ready for a shell; empty where no single command does it.
	Command string `json:"command,omitempty"`
}

// Area groups findings for a reader. Areas are reported in the order of their constants.
type Area int

// The areas of a report.
const (
	Memory Area = iota + 1
	Storage
	Docker
	Containers
	Connections
	// Boot is what is set up for the next boot.
	Boot
	// Policy is the policy that the report was made by.
	Policy
)

// Areas lists all areas in the order in which a report shows them.
func Areas() []Area { return []Area{Memory, Storage, Docker, Containers, Connections, Boot, Policy} }

// Status is the outcome of a check. Its zero value is no valid outcome,
// so that a finding that was never filled in cannot read as a pass.
type Status int

// The outcomes, in the order of what a reader should see first.
const (
	Fail Status = iota + 1
	Unknown
	// NotAssessable is what an image cannot tell: only a running host shows it.
	NotAssessable
	// Waived is a failure that the policy accepts.
	Waived
	Pass
	Skipped
)

// Severity says what a failing check costs.
type Severity int

// The severities, least first, so that they compare with < and >=.
const (
	// Info is worth knowing; nothing breaks by it alone.
	Info Severity = iota + 1
	// Warning will hurt under load or after some time.
	Warning
	// Critical kills or has killed something.
	Critical
)

// The names of the enumerations, as JSON and the command line spell them.
var (
	areaNames     = names[Area]{Memory: "memory", Storage: "storage", Docker: "docker", Containers: "containers", Connections: "connections", Boot: "boot", Policy: "policy"}
	statusNames   = names[Status]{Fail: "fail", Unknown: "unknown", NotAssessable: "not-assessable", Waived: "waived", Pass: "pass", Skipped: "skipped"}
	severityNames = names[Severity]{Info: "info", Warning: "warning", Critical: "critical"}
)

// names spells the values of one enumeration.
type names[T ~int] map[T]string

func (n names[T]) spell(v T) string {
	if s, ok := n[v]; ok {
		return s
	}
	return fmt.Sprintf("invalid(%d)", int(v))
}

func (n names[T]) marshal(v T) ([]byte, error) {
	s, ok := n[v]
	if !ok {
		return nil, fmt.Errorf("no name for %T %d", v, int(v))
	}
	return json.Marshal(s)
}

func (n names[T]) unmarshal(data []byte, to *T) error {
	var name string
	if err := json.Unmarshal(data, &name); err != nil {
		return err
	}
	v, err := n.parse(name)
	if err != nil {
		return err
	}
	*to = v
	return nil
}

func (n names[T]) parse(s string) (T, error) {
	for v, name := range n {
		if name == s {
			return v, nil
		}
	}
	var none T
	return none, fmt.Errorf("unknown %T %q", none, s)
}

func (a Area) String() string     { return areaNames.spell(a) }
func (s Status) String() string   { return statusNames.spell(s) }
func (s Severity) String() string { return severityNames.spell(s) }

// MarshalJSON writes the area's name; it errs on a value that is none of the constants.
func (a Area) MarshalJSON() ([]byte, error) { return areaNames.marshal(a) }

// MarshalJSON writes the status's name; it errs on a value that is none of the constants.
func (s Status) MarshalJSON() ([]byte, error) { return statusNames.marshal(s) }

// MarshalJSON writes the severity's name; it errs on a value that is none of the constants.
func (s Severity) MarshalJSON() ([]byte, error) { return severityNames.marshal(s) }

// UnmarshalJSON reads a name that MarshalJSON wrote; it errs on any other.
func (a *Area) UnmarshalJSON(data []byte) error { return areaNames.unmarshal(data, a) }

// UnmarshalJSON reads a name that MarshalJSON wrote; it errs on any other.
func (s *Status) UnmarshalJSON(data []byte) error { return statusNames.unmarshal(data, s) }

// UnmarshalJSON reads a name that MarshalJSON wrote; it errs on any other.
func (s *Severity) UnmarshalJSON(data []byte) error { return severityNames.unmarshal(data, s) }

// ParseSeverity reads "info", "warning" or "critical".
func ParseSeverity(s string) (Severity, error) { return severityNames.parse(s) }
