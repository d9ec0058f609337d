package check

import (
	"maps"
	"os/exec"
	"testing"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// TestDockerPresetRemediesAreTyped types what is printed into an image that has never booted:
// docker.service is enabled then, whether systemd disables at the first boot or not.
func TestDockerPresetRemediesAreTyped(t *testing.T) {
	if _, err := exec.LookPath("systemctl"); err != nil {
		t.Skip("needs systemd's own tools")
	}
	const preset, pulled = "etc/systemd/system-preset/", "etc/systemd/system/multi-user.target.wants/docker.service"
	for name, tt := range map[string]struct {
		files  map[string]string
		before finding.Status
	}{
		"disabled by a rule for all": {map[string]string{preset + "99-default.preset": "disable *\n"}, finding.Fail},
		"enabled against a rule":     {map[string]string{preset + "90-x.preset": "# x\ndisable docker.service\n", pulled: "-> /etc/systemd/system/docker.service"}, finding.Unknown},
		"ignored":                    {map[string]string{preset + "90-x.preset": "ignore docker.*\n"}, finding.Unknown},
		"no rule":                    {map[string]string{preset + "90-x.preset": "disable docker\n"}, finding.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"etc/systemd/system/docker.service": "[Service]\nExecStart=/usr/bin/dockerd\n[Install]\nWantedBy=multi-user.target\n"}
			maps.Copy(files, tt.files)
			image := newImageTree(t, files)
			got := image.judge(t, "docker-enabled")[0]
			if got.Status != tt.before || got.Status != finding.Pass && (got.Remedy == nil || got.Remedy.Command == "") {
				t.Fatalf("got %+v %+v", got, got.Remedy)
			}
			if got.Remedy != nil {
				image.typed(t, got.Remedy.Command)
			}
			modes := []string{"enable-only", "full"}
			if name == "ignored" { // by a word that this machine's systemd need not know
				modes = modes[:1]
			}
			for _, mode := range modes {
				image.typed(t, "systemctl preset-all --preset-mode="+mode+" >/dev/null 2>&1; systemctl --root=/ is-enabled docker.service")
			}
			if got := image.judge(t, "docker-enabled")[0]; got.Status != finding.Pass {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// unbooted is an image that has never booted, with what the presets say of docker.service.
func unbooted(dir string, enabled bool, p host.Preset) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) {
		offline(f)
		docker := disable(f, "docker.service")
		docker.Preset, docker.FirstBoot = &p, !enabled
		if enabled {
			docker.Enabled, docker.By = true, dir+"/systemd/system/multi-user.target.wants/docker.service"
		}
	}
}

func presetCases() []ruleCase {
	return []ruleCase{
		{"never booted, no rule", unbooted("/etc", false, host.Preset{Verb: "enable"}), []outcome{passes("at its first boot systemd enables docker.service, since no preset says otherwise")}},
		{"never booted, a rule", unbooted("/etc", false, host.Preset{Verb: "enable", File: "/x.preset", Line: 1}), []outcome{passes("as /x.preset says")}},
		{"never booted, its socket masked", func(f *host.Facts, c *host.Container) {
			unbooted("/etc", false, host.Preset{Verb: "enable"})(f, c)
			unitOf(f, "docker.service").NeedsSocket = true
			disable(f, "docker.socket").Masked = true
		}, []outcome{fails(finding.Critical, "it requires docker.socket")}},
		{"never booted, disabled", unbooted("/etc", false, host.Preset{Verb: "disable", File: "/x.preset", Line: 1}), []outcome{fails(finding.Critical, "/x.preset:1 keeps it so at the image's first boot")}},
		{"never booted, ignored", unbooted("/etc", false, host.Preset{Verb: "ignore", File: "/x.preset", Line: 1}), []outcome{isUnknown("depends on the version of systemd")}},
		{"never booted, static", unbooted("/etc", false, host.Preset{Verb: "static"}), []outcome{fails(finding.Warning, "only docker.socket")}},
		{"never booted, enabled", unbooted("/etc", true, host.Preset{Verb: "enable"}), []outcome{passes("is started at boot")}},
		{"never booted, enabled against a rule", unbooted("/etc", true, host.Preset{Verb: "disable", File: "/x.preset", Line: 1}), []outcome{isUnknown("disable it again, as /x.preset:1 says")}},
		{"never booted, linked by its package", unbooted("/usr/lib", true, host.Preset{Verb: "disable", File: "/x.preset", Line: 1}), []outcome{passes("is started at boot")}},
	}
}
