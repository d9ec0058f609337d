//go:build !linux

package main

import (
	"errors"
	"fmt"
	"io"
)

func readByCadvisor(io.Reader) (int, error) {
	return 0, fmt.Errorf("cAdvisor reads /dev/kmsg: %w", errors.ErrUnsupported)
}
