package report

import (
	"io"
	"time"

	"vmguard/pkg/finding"
)

// DoctorDiff is how two reports of vmguard doctor differ.
type DoctorDiff struct {
	Version       string // of the vmguard that compares
	Before, After DoctorRecord
	Changes       finding.Changes
}

// NewDoctorDiff compares two reports.
func NewDoctorDiff(version string, before, after DoctorRecord) DoctorDiff {
	return DoctorDiff{Version: version, Before: before, After: after, Changes: finding.Diff(before.Findings, after.Findings)}
}

// alike is how many findings are in both reports and say the same.
func (d DoctorDiff) alike() int {
	n := len(d.After.Findings)
	for _, c := range d.Changes {
		if c.After != nil {
			n--
		}
	}
	return n
}

// count gives the number of changes of each kind.
func (d DoctorDiff) count() map[finding.ChangeKind]int {
	n := map[finding.ChangeKind]int{}
	for _, c := range d.Changes {
		n[c.Kind]++
	}
	return n
}

// diffJSON is the data of a DoctorDiff document (docs/schema/doctor-diff.schema.json).
type diffJSON struct {
	Version string          `json:"vmguardVersion"`
	Before  diffSideJSON    `json:"before"`
	After   diffSideJSON    `json:"after"`
	Counts  map[string]int  `json:"counts"`
	Changes finding.Changes `json:"changes"`
}

// diffSideJSON is one of the two reports.
type diffSideJSON struct {
	File        string    `json:"file,omitempty"`
	Version     string    `json:"vmguardVersion"`
	CollectedAt time.Time `json:"collectedAt"`
	Hostname    string    `json:"hostname,omitempty"`
	Image       string    `json:"image,omitempty"`
	Offline     bool      `json:"offline,omitempty"`
}

func sideJSON(r DoctorRecord) diffSideJSON {
	return diffSideJSON{File: r.File, Version: r.Version, CollectedAt: r.CollectedAt, Hostname: r.Hostname, Image: r.Image, Offline: r.ofImage()}
}

// DiffJSON writes the comparison as a DoctorDiff document.
func DiffJSON(w io.Writer, d DoctorDiff) error {
	counts := map[string]int{"alike": d.alike()}
	n := d.count()
	for _, kind := range finding.ChangeKinds() {
		counts[kind.String()] = n[kind]
	}
	changes := d.Changes
	if changes == nil {
		changes = finding.Changes{}
	}
	return JSON(w, "DoctorDiff", diffJSON{Version: d.Version, Before: sideJSON(d.Before), After: sideJSON(d.After), Counts: counts, Changes: changes})
}
