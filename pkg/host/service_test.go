package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	unitFile = "lib/systemd/system/docker.service"
	someUnit = "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n[Install]\nWantedBy=multi-user.target\n"
	pulled   = "etc/systemd/system/multi-user.target.wants/docker.service"
)

// serviceTrees are hosts, and what is to be said of their docker.service.
func serviceTrees() map[string]struct {
	host files
	want Service
} {
	const installed = "/" + unitFile
	return map[string]struct {
		host files
		want Service
	}{
		"nothing":                 {host: files{"etc/": ""}, want: Service{}},
		"installed":               {host: files{unitFile: someUnit}, want: Service{Path: installed}},
		"enabled":                 {host: files{unitFile: someUnit, pulled: "-> /lib/systemd/system/docker.service"}, want: Service{Path: installed, Enabled: true, By: "/" + pulled}},
		"link alone":              {host: files{pulled: "-> /lib/systemd/system/docker.service"}, want: Service{}},
		"by a file":               {host: files{unitFile: someUnit, "usr/lib/systemd/system/basic.target.requires/docker.service": "-> ../docker.service"}, want: Service{Path: installed, Enabled: true, By: "/usr/lib/systemd/system/basic.target.requires/docker.service"}},
		"link to null":            {host: files{unitFile: someUnit, pulled: "-> /dev/null"}, want: Service{Path: installed}},
		"null hides":              {host: files{unitFile: someUnit, pulled: "-> /dev/null", "usr/lib/systemd/system/multi-user.target.wants/docker.service": "-> ../docker.service"}, want: Service{Path: installed}},
		"masked":                  {host: files{unitFile: someUnit, "etc/systemd/system/docker.service": "-> /dev/null", pulled: "-> /lib/systemd/system/docker.service"}, want: Service{Path: "/etc/systemd/system/docker.service", Masked: true}},
		"masked, relative":        {host: files{unitFile: someUnit, "etc/systemd/system/docker.service": "-> ../../../dev/null"}, want: Service{Path: "/etc/systemd/system/docker.service", Masked: true}},
		"masked by an empty file": {host: files{unitFile: someUnit, "etc/systemd/system/docker.service": ""}, want: Service{Path: "/etc/systemd/system/docker.service", Masked: true}},
		"masked until reboot":     {host: files{unitFile: someUnit, "run/systemd/system/docker.service": "-> /dev/null", pulled: "-> /lib/systemd/system/docker.service"}, want: Service{Path: installed, Enabled: true, By: "/" + pulled}},
		"enabled until reboot":    {host: files{unitFile: someUnit, "run/systemd/system/multi-user.target.wants/docker.service": "-> /lib/systemd/system/docker.service"}, want: Service{Path: installed}},
		"another's requirement": {host: files{unitFile: someUnit, "etc/systemd/system/shop.service": "[Unit]\nRequires=docker.service\n", "etc/systemd/system/multi-user.target.wants/shop.service": "-> ../shop.service"},
			want: Service{Path: installed, Enabled: true, By: "/etc/systemd/system/shop.service"}},
		"over two": {host: files{unitFile: someUnit, "etc/systemd/system/a.service": "[Unit]\nWants=x.service b.service\n", "etc/systemd/system/b.service": "[Unit]\nAfter=x\n", "etc/systemd/system/b.service.d/more.conf": "[Unit]\nBindsTo=docker.service\n",
			"etc/systemd/system/multi-user.target.wants/a.service": "-> ../a.service"}, want: Service{Path: installed, Enabled: true, By: "/etc/systemd/system/b.service.d/more.conf"}},
		"ordered after":         {host: files{unitFile: someUnit, "etc/systemd/system/shop.service": "[Unit]\nAfter=docker.service\n", "etc/systemd/system/multi-user.target.wants/shop.service": "-> ../shop.service"}, want: Service{Path: installed}},
		"wanted by what is off": {host: files{unitFile: someUnit, "etc/systemd/system/shop.service": "[Unit]\nRequires=docker.service\n"}, want: Service{Path: installed}},
		"by an alias": {host: files{unitFile: someUnit, "etc/systemd/system/engine.service": "-> /lib/systemd/system/docker.service", "etc/systemd/system/multi-user.target.wants/engine.service": "-> ../engine.service"},
			want: Service{Path: installed, Enabled: true, By: "/etc/systemd/system/multi-user.target.wants/engine.service"}},
	}
}

