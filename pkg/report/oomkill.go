package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// tasksShown is how many of the largest processes are named where not all are asked for.
const tasksShown = 3

// OOMKillText writes one kill as a paragraph, as seen at a moment whose time zone is that
// of the times. verbose adds the cgroups, and how memory stood.
func OOMKillText(w io.Writer, k OOMKill, at time.Time, style Style, verbose bool) error {
	if _, err := io.WriteString(w, oomWords{style, at}.killParagraph(k, verbose)); err != nil {
		return fmt.Errorf("write kill: %w", err)
	}
	return nil
}

// killParagraph gives a kill: when and who on the first line, below it whose limit, how
// much memory, and what would have been enough.
func (w oomWords) killParagraph(k OOMKill, verbose bool) string {
	s := w.style
	m := markOf(finding.Fail, finding.Critical)
	indent := len(m.ascii) + 1
	if s.Wide {
		indent = 2
	}
	pad := strings.Repeat(" ", indent)
	var b strings.Builder
	b.WriteString(s.mark(m) + " " + s.paint(wrap(w.when(k.Kill)+": "+w.victim(k), s.Width-indent, pad), color.Bold) + "\n")
	lines := []string{w.killedBy(k)}
	if need := w.need(k.Need); need != "" {
		lines = append(lines, need)
	}
	// Of the same name it is most often a thread of the victim.
	if by := k.Kill.Invoker; by != nil && by.Comm != k.Kill.Comm {
		lines = append(lines, "set off by "+w.invoker(*by))
	}
	if k.Kill.Group != "" {
		lines = append(lines, "all of cgroup "+s.clean(shorten(k.Kill.Group))+" was killed with it (memory.oom.group)")
	}
	lines = append(lines, w.machineMemory(k, verbose)...)
	lines = append(lines, w.largest(k, verbose)...)
	if verbose {
		lines = append(lines, w.killDetails(k)...)
	}
	for _, line := range lines {
		b.WriteString(pad + wrap(line, s.Width-indent-2, pad+"  ") + "\n")
	}
	return b.String()
}

// killedBy says whose limit it was, and how much memory the victim had.
func (w oomWords) killedBy(k OOMKill) string {
	text := w.limiter(k.Limiter)
	if k.Memory != nil {
		text += "; " + human.Bytes(*k.Memory) + " in RAM at death"
		if k.Kill.Swap != nil && *k.Kill.Swap > 0 {
			text += ", " + human.Bytes(*k.Kill.Swap) + " in swap"
		}
	}
	return text
}

func (w oomWords) invoker(by oom.Invoker) string {
	text := w.style.name(by.Comm)
	if by.PID != 0 {
		text += fmt.Sprintf(", pid %d", by.PID)
	}
	return text
}

// machineMemory says how the machine's memory stood, where that is what ran out.
func (oomWords) machineMemory(k OOMKill, verbose bool) []string {
	p := k.Kill.Picture
	if p == nil || k.Limiter.Kind != OOMHost && !verbose {
		return nil
	}
	var parts []string
	if text := freeOf(p.FreeRAM, p.RAM, "RAM"); text != "" {
		parts = append(parts, text)
	}
	switch {
	case p.TotalSwap != nil && *p.TotalSwap == 0:
		parts = append(parts, "no swap")
	default:
		if text := freeOf(p.FreeSwap, p.TotalSwap, "swap"); text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return []string{"the machine: " + strings.Join(parts, ", ")}
}

// freeOf spells how much is left of a memory.
func freeOf(left, all *uint64, what string) string {
	switch {
	case left != nil && all != nil:
		return fmt.Sprintf("%s of %s %s free", human.Bytes(*left), human.Bytes(*all), what)
	case left != nil:
		return fmt.Sprintf("%s of %s free", human.Bytes(*left), what)
	case all != nil:
		return human.Bytes(*all) + " of " + what
	}
	return ""
}

// largest names the largest processes, where the machine's memory ran out.
func (w oomWords) largest(k OOMKill, verbose bool) []string {
	p := k.Kill.Picture
	if p == nil || len(p.Tasks) == 0 || k.Limiter.Kind != OOMHost && !verbose {
		return nil
	}
	shown := p.Tasks
	if !verbose {
		shown = shown[:min(tasksShown, len(shown))]
	}
	var parts []string
	for _, t := range shown {
		text := fmt.Sprintf("%s (pid %d) %s", w.style.name(t.Comm), t.PID, human.Bytes(t.RSS))
		if t.Swap != nil && *t.Swap > 0 {
			text += " and " + human.Bytes(*t.Swap) + " swap"
		}
		parts = append(parts, text)
	}
	if more := p.TaskCount - len(shown); more > 0 {
		parts = append(parts, fmt.Sprintf("%d smaller", more))
	}
	return []string{"largest: " + strings.Join(parts, ", ")}
}

// killDetails are what -v adds.
func (w oomWords) killDetails(k OOMKill) []string {
	var lines []string
	add := func(label, value string) {
		if value != "" {
			lines = append(lines, label+": "+w.style.clean(value))
		}
	}
	add("cgroup", k.Kill.TaskCgroup)
	if k.Limiter.Cgroup != k.Kill.TaskCgroup {
		add("limit of cgroup", k.Limiter.Cgroup)
	}
	if p := k.Kill.Picture; p != nil {
		add("the cgroup whose limit was hit", strings.Join(cgroupParts(*p), ", "))
	}
	add("of the victim", strings.Join(victimParts(k.Kill), ", "))
	if by := k.Kill.Invoker; by != nil && by.GFP != "" {
		text := w.invoker(*by) + ", asked for " + by.GFP
		if by.Order != nil {
			text += fmt.Sprintf(", order %d", *by.Order)
		}
		add("invoker", text)
	}
	add("host", k.Kill.Host)
	add("boot", k.Kill.Boot)
	return lines
}

// cgroupParts says how full the cgroup was.
func cgroupParts(p oom.Picture) []string {
	var parts []string
	use := func(used, limit *uint64, what string) {
		switch {
		case used != nil && limit != nil:
			parts = append(parts, fmt.Sprintf("%s of %s %s", human.Bytes(*used), human.Bytes(*limit), what))
		case used != nil:
			parts = append(parts, fmt.Sprintf("%s %s", human.Bytes(*used), what))
		}
	}
	use(p.Usage, p.Limit, "memory")
	use(p.MemorySwapUsage, p.MemorySwapLimit, "memory and swap")
	use(p.SwapUsage, p.SwapLimit, "swap")
	if p.Failcnt != nil {
		parts = append(parts, fmt.Sprintf("limit hit %d times", *p.Failcnt))
	}
	return parts
}

// victimParts are the victim's sizes and attributes.
func victimParts(k oom.Kill) []string {
	var parts []string
	size := func(what string, n *uint64) {
		if n != nil {
			parts = append(parts, what+" "+human.Bytes(*n))
		}
	}
	size("anonymous", k.AnonRSS)
	size("files", k.FileRSS)
	size("shared", k.ShmemRSS)
	size("address space", k.TotalVM)
	if k.UID != nil {
		parts = append(parts, fmt.Sprintf("uid %d", *k.UID))
	}
	if k.OOMScoreAdj != nil {
		parts = append(parts, fmt.Sprintf("oom_score_adj %d", *k.OOMScoreAdj))
	}
	if k.Reaped {
		parts = append(parts, "reaped")
	}
	return parts
}
