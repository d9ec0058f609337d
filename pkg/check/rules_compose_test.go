package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/caddy"
	"vmguard/pkg/compose"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// composed gives the facts a compose file with the services below.
func composed(services ...host.ComposeService) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) {
		f.Compose = []host.Fact[host.ComposeFile]{host.Known(host.ComposeFile{Path: "compose.yaml", Services: services}, "compose.yaml")}
	}
}

// ofImage is the same in an image.
func ofImage(change func(*host.Facts, *host.Container)) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, c *host.Container) { change(f, c); f.Image = true }
}

// service is one that has all it should have.
func service(change func(*host.ComposeService)) host.ComposeService {
	s := host.ComposeService{Service: compose.Service{
		Name: "web", File: "compose.yaml", Line: 2, Image: said(3, "app:1"),
		Healthcheck: compose.Healthcheck{File: "compose.yaml", Line: 4},
		Restart:     said(5, "unless-stopped"), Memory: said(6, "512m"), StopGrace: said(7, "30s"),
	}, Start: compose.Start{Kind: compose.Program, File: "compose.yaml", Line: 8}}
	if change != nil {
		change(&s)
	}
	return s
}

func said(line int, text string) compose.Setting {
	return compose.Setting{File: "compose.yaml", Line: line, Text: text}
}

func byVariable(line int) compose.Setting {
	return compose.Setting{File: "compose.yaml", Line: line, Variable: "V"}
}

// built is the image of a Dockerfile that was read.
func built(image compose.Image) *host.Fact[compose.Image] {
	image.File, image.Line = "Dockerfile", 1
	return ptr(host.Known(image, "Dockerfile"))
}

// composeCase is a case of one service that differs from the good one.
func composeCase(name string, want outcome, change func(*host.ComposeService)) ruleCase {
	return ruleCase{name, composed(service(change)), []outcome{want}}
}

func dockerfile(image compose.Image, start compose.Start) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) {
		image.File, image.Line = "Dockerfile", 1
		f.Compose = []host.Fact[host.ComposeFile]{host.Known(host.ComposeFile{Path: "Dockerfile", Dockerfile: &image, Start: start}, "Dockerfile")}
	}
}

