package host

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/caddy"
	"vmguard/pkg/rootfs"
)

// Caddyfile is one configuration of Caddy, as far as idle connections go.
type Caddyfile struct {
	Path string `json:"path"`
	caddy.Config
}

// defaultCaddyfile is where the unit of Caddy's own packages looks.
const defaultCaddyfile = "/etc/caddy/Caddyfile"

// How much of what a Caddyfile imports is read.
const (
	maxImports       = 50
	maxImportedFiles = 200
	maxCaddyfile     = 64 << 10  // bytes
	maxImportedBytes = 256 << 10 // of all files together
)

func caddyReadings(s Source) []reading {
	return []reading{fact(fileLimit, func(f *Facts) *Fact[[]Caddyfile] { return &f.Caddyfiles },
		func(context.Context) Fact[[]Caddyfile] { return readCaddyfiles(s.FS) })}
}

// readCaddyfiles reads the Caddyfile that the package's unit starts Caddy with; none is an
// empty list.
func readCaddyfiles(tree *rootfs.FS) Fact[[]Caddyfile] {
	data, err := tree.ReadFile(defaultCaddyfile, maxCaddyfile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Known([]Caddyfile{}, defaultCaddyfile+" (absent)")
	case err != nil:
		return Missing[[]Caddyfile](unread(defaultCaddyfile, err))
	}
	source := caddy.Source{Name: defaultCaddyfile, Data: data}
	config, err := caddy.Parse(source, importedBy(tree, source))
	if err != nil {
		return Missing[[]Caddyfile](err.Error())
	}
	return Known([]Caddyfile{{Path: defaultCaddyfile, Config: config}}, defaultCaddyfile)
}

// importedBy reads the files that a Caddyfile imports, those that can be read: of the rest
// the parser says that they were not seen. What imported files import is not followed.
func importedBy(tree *rootfs.FS, s caddy.Source) map[string][]caddy.Source {
	out := map[string][]caddy.Source{}
	total, left := 0, allowance(maxImportedBytes)
	patterns := caddy.Imports(s)
	for _, pattern := range patterns[:min(len(patterns), maxImports)] {
		names, err := matching(tree, pattern)
		if total += len(names); err != nil || total > maxImportedFiles {
			continue
		}
		sources := make([]caddy.Source, 0, len(names))
		for _, n := range names {
			data, err := left.read(tree, n, min(maxCaddyfile, int64(left)))
			if err != nil {
				break
			}
			sources = append(sources, caddy.Source{Name: n, Data: data})
		}
		if len(sources) == len(names) {
			out[pattern] = sources
		}
	}
	return out
}

// matching gives the files that a pattern stands for, relative to the Caddyfile, sorted. As
// in Caddy a pattern may match nothing, and files whose name begins with a dot only match
// where it does too. It errs where a plain name does not exist, and on wildcards in a directory.
func matching(tree *rootfs.FS, pattern string) ([]string, error) {
	if !path.IsAbs(pattern) {
		pattern = path.Join(path.Dir(defaultCaddyfile), pattern)
	}
	dir, base := path.Split(pattern)
	switch {
	case strings.ContainsAny(dir, `*?[\`):
		return nil, errors.New("wildcards in a directory's name are not followed")
	case !strings.ContainsAny(base, `*?[\`):
		_, err := tree.Stat(pattern)
		return []string{pattern}, err
	}
	entries, err := tree.ReadDir(path.Clean(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		ok, err := path.Match(base, e.Name())
		if err != nil {
			return nil, err
		}
		if hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(base, "."); ok && !hidden {
			out = append(out, dir+e.Name())
		}
	}
	return out, nil
}
