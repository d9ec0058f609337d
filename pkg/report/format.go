package report

import (
	"fmt"
	"io"
)

// Formats lists the formats that Write knows: all that a doctor's report comes in but text,
// which depends on a style.
func Formats() []string {
	return []string{"json", "junit", "sarif", "github", "prometheus", "html", "tap"}
}

// Write writes a doctor's report in one of Formats; it errs on any other.
func Write(w io.Writer, format string, d Doctor) error {
	switch format {
	case "json":
		return DoctorJSON(w, d)
	case "junit":
		return DoctorJUnit(w, d)
	case "sarif":
		return DoctorSARIF(w, d)
	case "github":
		return DoctorGitHub(w, d)
	case "prometheus":
		return DoctorPrometheus(w, d)
	case "html":
		return DoctorHTML(w, d)
	case "tap":
		return DoctorTAP(w, d)
	default:
		return fmt.Errorf("no report has the format %q", format)
	}
}
