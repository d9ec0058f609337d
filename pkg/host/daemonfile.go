package host

// DaemonFile is dockerd's configuration file as dockerd would take it at its start.
type DaemonFile struct {
	Path    string `json:"path"`
	Present bool   `json:"present"`
}

func daemonFileReadings(Source) []reading { return nil }
