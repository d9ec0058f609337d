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

// TestReadDockerRefused holds what systemd refuses to start docker.service of.
func TestReadDockerRefused(t *testing.T) {
	const conf = "etc/systemd/system/docker.service.d/"
	start := func(lines string) string { return "[Service]\n" + lines + "ExecStart=/usr/bin/dockerd --debug\n" }
	needs := files{unitFile: "[Unit]\nRequires=docker.socket containerd.service\nBindsTo=x.mount\n[Service]\nExecStart=/usr/bin/dockerd\n", "lib/systemd/system/containerd.service": "[Service]\n"}
	for name, c := range map[string]struct {
		host  []files
		needs []string
		file  string
		line  int
	}{
		"one start":         {host: []files{{unitFile: someUnit}}},
		"two":               {host: []files{{unitFile: someUnit, conf + "a.conf": start("# x\n")}}, file: "/" + conf + "a.conf", line: 3},
		"taken back":        {host: []files{{unitFile: someUnit, conf + "a.conf": start("ExecStart=\n")}}},
		"taken back later":  {host: []files{{unitFile: someUnit, conf + "a.conf": start(""), conf + "b.conf": start("ExecStart=\n")}}},
		"the last of three": {host: []files{{unitFile: someUnit, conf + "a.conf": start(""), conf + "b.conf": start("")}}, file: "/" + conf + "b.conf", line: 2},
		"oneshot":           {host: []files{{unitFile: someUnit, conf + "a.conf": start("Type=oneshot\n")}}},
		"of another part":   {host: []files{{unitFile: someUnit, conf + "a.conf": "[Unit]\nExecStart=/x\n"}}},
		"masked":            {host: []files{{unitFile: someUnit, conf + "a.conf": start(""), "etc/systemd/system/docker.service": "-> /dev/null"}}},
		"needs":             {host: []files{needs}},
		"needs two that are masked": {host: []files{needs, {"etc/systemd/system/containerd.service": "-> /dev/null", "etc/systemd/system/x.mount": "-> /dev/null"}},
			needs: []string{"containerd.service", "x.mount"}},
		"wants one that is masked": {host: []files{{unitFile: "[Unit]\nWants=containerd.service\n", "etc/systemd/system/containerd.service": "-> /dev/null"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := findService(t, servicesOf(tree(t, c.host...), false), "docker.service")
			equal(t, got.NeedsMasked, c.needs)
			equal(t, got.SecondStart, c.file)
			equal(t, got.SecondStartLine, c.line)
		})
	}
}
