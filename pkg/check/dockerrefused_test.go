package check

import (
	"testing"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// TestRefusedDockerRemediesAreTyped types what is printed into images in which systemd
// refuses docker.service: after it the service is started at boot.
func TestRefusedDockerRemediesAreTyped(t *testing.T) {
	const etc = "etc/systemd/system/"
	for name, tt := range map[string]struct{ file, content, want string }{
		"two starts":  {etc + "docker.service.d/a b.conf", "[Service]\n# x\nExecStart=/usr/bin/dockerd --log-level=warn\n", "sed -i '3i ExecStart=' '/etc/systemd/system/docker.service.d/a b.conf'"},
		"masked need": {etc + "containerd.service", "-> /dev/null", "systemctl unmask containerd.service"},
	} {
		t.Run(name, func(t *testing.T) {
			image := newImageTree(t, map[string]string{
				etc + "docker.service":                         "[Unit]\nRequires=containerd.service\n[Service]\nExecStart=/usr/bin/dockerd\n[Install]\nWantedBy=multi-user.target\n",
				etc + "multi-user.target.wants/docker.service": "-> /etc/systemd/system/docker.service", "etc/machine-id": "", tt.file: tt.content})
			got := image.failed(t, "docker-enabled")
			if len(got) != 1 || got[0].Severity != finding.Critical || got[0].Remedy.Command != tt.want {
				t.Fatalf("got %+v", got)
			}
			image.typed(t, got[0].Remedy.Command)
			if got := image.judge(t, "docker-enabled")[0]; got.Status != finding.Pass {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func refusedCases() []ruleCase {
	return []ruleCase{
		{"two starts", func(f *host.Facts, _ *host.Container) {
			unitOf(f, "docker.service").SecondStart = "/etc/x.conf"
		}, []outcome{fails(finding.Critical, "systemd refuses to start it: it has more than one ExecStart=")}},
		{"never booted, two starts", func(f *host.Facts, c *host.Container) {
			unbooted("/etc", false, host.Preset{Verb: "enable"})(f, c)
			unitOf(f, "docker.service").SecondStart = "/usr/lib/x.conf"
		}, []outcome{fails(finding.Critical, "more than one ExecStart=")}},
		{"requires what is masked", func(f *host.Facts, _ *host.Container) {
			unitOf(f, "docker.service").NeedsMasked = []string{"containerd.service", "x.mount"}
		}, []outcome{fails(finding.Critical, "what it requires is masked: containerd.service x.mount")}},
	}
}
