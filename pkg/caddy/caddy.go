// Package caddy reads Caddyfiles: how long Caddy keeps idle connections. It does no I/O.
package caddy
