// Package cli is the command line: flags in, calls to the packages that do the work,
// text or JSON out. It is the only place that knows cobra.
package cli

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"vmguard/pkg/report"
)

// App is what a run of vmguard has of its surroundings.
type App struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	Build  Build
}

// Main runs vmguard and gives its exit code. When ctx ends, the command stops, prints
// what it has found so far, and the code is 130.
func Main(ctx context.Context, app App) int {
	root := newRoot(&app)
	root.SetArgs(app.Args)
	return finish(ctx, app.Stderr, app.wide(), root.ExecuteContext(ctx))
}

// style tells how text may look on stdout: coloured only on a terminal, and nowhere with
// --no-color, NO_COLOR or TERM=dumb; wider than ASCII only in a UTF-8 locale.
func (a *App) style(noColor bool) report.Style {
	width, terminal := terminalWidth(a.Stdout)
	if columns, err := strconv.Atoi(a.Getenv("COLUMNS")); err == nil && columns >= 40 {
		width = columns
	}
	return report.Style{
		Color: terminal && !noColor && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb",
		Wide:  a.wide(),
		Width: width,
	}
}

// wide tells whether the locale is UTF-8, by the variables in the order that the C library takes them (locale(7)).
func (a *App) wide() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(a.Getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// terminalSize gives the columns and rows of a terminal, at most 120 columns; 100 and 24 where w is none.
func terminalSize(w io.Writer) (width, height int) {
	width, _ = terminalWidth(w)
	if file, ok := w.(*os.File); ok {
		if _, rows, err := term.GetSize(int(file.Fd())); err == nil && rows > 0 {
			return width, rows
		}
	}
	return width, 24
}

// terminalWidth gives the columns of a terminal, at most 120 so that lines can be read;
// 100 where w is none.
func terminalWidth(w io.Writer) (width int, terminal bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 100, false
	}
	if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns >= 40 {
		return min(columns, 120), true
	}
	return 100, true
}
