package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// DoctorRecord is what is read back of a DoctorReport document.
type DoctorRecord struct {
	// File is the name that the user gave it by; empty where it is not known.
	File string
	// Version is that of the vmguard that judged.
	Version string
	// CollectedAt is when its facts were collected; the zero time where that is not known.
	CollectedAt time.Time
	// Hostname and Image are what it was made on; empty where that is not known, and Image for a running host.
	Hostname, Image string
	// Offline tells that it was made on an image, be it from a recording, which does not name the directory.
	Offline  bool
	Findings finding.Report
}

// ofImage tells whether an image was judged.
func (r DoctorRecord) ofImage() bool { return r.Offline || r.Image != "" }

// doctorReadLimit bounds a document, in bytes: 10,000 findings are about 6 MiB. doctorReadFindings bounds their number.
const (
	doctorReadLimit    = 64 << 20
	doctorReadFindings = 100_000
)

// ReadDoctor reads a DoctorReport document, as vmguard doctor -o json writes it. It errs, saying what is wrong, on
// what is no JSON, on another document, on another version of the schema, and on more than 64 MiB or 100,000 findings.
func ReadDoctor(r io.Reader) (DoctorRecord, error) {
	data, err := io.ReadAll(io.LimitReader(r, doctorReadLimit+1))
	if err != nil {
		return DoctorRecord{}, fmt.Errorf("read report: %w", err)
	}
	record, err := parseDoctor(data)
	if err != nil {
		return DoctorRecord{}, fmt.Errorf("read report: %w", err)
	}
	return record, nil
}

func parseDoctor(data []byte) (DoctorRecord, error) {
	trimmed := bytes.TrimSpace(data)
	switch {
	case len(data) > doctorReadLimit:
		return DoctorRecord{}, errors.New("larger than 64 MiB, which no report is")
	case len(trimmed) == 0:
		return DoctorRecord{}, errors.New("empty")
	case trimmed[0] != '{':
		return DoctorRecord{}, errors.New("this is no JSON document: vmguard doctor -o json writes one")
	}
	var outer struct {
		SchemaVersion int             `json:"schemaVersion"`
		Kind          string          `json:"kind"`
		Data          json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(data, &outer); err != nil {
		return DoctorRecord{}, host.AtLine(data, err)
	}
	switch {
	case outer.Kind == "Facts":
		return DoctorRecord{}, errors.New("this is a recording of facts: judge it first: vmguard doctor --facts FILE -o json")
	case outer.Kind == "":
		return DoctorRecord{}, errors.New(`this is no report of vmguard doctor (it has no "kind")`)
	case outer.Kind != "DoctorReport":
		return DoctorRecord{}, fmt.Errorf("this is a %.40q, not a DoctorReport", outer.Kind)
	case outer.SchemaVersion != schemaVersion:
		return DoctorRecord{}, fmt.Errorf("schema version %d; this program reads version %d", outer.SchemaVersion, schemaVersion)
	}
	if inner := bytes.TrimSpace(outer.Data); len(inner) == 0 || inner[0] != '{' {
		return DoctorRecord{}, errors.New(`"data" is no object`)
	}
	doc, err := decodeDoctor(outer.Data)
	if err != nil {
		return DoctorRecord{}, fmt.Errorf("data: %w%s", err, madeBy(doc.Version))
	}
	if doc.Findings == nil {
		return DoctorRecord{}, errors.New(`"data" has no "findings"`)
	}
	for i, f := range doc.Findings {
		if f.ID == "" || f.Area == 0 || f.Status == 0 || f.Severity == 0 {
			return DoctorRecord{}, fmt.Errorf("finding %d lacks its id, area, status or severity", i+1)
		}
	}
	return DoctorRecord{
		Version: doc.Version, CollectedAt: doc.CollectedAt, Hostname: doc.Host.Hostname, Image: doc.Image, Offline: doc.Offline, Findings: doc.Findings,
	}, nil
}

func decodeDoctor(data []byte) (doc doctorJSON, err error) {
	if err = host.BoundLists(data, "findings", doctorReadFindings); err == nil {
		err = json.Unmarshal(data, &doc)
	}
	return doc, err
}

// madeBy names the version that wrote what cannot be read, which may be newer than this one.
func madeBy(version string) string {
	if version == "" {
		return ""
	}
	return fmt.Sprintf(" (it was written by vmguard %.40q)", version)
}
