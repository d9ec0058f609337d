package main

import (
	"strings"
	"testing"
)

func TestRunEnds(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{
		"exit 3":           3,
		"exit 0":           0,
		"exit 7 1ms":       7,
		"exit x":           65,
		"sleep 1ms":        0,
		"sleep x":          65,
		"set-health maybe": 65,
		"dance":            64,
		"":                 64,
	} {
		var stderr strings.Builder
		if got := run(strings.Fields(args), &stderr); got != want {
			t.Errorf("app %s ends with %d, want %d (stderr %q)", args, got, want, stderr.String())
		}
	}
}

func TestTakeTouchesEveryPage(t *testing.T) {
	t.Parallel()
	var memory eaten
	memory.take()
	memory.take()
	if len(memory) != 2 || len(memory[1]) != mebibyte || memory[1][4096] != 1 {
		t.Error("2 MiB were to be taken and touched")
	}
}
