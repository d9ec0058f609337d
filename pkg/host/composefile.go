package host

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/compose"
	"vmguard/pkg/rootfs"
)

// ComposeFile is one compose file with the Dockerfiles of its services, or one Dockerfile.
type ComposeFile struct {
	// Path is the file as the user spelled it; where a directory was named, what was found in it.
	Path string `json:"path"`
	// Override is the override file beside it, which compose takes by itself; empty where there is none.
	Override string           `json:"override,omitempty"`
	Services []ComposeService `json:"services,omitempty"`
	// Unseen says why there may be more services; empty where all were seen.
	Unseen string `json:"unseen,omitempty"`
	// Dockerfile is set where the file is a Dockerfile, and Start then tells how a container begins.
	Dockerfile *compose.Image `json:"dockerfile,omitempty"`
	Start      compose.Start  `json:"start,omitzero"`
}

// ComposeService is a service with what its Dockerfile adds.
type ComposeService struct {
	compose.Service
	// Built is the image that it builds; nil where it builds none.
	Built *Fact[compose.Image] `json:"built,omitempty"`
	Start compose.Start        `json:"start,omitzero"`
}

// composeReadings reads what the user named, all of it in one go.
func composeReadings(s Source) []reading {
	if len(s.Compose) == 0 {
		return nil
	}
	put := func(list []Fact[ComposeFile]) store { return func(f *Facts) { f.Compose = list } }
	return []reading{{
		limit: fileLimit,
		read: func(context.Context) store {
			var list []Fact[ComposeFile]
			for _, name := range s.Compose {
				list = append(list, readCompose(s.FS, name, s.Compose)...)
			}
			return put(list)
		},
		lost: func(why string) store {
			var list []Fact[ComposeFile]
			for _, name := range s.Compose {
				list = append(list, noCompose(name, name+": "+why))
			}
			return put(list)
		},
	}}
}

// noCompose is a file that could not be read; it keeps its name.
func noCompose(name, why string) Fact[ComposeFile] {
	return Fact[ComposeFile]{Value: ComposeFile{Path: name}, Missing: why}
}

// readCompose reads what the user named: a compose file, a Dockerfile, or the first of
// either kind in a directory. all is everything that was named.
func readCompose(tree *rootfs.FS, name string, all []string) []Fact[ComposeFile] {
	p, done, err := treeWith(tree, name)
	if err != nil {
		return []Fact[ComposeFile]{noCompose(name, err.Error())}
	}
	defer done()
	if p.named, err = p.inside(name); err != nil {
		return []Fact[ComposeFile]{noCompose(name, err.Error())}
	}
	info, err := p.tree.Stat(p.named)
	if err == nil && info.IsDir() {
		p.allow(name, all)
		return p.readDirectory(name)
	}
	p.allow(path.Dir(name), all)
	if isDockerfile(name) {
		return []Fact[ComposeFile]{p.readDockerfile(name)}
	}
	return []Fact[ComposeFile]{p.readFile(name, "", false)}
}

// isDockerfile tells by its name what a file is.
func isDockerfile(name string) bool {
	base := strings.ToLower(path.Base(name))
	if ext := path.Ext(base); ext == ".yaml" || ext == ".yml" {
		return false
	}
	return strings.Contains(base, "dockerfile") || strings.Contains(base, "containerfile")
}

// readDirectory looks for the names that compose itself looks for, in its order
// (compose-go, cli.DefaultFileNames), and for a Dockerfile that no service builds.
func (p namedIn) readDirectory(dir string) []Fact[ComposeFile] {
	var out []Fact[ComposeFile]
	if file := p.first(dir, "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"); file != "" {
		out = append(out, p.readFile(file, p.first(dir,
			"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"), true))
	}
	if file := p.first(dir, "Dockerfile"); file != "" && !builds(out, file) {
		out = append(out, p.readDockerfile(file))
	}
	if len(out) == 0 {
		return []Fact[ComposeFile]{noCompose(dir, dir+" holds neither a compose file nor a Dockerfile")}
	}
	return out
}