func composeRules() map[string][]ruleCase {
	unread := func(f *host.Facts, _ *host.Container) {
		f.Compose = []host.Fact[host.ComposeFile]{{Value: host.ComposeFile{Path: "x.yaml"}, Missing: "x.yaml does not exist"}}
	}
	unseen := func(f *host.Facts, _ *host.Container) {
		composed(service(nil))(f, nil)
		f.Compose[0].Value.Unseen = "compose.yaml:1 includes files that were not read"
	}
	none, off := compose.Healthcheck{}, compose.Healthcheck{File: "compose.yaml", Line: 4, Off: true}
	all := map[string][]ruleCase{
		"compose-healthcheck": {
			composeCase("here", passes("has a healthcheck"), nil),
			composeCase("none", fails(finding.Info, "no healthcheck here; its image may bring one"), func(s *host.ComposeService) { s.Healthcheck = none }),
			composeCase("off", fails(finding.Info, "switched off"), func(s *host.ComposeService) { s.Healthcheck = off }),
			composeCase("off, and awaited", fails(finding.Warning, "api waits for it to be healthy, which then fails"), func(s *host.ComposeService) { s.Healthcheck, s.Awaited = off, []string{"api"} }),
			composeCase("none, and awaited", fails(finding.Warning, "which fails unless it does"), func(s *host.ComposeService) { s.Healthcheck, s.Awaited = none, []string{"api"} }),
			composeCase("in the Dockerfile", passes("its Dockerfile has"), func(s *host.ComposeService) {
				s.Healthcheck, s.Built = none, built(compose.Image{Base: "x", Healthcheck: compose.Healthcheck{File: "Dockerfile", Line: 3}})
			}),
			composeCase("options alone, in neither", fails(finding.Info, "node:20 may bring one"), func(s *host.ComposeService) {
				s.Healthcheck.Partial, s.Built = true, built(compose.Image{Base: "node:20"})
			}),
			composeCase("from scratch", fails(finding.Info, "neither here nor in its Dockerfile: a service"), func(s *host.ComposeService) {
				s.Healthcheck, s.Built = none, built(compose.Image{Base: "scratch"})
			}),
			composeCase("the Dockerfile is gone", isUnknown("Dockerfile does not exist"), func(s *host.ComposeService) {
				s.Healthcheck, s.Built = none, ptr(host.Missing[compose.Image]("Dockerfile does not exist"))
			}),
			composeCase("by a variable", isUnknown("variable V"), func(s *host.ComposeService) { s.Healthcheck.Variable = "V" }),
			composeCase("in another file", isUnknown("it extends"), func(s *host.ComposeService) { s.Healthcheck, s.Unseen = none, "it extends" }),
			composeCase("a job", isSkipped("meant to end"), func(s *host.ComposeService) { s.Healthcheck, s.Job = none, true }),
			{"a Dockerfile", dockerfile(compose.Image{Healthcheck: compose.Healthcheck{Line: 2}}, compose.Start{}), []outcome{passes("HEALTHCHECK")}},
			{"a Dockerfile without", dockerfile(compose.Image{Base: "x"}, compose.Start{}), []outcome{fails(finding.Info, "no HEALTHCHECK; x,")}},
			{"a Dockerfile with none", dockerfile(compose.Image{Healthcheck: off}, compose.Start{}), []outcome{fails(finding.Info, "switched off")}},
		},
		"compose-restart": {
			composeCase("here", passes("unless-stopped"), nil),
			composeCase("on failure", fails(finding.Info, "after a reboot too"), func(s *host.ComposeService) { s.Restart.Text = "on-failure:5" }),
			composeCase("none", fails(finding.Warning, "stays dead after its first crash and after every reboot"), func(s *host.ComposeService) { s.Restart = compose.Setting{} }),
			composeCase("a policy without a condition", fails(finding.Warning, "no restart policy"), func(s *host.ComposeService) { s.Restart.Text = "" }),
			composeCase("attempts with any", fails(finding.Warning, "with any the engine refuses to make the container"), func(s *host.ComposeService) { s.Restart.Text = "any:3" }),
			composeCase("no attempts", passes("always"), func(s *host.ComposeService) { s.Restart.Text = "always:0" }),
			composeCase("no", fails(finding.Warning, "no restart policy"), func(s *host.ComposeService) { s.Restart.Text = "no" }),
			composeCase("in a profile", fails(finding.Info, "profile debug"), func(s *host.ComposeService) { s.Restart, s.Profiles = compose.Setting{}, []string{"debug"} }),
			composeCase("a job", isSkipped("meant to end"), func(s *host.ComposeService) { s.Restart, s.Job = compose.Setting{}, true }),
			composeCase("by a variable", isUnknown("variable V, whose value is not known (compose.yaml:5)"), func(s *host.ComposeService) { s.Restart = byVariable(5) }),
			composeCase("nonsense", isUnknown(`"sometimes" is none`), func(s *host.ComposeService) { s.Restart.Text = "sometimes" }),
			composeCase("in another file", isUnknown("it extends"), func(s *host.ComposeService) { s.Restart, s.Unseen = compose.Setting{}, "it extends" }),
			{"a Dockerfile", dockerfile(compose.Image{}, compose.Start{}), []outcome{isSkipped("does not say that")}},
			{"two services", composed(service(nil), service(func(s *host.ComposeService) { s.Restart.Text = "no" })), []outcome{fails(finding.Warning, "no restart"), passes("unless-stopped")}},
		},
		"compose-memory-limit": {
			composeCase("here", passes("512 MiB"), nil),
			composeCase("none, alone", fails(finding.Info, "no memory limit"), func(s *host.ComposeService) { s.Memory = compose.Setting{} }),
			composeCase("0", fails(finding.Info, "no memory limit"), func(s *host.ComposeService) { s.Memory.Text = "0" }),
			composeCase("no size", isUnknown("no size such as 512m"), func(s *host.ComposeService) { s.Memory.Text = "much" }),
			composeCase("by a variable", isUnknown("variable V"), func(s *host.ComposeService) { s.Memory = byVariable(6) }),
			{"one of two", composed(service(nil), service(func(s *host.ComposeService) { s.Memory = compose.Setting{} })), []outcome{fails(finding.Warning, "one leak"), passes("512 MiB")}},
		},
		"compose-stop-grace": {
			composeCase("30 s", passes("it gets 30 s"), nil),
			composeCase("the default", passes("it gets 10 s"), func(s *host.ComposeService) { s.StopGrace = compose.Setting{} }),
			composeCase("too short", fails(finding.Warning, "it gets 3 s between its stop signal and SIGKILL, and should get 10 s"), func(s *host.ComposeService) { s.StopGrace.Text = "3s" }),
			composeCase("the policy wants more", fails(finding.Warning, "should get 60 s"), func(s *host.ComposeService) { s.StopGrace = compose.Setting{} }),
			composeCase("SIGKILL", fails(finding.Warning, "its stop signal is SIGKILL"), func(s *host.ComposeService) { s.StopSignal = said(9, "SIGKILL") }),
			composeCase("SIGKILL in the Dockerfile", fails(finding.Warning, "its stop signal is SIGKILL"), func(s *host.ComposeService) {
				s.Built = built(compose.Image{StopSignal: compose.Setting{File: "Dockerfile", Line: 2, Text: "9"}})
			}),
			composeCase("over the Dockerfile's", passes("30 s"), func(s *host.ComposeService) {
				s.StopSignal, s.Built = said(9, "SIGINT"), built(compose.Image{StopSignal: said(2, "KILL")})
			}),
			composeCase("a signal by a variable", isUnknown("stop signal depends on the variable V"), func(s *host.ComposeService) { s.StopSignal = byVariable(9) }),
			composeCase("by a variable", isUnknown("stop_grace_period depends on the variable V"), func(s *host.ComposeService) { s.StopGrace = byVariable(7) }),
			composeCase("without a unit", isUnknown("no duration"), func(s *host.ComposeService) { s.StopGrace.Text = "30" }),
			composeCase("a job", isSkipped("meant to end"), func(s *host.ComposeService) { s.StopGrace.Text, s.Job = "1s", true }),
			{"a Dockerfile", dockerfile(compose.Image{StopSignal: said(2, "SIGKILL")}, compose.Start{}), []outcome{fails(finding.Warning, "SIGKILL")}},
			{"a Dockerfile without", dockerfile(compose.Image{}, compose.Start{}), []outcome{isSkipped("does not say how long")}},
		},
		"compose-init": initCases(),
	}
	for id := range all {
		healthy := passes("")
		all[id] = append(all[id],
			ruleCase{"none named", func(*host.Facts, *host.Container) {}, []outcome{isSkipped("no compose file was named")}},
			ruleCase{"not read", unread, []outcome{isUnknown("x.yaml does not exist")}},
			ruleCase{"not read, in an image", ofImage(unread), []outcome{isUnknown("x.yaml does not exist")}},
			ruleCase{"not all seen", unseen, []outcome{isUnknown("includes files"), healthy}},
			ruleCase{"in an image", ofImage(composed(service(nil))), []outcome{healthy}},
			ruleCase{"no service", composed(), []outcome{isSkipped("no service")}})
	}
	all["proxy-keepalive"] = proxyCases()
	return all
}

