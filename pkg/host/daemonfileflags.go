package host

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// started is how docker.service starts dockerd.
type started struct {
	file      string   // that has the ExecStart= that counts; empty for none
	args      []string // without the program
	config    string   // the configuration file's path
	configSet bool     // a flag names it
}

// readStarted reads the command line that docker.service gives dockerd. It errs where
// that starts something else, such as a shell or a wrapper: what flags it adds is not known.
func readStarted(tree *rootfs.FS, list func() (*hostUnits, error)) (started, error) {
	s := started{config: defaultDaemonConfig}
	units, err := list()
	switch {
	case err != nil:
		return s, err
	case units.boot.paths[dockerService] == "", !hasSystemd(tree, "systemd") && isFile(tree, dockerScript):
		return readStartedElse(tree, units.boot)
	}
	files, err := units.boot.files(tree, dockerService)
	if err != nil {
		return s, err
	}
	command := ""
	var set unitEnvironment
	for _, file := range files {
		for _, u := range unitSettings(file.data) {
			switch {
			case u.section != "Service":
			case u.name == "ExecStart" && u.value == "":
				command, s.file = "", ""
			case u.name == "ExecStart" && command == "":
				command, s.file = u.value, file.path
			case u.name == "Environment" || u.name == "EnvironmentFile":
				set.set(u.name, u.value)
			}
		}
	}
	env, err := set.read(tree)
	if err != nil {
		return s, err
	}
	words := expand(splitWords(command), env)
	if len(words) == 0 { // a masked unit starts nothing
		return s, nil
	}
	if program := path.Base(strings.TrimLeft(words[0], "@-:+!")); program != dockerd {
		return s, fmt.Errorf("%s starts %s, and with what flags that starts dockerd cannot be told", s.file, clipped(program))
	}
	s.args = words[1:]
	s.findConfig()
	return s, nil
}

// findConfig takes the path of the configuration file from the flags.
func (s *started) findConfig() {
	for i, arg := range s.args {
		flag, value, attached := strings.Cut(arg, "=")
		if flag != "--config-file" {
			continue
		}
		if !attached && i+1 < len(s.args) {
			value = s.args[i+1]
		}
		s.config, s.configSet = value, true
	}
}

// directives gives the directives that the flags set, sorted, as the file calls them.
func (s started) directives() []string {
	var list []string
	short := map[byte]string{'H': "hosts", 'D': "debug", 'l': "log-level", 's': "storage-driver", 'G': "group", 'g': "data-root", 'p': "pidfile", 'b': "bridge"}
	for _, arg := range s.args {
		flag, _, _ := strings.Cut(arg, "=")
		name, long := strings.CutPrefix(flag, "--")
		switch {
		case name == "" || name == "config-file":
		case long && knownIgnored()[name] != "":
			list = append(list, knownIgnored()[name])
		case long:
			list = append(list, name)
		case len(arg) > 1 && arg[0] == '-' && short[arg[1]] != "":
			list = append(list, short[arg[1]])
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// splitWords splits a command line as systemd does: at blanks that do not stand in
// quotation marks (systemd.syntax(7)). A backslash keeps what follows it.
func splitWords(line string) []string {
	var words []string
	var word strings.Builder
	var quote byte
	open := false // a word has begun
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			open = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, open = c, true
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}

// expand puts the environment in: $NAME as a word of its own becomes the words of its
// value, ${NAME} stays within its word (systemd.service(5)).
func expand(words []string, env map[string]string) []string {
	var out []string
	for _, w := range words {
		if name, ok := strings.CutPrefix(w, "$"); ok && !strings.HasPrefix(name, "{") {
			out = append(out, splitWords(env[name])...)
			continue
		}
		out = append(out, within(w, env))
	}
	return out
}

// within puts the values of ${NAME} into a word.
func within(word string, env map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(word, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			b.WriteString(word)
			return b.String()
		}
		b.WriteString(before)
		b.WriteString(env[name])
		word = after
	}
}
