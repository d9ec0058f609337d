package journal

import (
	"os"
	"strings"
)

// Storage says whether a journal outlives a reboot.
type Storage string

// The storages of a journal (journald.conf(5)).
const (
	StoragePersistent Storage = "persistent" // /var/log/journal
	StorageVolatile   Storage = "volatile"   // /run/log/journal only: lost at reboot
	StorageUnknown    Storage = "unknown"
)

// Storage tells where the running host's journal is kept; of a directory it is unknown.
func (s Source) Storage() Storage {
	if s.Directory != "" {
		return StorageUnknown
	}
	return storageOf("/var/log/journal", "/run/log/journal")
}

// storageOf tells by the directories where the files of a running host's journal are.
// journald keeps them below a directory that is named for the machine's ID.
func storageOf(persistent, volatile string) Storage {
	switch {
	case holdsJournal(persistent):
		return StoragePersistent
	case holdsJournal(volatile):
		return StorageVolatile
	}
	return StorageUnknown
}

func holdsJournal(dir string) bool {
	machines, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, machine := range machines {
		files, err := os.ReadDir(dir + "/" + machine.Name())
		if err != nil {
			continue
		}
		for _, file := range files {
			if strings.HasPrefix(file.Name(), "system") && strings.HasSuffix(file.Name(), ".journal") {
				return true
			}
		}
	}
	return false
}