func initCases() []ruleCase {
	shell := func(kind compose.Kind, name string) func(*host.ComposeService) {
		return func(s *host.ComposeService) {
			s.Start = compose.Start{Kind: kind, Shell: name, File: "compose.yaml", Line: 8}
		}
	}
	with := func(change func(*host.ComposeService), more func(*host.ComposeService)) func(*host.ComposeService) {
		return func(s *host.ComposeService) { change(s); more(s) }
	}
	hasInit := func(s *host.ComposeService) { s.Init = said(9, "true") }
	alpine := func(s *host.ComposeService) { s.Image.Text = "node:20-alpine" }
	const deaf = "hands no signal on: the program never hears docker stop"
	return []ruleCase{
		composeCase("a program", passes("no shell"), nil),
		composeCase("a shell", fails(finding.Warning, "(Debian's stays, others may not) and "+deaf), shell(compose.ShellSimple, "sh")),
		composeCase("a shell that stays", fails(finding.Warning, "a shell is PID 1 and "+deaf), shell(compose.ShellStays, "bash")),
		composeCase("a shell and an init", fails(finding.Info, "kills the program with it"), with(shell(compose.ShellStays, "sh"), hasInit)),
		composeCase("bash and one command", passes("in its own place"), shell(compose.ShellSimple, "bash")),
		composeCase("Alpine and one command", passes("in its own place"), with(shell(compose.ShellSimple, "sh"), alpine)),
		composeCase("Alpine and several", isUnknown("that shell's version"), with(shell(compose.ShellSequence, "sh"), alpine)),
		composeCase("Alpine and a pipe", fails(finding.Warning, "a shell is PID 1 and"), with(shell(compose.ShellStays, "sh"), alpine)),
		composeCase("built on Alpine", passes("in its own place"), with(shell(compose.ShellSimple, "sh"), func(s *host.ComposeService) { s.Built = built(compose.Image{Base: "alpine:3"}) })),
		composeCase("a file", isUnknown("starts a script"), shell(compose.ShellFile, "")),
		composeCase("traps", isUnknown("sets traps"), shell(compose.ShellTraps, "sh")),
		composeCase("a shell for its own sake", isSkipped("a shell is its program"), shell(compose.ShellItself, "sh")),
		composeCase("the image's", isUnknown("the image alone"), func(s *host.ComposeService) { s.Start = compose.Start{} }),
		composeCase("the image's, with an init", passes("has an init"), with(func(s *host.ComposeService) { s.Start = compose.Start{} }, hasInit)),
		composeCase("tini", passes("an init stands first"), func(s *host.ComposeService) { s.Start = compose.Start{Init: true} }),
		composeCase("a Dockerfile that is gone", isUnknown("no Dockerfile"), func(s *host.ComposeService) {
			s.Start, s.Built = compose.Start{}, ptr(host.Missing[compose.Image]("no Dockerfile"))
		}),
		composeCase("in another file", isUnknown("it extends"), func(s *host.ComposeService) { s.Start, s.Unseen = compose.Start{}, "it extends" }),
		composeCase("by a variable", isUnknown("variable CMD"), func(s *host.ComposeService) { s.Start = compose.Start{Kind: compose.Undecided, Variable: "CMD"} }),
		composeCase("an init by a variable", isUnknown("variable V"), func(s *host.ComposeService) { s.Init = byVariable(9) }),
		composeCase("an init of nonsense", isUnknown("neither true nor false"), func(s *host.ComposeService) { s.Init = said(9, "perhaps") }),
		{"a Dockerfile", dockerfile(compose.Image{Base: "node:20"}, compose.Start{Kind: compose.ShellSimple, Shell: "sh", File: "Dockerfile", Line: 4}), []outcome{fails(finding.Warning, deaf)}},
	}
}

