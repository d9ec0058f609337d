package report

import (
	"bytes"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
)

// githubShown is how many annotations of one kind GitHub shows of a step; the log has them all.
const githubShown = 10

// githubTitle is how long a title may be, in runes: 255 characters are what GitHub's check runs take.
const githubTitle = 200

// DoctorGitHub writes the report as workflow commands of GitHub Actions, which become annotations:
// an error is what fails the run, other failures are warnings and notices, and so is what is
// unknown or waived. The worst come first, because GitHub shows few. What an image cannot tell is
// counted alone. The last line, in plain words, counts it all.
func DoctorGitHub(w io.Writer, d Doctor) error {
	var out bytes.Buffer
	var list []annotation
	written := map[string]int{}
	for i := range d.Findings {
		if kind := d.annotationKind(d.Findings[i]); kind != "" {
			list = append(list, annotation{kind, rank(kind, d.Findings[i]), &d.Findings[i]})
			written[kind]++
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].rank < list[j].rank })
	for _, a := range list {
		d.writeAnnotation(&out, a)
	}
	out.WriteString(d.githubSummary(written))
	return ciWrite(w, out.Bytes())
}

// annotation is a finding and the workflow command that it becomes.
type annotation struct {
	kind string
	rank int
	*finding.Finding
}

// rank sorts errors, warnings and notices, each with the failures first, the worst of them foremost.
func rank(kind string, f finding.Finding) int {
	order := 2
	switch kind {
	case "error":
		order = 0
	case "warning":
		order = 1
	}
	return (order*10+int(f.Status))*10 - int(f.Severity)
}

// annotationKind gives the workflow command of a finding; empty where it becomes none.
func (d Doctor) annotationKind(f finding.Finding) string {
	switch {
	case d.failsRun(f):
		return "error"
	case f.Status == finding.Fail && f.Severity >= finding.Warning:
		return "warning"
	case f.Status == finding.Fail, f.Status == finding.Unknown, f.Status == finding.Waived:
		return "notice"
	default:
		return ""
	}
}

// writeAnnotation writes one command on one line. The file is named only where it can be one of
// the repository: a path in an image is not.
func (d Doctor) writeAnnotation(out *bytes.Buffer, a annotation) {
	out.WriteString("::" + a.kind + " ")
	for _, e := range a.Evidence {
		if e.File == "" || !d.userFile(*a.Finding, e.File) {
			continue
		}
		out.WriteString("file=" + githubProperty(ciLine(e.File)) + ",")
		if e.Line > 0 {
			out.WriteString("line=" + strconv.Itoa(e.Line) + ",")
		}
		break
	}
	title := a.ID
	if a.Subject != finding.Host {
		title = ciName(*a.Finding)
	}
	message := ciLine(a.Summary)
	switch a.Status {
	case finding.Unknown:
		message = d.ciReason(*a.Finding)
	case finding.Waived:
		message = d.ciReason(*a.Finding) + "\n" + message
	}
	if account := ciAccount(*a.Finding); account != "" {
		message += "\n" + account
	}
	out.WriteString("title=" + githubProperty(Clean(ciLine(title), githubTitle, true)) + "::" + githubData(message) + "\n")
}

// githubSummary counts the findings, and says so where GitHub will not show them all. Its one foreign text, the
// policy's name, can make no command of it: one begins a line, or with the runner's older sign anywhere in it.
func (d Doctor) githubSummary(written map[string]int) string {
	line := "vmguard doctor: " + strings.Join(countWords(countsOf(d.Findings.Count()), Style{}), ", ")
	var cut []string
	for _, kind := range []string{"error", "warning", "notice"} {
		if written[kind] > githubShown {
			cut = append(cut, human.Count(written[kind], kind))
		}
	}
	if len(cut) > 0 {
		line += fmt.Sprintf("; of %s GitHub shows %d of each kind, and this log all", strings.Join(cut, ", "), githubShown)
	}
	if d.Policy != "" {
		line += "; judged by " + strings.ReplaceAll(githubData(ciLine(d.Policy)), "##[", "## [")
	}
	return line + "\n"
}

// The runner undoes these (actions/runner, ActionCommand.cs): in what follows the second "::", and
// in the value of a property.
var (
	githubDataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubPropertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func githubData(s string) string     { return githubDataEscapes.Replace(s) }
func githubProperty(s string) string { return githubPropertyEscapes.Replace(s) }
