package host

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// many makes so many files of one content, whose names begin and end so.
func many(n int, before, after, content string) files {
	f := files{}
	for i := range n {
		f[fmt.Sprintf("%s%d%s", before, i, after)] = content
	}
	return f
}

// numbered repeats a text so often, with its number put in.
func numbered(n int, text string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, text, i)
	}
	return b.String()
}

// TestTooMuchIsUnknown holds that what a tree has more of than is read of it is missing, and never none.
func TestTooMuchIsUnknown(t *testing.T) {
	const units, system = "etc/systemd/system/", "usr/lib/systemd/"
	docker := files{units + "docker.service": "[Service]\nExecStart=/usr/bin/dockerd\n", system + "systemd": ""}
	wanting := files{units + "docker.service": "[Service]\n", units + "multi-user.target.wants/a0.service": "-> ../a0.service"}
	cloud := files{"usr/bin/cloud-init": ""}
	unit := "[Swap]\nWhat=/x\n" + strings.Repeat("#", 60_000)
	for name, c := range map[string]struct {
		files []files
		of    func(f *Facts) string // why it is missing
		why   string
	}{
		"lines of fstab":        {[]files{{"etc/fstab": strings.Repeat("/x none swap sw\n", 201)}}, func(f *Facts) string { return f.Fstab.Why() }, "names swap more than 200 times"},
		"and so swapfiles":      {[]files{{"etc/fstab": strings.Repeat("/x none swap sw\n", 201)}}, func(f *Facts) string { return f.SwapFiles.Why() }, "names swap more than 200 times"},
		"swap units":            {[]files{many(201, units, ".swap", "[Swap]\n")}, func(f *Facts) string { return f.Units.Why() }, "more than 200 .swap units"},
		"bytes of swap units":   {[]files{many(80, units, ".swap", unit)}, func(f *Facts) string { return f.Units.Why() }, "was not read: there are too many such files, or they are too large"},
		"a large swap unit":     {[]files{{units + "a.swap": unit + unit}}, func(f *Facts) string { return f.Units.Why() }, "is larger than expected"},
		"units":                 {[]files{many(5001, units, ".mount", "")}, func(f *Facts) string { return f.Services.Why() }, "hold too many names"},
		"links":                 {[]files{many(5001, units+"a.wants/", ".service", "")}, func(f *Facts) string { return f.Units.Why() }, "hold too many names"},
		"a large service":       {[]files{wanting, {units + "a0.service": strings.Repeat(unit, 9)}}, func(f *Facts) string { return f.Services.Why() }, "a0.service is larger than expected"},
		"services":              {[]files{wanting, {units + "a0.service": ""}, many(80, units+"a0.service.d/", ".conf", unit)}, func(f *Facts) string { return f.Services.Why() }, "holds more than is read of it"},
		"services in all":       {[]files{{units + "docker.service": "[Service]\n"}, many(80, units+"a", ".service", unit), many(80, units+"multi-user.target.wants/a", ".service", "")}, func(f *Facts) string { return f.Services.Why() }, "too many such files"},
		"drop-ins of dockerd":   {[]files{docker, many(80, units+"docker.service.d/", ".conf", unit)}, func(f *Facts) string { return f.DaemonFile.Why() }, "holds more than is read of it"},
		"swapfiles":             {[]files{many(65, "s", "", signed(t, 4096, "SWAPSPACE2"))}, func(f *Facts) string { return f.SwapFiles.Why() }, "more than 64 swapfiles"},
		"sysctl.d":              {[]files{{"etc/sysctl.d/a.conf": strings.Repeat("a=1\n", 9000)}}, func(f *Facts) string { return f.SysctlConf.Why() }, "more than 4096 settings"},
		"files of sysctl.d":     {[]files{many(10_001, "etc/sysctl.d/", "", "")}, func(f *Facts) string { return f.SysctlConf.Why() }, "holds too many names"},
		"modules":               {[]files{{"etc/modules-load.d/a.conf": numbered(10_001, "m%d\n")}}, func(f *Facts) string { return f.Modules.Why() }, "more than 10000 modules"},
		"variables":             {[]files{{"etc/default/grub": "A=12345678\n" + strings.Repeat("A=$A$A\n", 40) + "GRUB_CMDLINE_LINUX=$A\n"}}, func(f *Facts) string { return f.Cmdline.Why() }, "cannot be told without running it"},
		"a Caddyfile":           {[]files{{"etc/caddy/Caddyfile": strings.Repeat("#", 64<<10+1)}}, func(f *Facts) string { return f.Caddyfiles.Why() }, "is larger than expected"},
		"daemon.json":           {[]files{{"etc/docker/daemon.json": "{}" + strings.Repeat(" ", 256<<10)}}, func(f *Facts) string { return f.DaemonFile.Why() }, "is larger than expected"},
		"daemon.json's options": {[]files{{"etc/docker/daemon.json": "{}" + strings.Repeat(" ", 256<<10)}}, func(f *Facts) string { return f.DaemonConfig.Why() }, "is larger than expected"},
		"cloud-init":            {[]files{cloud, many(4, "etc/cloud/cloud.cfg.d/", ".cfg", strings.Repeat("#", 60_000))}, func(f *Facts) string { return f.CloudInit.Why() }, "too many such files"},
		"start-up commands":     {[]files{{"etc/rc.local": strings.Repeat("swapon /x\n", 65)}}, func(f *Facts) string { return f.CloudInit.Why() }, "more than 64 start-up commands"},
	} {
		t.Run(name, func(t *testing.T) {
			fs := tree(t, c.files...)
			for _, program := range []string{"usr/bin/cloud-init", "etc/rc.local"} {
				if _, err := fs.Stat(program); err == nil {
					executable(t, fs, program)
				}
			}
			why := c.of(CollectImage(t.Context(), Source{FS: fs}))
			if !strings.Contains(why, c.why) {
				t.Errorf("missing because of %q, want %q", why, c.why)
			}
		})
	}
}

