package host

import "testing"

func TestReadSwapOff(t *testing.T) {
	const (
		systemd = "usr/lib/systemd/systemd"
		target  = "etc/systemd/system/swap.target"
	)
	grub := func(params string) files {
		return files{"boot/grub/grub.cfg": "menuentry x {\n\tlinux /vmlinuz ro " + params + "\n}\n"}
	}
	const grubFile, nowhere = "/boot/grub/grub.cfg", "systemd's units and the kernel's parameters"
	alpine := files{"etc/init.d/swap": "#!/sbin/openrc-run\n", "etc/runlevels/boot/": ""}
	for name, c := range map[string]struct {
		host         []files
		want, source string
	}{
		"nothing":             {[]files{{systemd: ""}}, "", nowhere},
		"masked":              {[]files{{systemd: "", target: "-> /dev/null"}}, "swap.target is masked", "/" + target},
		"masked, no systemd":  {[]files{{target: "-> /dev/null"}}, "", nowhere},
		"a parameter":         {[]files{grub("systemd.swap=No"), {systemd: ""}}, "the kernel's parameter systemd.swap=No has systemd leave fstab's swap alone", grubFile},
		"the last counts":     {[]files{grub("systemd.swap=0 systemd.swap"), {systemd: ""}}, "", nowhere},
		"no parameter of it":  {[]files{grub("noswap"), {systemd: ""}}, "", nowhere},
		"noswap":              {[]files{grub("noswap")}, "the kernel's parameter noswap has start-up scripts leave swap alone", grubFile},
		"not yet":             {[]files{grub("ro"), {systemd: "", "etc/default/grub": "GRUB_CMDLINE_LINUX=systemd.swap=0\n"}}, "", nowhere},
		"OpenRC":              {[]files{alpine}, "OpenRC activates swap by its service swap, which is in no runlevel (rc-update add swap boot)", "/etc/runlevels"},
		"OpenRC with it":      {[]files{alpine, {"etc/runlevels/boot/swap": "-> /etc/init.d/swap"}}, "", nowhere},
		"OpenRC's files only": {[]files{alpine, {systemd: ""}}, "", nowhere},
	} {
		t.Run(name, func(t *testing.T) {
			fs := tree(t, c.host...)
			equal(t, readSwapOff(fs, readCmdline(fs).Value), Known(c.want, c.source))
		})
	}
}
