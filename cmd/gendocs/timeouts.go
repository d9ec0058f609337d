package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/probe"
)

// timeoutsPage documents what is known of idle timeouts.
func timeoutsPage(table probe.Timeouts) []byte {
	var b bytes.Buffer
	b.WriteString("# Idle timeouts\n\n" +
		"The boxes that `vmguard probe` knows by the time after which they end idle connections.\n" +
		"Made by `go run ./cmd/gendocs` from `pkg/probe/timeouts.json`.\n\n" +
		"One number fits several boxes. So the probe names candidates, with the reasons for and against each, and none where no\n" +
		"box fits. Never does it name one box as certain.\n\n" +
		"| box | seconds | kind | at expiry | only | can be set | source |\n|---|---|---|---|---|---|---|\n")
	for _, entry := range table {
		ends := make([]string, len(entry.Ends))
		for i, kind := range entry.Ends {
			ends[i] = string(kind)
		}
		fmt.Fprintf(&b, "| %s<br>`%s` | %s | %s | %s | %s | %s | %s |\n", cell(entry.Name), entry.ID, span(entry), entry.Box,
			strings.Join(ends, ", "), cell(only(entry)), cell(entry.Configurable), source(entry.Source))
	}
	b.WriteString(timeoutsText + "\n```json\n" + timeoutsExample + "```\n")
	return b.Bytes()
}

// span gives a default, and the range that it can be set to.
func span(t probe.Timeout) string {
	limits := fmt.Sprintf("%d to %d", t.MinSeconds, t.MaxSeconds)
	if t.MaxSeconds == 0 {
		limits = fmt.Sprintf("%d or more", t.MinSeconds)
	}
	switch {
	case t.MinSeconds == 0:
		return strconv.Itoa(t.Seconds)
	case t.Seconds == 0:
		return limits
	}
	return fmt.Sprintf("%d (%s)", t.Seconds, limits)
}

// only says which connections can meet the box.
func only(t probe.Timeout) string {
	parts := slices.Clone(t.Protocols)
	if t.Login != "" {
		parts = append(parts, t.Login+" login")
	}
	if t.Container {
		parts = append(parts, "containers")
	}
	if t.Pool {
		parts = append(parts, "the servers behind it")
	}
	return strings.Join(parts, ", ")
}

// cell keeps a text in its cell of a table.
func cell(s string) string { return strings.ReplaceAll(markdown(s), "|", `\|`) }

// source keeps an address whole, which Markdown makes a link of.
func source(s string) string {
	if strings.HasPrefix(s, "https://") && !strings.Contains(s, " ") {
		return "<" + s + ">"
	}
	return cell(s)
}

// timeoutsText explains the table's columns, and how to add to it.
const timeoutsText = "\n## What the kinds mean\n\n" +
	"- **flow-table** remembers flows and passes packets on: NAT, firewall, connection tracking, a load balancer of layer 4.\n" +
	"  Every packet restarts its clock, so TCP's keepalive probes help.\n" +
	"- **proxy** ends the connection and has another one behind it. It answers keepalive probes itself: only data helps.\n" +
	"- **server** is the server's own timer: only requests help.\n" +
	"- **session** is a cap on the age of the session: nothing helps but to connect again.\n\n" +
	"A box that only **the servers behind it** meet is itself the client of these connections, and keeps them in a pool. Such a\n" +
	"server must keep its own timer longer than that. A probe never meets the box.\n" +
	"\n## What is seen at expiry\n\n" +
	"- **black-hole**: nothing comes while idle, and what is sent is never acknowledged.\n" +
	"- **reset-on-use**: nothing comes while idle, and what is sent is answered with an RST.\n" +
	"- **reset-at-expiry**: an RST comes while idle.\n" +
	"- **closed**: the other side closes (FIN) while idle.\n" +
	"- **bye**: the server says why, and closes.\n" +
	"\n## Adding your own\n\n" +
	"`--timeouts FILE` of the probes takes boxes of your own: a list in JSON, of up to 1000 entries and 1 MiB. An entry whose id the\n" +
	"table has already replaces that one.\n\n" +
	"| key | value |\n|---|---|\n" +
	"| `id`, `name` | needed; lower-case letters, digits and hyphens, and a text |\n" +
	"| `seconds` | the default, in whole seconds up to 30 days |\n" +
	"| `minSeconds`, `maxSeconds` | what it can be set to; needed where there is no default, and then the upper one may be left out |\n" +
	"| `box` | needed; one of the kinds |\n" +
	"| `ends` | needed; a list of what is seen at expiry |\n" +
	"| `where` | a provider: `google`, `amazon`, `azure`, `oracle` ...; left out for anywhere |\n" +
	"| `protocols` | a list of `imap` and `http`; left out for any |\n" +
	"| `login` | `before` or `after`; left out where it makes no difference |\n" +
	"| `container`, `pool` | `true` where only containers, or only the servers behind it, meet the box |\n" +
	"| `needs`, `configurable`, `source` | texts: what must be so for the box to be on the way, what sets it, where that is written |\n"

// timeoutsExample is a file for --timeouts.
const timeoutsExample = `[
  {
    "id": "office-firewall", "name": "the office's firewall", "seconds": 1500,
    "box": "flow-table", "ends": ["black-hole"], "needs": "the connection to leave through the office"
  },
  {
    "id": "aws-nlb", "name": "our Network Load Balancer", "seconds": 900, "where": "amazon",
    "box": "flow-table", "ends": ["reset-on-use", "black-hole"], "configurable": "set by the network team"
  }
]
`
