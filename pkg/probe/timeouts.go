package probe

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
)

//go:embed timeouts.json
var builtin []byte

// Box is the kind of a box that ends idle connections.
type Box string

// The kinds of boxes in the table.
const (
	// BoxFlowTable remembers flows and passes packets on: NAT, firewall, connection tracking, a load balancer of layer 4.
	// Every packet restarts its clock, so the kernel's keepalive probes do.
	BoxFlowTable Box = "flow-table"
	// BoxProxy ends the connection and has another one behind it. Only data restarts its clock: it answers keepalive probes itself.
	BoxProxy Box = "proxy"
	// BoxServer is the server's own timer. Only requests restart its clock.
	BoxServer Box = "server"
	// BoxSession is a cap on the age of a session, whatever is sent.
	BoxSession Box = "session"
)

// Boxes lists the kinds of boxes in the order in which documents name them.
func Boxes() []Box { return []Box{BoxFlowTable, BoxProxy, BoxServer, BoxSession} }

// The values of Timeout.Login.
const (
	BeforeLogin = "before"
	AfterLogin  = "after"
)

// Timeout is what is known of one box: after how long, and how, it ends an idle connection.
type Timeout struct {
	ID string `json:"id"`
	// Name is for a reader: "Google Cloud NAT".
	Name string `json:"name"`
	// Seconds is the default; 0 where there is none, but a range.
	Seconds int `json:"seconds,omitempty"`
	// MinSeconds and MaxSeconds are what it can be set to; 0 where it cannot be set or the bounds are not known.
	MinSeconds int `json:"minSeconds,omitempty"`
	MaxSeconds int `json:"maxSeconds,omitempty"`
	// Where is the provider that has such boxes, as package host spells it, or "cloudflare"; "" for anywhere.
	Where string `json:"where,omitempty"`
	Box   Box    `json:"box"`
	// Ends lists the verdicts that an expiry can give.
	Ends []Kind `json:"ends"`
	// Protocols are the ones it concerns, "imap" or "http"; none for any.
	Protocols []string `json:"protocols,omitempty"`
	// Login is BeforeLogin or AfterLogin where it makes a difference, else "".
	Login string `json:"login,omitempty"`
	// Container tells that it stands in the way of containers only.
	Container bool `json:"container,omitempty"`
	// Pool tells that the box is the client of these connections and keeps them for later requests. A server behind it
	// sees them end; a probe, which is a client itself, never does.
	Pool bool `json:"pool,omitempty"`
	// Needs says what must be so for the box to be on the way: "this VM's traffic to pass an AWS NAT gateway".
	Needs string `json:"needs,omitempty"`
	// Configurable says whether it can be set, and by what.
	Configurable string `json:"configurable,omitempty"`
	// Source is where this is documented or was reported.
	Source string `json:"source,omitempty"`
}

// Timeouts is a table of boxes. Its IDs are unique.
type Timeouts []Timeout

// Builtin gives the table that comes with vmguard. It errs only where that is broken.
func Builtin() (Timeouts, error) {
	entries, err := parseTimeouts(builtin)
	if err != nil {
		return nil, fmt.Errorf("built-in timeouts: %w", err)
	}
	return entries, nil
}

// Limits on a table from outside.
const (
	maxTable   = 1 << 20           // bytes
	maxEntries = 1000              // boxes
	maxText    = 300               // bytes of one text
	maxSeconds = 30 * 24 * 60 * 60 // no connection is idle for longer
)

// Extend gives the table with the entries that r holds, in the format of the built-in table. An entry with an ID that is there
// already replaces that one. It errs on more than 1 MiB, on what is not such a table, and on an entry that makes no sense, which the error names.
func (t Timeouts) Extend(r io.Reader) (Timeouts, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, fmt.Errorf("read timeouts: %w", err)
	}
	if len(data) > maxTable {
		return nil, fmt.Errorf("read timeouts: more than %d MiB", maxTable>>20)
	}
	entries, err := parseTimeouts(data)
	if err != nil {
		return nil, fmt.Errorf("read timeouts: %w", err)
	}
	all := slices.Clone(t)
	for _, entry := range entries {
		if i := all.index(entry.ID); i >= 0 {
			all[i] = entry
		} else {
			all = append(all, entry)
		}
	}
	return all, nil
}