func composePolicies() map[string]Policy {
	policy := func(change func(*Thresholds)) Policy {
		p := DefaultPolicy(checkedAt)
		change(&p.Thresholds)
		return p
	}
	balancer := policy(func(t *Thresholds) { t.LoadBalancerIdle = 600 * time.Second })
	return map[string]Policy{
		"compose-stop-grace/the policy wants more":  policy(func(t *Thresholds) { t.StopGrace = time.Minute }),
		"proxy-keepalive/the policy's, too short":   balancer,
		"proxy-keepalive/the policy's, in an image": balancer,
		"proxy-keepalive/the policy's, longer":      balancer,
		"proxy-keepalive/the policy's, the same":    balancer,
	}
}

const caddyfile = "/etc/caddy/Caddyfile"

// served gives the facts a Caddyfile with sites of these idle timeouts.
func served(idle ...caddy.Timeout) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) {
		file := host.Caddyfile{Path: caddyfile}
		for i, t := range idle {
			file.Sites = append(file.Sites, caddy.Site{Addresses: []string{":80"}, File: caddyfile, Line: 10 + i, Idle: t})
		}
		f.Caddyfiles = host.Known([]host.Caddyfile{file}, caddyfile)
	}
}

// idle is an idle timeout that stands in the Caddyfile; none is Caddy's own.
func idle(d time.Duration) caddy.Timeout {
	return caddy.Timeout{Nanoseconds: d, File: caddyfile, Line: 4}
}

