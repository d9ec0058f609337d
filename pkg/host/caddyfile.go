package host

// Caddyfile is one configuration of Caddy, as far as idle connections go.
type Caddyfile struct {
	Path string `json:"path"`
}

func caddyReadings(Source) []reading { return nil }
