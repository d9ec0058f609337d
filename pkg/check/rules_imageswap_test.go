package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// healthySwapConf adds what a healthy VM has to the facts.
func healthySwapConf(f *host.Facts) {
	f.SwapFiles = host.Known([]host.BakedSwap{}, "the usual places")
	f.SwapOff = host.Known(false, "/boot/grub/grub.cfg")
	f.CloudInit = host.Known(host.CloudInit{Installed: true, ConfDir: "/etc/cloud/cloud.cfg.d", MountsModule: true}, "/etc/cloud")
}

// swapImage makes the facts those of an image that has Docker, cloud-init and no swap.
func swapImage(f *host.Facts) {
	f.Image = true
	f.Swaps = host.Fact[[]host.SwapArea]{}
	f.Fstab.Value = nil
}

// bakedFile is a swapfile of 1 GiB that lies in an image.
func bakedFile(path string) host.BakedSwap {
	return host.BakedSwap{Path: path, Size: gib, Allocated: gib, Mode: 0o600,
		Header: &host.SwapHeader{PageSize: 4096, Signature: "SWAPSPACE2", Valid: true, Size: gib}}
}

func cloudSwap() *host.CloudSwap {
	return &host.CloudSwap{Filename: "/swap.img", Size: "2G", Bytes: 2 * gib, File: "/etc/cloud/cloud.cfg.d/50-swap.cfg", Line: 2}
}

// inImage changes the facts of an image.
func inImage(changes ...func(f *host.Facts)) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) {
		swapImage(f)
		for _, change := range changes {
			change(f)
		}
	}
}

// onHost changes the facts of a running host.
func onHost(change func(f *host.Facts)) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) { change(f) }
}

// baking puts a swapfile into the image, changed.
func baking(path string, change func(b *host.BakedSwap)) func(f *host.Facts) {
	return func(f *host.Facts) {
		b := bakedFile(path)
		change(&b)
		f.SwapFiles.Value = append(f.SwapFiles.Value, b)
	}
}

func asIs(*host.BakedSwap) {}

// listing adds a line to fstab that leads to a target; an empty one is not there.
func listing(spec, target string) func(f *host.Facts) {
	return func(f *host.Facts) {
		line := host.FstabSwap{Line: len(f.Fstab.Value) + 3, Spec: spec, Target: target, Exists: host.Known(target != "", spec)}
		if spec[0] != '/' {
			line.Exists = host.Missing[bool]("devices can only be looked up on the running host")
		}
		f.Fstab.Value = append(f.Fstab.Value, line)
	}
}

func cloud(change func(c *host.CloudInit)) func(f *host.Facts) {
	return func(f *host.Facts) { change(&f.CloudInit.Value) }
}

