package docker

import (
	"path"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// shells are programs whose -c runs a command line. They wait for a child and do not
// pass signals on to it.
var shells = map[string]bool{
	"sh": true, "bash": true, "dash": true, "ash": true, "zsh": true, "ksh": true, "mksh": true, "busybox-sh": true,
}

// addCommand adds the program's name, and whether it is a shell with -c. The arguments stay behind.
func (c *Container) addCommand(in container.InspectResponse) {
	argv := command(in)
	if len(argv) == 0 || argv[0] == "" {
		return
	}
	c.Program = text(path.Base(argv[0]))
	c.ShellForm = isShellForm(argv)
}

// command is the program and its arguments as the engine executes them: Path and Args,
// or where an engine leaves these out what they are made of.
func command(in container.InspectResponse) []string {
	if base := in.ContainerJSONBase; base != nil && base.Path != "" {
		return append([]string{base.Path}, base.Args...)
	}
	if in.Config == nil {
		return nil
	}
	return append(append([]string(nil), in.Config.Entrypoint...), in.Config.Cmd...)
}

// isShellForm tells whether a command is a shell with -c, alone or among other flags:
// sh -c, sh -ec, bash -o pipefail -c, busybox sh -c.
func isShellForm(argv []string) bool {
	name, args := path.Base(argv[0]), argv[1:]
	if name == "busybox" && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	if !shells[name] {
		return false
	}
	for i := 0; i < len(args); i++ {
		flags, ok := strings.CutPrefix(args[i], "-")
		switch {
		case strings.HasPrefix(flags, "-") && flags != "-": // bash --norc
		case !ok || flags == "" || flags == "-":
			return false // a script's name, or the end of the flags
		case strings.Contains(flags, "c"):
			return true
		case strings.HasSuffix(flags, "o") || strings.HasSuffix(flags, "O"):
			i++ // the option's name is the next word
		}
	}
	return false
}

// IsShell tells whether a program of that name is a shell.
func IsShell(program string) bool { return shells[program] }
