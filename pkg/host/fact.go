// Package host takes a snapshot of a host: Facts, each of which knows where it was
// read, or why it is missing. Each file holds one fact: its type, its pure parser,
// and the reading of it.
package host

// Fact is one thing that was looked at. Its zero value is missing, so that what was
// never read cannot pass for a zero that was read.
type Fact[T any] struct {
	Value T `json:"value,omitzero"`
	// Source is where the value was read; empty while it is missing.
	Source string `json:"source,omitempty"`
	// Missing is why there is no value.
	Missing string `json:"missing,omitempty"`
}

// Known makes a fact of a value and where it was read.
func Known[T any](value T, source string) Fact[T] {
	return Fact[T]{Value: value, Source: source}
}

// Missing makes a fact that could not be had, and says why.
func Missing[T any](why string) Fact[T] {
	return Fact[T]{Missing: why}
}

// Known tells whether the value may be used.
func (f Fact[T]) Known() bool { return f.Source != "" && f.Missing == "" }

// Why says why the fact is missing; empty where it is known.
func (f Fact[T]) Why() string {
	switch {
	case f.Known():
		return ""
	case f.Missing != "":
		return f.Missing
	default:
		return "not collected"
	}
}
