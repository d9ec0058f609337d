package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"vmguard/pkg/journal"
)

// Why a journal gives no kernel records. errors.Is finds fs.ErrNotExist in the first
// and third, and fs.ErrPermission in the second.
var (
	// ErrNoJournal says that there is no journalctl, no journal file, or no entry in any.
	ErrNoJournal = journal.ErrAbsent
	// ErrJournalDenied says that the user may read only messages of their own.
	ErrJournalDenied = journal.ErrDenied
	// ErrNoBoot says that the journal holds nothing of the boot that was asked for.
	ErrNoBoot = journal.ErrNoBoot

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
type Storage = journal.Storage

// The storages of a journal (journald.conf(5)).
const (
	StoragePersistent = journal.StoragePersistent
	StorageVolatile   = journal.StorageVolatile
	StorageUnknown    = journal.StorageUnknown
)

// ReadJournal reads the kernel's records from the systemd journal (journal.Source). Its
// records come from the kernel alone: journald sets the field _TRANSPORT itself, so that
// nobody can forge a kill by logging its text (systemd.journal-fields(7)).
//
// It errs with ErrNoJournal, ErrJournalDenied or ErrNoBoot, and where the context ends.
// With an error comes what was read until then.
func ReadJournal(ctx context.Context, o JournalOptions) (Journal, error) {
	j := Journal{Log: emptyLog(), Boots: []Boot{}, Storage: StorageUnknown}
	if err := o.check(); err != nil {
		return j, fmt.Errorf("read journal: %w", err)
	}
	source := journal.Source{Directory: o.Directory, Program: o.Program}
	if err := j.readBoots(ctx, source); err != nil {
		return j, fmt.Errorf("list boots of journal: %w", err)
	}
	j.Storage = source.Storage()
	j.Oldest = oldestOf(j.Boots, o)
	notes, err := source.Stream(ctx, o.recordArgs(), func(r io.Reader) (err error) {
		j.Log, err = Scan(ctx, r, ScanOptions{})
		return err
	})
	if err != nil {
		return j, fmt.Errorf("read journal: %w", err)
	}
	j.note(notes)
	return j, nil
}

// readBoots asks what the journal holds, as a text of about 100 bytes a boot. That tells
// as well whether it may be read: an empty answer would look like a quiet kernel.
func (j *Journal) readBoots(ctx context.Context, source journal.Source) error {
	text, notes, err := source.Text(ctx, "--list-boots")
	j.Boots = ParseBoots(text)
	if err != nil {
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

// recordArgs are the arguments that give the kernel's records. Not -k, which would mean
// the current boot as well; --all keeps long messages whole.
func (o JournalOptions) recordArgs() []string {
	args := []string{"--output=json", "--all"}
	if n, err := o.bootIndex(); err == nil && n <= 0 {
		args = append(args, "--boot="+strconv.Itoa(n))
	}
	if !o.Since.IsZero() {
		args = append(args, "--since=@"+strconv.FormatInt(o.Since.Unix(), 10))
	}
	return append(args, "_TRANSPORT=kernel")
}
