package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// ContainerRow is one container with the answer to whether it acts on its stop signal.
type ContainerRow struct {
	host.Container
	// StopSignal is the finding of container-ignores-sigterm; nil for a container without processes.
	StopSignal *finding.Finding `json:"stopSignalFinding,omitempty"`
}

// containersJSON is the data of a ContainerList document (docs/schema/container-list.schema.json).
type containersJSON struct {
	Containers []ContainerRow `json:"containers"`
}

// ContainersJSON writes the containers as a ContainerList document.
func ContainersJSON(w io.Writer, rows []ContainerRow) error {
	if rows == nil {
		rows = []ContainerRow{}
	}
	return JSON(w, "ContainerList", containersJSON{rows})
}

// cell is one field of the table: text, and how it is painted where that says something.
type cell struct {
	text  string
	color color.Attribute
}

// ContainersText writes the containers as a table, one line each.
func ContainersText(w io.Writer, rows []ContainerRow, style Style) error {
	table := [][]cell{headers("NAME", "STATE", "RESTARTS", "EXIT", "OOM", "MEMORY / LIMIT", "HEALTH", "STOP SIGNAL")}
	for _, r := range rows {
		table = append(table, []cell{
			{text: style.name(r.Name)}, stateCell(r), restartsCell(r), exitCell(r), oomCell(r),
			{text: memory(r)}, healthCell(r), stopCell(r),
		})
	}
	for _, row := range table {
		for i := range row {
			row[i].text = style.name(row[i].text)
		}
	}
	if _, err := io.WriteString(w, renderTable(table, style)); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func headers(names ...string) []cell {
	var out []cell
	for _, n := range names {
		out = append(out, cell{n, color.Bold})
	}
	return out
}

func stateCell(r ContainerRow) cell {
	if r.State == "restarting" || r.State == "dead" {
		return cell{r.State, color.FgRed}
	}
	return cell{text: r.State}
}

func restartsCell(r ContainerRow) cell {
	if r.RestartCount >= 3 {
		return cell{fmt.Sprint(r.RestartCount), color.FgYellow}
	}
	return cell{text: fmt.Sprint(r.RestartCount)}
}

// exitCell shows the exit code of a container that has ended; a running one has none yet.
func exitCell(r ContainerRow) cell {
	switch {
	case r.InspectError != "":
		return cell{text: "?"}
	case r.Running() || r.FinishedAt.IsZero():
		return cell{text: "-"}
	case r.ExitCode != 0:
		return cell{fmt.Sprint(r.ExitCode), color.FgYellow}
	}
	return cell{text: "0"}
}

// oomCell joins Docker's flag, its events and the cgroup's counter; vmguard doctor adds the kernel's log.
func oomCell(r ContainerRow) cell {
	oomEvent := false
	for _, e := range r.Events {
		oomEvent = oomEvent || e.Action == "oom"
	}
	m := r.Memory
	switch {
	case r.InspectError != "":
		return cell{text: "?"}
	case r.OOMKilled || oomEvent || m.Known() && m.Value.OOMKills != nil && *m.Value.OOMKills > 0:
		return cell{"yes", color.FgRed}
	case r.Running() && (!m.Known() || m.Value.OOMKills == nil):
		return cell{text: "?"}
	}
	return cell{text: "no"}
}

func memory(r ContainerRow) string {
	limit := "no limit"
	switch {
	case r.InspectError != "":
		limit = "?"
	case r.Limits.Memory > 0:
		limit = human.Bytes(r.Limits.Memory)
	}
	switch {
	case r.Memory.Known():
		return human.Bytes(r.Memory.Value.WorkingSet) + " / " + limit
	case r.Running():
		return "? / " + limit
	}
	return "- / " + limit
}

func healthCell(r ContainerRow) cell {
	switch {
	case r.InspectError != "":
		return cell{text: "?"}
	case r.Health == nil:
		return cell{text: "no check"}
	case !r.Running():
		return cell{text: "-"}
	case r.Health.Status == "unhealthy":
		return cell{r.Health.Status, color.FgRed}
	}
	return cell{text: r.Health.Status}
}

// stopCell says whether docker stop reaches the program.
func stopCell(r ContainerRow) cell {
	if r.StopSignal == nil {
		return cell{text: "-"}
	}
	signal := r.Stop()
	switch r.StopSignal.Status {
	case finding.Pass:
		return cell{text: signal + " works"}
	case finding.Fail:
		return cell{signal + " not clean", color.FgYellow}
	}
	return cell{text: signal + " ?"}
}

// renderTable pads each column to its widest cell; the last is left ragged.
func renderTable(table [][]cell, style Style) string {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	var b strings.Builder
	for _, row := range table {
		for i, c := range row {
			text := c.text
			if c.color != 0 {
				text = style.paint(text, c.color)
			}
			b.WriteString(text)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