func findService(t *testing.T, f Fact[[]Service], name string) Service {
	t.Helper()
	for _, s := range f.Value {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no %s: %+v", name, f)
	return Service{}
}

func TestReadServices(t *testing.T) {
	for name, c := range serviceTrees() {
		t.Run(name, func(t *testing.T) {
			c.want.Name = "docker.service"
			equal(t, findService(t, servicesOf(tree(t, c.host), true), "docker.service"), c.want)
		})
	}
	equal(t, len(servicesOf(tree(t), true).Value), len(serviceNames()))
	missing(t, servicesOf(tree(t, files{"etc/systemd/system": "a file"}), true), "not a directory")
}

func TestReadServicesWithoutSystemd(t *testing.T) {
	const script = "etc/init.d/docker"
	for name, c := range map[string]struct {
		host files
		want Service
	}{
		"System V":           {host: files{script: "#!", "etc/rc2.d/S01docker": "-> ../init.d/docker", "etc/rc0.d/K01docker": "-> ../init.d/docker"}, want: Service{Path: "/" + script, Enabled: true, By: "/etc/rc2.d/S01docker"}},
		"System V, off":      {host: files{script: "#!", "etc/rc2.d/K01docker": "-> ../init.d/docker"}, want: Service{Path: "/" + script}},
		"another's link":     {host: files{script: "#!", "etc/rc2.d/S01dockerx": "-> ../init.d/docker"}, want: Service{Path: "/" + script}},
		"OpenRC":             {host: files{script: "#!", "etc/runlevels/default/docker": "-> /etc/init.d/docker"}, want: Service{Path: "/" + script, Enabled: true, By: "/etc/runlevels/default/docker"}},
		"unit of no use":     {host: files{unitFile: someUnit, pulled: "-> /x", script: "#!"}, want: Service{Path: "/" + script}},
		"systemd at rest":    {host: files{"lib/systemd/systemd": "ELF", unitFile: someUnit, script: "#!", "etc/rc2.d/S01docker": "-> ../init.d/docker"}, want: Service{Path: "/" + script, Enabled: true, By: "/etc/rc2.d/S01docker"}},
		"systemd and script": {host: files{"lib/systemd/systemd": "ELF", "run/systemd/system/": "", unitFile: someUnit, script: "#!", "etc/rc2.d/S01docker": "-> ../init.d/docker"}, want: Service{Path: "/" + unitFile}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Name = "docker.service"
			equal(t, findService(t, servicesOf(tree(t, c.host), true), "docker.service"), c.want)
		})
	}
}

func TestReadServicesOfAnImageThatNeverBooted(t *testing.T) {
	for name, c := range map[string]struct {
		host files
		live bool
		want bool
	}{
		"no machine-id": {want: true},
		"uninitialized": {host: files{"etc/machine-id": "uninitialized\n"}, want: true},
		"empty":         {host: files{"etc/machine-id": ""}},
		"has booted":    {host: files{"etc/machine-id": "0123456789abcdef0123456789abcdef\n"}},
		"is running":    {live: true},
		"enabled":       {host: files{pulled: "-> /lib/systemd/system/docker.service"}},
	} {
		t.Run(name, func(t *testing.T) {
			fs := tree(t, files{unitFile: someUnit}, c.host)
			equal(t, findService(t, servicesOf(fs, c.live), "docker.service").FirstBoot, c.want)
		})
	}
}

// TestUnitsAreListedOnce holds that a directory counts once, whatever links lead to it, and
// that what systemctl --runtime writes counts until the next boot.
func TestUnitsAreListedOnce(t *testing.T) {
	fs := tree(t, files{"lib": "-> usr/lib", "usr/lib/systemd/system/a.service": "", "usr/lib/systemd/system/a.service.d/": "", "run/systemd/system/b.service": ""})
	got, err := listUnits(fs)
	if err != nil {
		t.Fatal(err)
	}
	a := map[string]string{"a.service": "/usr/lib/systemd/system/a.service"}
	equal(t, got.boot.paths, a)
	equal(t, got.boot.dirs, 1)
	equal(t, got.boot.dropIn, map[string][]string{"a.service": {"/usr/lib/systemd/system/a.service.d"}})
	equal(t, got.now.dirs, 2)
	equal(t, got.now.paths["b.service"], "/run/systemd/system/b.service")
}