func noCloud(change func(*host.Facts, *host.Container)) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, c *host.Container) {
		change(f, c)
		f.Cloud = host.Missing[host.Cloud]("no DMI data")
	}
}

func onCloud(p host.Provider, change func(*host.Facts, *host.Container)) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, c *host.Container) { change(f, c); f.Cloud.Value.Provider = p }
}

func proxyCases() []ruleCase {
	own := caddy.Timeout{Nanoseconds: caddy.DefaultIdle}
	proxied := func(change func(*caddy.Site)) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, c *host.Container) {
			served(idle(620*time.Second))(f, c)
			change(&f.Caddyfiles.Value[0].Sites[0])
		}
	}
	unseen := func(f *host.Facts, c *host.Container) { served()(f, c); f.Caddyfiles.Value[0].Unseen = "imports x" }
	return []ruleCase{
		{"long", nil, []outcome{passes("1200s, longer than a Google load balancer (600s)")}},
		{"Caddy's own, on Google", served(own), []outcome{fails(finding.Info, "keeps idle connections for 300s; if a Google load balancer stands before it, which keeps them for 600s")}},
		{"Caddy's own, on Amazon", onCloud(host.Amazon, served(own)), []outcome{passes("longer than an Application Load Balancer (60s)")}},
		{"Caddy's own, on Oracle", onCloud(host.Oracle, served(own)), []outcome{fails(finding.Info, "Oracle")}},
		{"Caddy's own, anywhere", noCloud(served(own)), []outcome{isSkipped("load-balancer-idle in a policy")}},
		{"Caddy's own, on a cloud without one on record", onCloud(host.Hetzner, served(own)), []outcome{isSkipped("load-balancer-idle in a policy")}},
		{"Caddy's own, in an image", ofImage(noCloud(served(own))), []outcome{isSkipped("load-balancer-idle in a policy")}},
		{"30 s, anywhere", noCloud(served(idle(30 * time.Second))), []outcome{fails(finding.Info, "any load balancer")}},
		{"20 min, anywhere", noCloud(served(idle(20 * time.Minute))), []outcome{passes("longer than every load balancer on record")}},
		{"never", served(idle(0)), []outcome{passes("never closes")}},
		{"the policy's, too short", served(own), []outcome{fails(finding.Warning, "300s, and the policy's load balancer for 600s")}},
		{"the policy's, in an image", ofImage(noCloud(served(own))), []outcome{fails(finding.Warning, "300s, and the policy's load balancer for 600s")}},
		{"the policy's, the same", served(idle(600 * time.Second)), []outcome{fails(finding.Warning, "600s")}},
		{"the policy's, longer", served(idle(620 * time.Second)), []outcome{passes("620s, longer than")}},
		{"two of a kind", served(own, own), []outcome{fails(finding.Info, "300s")}},
		{"two of two kinds", served(own, idle(time.Hour)), []outcome{fails(finding.Info, "300s"), passes("3600s")}},
		{"a variable", served(caddy.Timeout{File: caddyfile, Line: 4, Unknown: "it depends on the environment variable IDLE"}), []outcome{isUnknown("variable IDLE")}},
		{"a silent stream", proxied(func(s *caddy.Site) { s.Proxies = []caddy.Proxy{{Read: idle(30 * time.Second)}} }), []outcome{fails(finding.Info, "read_timeout 30s"), passes("620s")}},
		{"streams that end", proxied(func(s *caddy.Site) { s.Proxies = []caddy.Proxy{{Stream: idle(time.Minute)}} }), []outcome{fails(finding.Info, "stream_timeout 60s"), passes("620s")}},
		{"responses that end", proxied(func(s *caddy.Site) { s.Write = idle(time.Minute) }), []outcome{fails(finding.Info, "write 60s"), passes("620s")}},
		{"streams that live", proxied(func(s *caddy.Site) { s.Proxies = []caddy.Proxy{{Read: idle(time.Hour), Write: idle(time.Second)}} }), []outcome{passes("620s")}},
		{"a file that was not read", unseen, []outcome{isUnknown("imports x")}},
		{"no site", served(), []outcome{isSkipped("no site")}},
		{"none", func(f *host.Facts, _ *host.Container) {
			f.Caddyfiles = host.Known([]host.Caddyfile{}, caddyfile+" (absent)")
		}, []outcome{isSkipped("there is no Caddyfile")}},
		{"not readable", func(f *host.Facts, _ *host.Container) {
			f.Caddyfiles = host.Missing[[]host.Caddyfile]("reading it needs root")
		}, []outcome{isUnknown("needs root")}},
	}
}

