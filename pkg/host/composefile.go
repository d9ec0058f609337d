package host

// ComposeFile is one compose file with the Dockerfiles of its services, or one Dockerfile.
type ComposeFile struct {
	Path string `json:"path"`
}

func composeReadings(Source) []reading { return nil }
