//go:build !linux

package oom

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ReadKmsg reads a regular file with records as Linux gives them in /dev/kmsg. Of
// anything else the error says that this system has no such log (errors.ErrUnsupported).
func ReadKmsg(ctx context.Context, path string) (Log, error) {
	fi, err := os.Stat(path)
	switch {
	case err != nil && path == "/dev/kmsg":
		return emptyLog(), fmt.Errorf("read kernel log: %s is of Linux: %w", path, errors.ErrUnsupported)
	case err != nil:
		return emptyLog(), err
	case !fi.Mode().IsRegular():
		return emptyLog(), &fs.PathError{Op: "open", Path: path, Err: errNotKmsg}
	}
	file, err := os.Open(path)
	if err != nil {
		return emptyLog(), err
	}
	defer file.Close()
	return ReadRecords(ctx, file)
}
