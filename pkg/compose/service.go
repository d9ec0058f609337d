package compose

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// service reads one service, with what it extends in the same file.
func (r *reader) service(services view, at key) Service {
	s := Service{Name: bounded(at.text), File: at.file, Line: at.line}
	v := r.extended(services, at.text, &s)
	s.Image = r.get(v, "image").setting()
	s.Build = r.build(v)
	s.Healthcheck = r.healthcheck(r.get(v, "healthcheck"))
	s.StopGrace = r.get(v, "stop_grace_period").revealed()
	s.StopSignal = r.get(v, "stop_signal").setting()
	s.Init = r.get(v, "init").revealed()
	for _, n := range r.get(v, "profiles").list {
		if n = resolve(n); n != nil && n.Kind == yaml.ScalarNode {
			p := r.leaf(n, at.file).setting()
			s.Profiles = append(s.Profiles, cmp.Or(p.Text, p.Variable))
		}
	}
	deploy := r.get(v, "deploy").view
	s.Restart = r.restart(v, deploy)
	s.Memory = r.get(r.get(r.get(deploy, "resources").view, "limits").view, "memory").revealed()
	if !s.Memory.Set() {
		s.Memory = r.get(v, "mem_limit").revealed()
	}
	mode := r.get(deploy, "mode")
	s.Job = strings.HasSuffix(mode.text, "-job")
	s.entrypoint, s.command = r.argvOf(r.get(v, "entrypoint")), r.argvOf(r.get(v, "command"))
	return s
}

// extended gives a service's own mapping above those that it extends. What lies in another
// file is not seen, and s says so.
func (r *reader) extended(services view, name string, s *Service) view {
	var out view
	seen := map[string]bool{}
	for range maxDepth {
		seen[name] = true
		v := r.get(services, name).view
		out = append(out, v...)
		extends := r.get(v, "extends")
		if !extends.set() {
			return out
		}
		if r.get(extends.view, "file").set() {
			s.Unseen = fmt.Sprintf("it extends a service of another file, which was not read (%s:%d)", extends.file, extends.line)
			return out
		}
		if name = extends.text; !extends.scalar {
			name = r.get(extends.view, "service").text
		}
		if !r.get(services, name).set() || seen[name] {
			s.Unseen = fmt.Sprintf("it extends a service that is not there (%s:%d)", extends.file, extends.line)
			return out
		}
	}
	s.Unseen = "it extends a service that extends another, and so on for too long"
	return out
}

// restart gives the restart policy, with a number of attempts as in on-failure:3. A
// deploy.restart_policy without a condition is none: compose hands the engine an empty name.
func (r *reader) restart(v, deploy view) Setting {
	policy := r.get(deploy, "restart_policy")
	if !policy.set() {
		return r.get(v, "restart").revealed()
	}
	out := r.get(policy.view, "condition").revealed()
	attempts := r.get(policy.view, "max_attempts").revealed()
	switch {
	case !out.Set():
		return Setting{File: policy.file, Line: policy.line}
	case out.Variable != "" || !attempts.Set():
		return out
	case attempts.Variable != "":
		out.Text, out.Variable = "", attempts.Variable
		return out
	}
	out.Text += ":" + attempts.Text
	return out
}

func (r *reader) build(v view) *Build {
	b := r.get(v, "build")
	switch {
	case !b.set():
		return nil
	case b.scalar:
		b.text = withoutUser(b.text)
		return &Build{Context: b.setting()}
	}
	context := r.get(b.view, "context")
	context.text = withoutUser(context.text)
	return &Build{
		Context: context.setting(), Dockerfile: r.get(b.view, "dockerfile").setting(),
		Target: r.get(b.view, "target").setting(), Inline: r.get(b.view, "dockerfile_inline").set(),
	}
}

// healthcheck reads the section: it is off with disable: true, and with a test of NONE.
func (r *reader) healthcheck(v value) Healthcheck {
	if !v.set() {
		return Healthcheck{}
	}
	h := Healthcheck{File: v.file, Line: v.line}
	if disable := r.get(v.view, "disable").revealed(); disable.Set() {
		h.Variable = disable.Variable
		if off, err := disable.Bool(); err == nil && off {
			h.Off = true
			return h
		}
	}
	test := r.get(v.view, "test")
	words, first := test.list, test.text
	if len(words) > 0 {
		list, _ := r.texts(words[:1])
		if first = strings.Join(list, ""); first == unresolved {
			_, h.Variable = r.texts(words[:1])
		}
	} else if test.variable != "" && test.scalar {
		h.Variable = test.variable
	}
	h.Off = first == "NONE"
	h.Partial = !test.scalar && len(test.list) == 0 // the engine takes an empty test for the image's
	return h
}
