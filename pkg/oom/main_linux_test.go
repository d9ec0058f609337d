package oom

import (
	"os"
	"testing"
)

// TestMain lets the test binary play the programs that some tests start: one that is killed, and one that
// reads as another user.
func TestMain(m *testing.M) {
	eats, reads := os.Getenv(eaterVariable), os.Getenv(deniedVariable)
	switch {
	case eats != "":
		playEater(eats)
	case reads != "":
		playDenied(reads)
	default:
		os.Exit(m.Run())
	}
}