// healthyProxies adds what a healthy VM has to the facts.
func healthyProxies(f *host.Facts) { served(idle(20*time.Minute))(f, nil) }

// TestProxyRemedyMends runs the printed command on a Caddyfile, which is then fine.
func TestProxyRemedyMends(t *testing.T) {
	for name, text := range map[string]string{
		"no options":    ":80 {\n\treverse_proxy a:1\n}\n",
		"no braces":     ":80\nreverse_proxy a:1\n",
		"options":       "# ours\n{\n\temail a@b.example\n}\n:80 {\n}\n",
		"too short":     "{\n\tservers {\n\t\ttimeouts {\n\t\t\tread_body 10s\n\t\t\tidle   5m # short\n\t\t}\n\t}\n}\n:80 {\n}\n",
		"for one alone": "{\n\tservers :443 {\n\t\ttimeouts {\n\t\t\tidle 1m\n\t\t}\n\t}\n}\na.example {\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			judge := func() finding.Finding {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				config, err := caddy.Parse(caddy.Source{Name: file, Data: data}, nil)
				if err != nil {
					t.Fatalf("%v\n%s", err, data)
				}
				f := &host.Facts{Image: true, Cloud: host.Known(host.Cloud{Provider: host.Google}, "dmi")}
				f.Caddyfiles = host.Known([]host.Caddyfile{{Path: file, Config: config}}, file)
				return Run([]Check{proxyKeepalive}, f, DefaultPolicy(checkedAt))[0]
			}
			before := judge()
			if before.Status != finding.Fail || before.Remedy == nil || strings.Contains(before.Remedy.Command, "sudo") {
				t.Fatalf("%+v", before)
			}
			if out, err := exec.Command("sh", "-c", before.Remedy.Command).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if after := judge(); after.Status != finding.Pass {
				t.Errorf("%+v", after)
			}
			if out, err := exec.Command("caddy", "adapt", "--adapter", "caddyfile", "--config", file).CombinedOutput(); err != nil || !strings.Contains(string(out), `"idle_timeout":620000000000`) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
