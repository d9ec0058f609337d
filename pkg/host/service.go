package host

// Service is one systemd unit that matters to containers, installed or not.
type Service struct {
	Name string `json:"name"` // docker.service
	// Path is the unit file's; empty where the unit is not installed.
	Path string `json:"path,omitempty"`
	// Enabled tells that something pulls the unit in at boot, By what: the link's path.
	Enabled bool   `json:"enabled,omitempty"`
	By      string `json:"by,omitempty"`
	Masked  bool   `json:"masked,omitempty"`
}

func serviceReadings(Source) []reading { return nil }
