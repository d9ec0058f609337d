package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The envelope of a recording.
const (
	recordingVersion = 1
	recordingKind    = "Facts"
	// recordingLimit bounds what Read takes: 1,000 containers make about 2 MiB.
	recordingLimit = 64 << 20
)

// recording is the envelope that facts are saved in.
type recording[T any] struct {
	SchemaVersion int    `json:"schemaVersion"`
	Kind          string `json:"kind"`
	Data          T      `json:"data"`
}

// Write saves the facts as JSON in an envelope, for Read. It writes all that there is:
// what is to leave the host goes through Redacted first.
func (f *Facts) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(recording[*Facts]{recordingVersion, recordingKind, f}); err != nil {
		return fmt.Errorf("write facts: %w", err)
	}
	return nil
}

// Read gives facts that Write saved. It errs on what is no such recording: empty or
// broken JSON, another kind or version, something behind the end, more than 64 MiB, or more
// than 10,000 containers, 1,000 compose files, services of these or swaps.
// Facts that the recording does not have are missing.
func Read(r io.Reader) (*Facts, error) {
	data, err := io.ReadAll(io.LimitReader(r, recordingLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read facts: %w", err)
	case len(data) > recordingLimit:
		return nil, errors.New("read facts: larger than 64 MiB, which no recording of facts is")
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errors.New("read facts: empty")
	}
	var envelope recording[json.RawMessage]
	if err := json.Unmarshal(data, &envelope); err != nil {
		return nil, fmt.Errorf("read facts: %w", AtLine(data, err))
	}
	switch {
	case envelope.Kind == "":
		return nil, errors.New(`read facts: no recording of facts (it has no "kind")`)
	case envelope.Kind != recordingKind:
		return nil, fmt.Errorf("read facts: this is a %.40q, not a recording of facts", envelope.Kind)
	case envelope.SchemaVersion != recordingVersion:
		return nil, fmt.Errorf("read facts: schema version %d; this program reads version %d", envelope.SchemaVersion, recordingVersion)
	}
	inner := bytes.TrimSpace(envelope.Data)
	if len(inner) == 0 || inner[0] != '{' {
		return nil, errors.New(`read facts: "data" is no object`)
	}
	// Swap areas and their kin are judged each with all the others.
	if err := boundLists(inner, []listMost{{"containers", 10_000}, {"composeFiles", 1000}, {"services", 1000},
		{"fstab", 1000}, {"swapUnits", 1000}, {"swapfiles", 1000}, {"kills", 10_000}}); err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	facts := &Facts{}
	if err := json.Unmarshal(inner, facts); err != nil {
		return nil, fmt.Errorf("read facts: data: %w", err)
	}
	return facts, nil
}
