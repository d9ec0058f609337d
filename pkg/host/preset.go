package host

import (
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// Preset is what systemd's presets say of a unit: the first rule that names it, in the order
// of the files' names, whatever directory they lie in (systemd.preset(5)).
type Preset struct {
	// Verb is enable, disable or ignore, a word that systemd knows from 256 on; or static, of a
	// unit that has nothing to be enabled by. Without any rule it is enable.
	Verb string `json:"verb"`
	// File and Line say where the rule stands; empty without one.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// readPreset tells what will be done with a unit when an image first boots. It errs where a
// file of presets cannot be read.
func readPreset(tree *rootfs.FS, unit string) (*Preset, error) {
	files, err := dropIns(tree, configDirs("systemd/system-preset"), ".preset")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if p := findPreset(file.data, unit); p != nil {
			p.File = file.path
			return p, nil
		}
	}
	return &Preset{Verb: "enable"}, nil
}

// findPreset gives the first rule of a file that names a unit; nil for none. systemd takes no
// rule with more than a pattern in it, but those for templates.
func findPreset(data []byte, unit string) *Preset {
	number := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		words := strings.Fields(line)
		if len(words) != 2 {
			continue
		}
		switch words[0] {
		case "enable", "disable", "ignore":
			pattern := strings.ReplaceAll(strings.ReplaceAll(words[1], `\`, `\\`), "[!", "[^") // fnmatch(3) with FNM_NOESCAPE
			if ok, err := path.Match(pattern, unit); ok && err == nil {
				return &Preset{Verb: words[0], Line: number}
			}
		}
	}
	return nil
}

// installs tells whether a unit file says what enables its unit.
func installs(data []byte) bool {
	for _, s := range unitSettings(data) {
		if s.section == "Install" && (s.name == "WantedBy" || s.name == "RequiredBy" || s.name == "UpheldBy") && s.value != "" {
			return true
		}
	}
	return false
}
