package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// DaemonConfig is what vmguard needs of dockerd's configuration: daemon.json,
// overlaid with the running daemon's own flags.
type DaemonConfig struct {
	// File is the configuration file's path; Present tells whether it exists.
	File    string `json:"file"`
	Present bool   `json:"present"`
	// LogDriver and the options are empty where they are not set.
	LogDriver   string `json:"logDriver,omitempty"`
	LogMaxSize  string `json:"logMaxSize,omitempty"`
	LogMaxFile  string `json:"logMaxFile,omitempty"`
	LiveRestore *bool  `json:"liveRestore,omitempty"`
	// Flags names, as the file would, those of the directives above that the running
	// dockerd has from its command line, in order: one that stands in the file as well
	// keeps dockerd from starting.
	Flags []string `json:"flags,omitempty"`
	Init  *bool    `json:"init,omitempty"`
	// Stale tells that the file was changed after the running dockerd started, so that
	// what stands in it may not be in force: dockerd reads most of it, the log options
	// among that, only when it starts. False also where either time is not known.
	Stale bool `json:"stale,omitempty"`
	// Entries is what an image's file holds, where Whole tells that it may be printed and
	// written anew: nothing in it is wrong, or may be a secret.
	Entries []DaemonEntry `json:"entries,omitempty"`
	Whole   bool          `json:"whole,omitempty"`
}

// defaultDaemonConfig is where dockerd(8) looks when no flag says otherwise.
const defaultDaemonConfig = "/etc/docker/daemon.json"

// readDaemonConfig reads the configuration of the first running dockerd, or where none
// runs of the one that would be started. Of the command line, only the named flags are kept.
func readDaemonConfig(tree *rootfs.FS, daemons Fact[[]Daemon], list func() (*hostUnits, error)) Fact[DaemonConfig] {
	flags := DaemonConfig{File: defaultDaemonConfig}
	source := ""
	d, running := firstDockerd(daemons)
	if !running {
		if start, err := readStarted(tree, list); err == nil {
			flags.File = start.config
		}
	}
	if running {
		name := procFile(d.PID, "cmdline")
		data, err := tree.ReadFile(name, smallFile)
		if err != nil {
			return Missing[DaemonConfig](unread(name, err))
		}
		if flags, err = parseDaemonFlags(data); err != nil {
			return Missing[DaemonConfig](name + ": " + err.Error())
		}
		source = " and " + name
	}
	config, from, err := readDaemonFile(tree, flags.File)
	if err != nil {
		return Missing[DaemonConfig](err.Error())
	}
	config.Stale = running && config.Present && changedSince(tree, config.File, d.PID)
	return Known(overlay(config, flags), from+source)
}

// firstDockerd gives the running dockerd with the lowest PID.
func firstDockerd(daemons Fact[[]Daemon]) (Daemon, bool) {
	i := slices.IndexFunc(daemons.Value, func(d Daemon) bool { return d.Name == dockerd })
	if i < 0 || !daemons.Known() {
		return Daemon{}, false
	}
	return daemons.Value[i], true
}

// changedSince tells whether a file was last written after a process started; false
// where that cannot be told.
func changedSince(tree *rootfs.FS, name string, pid int) bool {
	started, err := readStart(tree, pid)
	if err != nil {
		return false
	}
	info, err := tree.Stat(name)
	return err == nil && info.ModTime().After(started)
}

func readDaemonFile(tree *rootfs.FS, name string) (DaemonConfig, string, error) {
	data, err := tree.ReadFile(name, maxDaemonFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return DaemonConfig{File: name}, name + " (absent)", nil
	case err != nil:
		return DaemonConfig{}, "", errors.New(unread(name, err))
	}
	config, err := parseDaemonConfig(data)
	if err != nil {
		return DaemonConfig{}, "", errors.New(name + whatIsWrong(data))
	}
	config.File, config.Present = name, true
	return config, name, nil
}

// whatIsWrong says what is wrong with a file that cannot be parsed, as daemon-json-valid does.
func whatIsWrong(data []byte) string {
	problems := daemonProblems(data, nil, false)
	if len(problems) == 0 {
		return " cannot be read as JSON"
	}
	p := problems[max(0, slices.IndexFunc(problems, func(p DaemonProblem) bool { return p.Effect == NoStart && p.Minds(0) }))]
	where := ""
	if p.Line > 0 {
		where = ", line " + strconv.Itoa(p.Line)
	}
	if p.Key != "" {
		return fmt.Sprintf("%s: %q %s", where, p.Key, p.What)
	}
	return where + ": it " + p.What
}

