package verdict_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/verdict"
)

// said adds dated lines that the container printed, one each 10 ms up to a moment.
func said(in verdict.Input, last int, lines ...string) verdict.Input {
	var out []verdict.Line
	for i, l := range lines {
		out = append(out, verdict.Line{At: at(last - 10*(len(lines)-1-i)), Text: l})
	}
	in.Output = host.Known(out, "docker logs app")
	return in
}

// TestLastWords: the end of a program that ended by itself shows its last three lines.
func TestLastWords(t *testing.T) {
	t.Parallel()
	ended := func(code int) verdict.Input {
		return known(dead(code, 5000, ev(0, "start"), ev(5010, "die", code)), kernel())
	}
	killed := known(dead(137, 5000, ev(0, "start"), ev(4990, "kill", 9), ev(5010, "die", 137)), kernel())
	unread := ended(3)
	unread.Output = host.Missing[[]verdict.Line]("log driver none")
	twice := known(dead(3, 240, ev(0, "start"), ev(200, "die", 3), ev(205, "start"), ev(250, "die", 3)), kernel())
	three := []string{"printed: two", "printed: three", "printed: four"}
	for name, test := range map[string]struct {
		in   verdict.Input
		want []string
	}{
		"exited":            {said(ended(3), 5000, "one", "two", "", "three ", "four"), three},
		"127 of a shell":    {said(ended(127), 5000, "sh: app: not found"), []string{"printed: sh: app: not found"}},
		"crashed":           {said(ended(139), 5000, "one", "two", "three", "four"), three},
		"killed":            {said(killed, 4980, "one", "two", "three", "four"), nil},
		"the life before's": {said(twice, 210, "one", "two", "three"), []string{"printed: three"}},
		"another end's":     {said(ended(3), -70_000, "one", "two"), nil},
		"without dates":     {printed(ended(3), "one", "two"), nil},
		"nothing printed":   {said(ended(3), 5000), nil},
		"log not read":      {unread, nil},
		"secrets":           {said(ended(3), 5000, "dial postgres://u:hunter2@db/x: refused"), []string{"printed: dial postgres://***@db/x: refused"}},
	} {
		var got []string
		for _, m := range verdict.Judge(test.in).Deaths[0].Timeline {
			if strings.HasPrefix(m.Text, "printed: ") {
				got = append(got, m.Text)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestSecrets: whoever prints a secret, no part of a report holds it.
func TestSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	const text = "GET https://bob:" + secret + "@h/x?token=" + secret + " Authorization: Bearer " + secret
	sick := dead(1, 5000, ev(0, "start"), ev(5010, "die", 1))
	sick.Health = &docker.Health{Status: "unhealthy", FailingStreak: 3, Last: &docker.Probe{End: at(4000), ExitCode: 1, Output: text}}
	died := said(known(sick, kernel()), 5000, text)
	died.Health = host.Known([]docker.Probe{*sick.Health.Last}, "docker inspect app")
	died.Journal = host.Known([]verdict.Line{{At: at(5005), Text: text}}, "journal of docker.service")
	runs := alive(ev(0, "start"))
	runs.Health = sick.Health
	unstarted := dead(127, 0)
	unstarted.Error = text
	long := said(known(dead(1, 5000, ev(0, "start"), ev(5010, "die", 1)), kernel()), 5000, strings.Repeat("x", 280)+" password="+secret)
	for name, in := range map[string]verdict.Input{
		"printed, checked, logged": died, "runs": known(runs, kernel()), "did not start": known(unstarted, kernel()),
		"runtime":    said(known(dead(1, 5000, ev(0, "start"), ev(5010, "die", 1)), kernel()), 5000, "java.lang.OutOfMemoryError: "+text),
		"at the cut": long,
	} {
		out, err := json.Marshal(verdict.Judge(in))
		if err != nil || strings.Contains(string(out), secret[:8]) || !strings.Contains(string(out), "***") {
			t.Errorf("%s: %v in %s", name, err, out)
		}
	}
}

// TestFailedChecksOnce: runs of a healthcheck that say the same are one line.
func TestFailedChecksOnce(t *testing.T) {
	t.Parallel()
	in := known(dead(1, 5000, ev(0, "start"), ev(5010, "die", 1)), kernel())
	in.Health = host.Known([]docker.Probe{
		{End: at(1000), ExitCode: 1, Output: "refused"},
		{End: at(2000), ExitCode: 1, Output: "refused\nmore"},
		{End: at(2500), ExitCode: 0, Output: "fine"},
		{End: at(3000), ExitCode: 1, Output: "timed out"},
		{End: at(4000), ExitCode: 1, Output: "refused"},
		{End: at(4500), ExitCode: 2, Output: "refused"},
	}, "docker inspect app")
	var got []string
	for _, m := range verdict.Judge(in).Deaths[0].Timeline {
		if strings.Contains(m.Text, "healthcheck") {
			got = append(got, m.At.Format("05.0 ")+m.Text)
		}
	}
	want := []string{
		"03.0 healthcheck failed, exit code 1: timed out",
		"04.0 healthcheck failed, exit code 1: refused (3 times)",
		"04.5 healthcheck failed, exit code 2: refused",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestStartErrorIsTold: what the engine says of a start that failed does not hide in the evidence.
func TestStartErrorIsTold(t *testing.T) {
	t.Parallel()
	c := dead(127, 0)
	c.Error = `exec: "/nope": no such file or directory`
	v := verdict.Judge(known(c, kernel())).Deaths[0].Verdict
	if want := []string{`the engine's error: exec: "/nope": no such file or directory`}; !cmp.Equal(want, v.Notes) {
		t.Errorf("notes %q", v.Notes)
	}
}
