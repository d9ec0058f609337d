package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// healthFile holds "ok" or "bad"; the image's file tree has its folder.
const healthFile = "/state/health"

// healthy reads the state that set-health wrote, or else what the environment wants.
func healthy() (bool, error) {
	text, err := os.ReadFile(healthFile)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Getenv("HEALTH") != "bad", nil
	}
	return strings.TrimSpace(string(text)) == "ok", err
}

func health([]string) error {
	ok, err := healthy()
	if err != nil {
		return err
	}
	if !ok {
		say("health is bad: connection refused by upstream")
		return exitCode(1)
	}
	say("health is ok")
	return nil
}

func setHealth(args []string) error {
	state := argument(args, 0, "")
	if state != "ok" && state != "bad" {
		return fmt.Errorf("state %q is neither ok nor bad", state)
	}
	return os.WriteFile(healthFile, []byte(state), 0o600)
}

func serve(args []string) error {
	listener, err := net.Listen("tcp", argument(args, 0, ":8080"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if ok, err := healthy(); err != nil || !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // the client may be gone
	})
	say("ready")
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}
