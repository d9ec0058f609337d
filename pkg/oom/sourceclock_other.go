//go:build !linux

package oom

import (
	"errors"
	"fmt"
)

// ReadBootClock errs with errors.ErrUnsupported: only Linux has a log that its clock stamps.
func ReadBootClock() (BootClock, error) {
	return BootClock{}, fmt.Errorf("read clock: %w", errors.ErrUnsupported)
}
