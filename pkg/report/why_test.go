package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"vmguard/pkg/finding"
	verdicts "vmguard/pkg/verdict"
)

const someID = "3f2a9c41d0e83f2a9c41d0e83f2a9c41d0e83f2a9c41d0e83f2a9c41d0e83f2a"

// clockAt is a moment of the day of these reports.
func clockAt(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 25, hour, minute, second, 0, time.UTC)
}

// died is a report on a container that was killed at its limit.
func died() Why {
	code := 137
	return Why{
		Version: "1.2.3", At: clockAt(15, 16, 11),
		Container: WhyContainer{ID: someID, Name: "imap-sync", Image: "imap:3", State: "exited", RestartCount: 17},
		Report: verdicts.Report{Deaths: []verdicts.Death{{
			Started: clockAt(12, 0, 0), At: clockAt(15, 2, 11), ExitCode: &code,
			Verdict: verdicts.Verdict{
				Kind: verdicts.OwnLimit, Confidence: verdicts.Certain, Summary: "killed by the kernel: at its own memory limit of 512 MiB",
				Evidence: []finding.Evidence{{Source: "/dev/kmsg", Got: "oom-kill of pid 8123 (node)"}},
				Against:  []string{"the limit that was hit is the container's own", "no docker kill is on record"},
				Notes:    []string{"Docker's OOMKilled says false"},
				Remedies: []finding.Remedy{
					{Text: "raise the limit to 768 MiB", Command: "docker update --memory 768m imap-sync"},
					{Text: "set Node's heap to three quarters of the limit"},
				},
			},
			Timeline: []verdicts.Moment{
				{At: clockAt(12, 0, 0), Text: "start", Source: "docker events"},
				{At: clockAt(15, 2, 11), Text: "oom-kill of pid 8123 (node), limit of /docker/" + someID + " (512 MiB)", Source: "/dev/kmsg"},
				{At: clockAt(15, 2, 11), Text: "die, exit code 137", Source: "docker events"},
			},
		}}},
		Earlier:   2,
		Witnesses: []Witness{{What: "the kernel's log", Source: "/dev/kmsg"}, {What: "what it printed", Missing: "log driver none"}},
	}
}

func whyText(t *testing.T, r Why, style Style, verbose bool) string {
	t.Helper()
	var out bytes.Buffer
	if err := WhyText(&out, r, style, verbose); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWhyText(t *testing.T) {
	t.Parallel()
	const want = `imap-sync died 14 min ago: killed by the kernel: at its own memory limit of 512 MiB          certain

  12:00:00  start                                                                 docker events
  15:02:11  oom-kill of pid 8123 (node), limit of /docker/3f2a9c41d0e8 (512 MiB)  /dev/kmsg
  15:02:11  die, exit code 137                                                    docker events

why not something else: the limit that was hit is the container's own; no docker kill is on record
note: Docker's OOMKilled says false
fix: raise the limit to 768 MiB:
     docker update --memory 768m imap-sync
or: set Node's heap to three quarters of the limit

2 earlier deaths are on record: vmguard why imap-sync --all
`
	r := died()
	got := whyText(t, r, Style{Width: 100}, false)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	narrow := whyText(t, r, Style{Width: 50}, false)
	for _, part := range []string{"  15:02:11  die, exit code 137 (docker events)\n", "(certain)\n", "docker update --memory 768m imap-sync\n"} {
		if !strings.Contains(narrow, part) {
			t.Errorf("no %q in the narrow\n%s", part, narrow)
		}
	}
	verbose := whyText(t, r, Style{Width: 100}, true)
	for _, part := range []string{"seen: /dev/kmsg: oom-kill of pid 8123 (node)\n", "read: the kernel's log: /dev/kmsg\n", "not read: what it printed: log driver none\n"} {
		if !strings.Contains(verbose, part) || strings.Contains(got, part) {
			t.Errorf("%q belongs to -v alone\n%s", part, verbose)
		}
	}
}

// TestWhyTextColumns: the sources stand in one column, and no line is too wide.
func TestWhyTextColumns(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 60, 80, 100, 120} {
		for line := range strings.Lines(whyText(t, died(), Style{Width: width}, true)) {
			line = strings.TrimRight(line, "\n")
			if n := utf8.RuneCountInString(line); n > width && !strings.HasPrefix(line, "     docker ") {
				t.Errorf("at %d columns a line of %d: %s", width, n, line)
			}
		}
	}
	column := -1
	for line := range strings.Lines(whyText(t, died(), Style{Width: 100}, false)) {
		for _, source := range []string{"docker events\n", "/dev/kmsg\n"} {
			if at := strings.LastIndex(line, source); at > 0 && strings.HasPrefix(line, "  1") {
				if column >= 0 && at != column {
					t.Errorf("a source at %d, others at %d: %s", at, column, line)
				}
				column = at
			}
		}
	}
	if column < 0 {
		t.Error("no source is shown")
	}
}

