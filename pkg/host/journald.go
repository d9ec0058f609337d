package host

// Journald is where systemd's journal is kept (journald.conf(5)).
type Journald struct {
	// Storage is "auto", "persistent", "volatile" or "none".
	Storage string `json:"storage"`
}