func imageSwapRules() map[string][]ruleCase {
	commands := func(found bool) func(*host.CloudInit) {
		return func(c *host.CloudInit) {
			c.Commands = []host.BootCommand{{Program: "vmguard", Found: found, File: "/etc/cloud/cloud.cfg.d/x.cfg", Line: 2}}
		}
	}
	swapped := cloud(func(c *host.CloudInit) { c.Swap = cloudSwap() })
	masked := func(f *host.Facts) { f.SwapOff = host.Known(true, "/etc/x masks it") }
	unread := func(f *host.Facts) { f.SwapOff = host.Missing[bool]("denied") }
	all := map[string][]ruleCase{
		"swap-enabled": {
			{"image, held back", inImage(swapped, masked), []outcome{isUnknown("but may not be activated: /etc/x masks it")}},
			{"image, held back or not", inImage(swapped, unread), []outcome{isUnknown("whether something keeps it from being activated cannot be told: denied")}},
			{"image, held back but for a command", inImage(cloud(commands(true)), masked), []outcome{passes("a command of")}},
			{"image, none to be held back", inImage(masked), []outcome{fails(finding.Warning, "has no swap")}},
			{"image, none, Docker", inImage(), []outcome{fails(finding.Warning, "has no swap, and Docker is installed")}},
			{"image, none, no Docker", inImage(func(f *host.Facts) { f.DockerInstalled.Value = false }), []outcome{fails(finding.Info, "has no swap")}},
			{"image, none, Docker not known", inImage(func(f *host.Facts) { f.DockerInstalled = host.Missing[bool]("denied") }), []outcome{isUnknown("denied")}},
			{"image, a swapfile", inImage(baking("/swapfile", asIs), listing("/swapfile", "/swapfile")), []outcome{passes("/swapfile (/etc/fstab:3)")}},
			{"image, a swapfile by a link", inImage(baking("/data/s", asIs), listing("/s", "/data/s")), []outcome{passes("/s (/etc/fstab:3)")}},
			{"image, a swapfile that nothing names", inImage(baking("/swapfile", asIs)), []outcome{fails(finding.Warning, "has no swap")}},
			{"image, a swapfile without header", inImage(baking("/swapfile", func(b *host.BakedSwap) { b.Header = nil }), listing("/swapfile", "/swapfile")), []outcome{fails(finding.Warning, "has no swap")}},
			{"image, a swapfile that is gone", inImage(listing("/swapfile", "")), []outcome{fails(finding.Warning, "has no swap")}},
			{"image, a swapfile with holes", inImage(baking("/swapfile", func(b *host.BakedSwap) { b.Allocated = mib }), listing("/swapfile", "/swapfile")), []outcome{isUnknown("it has holes")}},
			{"image, a device", inImage(listing("UUID=12", "")), []outcome{isUnknown("/etc/fstab:3 names UUID=12, and an image does not show")}},
			{"image, a device by its name", inImage(listing("/dev/vdb", "")), []outcome{isUnknown("does not show")}},
			{"image, a unit", inImage(baking("/s", asIs), func(f *host.Facts) {
				f.Units.Value = []host.SwapUnit{{Name: "s.swap", Path: "/etc/systemd/system/s.swap", What: "/s", Target: "/s", Enabled: true}}
			}), []outcome{passes("/s (/etc/systemd/system/s.swap)")}},
			{"image, a unit that nothing pulls in", inImage(baking("/s", asIs), func(f *host.Facts) {
				f.Units.Value = []host.SwapUnit{{Name: "s.swap", What: "/s", Target: "/s"}}
			}), []outcome{fails(finding.Warning, "has no swap")}},
			{"image, zram", inImage(func(f *host.Facts) { f.ZramConf.Value = true }), []outcome{passes("zram")}},
			{"image, cloud-init", inImage(swapped), []outcome{passes("cloud-init (/swap.img)")}},
			{"image, cloud-init with a size of newer versions", inImage(cloud(func(c *host.CloudInit) { c.Swap = cloudSwap(); c.Swap.Size, c.Swap.Bytes = "2GiB", 0 })), []outcome{isUnknown("only newer versions")}},
			{"image, cloud-init that is off", inImage(swapped, cloud(func(c *host.CloudInit) { c.DisabledBy = "/etc/cloud/cloud-init.disabled" })), []outcome{fails(finding.Warning, "has no swap")}},
			{"image, cloud-init without its module", inImage(swapped, cloud(func(c *host.CloudInit) { c.MountsModule = false })), []outcome{fails(finding.Warning, "has no swap")}},
			{"image, cloud-init with a device", inImage(cloud(func(c *host.CloudInit) { c.SwapMounts = []host.CloudMount{{Device: "vdb", File: "/x", Line: 1}} })), []outcome{isUnknown("vdb")}},
			{"image, a command", inImage(cloud(commands(true))), []outcome{passes("a command of /etc/cloud/cloud.cfg.d/x.cfg")}},
			{"image, a command that is not there", inImage(cloud(commands(false))), []outcome{isUnknown("runs vmguard, which is not in the image")}},
			{"image, Azure", inImage(cloud(func(c *host.CloudInit) { c.Azure = &host.AzureSwap{File: "/etc/waagent.conf", Line: 9, SizeMB: 1024} })), []outcome{isUnknown("Azure")}},
			{"image, user-data in parts", inImage(cloud(func(c *host.CloudInit) { c.Unread = "/seed" })), []outcome{isUnknown("/seed")}},
			{"image, cloud-init not readable", inImage(func(f *host.Facts) { f.CloudInit = host.Missing[host.CloudInit]("x.cfg:3: not the YAML") }), []outcome{isUnknown("x.cfg:3")}},
			{"image, fstab not readable", inImage(func(f *host.Facts) { f.Fstab = host.Missing[[]host.FstabSwap]("denied") }), []outcome{isUnknown("/etc/fstab cannot be read: denied")}},
			{"image, not readable but enough known", inImage(swapped, func(f *host.Facts) { f.Fstab = host.Missing[[]host.FstabSwap]("denied") }), []outcome{passes("cloud-init")}},
			{"image, kubelet", inImage(func(f *host.Facts) {
				f.Services = host.Known([]host.Service{{Name: "kubelet.service", Enabled: true}}, "units")
			}), []outcome{isSkipped("kubelet.service")}},
			{"image, kubelet of a snap", inImage(func(f *host.Facts) {
				f.Services = host.Known([]host.Service{{Name: "snap.kubelet.daemon.service", Enabled: true}}, "units")
			}), []outcome{isSkipped("snap.kubelet.daemon.service")}},
		},
		"swap-persistent": {
			{"image, nothing", inImage(), []outcome{isSkipped("neither")}},
			{"image, held back", inImage(baking("/swapfile", asIs), listing("/swapfile", "/swapfile"), masked), []outcome{isUnknown("/etc/x masks it")}},
			{"image, held back or not", inImage(baking("/swapfile", asIs), listing("/swapfile", "/swapfile"), unread), []outcome{isUnknown("denied")}},
			{"image, all is there", inImage(baking("/swapfile", asIs), listing("/swapfile", "/swapfile")), []outcome{passes("is there")}},
			{"image, gone", inImage(listing("/swapfile", "")), []outcome{fails(finding.Warning, "/etc/fstab:3 wants swap on /swapfile, which does not exist in the image: this swap will be missing, and without")}},
			{"image, gone, nofail", inImage(listing("/swapfile", ""), func(f *host.Facts) { f.Fstab.Value[0].NoFail = true }), []outcome{endsWith(finding.Warning, "this swap will be missing")}},
			{"image, gone, noauto", inImage(listing("/swapfile", ""), func(f *host.Facts) { f.Fstab.Value[0].NoAuto = true }), []outcome{isSkipped("neither")}},
			{"image, cloud-init makes it", inImage(listing("/swap.img", ""), swapped), []outcome{passes("made at the first boot")}},
			{"image, cloud-init makes another", inImage(listing("/s", ""), swapped), []outcome{fails(finding.Warning, "/s")}},
			{"image, a command may make it", inImage(listing("/s", ""), cloud(commands(true))), []outcome{isUnknown("whether something makes it")}},
			{"image, no header", inImage(baking("/s", func(b *host.BakedSwap) { b.Header = nil }), listing("/s", "/s")), []outcome{fails(finding.Warning, "has no swap header")}},
			{"image, a suspended system", inImage(baking("/s", func(b *host.BakedSwap) { *b.Header = host.SwapHeader{Signature: "S1SUSPEND"} }), listing("/s", "/s")), []outcome{fails(finding.Warning, "S1SUSPEND")}},
			{"image, a directory", inImage(listing("/s", "/s")), []outcome{fails(finding.Warning, "is no swapfile")}},
			{"image, twice", inImage(baking("/s", asIs), listing("/s", "/s"), listing("/link", "/s")), []outcome{fails(finding.Info, "lists /s 2 times, first on line 3")}},
			{"image, a device", inImage(listing("LABEL=swap", "")), []outcome{isUnknown("does not show")}},
			{"image, a unit whose file is gone", inImage(func(f *host.Facts) {
				f.Units.Value = []host.SwapUnit{{Name: "s.swap", Path: "/etc/systemd/system/s.swap", What: "/s", Enabled: true}}
			}), []outcome{endsWith(finding.Warning, "this swap will be missing")}},
			{"image, units not readable", inImage(func(f *host.Facts) { f.Units = host.Missing[[]host.SwapUnit]("denied") }), []outcome{isUnknown("denied")}},
			{"image, files not looked at", inImage(listing("/s", "/s"), func(f *host.Facts) { f.SwapFiles = host.Missing[[]host.BakedSwap]("denied") }), []outcome{isUnknown("denied")}},
		},
		"swap-permissions": {
			{"image, none", inImage(), []outcome{isSkipped("no swapfile lies")}},
			{"image, 0600", inImage(baking("/s", asIs)), []outcome{passes("root's alone")}},
			{"image, world-readable", inImage(baking("/s", func(b *host.BakedSwap) { b.Mode = 0o644 })), []outcome{fails(finding.Critical, "/s is not root's alone")}},
			{"image, somebody else's", inImage(baking("/s", func(b *host.BakedSwap) { b.UID = 33 })), []outcome{fails(finding.Critical, "/s is not root's alone")}},
			{"image, not looked at", inImage(func(f *host.Facts) { f.SwapFiles = host.Missing[[]host.BakedSwap]("denied") }), []outcome{isUnknown("denied")}},
		},
		"swap-baked-in": {
			{"a running host", nil, []outcome{isSkipped("about images")}},
			{"none", inImage(), []outcome{passes("no swapfile lies in the image")}},
			{"one", inImage(baking("/swapfile", asIs)), []outcome{fails(finding.Warning, "/swapfile, 1.0 GiB long; it swells the image by 1.0 GiB; it may hold memory")}},
			{"two", inImage(baking("/a", asIs), baking("/b", asIs)), []outcome{fails(finding.Warning, "/a"), fails(finding.Warning, "/b")}},
			{"with holes", inImage(baking("/s", func(b *host.BakedSwap) { b.Allocated = 4096 })), []outcome{fails(finding.Warning, "it takes up 4.0 KiB: it has holes")}},
			{"no header", inImage(baking("/s", func(b *host.BakedSwap) { b.Header = nil })), []outcome{endsWith(finding.Warning, "it has no swap header")}},
			{"cannot look", inImage(func(f *host.Facts) { f.SwapFiles = host.Missing[[]host.BakedSwap]("/var: denied") }), []outcome{isUnknown("/var: denied")}},
		},
	}
	all["cloud-init-swap"] = cloudInitSwapRules(swapped)
	return all
}

