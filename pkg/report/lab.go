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
	what := fmt.Sprintf("scenario %s: %s", l.Scenario.Name, l.Scenario.Title)
	if l.Scenario.Limited() {
		what += fmt.Sprintf(" (after %s)", about(l.Idle))
	}
	b.WriteString(wrap(style.clean(what), style.Width-2, "  ") + "\n")
	way := map[lab.TLSMode]string{lab.Plain: "no TLS", lab.ImplicitTLS: "TLS from the beginning", lab.StartTLS: "TLS by STARTTLS"}[l.TLS]
	for _, line := range [][2]string{{"address", l.Addr + " (" + way + ")"}, {"user", l.User}, {"password", l.Password}} {
		fmt.Fprintf(&b, "  %s %s\n", style.paint(fmt.Sprintf("%-9s", line[0]), color.Bold), line[1])
	}
	switch {
	case l.CAFile != "":
		b.WriteString("  the authority to trust is in " + style.command(l.CAFile) + "\n")
	case len(l.CA) > 0:
		b.WriteString("the authority to trust (--ca-out writes it to a file):\n" + string(l.CA))
	}
	b.WriteString("serving until Ctrl-C\n")
	return writeLab(w, b.String())
}

// LabEventText writes a line for something that happened in a lab.
func LabEventText(w io.Writer, e lab.Event, wide bool) error {
	who := ""
	if e.Conn > 0 {
		who = fmt.Sprintf("#%d %s: ", e.Conn, e.Peer)
	}
	return writeLab(w, fmt.Sprintf("%s  %s%s\n", e.Time.Format("15:04:05.000"), who, Clean(e.Text, 300, wide)))
}

func writeLab(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write lab: %w", err)
	}
	return nil
}

// ScenariosText lists the scenarios with the verdict that a probe gives of each. What happens is wrapped in
// its column, and stands below the others where no room is left for it.
func ScenariosText(w io.Writer, scenarios []lab.Scenario, style Style) error {
	const least = 30 // columns in which a sentence can be read
	table := [][]cell{headers("SCENARIO", "VERDICT", "WHAT HAPPENS")}
	name, verdict := len(table[0][0].text), len(table[0][1].text)
	for _, s := range scenarios {
		name, verdict = max(name, len(s.Name)), max(verdict, len(s.Want))
	}
	indent := name + verdict + 4
	below := style.Width-indent < least
	if below {
		table[0] = table[0][:2]
		indent = 2
	}
	for _, s := range scenarios {
		title := wrap(s.Title, style.Width-indent, strings.Repeat(" ", indent))
		row := []cell{{text: s.Name}, {text: string(s.Want)}, {text: title}}
		if below {
			row = []cell{{text: s.Name}, {text: string(s.Want) + "\n  " + title}}
		}
		table = append(table, row)
	}
	return writeLab(w, renderTable(table, style))
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
