package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
const passwordVariable = "VMGUARD_IMAP_PASSWORD"

// maxSecret is more than any token is long, in bytes.
const maxSecret = 64 << 10

// read gives the secret. It errs where none is named, several are, or it cannot be read or is empty.
func (o secretOptions) read(app *App, mechanism imap.Mechanism) (imap.Secret, error) {
	token := mechanism == imap.MechanismXOAUTH2 || mechanism == imap.MechanismOAuthBearer
	named := 0
	for _, is := range []bool{o.passwordFile != "", o.passwordStdin, o.tokenFile != ""} {
		if is {
			named++
		}
	}
	variable := app.Getenv(passwordVariable)
	switch {
	case named > 1:
		return imap.Secret{}, usage("name one of them", "--password-file, --password-stdin and --token-file exclude each other")
	case token && o.tokenFile == "" && !o.passwordStdin:
		return imap.Secret{}, usage("put the access token into a file, and name it with --token-file", "--auth %s takes an access token", mechanism)
	case !token && o.tokenFile != "":
		return imap.Secret{}, usage("add --auth xoauth2 or --auth oauthbearer", "--token-file is for access tokens")
	case named == 0 && variable == "":
		return imap.Secret{}, usage("name the password's file with --password-file, give it with --password-stdin, or set "+passwordVariable, "--user needs a password")
	}
	var text string
	var err error
	switch {
	case o.passwordStdin:
		text, err = firstLine(app.Stdin, "standard input")
	case named == 1:
		text, err = secretFile(o.passwordFile + o.tokenFile)
	default:
		text = variable
	}
	if err != nil {
		return imap.Secret{}, failed(err, "")
	}
	return imap.NewSecret(text), nil
}

// secretFile reads the first line of a file, and gives no part of it in an error.
func secretFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	defer file.Close()
	return firstLine(file, name)
}

// firstLine gives the first line without its end, as editors leave one.
func firstLine(r io.Reader, name string) (string, error) {
	if r == nil {
		return "", fmt.Errorf("read the secret from %s: there is none", name)
	}
	line, err := bufio.NewReader(io.LimitReader(r, maxSecret)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the secret from %s: %w", name, err)
	}
	line = strings.TrimRight(line, "\r\n")
	switch {
	case line == "":
		return "", fmt.Errorf("read the secret from %s: its first line is empty", name)
	case len(line) >= maxSecret-1:
		return "", fmt.Errorf("read the secret from %s: its first line is too long", name)
	}
	return line, nil
}