func cloudInitSwapRules(swapped func(*host.Facts)) []ruleCase {
	alone := func(changes ...func(f *host.Facts)) func(*host.Facts, *host.Container) { // a running host without other swap
		return onHost(func(f *host.Facts) {
			f.Fstab.Value = nil
			for _, change := range append(changes, swapped) {
				change(f)
			}
		})
	}
	size := func(text string) func(f *host.Facts) {
		return cloud(func(c *host.CloudInit) { c.Swap = cloudSwap(); c.Swap.Size, c.Swap.Bytes = text, 0 })
	}
	return []ruleCase{
		{"no section", nil, []outcome{passes("makes no swapfile")}},
		{"image, no section", inImage(), []outcome{passes("makes no swapfile")}},
		{"no cloud-init", inImage(cloud(func(c *host.CloudInit) { *c = host.CloudInit{} })), []outcome{isSkipped("not installed")}},
		{"alone", alone(), []outcome{passes("nothing else makes swap")}},
		{"image, alone", inImage(swapped), []outcome{passes("nothing else makes swap")}},
		{"next to another", onHost(swapped), []outcome{fails(finding.Warning, "cloud-init makes /swap.img at a VM's first boot, next to swap that is set up already: /swapfile (/etc/fstab:3)")}},
		{"image, next to another", inImage(swapped, baking("/s", asIs), listing("/s", "/s")), []outcome{fails(finding.Warning, "/s (/etc/fstab:3)")}},
		{"image, next to one that is gone", inImage(swapped, listing("/s", "")), []outcome{passes("nothing else")}},
		{"next to one that is gone", alone(listing("/s", "")), []outcome{passes("nothing else")}},
		{"next to a unit", alone(func(f *host.Facts) {
			f.Units.Value = []host.SwapUnit{{Name: "s.swap", Path: "/etc/systemd/system/s.swap", What: "/s", Target: "/s", Enabled: true}}
		}), []outcome{fails(finding.Warning, "What=/s (/etc/systemd/system/s.swap)")}},
		{"next to zram", alone(func(f *host.Facts) { f.ZramConf.Value = true }), []outcome{fails(finding.Info, "zram")}},
		{"the same", alone(listing("/swap.img", "/swap.img")), []outcome{passes("cloud-init and /etc/fstab:3 mean the same swapfile")}},
		{"the same, and off since", alone(listing("/swap.img", "/swap.img"), cloud(func(c *host.CloudInit) { c.DisabledBy = "/etc/cloud/cloud-init.disabled" })), []outcome{passes("the same")}},
		{"off", inImage(swapped, cloud(func(c *host.CloudInit) { c.DisabledBy = "/etc/cloud/cloud-init.disabled" })), []outcome{fails(finding.Warning, "will not: /etc/cloud/cloud-init.disabled switches it off")}},
		{"off by the kernel", inImage(swapped, cloud(func(c *host.CloudInit) { c.DisabledBy = "cloud-init=disabled in /boot/grub/grub.cfg" })), []outcome{fails(finding.Warning, "will not: cloud-init=disabled in /boot/grub/grub.cfg switches it off")}},
		{"without its module", inImage(swapped, cloud(func(c *host.CloudInit) { c.MountsModule = false })), []outcome{fails(finding.Warning, "module mounts")}},
		{"on ZFS", alone(func(f *host.Facts) { f.Disks[0].Value.FS = "zfs" }), []outcome{fails(finding.Warning, "will not: / is ZFS")}},
		{"size 0", inImage(size("0")), []outcome{passes("makes no swapfile")}},
		{"a size that is none", inImage(size("2g")), []outcome{fails(finding.Warning, "the size 2g is none that all versions of it understand")}},
		{"not readable", inImage(func(f *host.Facts) { f.CloudInit = host.Missing[host.CloudInit]("x.cfg:3: not the YAML") }), []outcome{isUnknown("x.cfg:3")}},
		{"fstab not readable", inImage(swapped, func(f *host.Facts) { f.Fstab = host.Missing[[]host.FstabSwap]("denied") }), []outcome{isUnknown("denied")}},
		{"units not readable", inImage(swapped, func(f *host.Facts) { f.Units = host.Missing[[]host.SwapUnit]("denied") }), []outcome{isUnknown("denied")}},
	}
}
