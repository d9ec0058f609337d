package compose

import (
	"fmt"
	"strings"
)

// service reads one service, with what it extends in the same file.
func (r *reader) service(services view, at key) Service {
	s := Service{Name: bounded(at.text), File: at.file, Line: at.line}
	v := r.extended(services, at.text, &s)
	s.Image = r.get(v, "image").setting()
	s.Build = r.build(v)
	s.Healthcheck = r.healthcheck(r.get(v, "healthcheck"))
	s.StopGrace = r.get(v, "stop_grace_period").setting()
	s.StopSignal = r.get(v, "stop_signal").setting()
	s.Init = r.get(v, "init").setting()
	s.Profiles, _ = texts(r.get(v, "profiles").list)
	for i := range s.Profiles {
		s.Profiles[i] = bounded(s.Profiles[i])
	}
	deploy := r.get(v, "deploy").view
	s.Restart = r.restart(v, deploy)
	s.Memory = r.get(r.get(r.get(deploy, "resources").view, "limits").view, "memory").setting()
	if !s.Memory.Set() {
		s.Memory = r.get(v, "mem_limit").setting()
	}
	mode := r.get(deploy, "mode")
	s.Job = strings.HasSuffix(mode.text, "-job")
	s.entrypoint, s.command = argvOf(r.get(v, "entrypoint")), argvOf(r.get(v, "command"))
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

// restart gives the restart policy. A deploy.restart_policy without a condition means any.
func (r *reader) restart(v, deploy view) Setting {
	policy := r.get(deploy, "restart_policy")
	if !policy.set() {
		return r.get(v, "restart").setting()
	}
	if condition := r.get(policy.view, "condition").setting(); condition.Set() {
		return condition
	}
	return Setting{File: policy.file, Line: policy.line, Text: "any"}
}

func (r *reader) build(v view) *Build {
	b := r.get(v, "build")
	switch {
	case !b.set():
		return nil
	case b.scalar:
		return &Build{Context: b.setting()}
	}
	return &Build{
		Context: r.get(b.view, "context").setting(), Dockerfile: r.get(b.view, "dockerfile").setting(),
		Target: r.get(b.view, "target").setting(), Inline: r.get(b.view, "dockerfile_inline").set(),
	}
}

// healthcheck reads the section: it is off with disable: true, and with a test of NONE.
func (r *reader) healthcheck(v value) Healthcheck {
	if !v.set() {
		return Healthcheck{}
	}
	h := Healthcheck{File: v.file, Line: v.line}
	if disable := r.get(v.view, "disable").setting(); disable.Set() {
		h.Variable = disable.Variable
		if off, err := disable.Bool(); err == nil && off {
			h.Off = true
			return h
		}
	}
	test := r.get(v.view, "test")
	words, first := test.list, test.text
	if len(words) > 0 {
		list, _ := texts(words[:1])
		if first = strings.Join(list, ""); first == unresolved {
			_, h.Variable = texts(words[:1])
		}
	} else if test.variable != "" && test.scalar {
		h.Variable = test.variable
	}
	h.Off = first == "NONE"
	h.Partial = !test.set()
	return h
}
