package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// configLimit bounds how much of one of Docker's configuration files is read, in bytes.
const configLimit = 1 << 20

// configDir is Docker's configuration folder: DOCKER_CONFIG, else .docker in HOME;
// empty where neither is set.
func configDir(env func(string) string) string {
	if dir := env("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".docker")
	}
	return ""
}

// currentContext is the context that the user chose and what says so; an empty name
// where none is chosen. The file is opened only where no variable decides before it.
func currentContext(env func(string) string) (name, source string, err error) {
	if name := env("DOCKER_CONTEXT"); name != "" {
		return name, "DOCKER_CONTEXT", nil
	}
	dir := configDir(env)
	if dir == "" {
		return "", "", nil
	}
	path := filepath.Join(dir, "config.json")
	data, err := readLimited(path)
	// Under sudo -u and in services HOME is often another user's: what may not be read was not chosen.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("read docker's current context: %w", err)
	}
	if len(data) == 0 { // as for the docker command: a file without settings
		return "", path, nil
	}
	var config struct {
		CurrentContext string `json:"currentContext"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return "", "", fmt.Errorf("read docker's current context from %s (--docker-host goes round it): %w", path, err)
	}
	return config.CurrentContext, path, nil
}

// contextMeta is the part of a context's meta.json that names an endpoint
// (docker/cli: cli/context/store).
type contextMeta struct {
	Name      string
	Endpoints map[string]struct {
		Host          string
		SkipTLSVerify bool
	}
}

// contextEndpoint reads a context's endpoint from Docker's context store, where a
// context lives under the SHA-256 of its name.
func contextEndpoint(name, source string, env func(string) string) (Endpoint, error) {
	dir := configDir(env)
	if dir == "" {
		return Endpoint{}, fmt.Errorf("docker context %q from %s: neither DOCKER_CONFIG nor HOME is set", name, source)
	}
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	path := filepath.Join(dir, "contexts", "meta", id, "meta.json")
	data, err := readLimited(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, fmt.Errorf("docker context %q from %s: no such context: %w", name, source, err)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q from %s: %w", name, source, err)
	}
	var meta contextMeta
	if err := json.Unmarshal(data, &meta); err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q: %s: %w", name, path, err)
	}
	docker, ok := meta.Endpoints["docker"]
	if !ok || docker.Host == "" || meta.Name != name {
		return Endpoint{}, fmt.Errorf("docker context %q: %s names no docker endpoint for it", name, path)
	}
	return namedEndpoint(docker.Host, fmt.Sprintf("context %q of %s", name, source),
		contextTLS(filepath.Join(dir, "contexts", "tls", id, "docker"), docker.SkipTLSVerify))
}

// contextTLS is the TLS material of a context, nil where it has none.
func contextTLS(dir string, skipVerify bool) *TLS {
	t := dirTLS(dir, skipVerify)
	if t.CA == "" && t.Cert == "" && t.Key == "" && !skipVerify {
		return nil
	}
	return t
}

// readLimited reads a small regular file. It errs where there is more than
// configLimit, and for what is no file: a FIFO would never end.
func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read configuration: %s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, configLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	if len(data) > configLimit {
		return nil, fmt.Errorf("read configuration: %s is larger than %d bytes", path, configLimit)
	}
	return data, nil
}