// TestTooMuchIsSaid has what is known in part, and says so.
func TestTooMuchIsSaid(t *testing.T) {
	fs := tree(t, files{"etc/caddy/Caddyfile": "import d/*\n"}, many(5, "etc/caddy/d/", "", strings.Repeat("#", 60_000)))
	if got := readCaddyfiles(fs); !got.Known() || !strings.Contains(got.Value[0].Unseen, "imports d/*, which was not read") {
		t.Errorf("%+v", got)
	}
	fs = tree(t, files{"etc/docker/daemon.json": `{"log-opts": {"max-size": "x"}, ` + numbered(20_000, `"k%d":1,`) + `"init": 1}`})
	got := daemonFileOf(fs).Value.Problems
	if len(got) != 51 || got[49].Effect != NoStart || got[50].Effect != NoStart || got[50].What != "has 19951 more things that are wrong" {
		t.Errorf("%d problems, at last %+v", len(got), got[len(got)-1])
	}
	fs = tree(t, files{"usr/lib/systemd/systemd-sysctl": "", "etc/sysctl.d/a.conf": "net.netfilter.nf_conntrack_max=1\n", "usr/lib/udev/rules.d/69-libmtp.rules": strings.Repeat("# x\n", 50_000)})
	if got := readSysctlConf(fs); !got.Known() {
		t.Errorf("udev rules of 200 kB: %s", got.Why())
	}
	project := t.TempDir()
	services := "services:\n" + numbered(20, " s%d: {build: .}\n")
	for name, content := range map[string]string{"compose.yaml": services, "Dockerfile": "FROM x\n" + strings.Repeat("# x\n", 20_000), "large.yaml": strings.Repeat("#", 128<<10+1)} {
		place(t, filepath.Join(project, name), false, content)
	}
	list := readCompose(tree(t), filepath.Join(project, "compose.yaml"), []string{project})[0].Value.Services
	if first, last := list[0].Built, list[19].Built; !first.Known() || !strings.Contains(last.Why(), "too many such files") {
		t.Errorf("%q, %q", first.Why(), last.Why())
	}
	missing(t, readCompose(tree(t), filepath.Join(project, "large.yaml"), []string{project})[0], "is larger than expected")
}