// TestServicesAsSystemctl holds what is said of each tree against systemctl is-enabled.
// That goes by the links in /etc and /run alone, and by the unit's own [Install].
func TestServicesAsSystemctl(t *testing.T) {
	systemctl, err := exec.LookPath("systemctl")
	if err != nil {
		t.Skip("needs systemd's own tools")
	}
	differs := map[string]string{
		"another's requirement": "disabled", "over two": "disabled", // it is started all the same
		"masked until reboot": "masked-runtime", "enabled until reboot": "enabled-runtime", // not at the next boot
		"by a file":    "disabled",                         // a vendor's link is no enablement, and starts it
		"link to null": "enabled", "null hides": "enabled", // it does not look where the link leads
		"by an alias": "indirect",
	}
	for name, c := range serviceTrees() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for path, content := range c.host {
				place(t, filepath.Join(dir, path), strings.HasSuffix(path, "/"), content)
			}
			if err := os.MkdirAll(filepath.Join(dir, "usr", "lib"), 0o755); err != nil {
				t.Fatal(err)
			}
			out, _ := exec.Command(systemctl, "--root="+dir, "is-enabled", "docker.service").CombinedOutput() // it exits with 1 for disabled
			want := "disabled"
			switch {
			case differs[name] != "":
				want = differs[name]
			case c.want.Masked:
				want = "masked"
			case c.want.Enabled:
				want = "enabled"
			case c.want.Path == "":
				want = "Failed to get unit file state"
			}
			if !strings.HasPrefix(string(out), want) {
				t.Errorf("systemctl says %q, want %q", out, want)
			}
		})
	}
}

// FuzzUnitSettings holds that an assignment is found on its line after any other text.
func FuzzUnitSettings(f *testing.F) {
	f.Add("[Unit]\nWants=a\n", "docker.service")
	f.Fuzz(func(t *testing.T, before, value string) {
		before = strings.NewReplacer(`\`, "", "\r", "").Replace(before)
		value = strings.TrimSpace(strings.NewReplacer("\n", "", `\`, "").Replace(value))
		list := unitSettings([]byte(before + "\n[Fuzz]\nKey=" + value + "\n"))
		want := unitSetting{"Fuzz", "Key", value, strings.Count(before, "\n") + 3}
		if got := list[len(list)-1]; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestPresets holds which rule counts. What systemd 252 makes of each was looked at with
// systemctl --root preset-all.
func TestPresets(t *testing.T) {
	const etc, usr = "etc/systemd/system-preset/", "usr/lib/systemd/system-preset/"
	for name, c := range map[string]struct {
		host files
		want Preset
	}{
		"none":             {want: Preset{Verb: "enable"}},
		"others":           {host: files{usr + "90.preset": "disable docker\ndisable docker.socket\n"}, want: Preset{Verb: "enable"}},
		"all":              {host: files{usr + "90.preset": "\n; x\n disable   *\n"}, want: Preset{"disable", "/" + usr + "90.preset", 3}},
		"the first":        {host: files{usr + "90.preset": "enable docker.*\ndisable docker.service\n"}, want: Preset{"enable", "/" + usr + "90.preset", 1}},
		"by the name":      {host: files{usr + "10.preset": "enable docker.service\n", etc + "90.preset": "disable *\n"}, want: Preset{"enable", "/" + usr + "10.preset", 1}},
		"hidden":           {host: files{usr + "90.preset": "disable *\n", etc + "90.preset": "-> /dev/null"}, want: Preset{Verb: "enable"}},
		"more than one":    {host: files{usr + "90.preset": "disable docker.service x.service\nenable docker.service # x\n"}, want: Preset{Verb: "enable"}},
		"another name":     {host: files{usr + "90.conf": "disable *\n"}, want: Preset{Verb: "enable"}},
		"not of a class":   {host: files{usr + "90.preset": "disable [!e]ocker.service"}, want: Preset{"disable", "/" + usr + "90.preset", 1}},
		"ignored":          {host: files{usr + "90.preset": "ignore docker.service"}, want: Preset{"ignore", "/" + usr + "90.preset", 1}},
		"nothing to link":  {host: files{unitFile: "[Service]\nExecStart=/x\n", usr + "90.preset": "disable *"}, want: Preset{Verb: "static"}},
		"linked by a file": {host: files{unitFile: "[Service]\nExecStart=/x\n", unitFile + ".d/x.conf": "[Install]\nRequiredBy=x.target\n"}, want: Preset{Verb: "enable"}},
	} {
		t.Run(name, func(t *testing.T) {
			docker := files{unitFile: "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n"}
			equal(t, findService(t, servicesOf(tree(t, docker, c.host), false), "docker.service").Preset, &c.want)
		})
	}
	equal(t, findService(t, servicesOf(tree(t, files{unitFile: someUnit, "etc/machine-id": ""}), false), "docker.service").Preset, (*Preset)(nil))
	missing(t, servicesOf(tree(t, files{unitFile: someUnit, "etc/systemd/system-preset": "a file"}), false), "not a directory")
}
