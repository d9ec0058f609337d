package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"vmguard/pkg/host"
	"vmguard/pkg/report"
)

// doctorFormats lists the formats of a doctor's report, the default first.
func doctorFormats() []string { return slices.Concat([]string{"text"}, report.Formats()) }

// target is a file that a report goes to, and in which format.
type target struct{ format, file string }

// parseTargets reads the values of --report. It errs on a format that is none, and on a file that is named twice.
func parseTargets(values []string) ([]target, error) {
	var targets []target
	for _, value := range values {
		format, file, ok := strings.Cut(value, "=")
		if !ok || file == "" {
			return nil, usage("for example --report junit=out.xml", "--report: %q is not KIND=FILE", value)
		}
		if err := checkChoice("report", format, doctorFormats()...); err != nil {
			return nil, err
		}
		if file == "-" {
			return nil, usage("-o "+format+" writes it to standard output", "--report: %s names no file", value)
		}
		if slices.ContainsFunc(targets, func(t target) bool { return filepath.Clean(t.file) == filepath.Clean(file) }) {
			return nil, usage("each report needs a file of its own", "--report: %s is named twice", file)
		}
		targets = append(targets, target{format, file})
	}
	return targets, nil
}

// write writes the report to stdout and to all files that were named. One that cannot be
// written does not keep the others from being written.
func (o doctorOptions) write(app *App, targets []target, result report.Doctor) error {
	first := o.writeText(app.Stdout, o.output, result, app.style(o.noColor))
	if first != nil {
		first = failed(first, "")
	}
	keep := func(err error) {
		if err != nil && first == nil {
			first = failed(err, "name a file in a directory that you may write to")
		}
	}
	for _, t := range targets {
		if err := o.checkPlace(t.file); err != nil {
			keep(err)
			continue
		}
		keep(replace(t.file, 0o644, func(w io.Writer) error {
			return o.writeText(w, t.format, result, report.Style{Wide: app.wide(), Width: 100})
		}))
	}
	if o.saveFacts != "" {
		if err := o.checkPlace(o.saveFacts); err != nil {
			keep(err)
		} else {
			keep(saveFacts(o.saveFacts, result.Facts))
		}
	}
	return first
}

// writeText writes the report in any format.
func (o doctorOptions) writeText(w io.Writer, format string, result report.Doctor, style report.Style) error {
	if format != "text" {
		return report.Write(w, format, result)
	}
	detail := report.Problems
	switch {
	case o.quiet:
		detail = report.Verdict
	case o.all:
		detail = report.All
	}
	return report.DoctorText(w, result, style, detail, o.verbose)
}

// checkPlace errs where a file is to be written into the image, behind a link of the image: that leads to
// wherever the image wants on the machine that inspects it.
func (o doctorOptions) checkPlace(file string) error {
	if o.root == "" {
		return nil
	}
	root, err := os.Stat(o.root)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	link := ""
	for dir := filepath.Dir(abs); dir != "/"; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && os.SameFile(info, root) {
			if link != "" {
				return fmt.Errorf("write %s: %s is a link of the image", file, link)
			}
			return nil
		}
		if info, err := os.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			link = dir
		}
	}
	return nil
}

// saveFacts writes a recording that its owner alone may read.
func saveFacts(path string, facts *host.Facts) error {
	if err := replace(path, 0o600, facts.Redacted().Write); err != nil {
		return fmt.Errorf("save facts: %w", err)
	}
	return nil
}

// replace writes a file whole or not at all. It puts a new file in the place of the old
// one, so that place must not be a device or a link.
func replace(path string, perm os.FileMode, write func(io.Writer) error) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("write %s: it is there, and is no regular file", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write %s: %w", path, err)
	}
	file, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(perm))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer file.Cleanup() //nolint:errcheck // after CloseAtomicallyReplace there is nothing left to clean up
	if err := write(file); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
