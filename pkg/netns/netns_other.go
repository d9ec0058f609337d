//go:build !linux

// Package netns runs code inside another process's network namespace, which only Linux has.
package netns

import "errors"

// ErrNoRight says that the caller may not enter.
var ErrNoRight = errors.New("entering a container's network namespace needs root")

// Do would run f inside the network namespace of a process.
func Do(int, func() error) error { return errors.New("network namespaces need Linux") }
