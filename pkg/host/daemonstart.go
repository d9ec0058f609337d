package host

import (
	"errors"
	"io/fs"
	"strings"

	"vmguard/pkg/rootfs"
)

// What starts dockerd: the service, or where there is none of systemd's a script, or the snap.
const (
	dockerService  = "docker.service"
	dockerScript   = "/etc/init.d/docker"
	dockerScriptOf = "/etc/conf.d/docker" // OpenRC's settings for the script
	dockerOpts     = "DOCKER_OPTS"
	snapDocker     = "snap.docker.dockerd.service"
	// snapConfig is where the snap's own wrapper has dockerd look for its configuration.
	snapConfig = "/var/snap/docker/current/config/daemon.json"
)

// readStartedElse reads how dockerd is started where there is no docker.service: by the
// snap, whose flags are its own affair, or by a script. Where there is neither, only the
// default path is known.
func readStartedElse(tree *rootfs.FS, units unitListing) (started, error) {
	s := started{config: defaultDaemonConfig}
	switch {
	case units.paths[snapDocker] != "":
		s.config = snapConfig
		return s, nil
	case !isFile(tree, dockerScript):
		return s, nil
	}
	script, err := tree.ReadFile(dockerScript, smallFile)
	if err != nil {
		return s, errors.New(unread(dockerScript, err))
	}
	settings, err := tree.ReadFile(dockerScriptOf, smallFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, errors.New(unread(dockerScriptOf, err))
	}
	args, ok := openRCArgs(string(script), string(settings))
	if !ok {
		return s, errors.New("the flags with which " + dockerScript + " starts dockerd cannot be told without running it")
	}
	s.file, s.args = dockerScriptOf, args
	s.findConfig()
	return s, nil
}

// openRCArgs gives the arguments that a script of OpenRC's gives dockerd, as those of
// Alpine and Gentoo do: by one command_args= with DOCKER_OPTS in it (openrc-run(8)). The
// values of other variables, as of the PID file's path, are left as they are.
func openRCArgs(script, settings string) (args []string, ok bool) {
	vars := map[string]shellValue{}
	evalShell(settings, vars)
	if vars[dockerOpts].unknown || vars[grubAlways].unknown { // the latter after an open quote
		return nil, false
	}
	for _, line := range strings.Split(script, "\n") {
		value, found := strings.CutPrefix(line, "command_args=")
		if found && ok || !found && strings.Contains(line, "command_args") {
			return nil, false
		}
		if !found {
			continue
		}
		ok = true
		for _, word := range strings.Fields(strings.NewReplacer(`"`, "", `\`, "", "'", "", "{", "", "}", "").Replace(value)) {
			switch {
			case word == "$"+dockerOpts:
				args = append(args, splitWords(vars[dockerOpts].text)...)
			case word != "$pidfile" && strings.ContainsAny(word, "$`"):
				return nil, false
			default:
				args = append(args, word)
			}
		}
	}
	return args, ok
}
