package host

import (
	"cmp"
	"testing"
)

func TestReadSwapOff(t *testing.T) {
	const (
		systemd = "usr/lib/systemd/systemd"
		target  = "etc/systemd/system/swap.target"
	)
	grub := func(params string) files {
		return files{"boot/grub/grub.cfg": "menuentry x {\n\tlinux /vmlinuz ro " + params + "\n}\n"}
	}
	const grubFile = "/boot/grub/grub.cfg"
	alpine := files{"etc/init.d/swap": "#!/sbin/openrc-run\n", "etc/runlevels/boot/": ""}
	for name, c := range map[string]struct {
		host []files
		why  string // empty for nothing
	}{
		"nothing":             {[]files{{systemd: ""}}, ""},
		"masked":              {[]files{{systemd: "", target: "-> /dev/null"}}, "/" + target + " masks it"},
		"masked by a package": {[]files{{systemd: "", "usr/lib/systemd/system/swap.target": "-> /dev/null"}}, "/usr/lib/systemd/system/swap.target masks it"},
		"not masked in /etc":  {[]files{{systemd: "", target: "[Unit]\n", "usr/lib/systemd/system/swap.target": "-> /dev/null"}}, ""},
		"masked, no systemd":  {[]files{{target: "-> /dev/null"}}, ""},
		"a parameter":         {[]files{grub("systemd.swap=No"), {systemd: ""}}, grubFile + " gives the kernel systemd.swap=No"},
		"the last counts":     {[]files{grub("systemd.swap=0 systemd.swap"), {systemd: ""}}, ""},
		"no parameter of it":  {[]files{grub("noswap"), {systemd: ""}}, ""},
		"noswap":              {[]files{grub("noswap")}, grubFile + " gives the kernel noswap"},
		"not yet":             {[]files{grub("ro"), {systemd: "", "etc/default/grub": "GRUB_CMDLINE_LINUX=systemd.swap=0\n"}}, ""},
		"OpenRC":              {[]files{alpine}, "no runlevel of OpenRC has the service swap (rc-update add swap boot)"},
		"OpenRC with it":      {[]files{alpine, {"etc/runlevels/boot/swap": "-> /etc/init.d/swap"}}, ""},
		"OpenRC's files only": {[]files{alpine, {systemd: ""}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fs := tree(t, c.host...)
			equal(t, readSwapOff(fs), Known(c.why != "", cmp.Or(c.why, "systemd's units and the kernel's parameters")))
		})
	}
}