// For gives the entries that such a connection can meet: those for its protocol, "imap" or "http", and its side of the login.
func (t Timeouts) For(protocol string, loggedIn bool) Timeouts {
	var met Timeouts
	for _, entry := range t {
		if entry.meets(protocol, loggedIn) {
			met = append(met, entry)
		}
	}
	return met
}

// meets tells whether such a connection can meet the box at all.
func (t Timeout) meets(protocol string, loggedIn bool) bool {
	switch {
	case t.Pool:
		return false
	case len(t.Protocols) > 0 && !slices.Contains(t.Protocols, protocol):
		return false
	case t.Login == BeforeLogin && loggedIn, t.Login == AfterLogin && !loggedIn:
		return false
	}
	return true
}

func (t Timeouts) index(id string) int {
	return slices.IndexFunc(t, func(entry Timeout) bool { return entry.ID == id })
}

// parseTimeouts parses and checks a table.
func parseTimeouts(data []byte) (Timeouts, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var raw []json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return nil, fmt.Errorf("no list of entries: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the list of entries")
	}
	if len(raw) > maxEntries {
		return nil, fmt.Errorf("more than %d entries", maxEntries)
	}
	entries := make(Timeouts, 0, len(raw))
	for i, r := range raw {
		entry, err := parseTimeout(r)
		if err == nil && entries.index(entry.ID) >= 0 {
			err = errors.New("the id is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d (%s): %w", i+1, entry.called(), err)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// parseTimeout parses and checks one entry. With an error it still gives as much of the entry as could be read.
func parseTimeout(data []byte) (Timeout, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var entry Timeout
	if err := decoder.Decode(&entry); err != nil {
		return entry, err
	}
	return entry, entry.check()
}

// called names an entry for an error, even one that is not fit.
func (t Timeout) called() string {
	if isID(t.ID) {
		return t.ID
	}
	return "no proper id"
}

// isID tells what identifiers and names of providers look like.
func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// check tells what makes no sense in an entry.
func (t Timeout) check() error {
	switch {
	case !isID(t.ID):
		return errors.New("id: wanted up to 64 lower-case letters, digits and hyphens")
	case t.Name == "":
		return errors.New("name: missing")
	case t.Where != "" && !isID(t.Where):
		return errors.New("where: wanted a provider such as google, or nothing")
	case !slices.Contains(Boxes(), t.Box):
		return fmt.Errorf("box: wanted one of %v", Boxes())
	case t.Login != "" && t.Login != BeforeLogin && t.Login != AfterLogin:
		return errors.New("login: wanted before or after, or nothing")
	}
	for _, text := range []string{t.Name, t.Needs, t.Configurable, t.Source} {
		if len(text) > maxText || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("a text is longer than %d bytes or has control characters", maxText)
		}
	}
	for _, protocol := range t.Protocols {
		if protocol != "imap" && protocol != "http" {
			return errors.New("protocols: wanted imap or http, or none")
		}
	}
	if len(t.Ends) == 0 {
		return errors.New("ends: missing")
	}
	for _, kind := range t.Ends {
		if !kind.Dead() {
			return errors.New("ends: a kind is no verdict on a connection that died")
		}
	}
	return t.checkSeconds()
}

func (t Timeout) checkSeconds() error {
	for _, seconds := range []int{t.Seconds, t.MinSeconds, t.MaxSeconds} {
		if seconds < 0 || seconds > maxSeconds {
			return fmt.Errorf("seconds: wanted 1 to %d", maxSeconds)
		}
	}
	switch {
	case t.Seconds == 0 && t.MinSeconds == 0:
		return errors.New("seconds: wanted seconds, or minSeconds")
	case t.MaxSeconds != 0 && t.MinSeconds > t.MaxSeconds:
		return errors.New("seconds: minSeconds is above maxSeconds")
	case t.MaxSeconds != 0 && t.MinSeconds == 0:
		return errors.New("seconds: maxSeconds without minSeconds")
	case t.Seconds != 0 && t.MinSeconds != 0 && (t.Seconds < t.MinSeconds || t.MaxSeconds != 0 && t.Seconds > t.MaxSeconds):
		return errors.New("seconds: the default is outside of minSeconds to maxSeconds")
	}
	return nil
}

// Default is the default; 0 where there is none.
func (t Timeout) Default() time.Duration { return time.Duration(t.Seconds) * time.Second }
