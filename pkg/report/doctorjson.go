package report

import (
	"io"
	"time"

	"vmguard/pkg/finding"
)

// doctorJSON is the data of a DoctorReport document (docs/schema/doctor-report.schema.json).
type doctorJSON struct {
	Version     string         `json:"vmguardVersion"`
	CollectedAt time.Time      `json:"collectedAt"`
	Took        int64          `json:"tookMilliseconds"`
	Image       string         `json:"image,omitempty"`
	Offline     bool           `json:"offline,omitempty"`
	Policy      string         `json:"policy,omitempty"`
	Host        hostJSON       `json:"host"`
	Counts      finding.Counts `json:"counts"`
	Findings    finding.Report `json:"findings"`
}

// hostJSON is what the report was made on; what is not known is left out.
type hostJSON struct {
	Hostname       string `json:"hostname,omitempty"`
	OS             string `json:"os,omitempty"`
	Kernel         string `json:"kernel,omitempty"`
	Arch           string `json:"arch,omitempty"`
	Virtualisation string `json:"virtualisation,omitempty"`
	Container      string `json:"container,omitempty"`
	Cloud          string `json:"cloud,omitempty"`
	Memory         uint64 `json:"memoryBytes,omitempty"`
	Cgroup         string `json:"cgroupVersion,omitempty"`
	Docker         string `json:"dockerVersion,omitempty"`
	Containers     *int   `json:"containers,omitempty"`
}

// DoctorJSON writes the report as a DoctorReport document.
func DoctorJSON(w io.Writer, d Doctor) error {
	f := d.Facts
	h := hostJSON{
		Hostname: f.System.Value.Hostname, OS: f.System.Value.OS, Kernel: f.System.Value.Kernel, Arch: f.System.Value.Arch,
		Virtualisation: f.System.Value.Virtualisation, Container: f.System.Value.Container, Cloud: string(f.Cloud.Value.Provider),
		Memory: f.Memory.Value.Total, Cgroup: f.Cgroup.Value.Version, Docker: f.Docker.Value.Version,
	}
	if f.Containers.Known() {
		n := len(f.Containers.Value)
		h.Containers = &n
	}
	findings := d.Findings
	if findings == nil {
		findings = finding.Report{}
	}
	return JSON(w, "DoctorReport", doctorJSON{
		Version: d.Version, CollectedAt: f.CollectedAt, Took: d.Took.Milliseconds(), Image: d.Image, Offline: d.ofImage(), Policy: d.Policy,
		Host: h, Counts: findings.Count(), Findings: findings,
	})
}