// first gives the first of the names that the directory has; empty where it has none.
func (p namedIn) first(dir string, names ...string) string {
	for _, n := range names {
		if file := beside(dir, n); p.exists(file) {
			return file
		}
	}
	return ""
}

// beside joins a directory and a name, and keeps the directory as the user spelled it.
func beside(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

// builds tells whether a service builds that very Dockerfile, which is then judged there.
func builds(list []Fact[ComposeFile], file string) bool {
	for _, f := range list {
		for _, s := range f.Value.Services {
			if s.Built != nil && s.Built.Source == file {
				return true
			}
		}
	}
	return false
}

func (p namedIn) readDockerfile(name string) Fact[ComposeFile] {
	image, err := p.image(name, "")
	if err != nil {
		return noCompose(name, err.Error())
	}
	return Known(ComposeFile{Path: name, Dockerfile: &image, Start: image.Start()}, name)
}

// image reads what a Dockerfile makes of a target.
func (p namedIn) image(name, target string) (compose.Image, error) {
	source, err := p.read(name)
	if err != nil {
		return compose.Image{}, err
	}
	d, err := compose.ParseDockerfile(source)
	if err != nil {
		return compose.Image{}, err
	}
	image, ok := d.Image(name, target)
	if !ok {
		return compose.Image{}, errors.New(name + " has no stage of the name that target gives")
	}
	return image, nil
}

// env reads the .env file of a compose file's folder. A link that leads nowhere here may
// lead somewhere on the running machine, and counts as unread.
func (p namedIn) env(dir string) compose.Env {
	name := beside(dir, ".env")
	if in, err := p.inside(name); err == nil {
		if _, err := p.tree.Lstat(in); errors.Is(err, fs.ErrNotExist) {
			return compose.Env{}
		}
	}
	s, err := p.read(name)
	if err != nil {
		return compose.Env{Unread: err.Error()}
	}
	return compose.Env{Source: s}
}

// readFile reads a compose file, the file that overrides it, and the Dockerfiles of its
// services. byFolder tells that the user named its folder alone.
func (p namedIn) readFile(name, override string, byFolder bool) Fact[ComposeFile] {
	sources := make([]compose.Source, 0, 2)
	for _, n := range []string{name, override} {
		if n == "" {
			continue
		}
		s, err := p.read(n)
		if err != nil {
			return noCompose(name, err.Error())
		}
		sources = append(sources, s)
	}
	parsed, err := compose.Parse(p.env(path.Dir(name)), sources...)
	if err != nil {
		return noCompose(name, err.Error())
	}
	file := ComposeFile{Path: name, Override: override, Unseen: parsed.Unseen}
	if byFolder && parsed.Chosen && file.Unseen == "" {
		file.Unseen = beside(path.Dir(name), ".env") + " chooses the files (COMPOSE_FILE)"
	}
	for _, s := range parsed.Services {
		service := ComposeService{Service: s}
		var image *compose.Image
		if s.Build != nil {
			built := p.built(name, *s.Build)
			service.Built = &built
			if built.Known() {
				image = &built.Value
			}
		}
		service.Start = compose.StartOf(s, image)
		file.Services = append(file.Services, service)
	}
	return Known(file, name)
}

// built reads the Dockerfile of a service, relative to the compose file.
func (p namedIn) built(file string, b compose.Build) Fact[compose.Image] {
	for _, s := range []compose.Setting{b.Context, b.Dockerfile, b.Target} {
		if s.Variable != "" {
			return Missing[compose.Image]("which Dockerfile it builds depends on the variable " + s.Variable)
		}
	}
	switch {
	case b.Inline:
		return Missing[compose.Image]("its Dockerfile stands in the compose file itself, where it is not looked at")
	case b.Remote():
		return Missing[compose.Image]("it is built from another place (" + b.Context.Text + ")")
	}
	context := beside(path.Dir(file), cmp.Or(b.Context.Text, "."))
	name := beside(context, cmp.Or(b.Dockerfile.Text, "Dockerfile"))
	image, err := p.image(name, b.Target.Text)
	if err != nil {
		return Missing[compose.Image](err.Error())
	}
	return Known(image, name)
}
