// Package compose reads compose files and Dockerfiles: what they say of a service's healthcheck,
// restarts, limits and end. It does no I/O.
//
// Of a command it keeps only what kind it is, and of an environment nothing: both hold secrets.
package compose

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Source is a file's name, as errors and settings shall call it, and its text.
type Source struct {
	Name string
	Data []byte
}

// File is a compose file, with what overrides it, as far as checks go by it.
type File struct {
	Services []Service
	// Unseen says why there may be more services than these, or settings of these that
	// stand elsewhere; empty where all was seen.
	Unseen string
	// Chosen tells that .env chooses the compose files itself (COMPOSE_FILE), where none is named.
	Chosen bool
}

// Service is one service of a compose file. A Setting that is not Set stands nowhere in what was read.
type Service struct {
	Name string `json:"name"`
	// File and Line are where it begins.
	File string `json:"file"`
	Line int    `json:"line"`

	Image Setting `json:"image,omitzero"`
	Build *Build  `json:"build,omitempty"`

	Healthcheck Healthcheck `json:"healthcheck,omitzero"`
	// Restart is restart, or deploy.restart_policy.condition, which goes before it (docker/compose, getRestartPolicy).
	Restart Setting `json:"restart,omitzero"`
	// Memory is mem_limit, or deploy.resources.limits.memory, which goes before it.
	Memory     Setting  `json:"memory,omitzero"`
	StopGrace  Setting  `json:"stopGrace,omitzero"`
	StopSignal Setting  `json:"stopSignal,omitzero"`
	Init       Setting  `json:"init,omitzero"`
	Profiles   []string `json:"profiles,omitempty"`

	// Job tells that it is meant to end: another service waits for that, or deploy.mode says so.
	Job bool `json:"job,omitempty"`
	// Awaited names the services that only start once this one is healthy.
	Awaited []string `json:"awaited,omitempty"`
	// Unseen says why settings may stand in a file that was not read; empty where they cannot.
	Unseen string `json:"unseen,omitempty"`

	entrypoint, command argv
}

// Build is how a service's image is built.
type Build struct {
	Context    Setting `json:"context,omitzero"`
	Dockerfile Setting `json:"dockerfile,omitzero"`
	Target     Setting `json:"target,omitzero"`
	// Inline tells that the Dockerfile stands in the compose file itself, where it is not looked at.
	Inline bool `json:"inline,omitempty"`
}

// Remote tells that the context is no folder of this machine: a URL, or a repository as git
// clone takes it (user@host:path), or github.com/ without either.
func (b Build) Remote() bool { return remote(b.Context.Text) }

func remote(text string) bool {
	user, _, found := strings.Cut(text, "@")
	return strings.Contains(text, "://") || strings.HasPrefix(text, "github.com/") ||
		found && !strings.Contains(user, "/") && strings.Contains(text, ":")
}

// withoutUser hides the user and password of a context that is not on this machine, also
// where they hold what should have been encoded.
func withoutUser(text string) string {
	at := strings.LastIndex(text, "@")
	if at < 0 || !remote(text) {
		return text
	}
	scheme, _, found := strings.Cut(text, "://")
	if found {
		return scheme + "://***" + text[at:]
	}
	return "***" + text[at:]
}

// Healthcheck is a healthcheck section, or a HEALTHCHECK instruction.
type Healthcheck struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // 0 where there is none
	// Off tells that it says there shall be none, whatever the image says.
	Off bool `json:"off,omitempty"`
	// Partial tells that it has options but no test, so that the image's is meant.
	Partial bool `json:"partial,omitempty"`
	// Variable is the variable that decides it; empty where none does.
	Variable string `json:"variable,omitempty"`
}

// Set tells whether there is such a section.
func (h Healthcheck) Set() bool { return h.Line > 0 }

// What one file may cost at most. No team's files come near.
const (
	maxServices = 1000
	maxSteps    = 200_000
	maxDepth    = 16
)

// Parse reads a compose file and the files that override it, in their order, with the values
// that the .env file in their folder gives the variables. It errs, with
// file and line, on what is no YAML, on a key that stands twice, on a tree that is not a
// compose file's, and on one that costs too much to follow. The rules are those of the
// Compose Specification; of the services that version 1 kept at the top level it reads as well.
func Parse(env Env, sources ...Source) (File, error) {
	r := reader{variables: env.variables(sources)}
	var tops view
	for i := len(sources) - 1; i >= 0; i-- { // the last goes first
		root, err := document(sources[i])
		if err != nil {
			return File{}, err
		}
		if root != nil {
			tops = append(tops, layer{root, sources[i].Name})
		}
	}
	if len(tops) == 0 && len(sources) > 0 {
		return File{}, fmt.Errorf("%s: empty", sources[0].Name)
	}
	file := r.file(tops)
	if r.err != nil {
		return File{}, r.err
	}
	_, file.Chosen = r.variables.values[composeFile]
	return file, nil
}

// file reads the top level.
func (r *reader) file(tops view) File {
	var f File
	services := r.get(tops, "services").view
	if len(services) == 0 {
		services = r.versionOne(tops)
	}
	if include := r.get(tops, "include"); include.set() {
		f.Unseen = fmt.Sprintf("%s:%d includes files that were not read", include.file, include.line)
	}
	names := r.keys(services)
	if len(names) > maxServices {
		r.fail(names[0].file, names[0].line, fmt.Sprintf("more than %d services", maxServices))
		return f
	}
	for _, n := range names {
		f.Services = append(f.Services, r.service(services, n))
	}
	r.depend(services, f.Services)
	return f
}

// versionOne gives the top level as services where it looks like the files before
// Compose 1.6, which had no section for them.
func (r *reader) versionOne(tops view) view {
	for _, key := range []string{"version", "services", "include", "networks", "volumes", "name"} {
		if r.get(tops, key).set() {
			return nil
		}
	}
	for _, k := range r.keys(tops) {
		s := r.get(tops, k.text).view
		if !r.get(s, "image").set() && !r.get(s, "build").set() {
			r.fail(k.file, k.line, "neither a services section nor a service with an image or a build: is this a compose file?")
			return nil
		}
	}
	return tops
}

// depend marks the services that others wait for (depends_on in its long form).
func (r *reader) depend(services view, list []Service) {
	index := map[string]*Service{}
	for i := range list {
		index[list[i].Name] = &list[i]
	}
	for _, s := range list {
		needs := r.get(r.get(services, s.Name).view, "depends_on").view
		for _, k := range r.keys(needs) {
			on := index[k.text]
			if on == nil {
				continue
			}
			switch condition := r.get(r.get(needs, k.text).view, "condition"); condition.text {
			case "service_healthy":
				on.Awaited = append(on.Awaited, s.Name)
			case "service_completed_successfully":
				on.Job = true
			}
		}
	}
}

// document gives the top mapping of a file; nil where the file is empty.
func document(s Source) (*yaml.Node, error) {
	var doc yaml.Node
	decoder := yaml.NewDecoder(reading(s.Data))
	if err := decoder.Decode(&doc); err != nil {
		return nil, yamlError(s, err)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); err == nil {
		return nil, atLine(s.Name, more.Line, "a second YAML document, which is not read")
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil, nil
	}
	if root := doc.Content[0]; root.Kind == yaml.MappingNode {
		return root, nil
	}
	return nil, atLine(s.Name, doc.Content[0].Line, "no mapping at the top: is this a compose file?")
}
