package host

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/compose"
	"vmguard/pkg/docker"
)

// leftOut stands where a recording leaves a text out, so that it does not read as if
// there had been none.
const leftOut = "(left out of the recording)"

// Redacted gives a copy for a recording that may leave the host: without what health
// checks printed and without the engine's error texts, which quote commands, without the
// user and password of addresses, and without values that are none of those that belong
// there: a secret may have got in by a slip. Names, images and the host's name stay.
func (f *Facts) Redacted() *Facts {
	c := *f
	c.DaemonConfig.Value = f.DaemonConfig.Value.redacted()
	c.Cmdline.Value = slices.Clone(f.Cmdline.Value)
	for i, p := range c.Cmdline.Value {
		c.Cmdline.Value[i].Value = kept(p.Value, p.expected())
	}
	c.Compose = slices.Clone(f.Compose)
	for i := range c.Compose {
		c.Compose[i].Value.redact()
	}
	c.Docker.Missing = withoutUser(f.Docker.Missing)
	c.Docker.Value.Endpoint = withoutUser(f.Docker.Value.Endpoint)
	c.Docker.Value.Warnings = nil
	for _, w := range f.Docker.Value.Warnings {
		c.Docker.Value.Warnings = append(c.Docker.Value.Warnings, withoutUser(w))
	}
	c.Containers.Missing = withoutUser(f.Containers.Missing)
	if f.Containers.Value == nil {
		return &c
	}
	c.Containers.Value = make([]Container, len(f.Containers.Value))
	for i, one := range f.Containers.Value {
		c.Containers.Value[i] = one.redacted()
	}
	return &c
}

// kept gives a text that is expected, and says of any other that it was left out.
func kept(text string, expected bool) string {
	if text == "" || expected {
		return text
	}
	return leftOut
}

func (c DaemonConfig) redacted() DaemonConfig {
	c.LogDriver = kept(c.LogDriver, BuiltInLogDriver(c.LogDriver) || strings.ContainsAny(c.LogDriver, "/:")) // or a plugin's name
	_, ok := parseCapacity(c.LogMaxSize)
	c.LogMaxSize = kept(c.LogMaxSize, ok || c.LogMaxSize == "-1")
	_, err := strconv.Atoi(c.LogMaxFile)
	c.LogMaxFile = kept(c.LogMaxFile, err == nil)
	return c
}

// expected tells whether a value is a list of numbers, of cgroup controllers or of switches;
// that of a list of modules may be any name.
func (p KernelParam) expected() bool {
	if strings.HasSuffix(p.Name, "modules_load") {
		return true
	}
	for word := range strings.SplitSeq(p.Value, ",") {
		if strings.Trim(word, "0123456789-") != "" && !slices.Contains([]string{
			"y", "n", "yes", "no", "on", "off", "true", "false", "all", "named", "memory", "pressure", "cpu", "cpuacct", "cpuset", "io", "blkio", "pids",
			"hugetlb", "devices", "freezer", "net_cls", "net_prio", "perf_event", "rdma", "misc",
		}, strings.ToLower(word)) {
			return false
		}
	}
	return true
}

// redact leaves out what is no value of its key. What pointers lead to is copied.
func (f *ComposeFile) redact() {
	if f.Dockerfile != nil {
		image := *f.Dockerfile
		redactSignal(&image.StopSignal)
		f.Dockerfile = &image
	}
	f.Services = slices.Clone(f.Services)
	for i := range f.Services {
		s := &f.Services[i]
		name, attempts, limited := strings.Cut(s.Restart.Text, ":")
		_, err := strconv.Atoi(attempts)
		s.Restart.Text = kept(s.Restart.Text, (err == nil || !limited) &&
			slices.Contains([]string{"no", "none", "false", "any", "always", "on-failure", "unless-stopped"}, name))
		_, err = s.Memory.Bytes()
		s.Memory.Text = kept(s.Memory.Text, err == nil)
		_, err = s.StopGrace.Duration()
		s.StopGrace.Text = kept(s.StopGrace.Text, err == nil)
		_, err = s.Init.Bool()
		s.Init.Text = kept(s.Init.Text, err == nil)
		redactSignal(&s.StopSignal)
		if s.Build != nil {
			build := *s.Build
			build.Target.Text = kept(build.Target.Text, false)
			s.Build = &build
		}
		if s.Built != nil {
			built := *s.Built
			redactSignal(&built.Value.StopSignal)
			s.Built = &built
		}
	}
}

func redactSignal(s *compose.Setting) {
	_, ok := docker.SignalNumber(s.Text)
	s.Text = kept(s.Text, ok)
}

func (c Container) redacted() Container {
	for _, text := range []*string{&c.Error, &c.InspectError} {
		if *text != "" {
			*text = leftOut
		}
	}
	if c.Health != nil && c.Health.Last != nil {
		health, last := *c.Health, *c.Health.Last
		last.Output = ""
		health.Last = &last
		c.Health = &health
	}
	return c
}

// withoutUser takes "user:password@" out of the addresses in a text.
func withoutUser(text string) string {
	return regexp.MustCompile(`://[^/\s]*@`).ReplaceAllString(text, "://")
}
