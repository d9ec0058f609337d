package swap

import "fmt"

// Refusal says why something is not done, and what the user can do instead. Nothing has
// been changed.
type Refusal struct {
	Why  string
	Hint string // may be empty
	// Usage tells that the command line is wrong, whatever the host is like.
	Usage bool
}

// Error gives the reason without the hint.
func (r *Refusal) Error() string { return r.Why }

func refuse(hint, format string, args ...any) error {
	return &Refusal{Why: fmt.Sprintf(format, args...), Hint: hint}
}

func refuseUsage(hint, format string, args ...any) error {
	return &Refusal{Why: fmt.Sprintf(format, args...), Hint: hint, Usage: true}
}
