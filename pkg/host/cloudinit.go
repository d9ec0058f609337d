package host

// CloudInit is what cloud-init does about swap at the first boot.
type CloudInit struct {
	Installed bool `json:"installed"`
}

func cloudInitReadings(Source) []reading { return nil }
