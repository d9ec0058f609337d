package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fatih/color"

	"vmguard/pkg/lab"
)

// Lab is a lab that has begun to serve.
type Lab struct {
	Scenario       lab.Scenario
	Idle           time.Duration
	Addr           string
	User, Password string
	TLS            lab.TLSMode
	CA             []byte // in PEM
	CAFile         string // where it was written to; empty for nowhere
}

// LabText says what is served, and how a client gets there.
func LabText(w io.Writer, l Lab, style Style) error {
	var b strings.Builder
	b.WriteString(wrap(style.clean(fmt.Sprintf("scenario %s: %s (after %s)", l.Scenario.Name, l.Scenario.Title, about(l.Idle))), style.Width-2, "  ") + "\n")
	way := map[lab.TLSMode]string{lab.Plain: "no TLS", lab.ImplicitTLS: "TLS from the beginning", lab.StartTLS: "TLS by STARTTLS"}[l.TLS]
	for _, line := range [][2]string{{"address", l.Addr + " (" + way + ")"}, {"user", l.User}, {"password", l.Password}} {
		b.WriteString(fmt.Sprintf("  %s %s\n", style.paint(fmt.Sprintf("%-9s", line[0]), color.Bold), line[1]))
	}
	switch {
	case l.CAFile != "":
		b.WriteString("  the authority to trust is in " + style.command(l.CAFile) + "\n")
	case len(l.CA) > 0:
		b.WriteString("the authority to trust (--ca-out writes it to a file):\n" + string(l.CA))
	}
	b.WriteString("serving until Ctrl-C\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// LabEventText writes a line for something that happened in a lab.
func LabEventText(w io.Writer, e lab.Event, wide bool) error {
	who := ""
	if e.Conn > 0 {
		who = fmt.Sprintf("#%d %s: ", e.Conn, e.Peer)
	}
	_, err := fmt.Fprintf(w, "%s  %s%s\n", e.Time.Format("15:04:05.000"), who, Clean(e.Text, 300, wide))
	return err
}

// ScenariosText lists the scenarios with the verdict that a probe gives of each.
func ScenariosText(w io.Writer, scenarios []lab.Scenario, style Style) error {
	table := [][]cell{headers("SCENARIO", "VERDICT", "WHAT HAPPENS")}
	for _, s := range scenarios {
		table = append(table, []cell{{text: s.Name}, {text: string(s.Want)}, {text: s.Title}})
	}
	_, err := io.WriteString(w, renderTable(table, style))
	return err
}

// scenarioJSON is a scenario in a ScenarioList document.
type scenarioJSON struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	Verdict   string `json:"verdict"`
	Keepalive string `json:"verdictWithKeepalive"`
	Heartbeat string `json:"verdictWithHeartbeat"`
	NeedsTLS  bool   `json:"needsTLS"`
	LinuxOnly bool   `json:"linuxOnly"`
}

// ScenariosJSON writes the scenarios as a ScenarioList document.
func ScenariosJSON(w io.Writer, scenarios []lab.Scenario) error {
	list := []scenarioJSON{}
	for _, s := range scenarios {
		list = append(list, scenarioJSON{s.Name, s.Title, string(s.Want), string(s.Keepalive), string(s.Heartbeat), s.NeedsTLS, s.LinuxOnly})
	}
	return JSON(w, "ScenarioList", map[string]any{"scenarios": list})
}
