package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"vmguard/pkg/report"
)

// Build is what the release process stamps into the binary; empty fields are taken from
// what the Go toolchain stamped by itself.
type Build struct {
	Version, Commit, Date string
}

// versionJSON is the data of a Version document (docs/schema/version.schema.json).
type versionJSON struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// number is the version alone, "dev" for a build that nobody released.
func (b Build) number() string { return cmp.Or(b.Version, "dev") }

func (b Build) full() versionJSON {
	v := versionJSON{Version: b.number(), Commit: b.Commit, Date: b.Date, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && v.Commit == "":
				v.Commit = s.Value
			case s.Key == "vcs.time" && v.Date == "":
				v.Date = s.Value
			}
		}
	}
	v.Commit, v.Date = cmp.Or(v.Commit, "unknown"), cmp.Or(v.Date, "unknown")
	return v
}

func newVersion(app *App) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "version",
		Short: "Print version, commit, date, Go version and platform",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkChoice("output", output, "text", "json"); err != nil {
				return err
			}
			v := app.Build.full()
			if output == "json" {
				return writing(report.JSON(app.Stdout, "Version", v))
			}
			_, err := fmt.Fprintf(app.Stdout, "vmguard %s, commit %s of %s, %s, %s\n", v.Version, v.Commit, v.Date, v.Go, v.Platform)
			return writing(err)
		},
	}
	outputFlag(c, &output, "text", "json")
	return c
}

// writing turns an error of writing the result into one that names the exit code.
func writing(err error) error {
	if err == nil {
		return nil
	}
	return failed(err, "")
}
