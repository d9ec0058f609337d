//go:build !linux

package oom

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Follow errs with errors.ErrUnsupported: only Linux has a log that tells of OOM kills.
func Follow(_ context.Context, path string, _ func(Kill)) (Log, error) {
	return emptyLog(), fmt.Errorf("follow kernel log: %s is of Linux: %w", path, errors.ErrUnsupported)
}

func firstStamp(string) (time.Duration, error) { return 0, errors.ErrUnsupported }
