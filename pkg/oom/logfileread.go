package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// LogFiles is what the syslog files of a host say about OOM kills.
type LogFiles struct {
	Log Log `json:"log"`
	// Read are the files that were read, by family (kern.log, messages, syslog), in each the oldest first.
	Read []LogFile `json:"read"`
	// Unread are the files whose kills are not known.
	Unread []UnreadFile `json:"unread,omitempty"`
}

// LogFile is one file that was read.
type LogFile struct {
	Path string `json:"path"`
	// Modified is when it was last written, which tells the year that syslog's stamps leave out.
	Modified time.Time `json:"modified"`
	Kills    int       `json:"kills"`
	// Damage says why its end could not be read; empty where it was read to the end.
	Damage string `json:"damage,omitempty"`
}

// UnreadFile is one file that was not read.
type UnreadFile struct {
	Path string `json:"path"`
	Why  string `json:"why"`
	err  error
}

// ErrNoLogFiles says that a host has no syslog file with the kernel's messages: many have
// only the journal. errors.Is finds fs.ErrNotExist in it.
var ErrNoLogFiles = fmt.Errorf("no kern.log, messages or syslog in %s: %w", logDir, fs.ErrNotExist)

// ReadLogFiles reads the syslog files in /var/log of the host's tree below root ("/" is
// the live host): kern.log, messages and syslog with their rotated and gzipped
// predecessors. A kill that several files hold counts once. zone is the time zone of the
// stamps that name none; nil means this machine's.
//
// A file that cannot be read is named with the reason, and does not end the reading. It
// errs with ErrNoLogFiles, with fs.ErrPermission where none may be read, and where the
// context ends; what was read until then comes with it.
//
// A syslog file is as trustworthy as who may write to it: logger(1) lets any user write a
// line that looks like the kernel's on a host whose syslog daemon allows it. So its kills
// are Unvouched.
func ReadLogFiles(ctx context.Context, root string, zone *time.Location) (LogFiles, error) {
	files := LogFiles{Log: emptyLog(), Read: []LogFile{}}
	if zone == nil {
		zone = time.Local
	}
	tree, err := openTree(root)
	if err != nil {
		return files, fmt.Errorf("read log files: %w", err)
	}
	defer tree.close()
	entries, err := tree.files.ReadDir(logDir)
	if err != nil {
		return files, fmt.Errorf("read log files: %w", err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	var logs []Log
	for _, name := range logNames(names) {
		log, err := files.read(ctx, tree, name, zone)
		logs = append(logs, log)
		if err != nil {
			files.Log = Merge(logs...)
			return files, fmt.Errorf("read log files: %w", err)
		}
	}
	files.Log = Merge(logs...)
	err = files.verdict()
	return files, err
}

// read reads one file. It errs only where the context ended.
func (f *LogFiles) read(ctx context.Context, tree *logTree, name logName, zone *time.Location) (Log, error) {
	path := logDir + "/" + name.name
	skip := func(err error) {
		f.Unread = append(f.Unread, UnreadFile{Path: path, Why: err.Error(), err: err})
	}
	if name.packed != "" && name.packed != ".gz" {
		skip(ErrPacked)
		return emptyLog(), nil
	}
	file, fi, err := tree.open(name.path())
	if err != nil {
		skip(err)
		return emptyLog(), nil
	}
	defer file.Close()
	text, err := unpack(file, maxUnpacked)
	if err != nil {
		skip(err)
		return emptyLog(), nil
	}
	log, err := Scan(ctx, text, ScanOptions{Location: zone, Reference: fi.ModTime()})
	for i := range log.Kills {
		log.Kills[i].Unvouched = true
	}
	read := LogFile{Path: path, Modified: fi.ModTime(), Kills: len(log.Kills)}
	if reason := errors.Join(text.damage, err); reason != nil {
		read.Damage = reason.Error()
	}
	f.Read = append(f.Read, read)
	return log, ctx.Err()
}

func (n logName) path() string { return logDir + "/" + n.name }

// verdict gives an error where nothing was read.
func (f *LogFiles) verdict() error {
	switch {
	case len(f.Read) > 0:
		return nil
	case len(f.Unread) == 0:
		return ErrNoLogFiles
	}
	reasons := make([]error, len(f.Unread))
	for i, unread := range f.Unread {
		reasons[i] = unread.err
	}
	return fmt.Errorf("read log files: %w", errors.Join(reasons...))
}

// ReadInput reads a log of any form that Scan knows, plain or gzipped, of any length, as
// from another machine. Packed text that is cut short gives what stood before and the
// fault as damage. It errs with ErrPacked, with what reading r errs with, and where the
// context ends, also while r waits for more; a reading that r cannot break off is left
// behind then. With an error comes what was read until then.
func ReadInput(ctx context.Context, r io.Reader, o ScanOptions) (log Log, damage, err error) {
	waiting, release := interruptible(ctx, r)
	defer release()
	text, err := unpack(waiting, unlimited)
	if err != nil {
		return emptyLog(), nil, fmt.Errorf("read log: %w", err)
	}
	log, err = Scan(ctx, text, o)
	if err != nil {
		err = fmt.Errorf("read log: %w", err)
	}
	return log, text.damage, err
}
