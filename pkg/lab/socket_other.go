//go:build !linux

package lab

import (
	"errors"
	"net"
)

// Start refuses the scenarios that need the functions below.
const onLinux = false

func dropAll(*net.TCPConn) error { return errors.ErrUnsupported }

func canDrop() error { return errors.ErrUnsupported }

func countSegments(*net.TCPConn) (segments, error) { return segments{}, errors.ErrUnsupported }
