package host

import (
	"errors"
	"io/fs"
	"slices"

	"vmguard/pkg/rootfs"
)

// Journald is where systemd's journal is kept (journald.conf(5)).
type Journald struct {
	// Installed tells whether there is a journald at all.
	Installed bool `json:"installed"`
	// Storage is "auto", "persistent", "volatile" or "none".
	Storage string `json:"storage"`
	// File and Line are where Storage is set; empty where it is the default, auto.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// LogDir tells that /var/log/journal is a directory: with auto, that decides.
	LogDir bool `json:"logDir"`
	// Tmpfs is what takes the journal with it whatever Storage is; nil for none.
	Tmpfs *Tmpfs `json:"tmpfs,omitempty"`
}

// Persistent tells whether the journal is still there after a reboot.
func (j Journald) Persistent() bool {
	return j.Tmpfs == nil && (j.Storage == "persistent" || j.Storage == "auto" && j.LogDir)
}

const journalDir = "/var/log/journal"

// readJournald tells where the journal is kept.
func readJournald(tree *rootfs.FS) Fact[Journald] {
	const daemon = "/systemd/systemd-journald"
	j := Journald{Storage: "auto", Installed: isFile(tree, "/usr/lib"+daemon) || isFile(tree, "/lib"+daemon)}
	files, err := journaldFiles(tree)
	if err != nil {
		return Missing[Journald](err.Error())
	}
	for _, file := range files {
		if storage, line := parseStorage(file.data); storage != "" {
			j.Storage, j.File, j.Line = storage, file.path, line
		}
	}
	switch info, err := tree.Stat(journalDir); {
	case err == nil:
		j.LogDir = info.IsDir()
	case !errors.Is(err, fs.ErrNotExist):
		return Missing[Journald](unread(journalDir, err))
	}
	if j.Tmpfs, err = readJournalTmpfs(tree); err != nil {
		return Missing[Journald](err.Error())
	}
	if j.File != "" {
		return Known(j, j.File)
	}
	return Known(j, "journald.conf (the default)")
}

// journaldFiles reads the files of journald's configuration in the order in which they
// apply: the first of the main files that exists, then the fragments.
func journaldFiles(tree *rootfs.FS) ([]dropIn, error) {
	const name = "/journald.conf"
	dirs := []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"}
	if _, err := tree.Stat("/usr/lib/systemd"); err != nil {
		dirs = append(dirs, "/lib/systemd") // a system whose /lib is not /usr/lib
	}
	var list []dropIn
	var more []string
	for _, dir := range dirs {
		more = append(more, dir+name+".d")
		if _, err := tree.Lstat(dir + name); len(list) > 0 || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		data, err := readDropIn(tree, dir+name)
		if err != nil {
			return nil, err
		}
		list = append(list, dropIn{dir + name, data})
	}
	fragments, err := dropIns(tree, more, ".conf")
	return append(list, fragments...), err
}

// parseStorage gives the last valid Storage= of a file and its line; empty for none.
// What is no valid value changes nothing, as journald takes it.
func parseStorage(data []byte) (storage string, line int) {
	for _, s := range unitSettings(data) {
		if s.section == "Journal" && s.name == "Storage" && slices.Contains([]string{"auto", "persistent", "volatile", "none"}, s.value) {
			storage, line = s.value, s.line
		}
	}
	return storage, line
}