func TestWhyTextStates(t *testing.T) {
	t.Parallel()
	used := uint64(12 << 20)
	running := &verdicts.Running{Started: clockAt(15, 6, 11), Used: &used, Memory: "12 MiB, no limit of its own"}
	child := *running
	child.Verdicts = []verdicts.Verdict{{Kind: verdicts.ChildKilled, Confidence: verdicts.Likely, Summary: "a process of it was killed", Evidence: []finding.Evidence{{Source: "x", Got: "y"}}}}
	child.Timeline = []verdicts.Moment{{At: clockAt(15, 7, 0), Text: "oom", Source: "docker events"}}
	unknown := died()
	unknown.Deaths[0].Verdict.Kind, unknown.Deaths[0].Verdict.Confidence = verdicts.Unknown, verdicts.None
	failedStart := died()
	failedStart.Deaths[0].At = time.Time{}
	failedStart.Deaths[0].Verdict.Summary = "the engine could not start it, exit code 127"
	yesterday := died()
	yesterday.At = yesterday.At.AddDate(0, 0, 1)
	many := died()
	for range 20 {
		many.Deaths[0].Timeline = append(many.Deaths[0].Timeline, many.Deaths[0].Timeline[2])
	}
	removed := died()
	removed.Container = WhyContainer{ID: someID, State: "removed"}
	bare := func(state string) Why {
		return Why{At: clockAt(15, 16, 11), Container: WhyContainer{ID: someID, Name: "web", State: state}}
	}
	with := func(r *verdicts.Running) Why {
		out := bare("running")
		out.Running = r
		return out
	}
	stray := bare("exited")
	stray.Unmatched = []verdicts.Moment{{At: clockAt(1, 2, 3), Text: "oom-kill of pid 1 (a)", Source: "/dev/kmsg"}, {Text: "oom-kill of pid 2 (b)", Source: "/dev/kmsg"}}
	again := died()
	again.Running = running
	for name, tt := range map[string]struct {
		report Why
		want   []string
		not    string
	}{
		"runs":               {with(running), []string{"web runs for 10 min, and no death of it is on record; memory 12 MiB, no limit of its own\n"}, "died"},
		"runs again":         {again, []string{"imap-sync runs for 10 min; memory 12 MiB", "imap-sync died 14 min ago: "}, "no death"},
		"runs, child killed": {with(&child), []string{"web runs: a process of it was killed", "likely\n", "  15:07:00  oom  docker events\n"}, "died"},
		"created":            {bare("created"), []string{"web has never run.\n"}, "died"},
		"ended, unseen":      {bare("exited"), []string{"web does not run, and no death of it is on record.\n"}, "died"},
		"unknown":            {unknown, []string{"not known\n", "what was looked at: the limit"}, "why not"},
		"failed start":       {failedStart, []string{"imap-sync: the engine could not start it, exit code 127"}, "died"},
		"of another day":     {yesterday, []string{"died 24 h ago: ", "  2026-11-25 15:02:11  die"}, "  15:02:11"},
		"a long timeline":    {many, []string{"  13 earlier (-v shows them)\n"}, "start "},
		"removed":            {removed, []string{"3f2a9c41d0e8 is removed; this is what is still on record of it.\n", "3f2a9c41d0e8 died 14 min ago", "vmguard why 3f2a9c41d0e8 --all\n"}, ""},
		"kills of no life":   {stray, []string{"OOM kills in it that belong to no life", "  01:02:03  oom-kill of pid 1 (a)  /dev/kmsg\n", "without a date: oom-kill of pid 2 (b)\n"}, "0001"},
	} {
		got := whyText(t, tt.report, Style{Width: 120}, false)
		for _, part := range tt.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in\n%s", name, part, got)
			}
		}
		if tt.not != "" && strings.Contains(got, tt.not) {
			t.Errorf("%s: %q in\n%s", name, tt.not, got)
		}
	}
}

// TestWhyTextIsClean: what a hostile container may say reaches no terminal as it is.
func TestWhyTextIsClean(t *testing.T) {
	t.Parallel()
	const hostile = "x\x1b[31m\u202e\u009b2J\r\n$(reboot)é"
	r := died()
	r.Container.Name = hostile
	d := &r.Deaths[0]
	d.Verdict.Summary, d.Verdict.Against, d.Verdict.Notes = hostile, []string{hostile}, []string{hostile}
	d.Verdict.Evidence[0] = finding.Evidence{Source: hostile, Got: hostile}
	d.Verdict.Remedies[0] = finding.Remedy{Text: hostile, Command: "docker update '" + hostile + "'"}
	d.Timeline[0].Text, d.Timeline[0].Source = hostile, hostile
	r.Witnesses[0] = Witness{What: hostile, Source: hostile}
	r.Unmatched = []verdicts.Moment{{Text: hostile, Source: hostile}, {At: d.At, Text: hostile, Source: hostile}}
	r.Running = &verdicts.Running{Memory: hostile, Verdicts: []verdicts.Verdict{d.Verdict}}
	for _, wide := range []bool{true, false} {
		for i, c := range whyText(t, r, Style{Width: 80, Wide: wide}, true) {
			if c != '\n' && unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || !wide && c > unicode.MaxASCII {
				t.Fatalf("%U at byte %d", c, i)
			}
		}
	}
	var doc bytes.Buffer
	if err := WhyJSON(&doc, r); err != nil || strings.ContainsRune(doc.String(), '\u202e') || strings.ContainsRune(doc.String(), '\x1b') {
		t.Errorf("the document is not safe to look at: %v", err)
	}
}

// TestWhyZone spells times in the zone of the report.
func TestWhyZone(t *testing.T) {
	t.Parallel()
	r := died()
	r.At = r.At.In(time.FixedZone("", 2*3600))
	if got := whyText(t, r, Style{Width: 100}, false); !strings.Contains(got, "  17:02:11  die") {
		t.Error(got)
	}
}

func TestWhyWriteFails(t *testing.T) {
	t.Parallel()
	for _, err := range []error{WhyText(fullDisk{}, died(), Style{Width: 80}, false), WhyJSON(fullDisk{}, died())} {
		if err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("got %v", err)
		}
	}
}
