//go:build !linux

package change

import (
	"errors"
	"fmt"
)

// Lock errs: hosts are changed on Linux only.
func Lock(path string) (unlock func() error, err error) {
	return nil, fmt.Errorf("lock %s: %w", path, errors.ErrUnsupported)
}
