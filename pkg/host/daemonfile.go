package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"sync"

	"vmguard/pkg/rootfs"
)

// DaemonFile is dockerd's configuration file as dockerd would take it at its next start,
// together with the flags that its unit gives it.
type DaemonFile struct {
	Path    string `json:"path"`
	Present bool   `json:"present"`
	Size    int    `json:"size,omitempty"` // in bytes
	// Flags names, as the file would, the directives that docker.service sets by flags,
	// and FlagsIn the unit file or drop-in that does.
	Flags    []string        `json:"flags,omitempty"`
	FlagsIn  string          `json:"flagsIn,omitempty"`
	Problems []DaemonProblem `json:"problems,omitempty"`
}

// DaemonProblem is one thing that is wrong with dockerd's configuration file.
type DaemonProblem struct {
	// Line is where, counted from 1; 0 where it is the whole file.
	Line int `json:"line,omitempty"`
	// Key is the directive, empty where it is the whole file.
	Key string `json:"key,omitempty"`
	// What says what is wrong, in words that can stand after the key; Want what should stand there.
	What   string       `json:"what"`
	Want   string       `json:"want,omitempty"`
	Effect DaemonEffect `json:"effect"`
	// Since and Before bound the major versions of dockerd that mind; 0 for no bound.
	Since  int `json:"since,omitempty"`
	Before int `json:"before,omitempty"`
}

// DaemonEffect is what comes of a problem.
type DaemonEffect string

// The effects, the worst first.
const (
	NoStart      DaemonEffect = "dockerd does not start"
	NoContainers DaemonEffect = "containers do not start"
	NoEffect     DaemonEffect = "it is ignored"
	Untold       DaemonEffect = "it cannot be told"
)

// Minds tells whether dockerd of a major version minds the problem. Of version 0, which
// is not known, nothing can be told where the problem is bound to versions.
func (p DaemonProblem) Minds(version int) bool {
	if version == 0 {
		return p.Since == 0 && p.Before == 0
	}
	return version >= p.Since && (p.Before == 0 || version < p.Before)
}

func daemonFileReadings(s Source, sh shared) []reading {
	return []reading{fact(fileLimit, func(f *Facts) *Fact[DaemonFile] { return &f.DaemonFile },
		func(context.Context) Fact[DaemonFile] { return readDaemonFileProblems(s.FS, sh.units) })}
}

// readDaemonFileProblems reads the configuration file that docker.service has dockerd
// read. Where it is no regular file it is not opened.
func readDaemonFileProblems(tree *rootfs.FS, list func() (*hostUnits, error)) Fact[DaemonFile] {
	started, err := readStarted(tree, list)
	if err != nil {
		return Missing[DaemonFile](err.Error())
	}
	file := DaemonFile{Path: started.config, Flags: started.directives(), FlagsIn: started.file}
	if !path.IsAbs(file.Path) {
		return Missing[DaemonFile](started.file + ": --config-file names no absolute path")
	}
	data, err := tree.ReadFile(file.Path, maxDaemonFile)
	switch info, statErr := tree.Stat(file.Path); {
	case errors.Is(err, fs.ErrNotExist):
		if started.configSet {
			file.Problems = []DaemonProblem{{Effect: NoStart, What: "does not exist, but " + started.file + " names it by --config-file"}}
		}
		return Known(file, file.Path+" (absent)")
	case errors.Is(err, rootfs.ErrNotRegular) && statErr == nil && info.IsDir():
		file.Present = true
		file.Problems = []DaemonProblem{{Effect: NoStart, What: "is a directory", Want: "a file"}}
		return Known(file, file.Path)
	case err != nil:
		return Missing[DaemonFile](unread(file.Path, err))
	}
	file.Present, file.Size = true, len(data)
	file.Problems = fewer(daemonProblems(data, file.Flags, swarmed(tree)))
	return Known(file, file.Path)
}

// Both tables are made once: a file may hold thousands of keys.
var (
	knownDirectives = sync.OnceValue(directives)
	knownIgnored    = sync.OnceValue(ignoredKeys)
)

// How much is read of dockerd's configuration file, in bytes, and said of it.
const (
	maxDaemonFile     = 256 << 10
	maxDaemonProblems = 50
)

// fewer keeps the worst of very many problems, and counts the others.
func fewer(list []DaemonProblem) []DaemonProblem {
	if len(list) <= maxDaemonProblems {
		return list
	}
	effects := []DaemonEffect{NoStart, NoContainers}
	weight := func(p DaemonProblem) int {
		if i := slices.Index(effects, p.Effect); i >= 0 && p.Minds(0) {
			return i
		}
		return len(effects) // it is ignored, or some versions do not mind
	}
	sort.SliceStable(list, func(i, j int) bool { return weight(list[i]) < weight(list[j]) })
	next := list[maxDaemonProblems]
	more := DaemonProblem{Effect: next.Effect, Since: next.Since, Before: next.Before,
		What: fmt.Sprintf("has %d more things that are wrong", len(list)-maxDaemonProblems)}
	return append(slices.Clone(list[:maxDaemonProblems]), more)
}

// swarmed tells whether the engine belongs to a swarm: dockerd joins it again at its
// start. False also where that cannot be read.
func swarmed(tree *rootfs.FS) bool {
	return isFile(tree, "/var/lib/docker/swarm/docker-state.json")
}
