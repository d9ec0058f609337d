package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"vmguard/pkg/policy"
	"vmguard/pkg/report"
)

// The exit codes, as vmguard help exit-codes explains them.
const (
	exitOK          = 0
	exitBad         = 1 // the answer is bad: a finding at or above --fail-on, an expectation that was not met
	exitUsage       = 2 // the command line is wrong
	exitFailed      = 3 // vmguard could not do its work
	exitInterrupted = 130
)

const exitCodesHelp = `Exit codes of every vmguard command:

    0  fine: the work is done, and the answer is good
    1  the answer is bad: a finding at or above --fail-on (default critical), or of
       probe an expectation that was not met, a heartbeat that did not survive
    2  the command line is wrong, or the policy
    3  vmguard could not do its work: a file cannot be read, Docker is required
       and does not answer, root's rights are missing, a server is not to be
       reached or refused the login; or it refused to change the host, or a
       step failed: what was done is then undone
  130  interrupted (Ctrl-C); what was found until then is printed, and a change of
       the host is undone

What is unknown is listed and counted, and does not change the exit code.
`

// failure is an error that knows its exit code and what the user can do.
type failure struct {
	err  error
	hint string
	code int
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage says that the command line is wrong.
func usage(hint, format string, args ...any) error {
	return &failure{fmt.Errorf(format, args...), hint, exitUsage}
}

// failed says that vmguard could not do its work.
func failed(err error, hint string) error { return &failure{err, hint, exitFailed} }

// errBad says that a report was written and its answer is bad; nothing more is printed.
var errBad = &failure{errors.New("the answer is bad"), "", exitBad}

// errDone says that a change is made, whatever signal came in its last moment.
var errDone = &failure{errors.New("the change is made"), "", exitOK}

// faults gives the lines that an error is printed as: of a policy each thing that is wrong with it, so
// that the file is mended once.
func faults(f *failure) []string {
	var list policy.Errors
	if !errors.As(f, &list) || len(list) == 0 {
		return []string{f.Error()}
	}
	return strings.Split(list.Error(), "\n")
}

// wrongUsage makes a failure of what cobra says of the command line, of two flags that exclude each other in plain words.
func wrongUsage(err error) *failure {
	const lead, middle, end = "if any flags in the group [", "] are set none of the others can be; [", "] were all set"
	if rest, ok := strings.CutPrefix(err.Error(), lead); ok {
		if _, set, ok := strings.Cut(strings.TrimSuffix(rest, end), middle); ok {
			err = fmt.Errorf("--%s exclude each other", strings.Join(strings.Fields(set), " and --"))
			return &failure{err, "--help lists the flags", exitUsage}
		}
	}
	return &failure{err, "vmguard --help lists the commands", exitUsage}
}

// finish prints an error once and gives the exit code. An error that is no failure
// comes from the parsing of the command line.
func finish(ctx context.Context, stderr io.Writer, wide bool, err error) int {
	var f *failure
	told := errors.As(err, &f) && f.code == exitInterrupted // it has something to say beside
	switch {
	case err == nil && ctx.Err() != nil, errors.Is(err, context.Canceled) && !told:
		return exitInterrupted
	case err == nil, errors.Is(err, errDone):
		return exitOK
	case errors.Is(err, errBad):
		if ctx.Err() != nil {
			return exitInterrupted
		}
		return exitBad
	case !errors.As(err, &f):
		f = wrongUsage(err)
	}
	for _, text := range faults(f) {
		_, _ = fmt.Fprintf(stderr, "error: %s\n", report.Clean(text, 2000, wide))
	}
	if f.hint != "" {
		_, _ = fmt.Fprintf(stderr, "hint: %s\n", report.Clean(f.hint, 2000, wide))
	}
	return f.code
}
