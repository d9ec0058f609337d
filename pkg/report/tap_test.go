package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
)

// tapScript reads TAP with the parser that Perl's own harness uses, and tells what it saw.
const tapScript = `
use strict; use warnings; use TAP::Parser; use JSON::PP;
binmode STDIN, ':encoding(UTF-8)';
my $text = do { local $/; <STDIN> };
my $parser = TAP::Parser->new({ tap => $text });
my @points; my @other; my @comments;
while (my $r = $parser->next) {
  if ($r->is_test) {
    push @points, { ok => $r->is_actual_ok ? JSON::PP::true : JSON::PP::false, number => 0 + $r->number, description => $r->description,
      todo => $r->has_todo ? JSON::PP::true : JSON::PP::false, skip => $r->has_skip ? JSON::PP::true : JSON::PP::false, reason => $r->explanation };
  } elsif ($r->is_yaml) { $points[-1]{data} = $r->data }
  elsif ($r->is_comment) { push @comments, $r->comment }
  elsif (!$r->is_plan && !$r->is_version) { push @other, $r->as_string }
}
print JSON::PP->new->ascii->encode({ points => \@points, other => \@other, comments => \@comments, errors => [$parser->parse_errors],
  failed => scalar($parser->failed), good => $parser->good_plan ? JSON::PP::true : JSON::PP::false });
`

type tapDoc struct {
	Points        []tapPoint
	Other, Errors []string
	Comments      []string
	Failed        int
	Good          bool
}

type tapPoint struct {
	OK, Todo, Skip      bool
	Number              int
	Description, Reason string
	Data                *tapData
}

type tapData struct {
	Message, Status, Severity, Fix, Command string
	Seen                                    []struct{ Source, Got, Want string }
}

func readTAP(t *testing.T, doc []byte) tapDoc {
	t.Helper()
	script := filepath.Join(t.TempDir(), "read.pl")
	if err := os.WriteFile(script, []byte(tapScript), 0o600); err != nil {
		t.Fatal(err)
	}
	var got tapDoc
	if err := json.Unmarshal(tool(t, doc, "perl", script), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// unescapeTAP undoes the two escapes, which Perl's parser leaves as they are.
func unescapeTAP(s string) string { return strings.NewReplacer(`\\`, `\`, `\#`, "#").Replace(s) }

func checkTAP(t *testing.T, d Doctor, got tapDoc) {
	t.Helper()
	if len(got.Errors) > 0 || len(got.Other) > 0 || !got.Good || len(got.Points) != len(d.Findings) {
		t.Fatalf("%d points of %d; errors %q, and %q", len(got.Points), len(d.Findings), got.Errors, got.Other)
	}
	if want := "judged by " + ciLine(d.Policy); len(got.Comments) > 1 || (d.Policy != "") != (len(got.Comments) == 1) || d.Policy != "" && got.Comments[0] != want {
		t.Errorf("comments %q, want %q", got.Comments, want)
	}
	failed := 0
	for i, f := range d.Findings {
		p := got.Points[i]
		bad := f.Status == finding.Fail && d.FailOn != 0 && f.Severity >= d.FailOn
		if bad {
			failed++
		}
		ok := f.Status == finding.Pass || f.Status == finding.Skipped
		if p.OK != ok || p.Skip != (f.Status == finding.Skipped) || p.Todo != (!ok && !bad) {
			t.Errorf("%s %v %v became %+v", f.ID, f.Status, f.Severity, p)
		}
		if want := "- " + f.ID + ": " + ciLine(f.Subject); unescapeTAP(p.Description) != want {
			t.Errorf("%q, want %q", p.Description, want)
		}
		if (p.Data != nil) == ok {
			t.Errorf("%s %v has the diagnostics %+v", f.ID, f.Status, p.Data)
		}
	}
	if got.Failed != failed {
		t.Errorf("the harness sees %d failed, want %d", got.Failed, failed)
	}
}

func TestTAP(t *testing.T) {
	for _, d := range []Doctor{bakedImage(), sick(), fouled(), tenThousand()} {
		doc := written(t, "tap", d)
		if !strings.HasPrefix(string(doc), fmt.Sprintf("TAP version 13\n1..%d\n", len(d.Findings))) {
			t.Errorf("%.40q", doc)
		}
		checkTAP(t, d, readTAP(t, doc))
	}
	if got := string(written(t, "tap", Doctor{})); got != "TAP version 13\n1..0 # no check ran\n" {
		t.Errorf("%q", got)
	}
}

func TestTAPFoulTexts(t *testing.T) {
	points := readTAP(t, written(t, "tap", fouled())).Points
	seven := len(points) / len(foul)
	for i, text := range foul {
		failed, unknown := points[i*seven], points[i*seven+1]
		want := tapData{Message: text.want, Status: "fail", Severity: "critical", Fix: text.want, Command: ciCommand("echo "+text.in) + "\necho two",
			Seen: []struct{ Source, Got, Want string }{{text.want, text.want, text.want}}}
		if failed.Data == nil || !cmp.Equal(*failed.Data, want) {
			t.Errorf("%q became %+v", text.in, failed.Data)
		}
		if want := "cannot tell: " + text.want; unescapeTAP(unknown.Reason) != want {
			t.Errorf("%q, want %q", unknown.Reason, want)
		}
	}
}

// tapLine is all that may stand at the beginning of a line: everything else is indented.
var tapLine = regexp.MustCompile(`^(TAP version 13|1\.\.\d+( # .*)?|# judged by .*|(not )?ok \d+ - .*|  ---|  \w+: .*|  seen:|    - source: ".*"|      (got|want): ".*"|  \.\.\.)$`)

// checkTAPLines holds for any text at all, without Perl.
func checkTAPLines(t testing.TB, d Doctor, doc string) {
	t.Helper()
	points := 0
	for line := range strings.Lines(doc) {
		line = strings.TrimSuffix(line, "\n")
		if !tapLine.MatchString(line) {
			t.Errorf("a line %q", line)
		}
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "not ok ") {
			points++
		}
	}
	if points != len(d.Findings) {
		t.Errorf("%d points for %d findings", points, len(d.Findings))
	}
}
