package report

import (
	"fmt"
	"io"
)

// format is a format and its writer.
type format struct {
	name  string
	write func(io.Writer, Doctor) error
}

func formats() []format {
	return []format{
		{"json", DoctorJSON},
		{"junit", DoctorJUnit},
		{"sarif", DoctorSARIF},
		{"github", DoctorGitHub},
		{"prometheus", DoctorPrometheus},
		{"html", DoctorHTML},
		{"tap", DoctorTAP},
	}
}

// Formats lists the formats that Write knows: all that a doctor's report comes in but text,
// which depends on a style.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Write writes a doctor's report in one of Formats; it errs on any other.
func Write(w io.Writer, name string, d Doctor) error {
	for _, f := range formats() {
		if f.name == name {
			return f.write(w, d)
		}
	}
	return fmt.Errorf("no report has the format %q", name)
}
