package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Why a journal gives no kernel records. errors.Is finds fs.ErrNotExist in the first
// and third, and fs.ErrPermission in the second.
var (
	// ErrNoJournal says that there is no journalctl, no journal file, or no entry in any.
	ErrNoJournal = fmt.Errorf("no systemd journal: %w", fs.ErrNotExist)
	// ErrJournalDenied says that the user may read only messages of their own: the
	// system's are for root and the groups adm and systemd-journal (journalctl(1)).
	ErrJournalDenied = fmt.Errorf("the journal's system messages are for root and the groups adm and systemd-journal: %w", fs.ErrPermission)
	// ErrNoBoot says that the journal holds nothing of the boot that was asked for.
	ErrNoBoot = fmt.Errorf("no such boot in the journal: %w", fs.ErrNotExist)

	errBootForm = errors.New(`neither "all", "0" nor a negative number`)
)

// AllBoots asks for every boot that a source holds.
const AllBoots = "all"

// JournalOptions says which part of which journal is read.
type JournalOptions struct {
	// Directory holds the journal files; empty means the running host's own journal.
	Directory string
	// Boot is "0" for the current or newest boot, "-1" for the one before it and so on,
	// or AllBoots. Empty means "0".
	Boot string
	// Since leaves out what was logged before; the zero time leaves out nothing.
	Since time.Time
	// Program is the absolute path of journalctl; empty means that it is looked for in
	// /usr/bin and /bin.
	Program string
}

// Journal is what a systemd journal says about OOM kills.
type Journal struct {
	Log Log `json:"log"`
	// Boots are those that the journal holds anything of, oldest first.
	Boots []Boot `json:"boots"`
	// Oldest is the time of the first entry that is left of what was asked for; zero
	// where nothing is. Before it nothing is known: journald deletes its oldest files.
	Oldest  time.Time `json:"oldest,omitzero"`
	Storage Storage   `json:"storage"`
	// Notes are what journalctl had to say, such as that a file is damaged.
	Notes []string `json:"notes,omitempty"`
}

// Storage says whether a journal outlives a reboot.
type Storage string

// The storages of a journal (journald.conf(5)).
const (
	StoragePersistent Storage = "persistent" // /var/log/journal
	StorageVolatile   Storage = "volatile"   // /run/log/journal only: lost at reboot
	StorageUnknown    Storage = "unknown"
)

// ReadJournal reads the kernel's records from the systemd journal by running
// journalctl, with a cleared environment and never through a shell. Its records come
// from the kernel alone: journald sets the field _TRANSPORT itself, so that nobody can
// forge a kill by logging its text (systemd.journal-fields(7)).
//
// It errs with ErrNoJournal, ErrJournalDenied or ErrNoBoot, and where the context ends.
// With an error comes what was read until then.
func ReadJournal(ctx context.Context, o JournalOptions) (Journal, error) {
	j := Journal{Log: emptyLog(), Boots: []Boot{}, Storage: StorageUnknown}
	if err := o.check(); err != nil {
		return j, fmt.Errorf("read journal: %w", err)
	}
	program, err := findJournalctl(o.Program)
	if err != nil {
		return j, fmt.Errorf("read journal: %w", err)
	}
	if err := j.readBoots(ctx, program, o); err != nil {
		return j, fmt.Errorf("list boots of journal: %w", err)
	}
	if o.Directory == "" {
		j.Storage = storageOf("/var/log/journal", "/run/log/journal")
	}
	j.Oldest = oldestOf(j.Boots, o)
	notes, err := runJournalctl(ctx, program, o.recordArgs(), func(r io.Reader) (err error) {
		j.Log, err = Scan(ctx, r, ScanOptions{})
		return err
	})
	if err != nil {
		return j, fmt.Errorf("read journal: %w", err)
	}
	j.note(notes)
	return j, nil
}

// readBoots asks what the journal holds. It is journalctl's text form on purpose: with
// a JSON form journalctl is silent about files that it may not read, and an empty
// answer would look like a quiet kernel (parse_argv in journalctl.c sets arg_quiet).
func (j *Journal) readBoots(ctx context.Context, program string, o JournalOptions) error {
	const most = 1 << 20 // of about 100 bytes a boot
	var text []byte
	args := append(o.commonArgs(), "--list-boots")
	notes, err := runJournalctl(ctx, program, args, func(r io.Reader) (err error) {
		text, err = io.ReadAll(io.LimitReader(r, most))
		return err
	})
	if err != nil {
		return err
	}
	j.Boots = ParseBoots(string(text))
	if err := noticed(notes); err != nil {
		return err
	}
	j.note(notes)
	if len(j.Boots) == 0 {
		return ErrNoJournal
	}
	return nil
}

// note keeps what journalctl said, once.
func (j *Journal) note(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !slices.Contains(j.Notes, line) {
			j.Notes = append(j.Notes, line)
		}
	}
}

// check refuses a boot that journalctl could take for something else.
func (o JournalOptions) check() error {
	_, err := o.bootIndex()
	return err
}

// bootIndex gives the index of the boot as journalctl counts them, 0 or negative; of AllBoots, 1.
func (o JournalOptions) bootIndex() (int, error) {
	switch o.Boot {
	case AllBoots:
		return 1, nil
	case "":
		return 0, nil
	}
	n, err := strconv.Atoi(o.Boot)
	if err != nil || n > 0 || o.Boot != strconv.Itoa(n) {
		return 0, fmt.Errorf("boot %.20q: %w", o.Boot, errBootForm)
	}
	return n, nil
}

func (o JournalOptions) commonArgs() []string {
	args := []string{"--no-pager"}
	if o.Directory != "" {
		args = append(args, "--directory="+o.Directory)
	}
	return args
}

// recordArgs are the arguments that give the kernel's records. Not -k, which would mean
// the current boot as well; --all keeps long messages whole.
func (o JournalOptions) recordArgs() []string {
	args := append(o.commonArgs(), "--output=json", "--all")
	if n, err := o.bootIndex(); err == nil && n <= 0 {
		args = append(args, "--boot="+strconv.Itoa(n))
	}
	if !o.Since.IsZero() {
		args = append(args, "--since=@"+strconv.FormatInt(o.Since.Unix(), 10))
	}
	return append(args, "_TRANSPORT=kernel")
}

// findJournalctl gives the program's path, never one that PATH leads to.
func findJournalctl(program string) (string, error) {
	candidates := []string{"/usr/bin/journalctl", "/bin/journalctl"}
	if program != "" {
		candidates = []string{program}
	}
	for _, path := range candidates {
		fi, err := os.Stat(path)
		if err == nil && fi.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", candidates[0], ErrNoJournal)
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
