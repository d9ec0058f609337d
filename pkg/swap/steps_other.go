//go:build !linux

package swap

import (
	"context"
	"errors"
	"fmt"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
)

// Look errs: swap is managed on Linux only.
func Look(context.Context, host.Source, string) (State, error) {
	return State{}, fmt.Errorf("look at swap: %w", errors.ErrUnsupported)
}

// OwnFiles errs: swap is managed on Linux only.
func OwnFiles(context.Context, host.Source) ([]string, error) {
	return nil, fmt.Errorf("look at swap: %w", errors.ErrUnsupported)
}

// Steps gives nothing: swap is managed on Linux only.
func (j Job) Steps() change.Plan { return nil }
