// Package caddy reads Caddyfiles: how long Caddy keeps idle connections. It does no I/O.
package caddy

import (
	"time"
)

// Caddy's own values where a Caddyfile says nothing, the same in the early and the late
// releases of Caddy 2: the idle timeout of its servers (modules/caddyhttp/app.go), and how
// long it keeps idle connections to the servers behind it (modules/caddyhttp/reverseproxy).
const (
	DefaultIdle      = 5 * time.Minute
	DefaultKeepalive = 2 * time.Minute
)

// Source is a file's name, as errors and settings shall call it, and its text.
type Source struct {
	Name string
	Data []byte
}

// Config is what a Caddyfile says of connections.
type Config struct {
	Sites []Site `json:"sites,omitempty"`
	// Options is the line with the { of the block of global options, of which there can be but
	// one; 0 where there is none in the Caddyfile itself.
	Options int `json:"options,omitempty"`
	// Servers tells that there are servers blocks in it.
	Servers bool `json:"servers,omitempty"`
	// Unseen says why there may be more sites than these, or other settings; empty where all was seen.
	Unseen string `json:"unseen,omitempty"`
}

// Site is one site block.
type Site struct {
	Addresses []string `json:"addresses"`
	File      string   `json:"file"`
	Line      int      `json:"line"`
	// Idle is how long its server keeps an idle connection of a client.
	Idle Timeout `json:"idle"`
	// Write is how long its server may take to send a response, from the end of the request's header on.
	Write   Timeout `json:"write"`
	Proxies []Proxy `json:"proxies,omitempty"`
}

// Proxy is one reverse_proxy.
type Proxy struct {
	File string `json:"file"`
	Line int    `json:"line"`
	// Keepalive is how long it keeps an idle connection to the server behind it; negative for not at all.
	Keepalive Timeout `json:"keepalive"`
	// Read and Write bound each single read from the server behind it, and each write to it.
	Read  Timeout `json:"read"`
	Write Timeout `json:"write"`
	// Stream is how long a stream, such as a WebSocket, may last at all (Caddy 2.7).
	Stream Timeout `json:"stream"`
}

// Timeout is one duration and where it stands.
type Timeout struct {
	// Nanoseconds is the duration; 0 for none.
	Nanoseconds time.Duration `json:"nanoseconds"`
	// File and Line are where it stands; empty where it is Caddy's own value.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Unknown is why the duration is not known; empty where it is.
	Unknown string `json:"unknown,omitempty"`
}

// Set tells whether it stands in the Caddyfile, and is no value of Caddy's own.
func (t Timeout) Set() bool { return t.Line > 0 }
