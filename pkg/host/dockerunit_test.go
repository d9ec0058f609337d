package host

import "testing"

func TestReadServicesOfDocker(t *testing.T) {
	const (
		wants = "/.config/systemd/user/default.target.wants/docker.service"
		unit  = "-> ../docker.service"
	)
	socket := files{unitFile: "[Unit]\nRequires=docker.socket\n[Service]\nExecStart=/usr/bin/dockerd\n"}
	for name, c := range map[string]struct {
		host   []files
		needs  bool
		byUser string
	}{
		"Debian's":          {host: []files{{unitFile: someUnit}}},
		"Docker's":          {host: []files{socket}, needs: true},
		"wants it":          {host: []files{{unitFile: "[Unit]\nWants=docker.socket\n[Install]\nRequires=docker.socket\n"}}},
		"a drop-in":         {host: []files{{unitFile: someUnit, "etc/systemd/system/docker.service.d/a.conf": "[Unit]\nBindsTo=a.mount docker.socket\n"}}, needs: true},
		"nobody lingers":    {host: []files{{unitFile: someUnit, "home/app" + wants: unit}}},
		"rootless":          {host: []files{{unitFile: someUnit, "home/app" + wants: unit, "var/lib/systemd/linger/app": ""}}, byUser: "/home/app" + wants},
		"another home":      {host: []files{{unitFile: someUnit, "srv/app" + wants: unit, "var/lib/systemd/linger/app": "", "etc/passwd": "root:x:0:0::/root:/bin/sh\napp:x:1:1::/srv/app:/bin/sh\n"}}, byUser: "/srv/app" + wants},
		"lingers alone":     {host: []files{{unitFile: someUnit, "var/lib/systemd/linger/app": "", "home/app/": ""}}},
		"both, rootful too": {host: []files{{unitFile: someUnit, pulled: "-> /lib/systemd/system/docker.service", "home/app" + wants: unit, "var/lib/systemd/linger/app": ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := findService(t, servicesOf(tree(t, c.host...), false), "docker.service")
			equal(t, got.NeedsSocket, c.needs)
			equal(t, got.ByUser, c.byUser)
		})
	}
}
