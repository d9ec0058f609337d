package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"vmguard/pkg/probe/imap"
)

// secretOptions say where a password or token comes from: never from the command line, which every user
// of the machine can read (proc_pid_cmdline(5)).
type secretOptions struct {
	passwordFile  string
	passwordStdin bool
	tokenFile     string
}

// passwordVariable is the environment variable that may hold the password. Only root and the user can read it.
const passwordVariable = "VMGUARD_IMAP_PASSWORD" //nolint:gosec // G101: a name, and no password

// maxSecret is more than any token is long, in bytes.
const maxSecret = 64 << 10

// check errs where no secret is named, or several are, or one that the mechanism does not take.
func (o secretOptions) check(app *App, mechanism imap.Mechanism) error {
	token := mechanism == imap.MechanismXOAUTH2 || mechanism == imap.MechanismOAuthBearer
	named := 0
	for _, is := range []bool{o.passwordFile != "", o.passwordStdin, o.tokenFile != ""} {
		if is {
			named++
		}
	}
	switch {
	case named > 1:
		return usage("name one of them", "--password-file, --password-stdin and --token-file exclude each other")
	case token && o.tokenFile == "" && !o.passwordStdin:
		return usage("put the access token into a file, and name it with --token-file", "--auth %s takes an access token", mechanism)
	case !token && o.tokenFile != "":
		return usage("add --auth xoauth2 or --auth oauthbearer", "--token-file is for access tokens")
	case named == 0 && app.Getenv(passwordVariable) == "":
		return usage("name the password's file with --password-file, give it with --password-stdin, or set "+passwordVariable, "--user needs a password")
	}
	return nil
}

// read gives the secret, of options that were checked. It errs where it cannot be read or is empty.
func (o secretOptions) read(ctx context.Context, app *App) (imap.Secret, error) {
	var text string
	var err error
	hint := "the secret is the first line of the file"
	switch file := o.passwordFile + o.tokenFile; {
	case o.passwordStdin:
		hint = "the secret is the first line of standard input: vmguard ... --password-stdin <FILE"
		text, err = fromStdin(ctx, app)
	case file != "":
		text, err = until(ctx, func() (string, error) { return secretFile(file) })
	default:
		text = app.Getenv(passwordVariable)
	}
	switch {
	case ctx.Err() != nil:
		return imap.Secret{}, ctx.Err()
	case err != nil:
		return imap.Secret{}, failed(fmt.Errorf("read the secret: %w", err), hint)
	}
	return imap.NewSecret(text), nil
}

// fromStdin reads the first line of standard input. On a terminal it asks for it, and lets nobody see what is typed.
func fromStdin(ctx context.Context, app *App) (string, error) {
	file, ok := app.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return until(ctx, func() (string, error) { return firstLine(app.Stdin, "standard input") })
	}
	before, err := term.GetState(int(file.Fd()))
	if err != nil {
		return "", err
	}
	_, _ = fmt.Fprint(app.Stderr, "password: ")
	typed, err := until(ctx, func() ([]byte, error) { return term.ReadPassword(int(file.Fd())) })
	_, _ = fmt.Fprintln(app.Stderr)
	if err != nil {
		// What is left behind holds the terminal without its echo.
		return "", errors.Join(err, term.Restore(int(file.Fd()), before))
	}
	return firstLine(strings.NewReader(string(typed)), "standard input")
}

// secretFile reads the first line of a file, and gives no part of it in an error.
func secretFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return firstLine(file, name)
}

// firstLine gives the first line without its end, as editors leave one.
func firstLine(r io.Reader, name string) (string, error) {
	if r == nil {
		return "", fmt.Errorf("there is no %s", name)
	}
	line, err := bufio.NewReader(io.LimitReader(r, maxSecret)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	switch {
	case line == "":
		return "", fmt.Errorf("the first line of %s is empty", name)
	case strings.HasPrefix(line, "\ufeff"):
		return "", fmt.Errorf("%s begins with a byte order mark, as some editors write it: save it without", name)
	case strings.Contains(line, "\x00"):
		return "", fmt.Errorf("%s holds a NUL: it is no text, or UTF-16", name)
	case len(line) >= maxSecret-1:
		return "", fmt.Errorf("the first line of %s is too long", name)
	}
	return line, nil
}