// overlay gives the configuration that is in force. dockerd refuses to start where a
// flag and the file set the same thing, so the order matters for log options only.
func overlay(config, flags DaemonConfig) DaemonConfig {
	for _, f := range []struct{ to, from *string }{
		{&config.LogDriver, &flags.LogDriver},
		{&config.LogMaxSize, &flags.LogMaxSize},
		{&config.LogMaxFile, &flags.LogMaxFile},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	if flags.LiveRestore != nil {
		config.LiveRestore = flags.LiveRestore
	}
	if flags.Init != nil {
		config.Init = flags.Init
	}
	config.Flags = flags.Flags
	return config
}

// parseDaemonConfig parses daemon.json. Empty files set nothing, as dockerd reads them.
// It errs on what is no JSON or has a known key of the wrong type, and names the line.
func parseDaemonConfig(data []byte) (DaemonConfig, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return DaemonConfig{}, nil
	}
	var file struct {
		LogDriver   string            `json:"log-driver"`
		LogOpts     map[string]string `json:"log-opts"`
		LiveRestore *bool             `json:"live-restore"`
		Init        *bool             `json:"init"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return DaemonConfig{}, AtLine(data, err)
	}
	return DaemonConfig{
		LogDriver:   file.LogDriver,
		LogMaxSize:  file.LogOpts["max-size"],
		LogMaxFile:  file.LogOpts["max-file"],
		LiveRestore: file.LiveRestore,
		Init:        file.Init,
	}, nil
}

// AtLine says on which line of the text an error of encoding/json lies, where that is known.
func AtLine(data []byte, err error) error {
	if line := jsonLine(data, err); line > 0 {
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// jsonLine gives the line of the text on which a JSON error lies; 0 where the error does not say.
func jsonLine(data []byte, err error) int {
	var offset int64
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	}
	if offset < 1 || offset > int64(len(data)) {
		return 0
	}
	// The error lies at the byte before the offset.
	return lineAt(data, int(offset-1))
}

// lineAt gives the line, counted from 1, that holds the byte at an offset.
func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

// parseDaemonFlags finds the flags that matter in /proc/PID/cmdline: arguments, each
// ended by a zero byte. It errs where a flag has no value or is no true or false.
func parseDaemonFlags(data []byte) (DaemonConfig, error) {
	config := DaemonConfig{File: defaultDaemonConfig}
	options := map[string]*string{"--log-driver": &config.LogDriver, "--config-file": &config.File}
	switches := map[string]**bool{"--live-restore": &config.LiveRestore, "--init": &config.Init}
	args := strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
	for i := 1; i < len(args); i++ {
		name, value, attached := strings.Cut(args[i], "=")
		if name == "--" {
			break
		}
		if to, ok := switches[name]; ok {
			on, err := strconv.ParseBool(value)
			switch {
			case !attached:
				on = true
			case err != nil:
				return DaemonConfig{}, fmt.Errorf("%s is neither true nor false", name)
			}
			*to = &on
			config.addFlag(name)
			continue
		}
		to, ok := options[name]
		if !ok && name != "--log-opt" {
			continue
		}
		if !attached {
			if i++; i == len(args) {
				return DaemonConfig{}, fmt.Errorf("%s has no value", name)
			}
			value = args[i]
		}
		config.addFlag(name)
		if ok {
			*to = value
		} else {
			config.logOption(value)
		}
	}
	slices.Sort(config.Flags)
	config.Flags = slices.Compact(config.Flags)
	return config, nil
}

// addFlag notes the directive that a flag sets. The file has another name for what may be
// given several times, and none for where the file itself is.
func (c *DaemonConfig) addFlag(flag string) {
	switch directive := strings.TrimPrefix(flag, "--"); directive {
	case "config-file":
	case "log-opt":
		c.Flags = append(c.Flags, "log-opts")
	default:
		c.Flags = append(c.Flags, directive)
	}
}

// logOption takes what a --log-opt sets.
func (c *DaemonConfig) logOption(option string) {
	switch name, value, _ := strings.Cut(option, "="); name {
	case "max-size":
		c.LogMaxSize = value
	case "max-file":
		c.LogMaxFile = value
	}
}
