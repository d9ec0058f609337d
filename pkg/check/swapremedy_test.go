package check

import (
	"strings"
	"testing"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// swapRemedies holds what is printed for each state of swap.
func swapRemedies() []remedyCase {
	type change = func(f *host.Facts, c *host.Container)
	disk := func(edit func(d *host.Disk)) change { // on a VM without swap
		return func(f *host.Facts, _ *host.Container) {
			f.Swaps.Value, f.Fstab.Value = nil, nil
			edit(&f.Disks[0].Value)
		}
	}
	facts := func(edit func(f *host.Facts)) change { return func(f *host.Facts, _ *host.Container) { edit(f) } }
	area := func(edit func(f *host.Facts, a *host.SwapArea)) change { // with an active swapfile that nothing configures
		return func(f *host.Facts, _ *host.Container) {
			f.Fstab.Value = nil
			edit(f, &f.Swaps.Value[0])
		}
	}
	// listed is a VM without active swap whose fstab has a line for each of these.
	listed := func(exists bool, specs ...string) change {
		return func(f *host.Facts, _ *host.Container) {
			f.Swaps.Value, f.Fstab.Value = nil, nil
			for i, spec := range specs {
				f.Fstab.Value = append(f.Fstab.Value, host.FstabSwap{Line: i + 1, Spec: spec, Exists: host.Known(exists, spec)})
			}
		}
	}
	cos := func(f *host.Facts) { f.System.Value.OS = "Container-Optimized OS from Google" }
	const (
		enable  = "sudo vmguard swap enable"
		takeOut = "take the line out of /etc/fstab"
	)
	return []remedyCase{
		{"ext4", "swap-enabled", disk(func(*host.Disk) {}), enable + " --size 2G", "2.0 GiB"},
		{"XFS", "swap-enabled", disk(func(d *host.Disk) { d.FS = "xfs" }), enable + " --size 2G", "2.0 GiB"},
		{"btrfs", "swap-enabled", disk(func(d *host.Disk) { d.FS = "btrfs" }), enable + " --size 2G", "2.0 GiB"},
		{"an unknown filesystem", "swap-enabled", disk(func(d *host.Disk) { d.FS = "" }), enable + " --size 2G", "2.0 GiB"},
		{"more RAM", "swap-enabled", facts(func(f *host.Facts) {
			f.Swaps.Value, f.Fstab.Value, f.Memory.Value.Total = nil, nil, 16*gib
		}), enable + " --size 4G", "4.0 GiB"},
		{"little room", "swap-enabled", disk(func(d *host.Disk) { d.Free = 5 * gib }), enable + " --size 1G", "1.0 GiB"},
		{"less room", "swap-enabled", disk(func(d *host.Disk) { d.Size, d.Free = 8*gib, 1600*mib }), enable + " --size 512M", "512 MiB"},
		{"no room", "swap-enabled", disk(func(d *host.Disk) { d.Free = 4 * gib }), "", "free disk space first: / has only 4.0 GiB left"},
		{"ZFS", "swap-enabled", disk(func(d *host.Disk) { d.FS = "zfs" }), "", "/ is ZFS, on which a swapfile does not work: put a swapfile on another disk, with vmguard swap enable --file, or"},
		{"a live system", "swap-enabled", disk(func(d *host.Disk) { d.FS = "overlay" }), "", "/ is overlay"},
		{"read-only root", "swap-enabled", disk(func(d *host.Disk) { d.ReadOnly = true }), "", "/ cannot be written"},
		{"Container-Optimized OS", "swap-enabled", facts(func(f *host.Facts) {
			f.Swaps.Value, f.Fstab.Value, f.Disks[0].Value.ReadOnly = nil, nil, true
			cos(f)
		}), "", "vmguard swap enable --no-persist --file /var/swapfile"},
		{"in a container", "swap-enabled", facts(func(f *host.Facts) {
			f.Swaps.Value, f.Fstab.Value, f.System.Value.Container = nil, nil, "docker"
		}), "", "on the VM itself"},
		{"no disk known", "swap-enabled", facts(func(f *host.Facts) { f.Swaps.Value, f.Fstab.Value, f.Disks = nil, nil, nil }), "", "how much room"},
		{"a swapfile is listed", "swap-enabled", listed(true, "/swapfile"), enable, "not active"},
		{"another swapfile is listed", "swap-enabled", listed(true, "/data/swap 1"), enable + " --file '/data/swap 1'", "not active"},
		{"a link to one is listed", "swap-enabled", facts(func(f *host.Facts) {
			f.Swaps.Value, f.Fstab.Value[0].Spec, f.Fstab.Value[0].Target = nil, "/swap.link", "/data/swapfile"
		}), enable + " --file /data/swapfile", "not active"},
		{"a device is listed", "swap-enabled", listed(true, "/dev/vdb"), "sudo swapon -a", "not active"},
		{"a link to a device is listed", "swap-enabled", facts(func(f *host.Facts) {
			f.Swaps.Value, f.Fstab.Value[0].Spec, f.Fstab.Value[0].Target = nil, "/swapdisk", "/dev/vdb"
		}), "sudo swapon -a", "not active"},
		{"a tag is listed", "swap-enabled", listed(true, "UUID=12-34"), "sudo swapon -a", "not active"},
		{"a listed swapfile is gone", "swap-enabled", listed(false, "/swapfile"), enable + " --size 2G", "2.0 GiB"},

		{"/swapfile", "swap-persistent", area(func(*host.Facts, *host.SwapArea) {}), enable, "fstab"},
		{"a name with blanks", "swap-persistent", area(func(_ *host.Facts, a *host.SwapArea) { a.Path = "/swap file" }), enable + " --file '/swap file'", "fstab"},
		{"a hostile name", "swap-persistent", area(func(_ *host.Facts, a *host.SwapArea) { a.Path = "/s';reboot;'" }), enable + ` --file '/s'\'';reboot;'\'''`, "fstab"},
		{"a name that the command refuses", "swap-persistent", area(func(_ *host.Facts, a *host.SwapArea) { a.Path = "/swap\tfile" }),
			`printf '\n%s\n' '/swap\011file none swap sw,nofail 0 0' | sudo tee -a /etc/fstab`, "fstab"},
		{"somebody else's", "swap-persistent", area(func(_ *host.Facts, a *host.SwapArea) { a.Path, a.File.Value.UID = "/data/s", 1000 }),
			"sudo chown root:root /data/s && " + enable + " --file /data/s", "fstab"},
		{"a partition", "swap-persistent", area(func(_ *host.Facts, a *host.SwapArea) {
			*a = host.SwapArea{Path: "/dev/nvme1n1p2", Type: "partition", Aliases: []string{"PARTUUID=9", "UUID=12-34"}}
		}), `printf '\n%s\n' 'UUID=12-34 none swap sw,nofail 0 0' | sudo tee -a /etc/fstab`, "fstab"},
		{"a volume", "swap-persistent", area(func(_ *host.Facts, a *host.SwapArea) {
			*a = host.SwapArea{Path: "/dev/dm-0", Type: "partition", Aliases: []string{`/dev/mapper/a\x20b`}}
		}), `printf '\n%s\n' '/dev/mapper/a\134x20b none swap sw,nofail 0 0' | sudo tee -a /etc/fstab`, "fstab"},
		{"on Container-Optimized OS", "swap-persistent", area(func(f *host.Facts, a *host.SwapArea) { a.Path = "/var/swapfile"; cos(f) }), "", "start-up configuration"},
		{"listed twice", "swap-persistent", facts(func(f *host.Facts) { f.Fstab.Value = append(f.Fstab.Value, f.Fstab.Value[0]) }), enable, "keep one"},
		{"another one listed twice", "swap-persistent", facts(func(f *host.Facts) {
			f.Swaps.Value[0].Path, f.Fstab.Value[0].Spec = "/data/s", "/data/s"
			f.Fstab.Value = append(f.Fstab.Value, f.Fstab.Value[0])
		}), enable + " --file /data/s", "keep one"},
		{"a partition listed twice", "swap-persistent", facts(func(f *host.Facts) {
			f.Swaps.Value[0], f.Fstab.Value[0].Spec = host.SwapArea{Path: "/dev/vdb", Type: "partition"}, "/dev/vdb"
			f.Fstab.Value = append(f.Fstab.Value, f.Fstab.Value[0])
		}), "", "keep one"},
		{"listed and not active", "swap-persistent", listed(true, "/swapfile"), enable, "activate"},
		{"on Container-Optimized OS, listed and not active", "swap-persistent", facts(func(f *host.Facts) {
			f.Swaps.Value, f.Fstab.Value[0].Spec = nil, "/var/swapfile"
			cos(f)
		}), enable + " --no-persist --file /var/swapfile", "activate"},
		{"a device listed and not active", "swap-persistent", listed(true, "/dev/vdb"), "sudo swapon -a", "activate"},
		{"listed and gone", "swap-persistent", listed(false, "/swapfile"), enable + " --size 2G", "make it again, or " + takeOut},
		{"another one listed and gone", "swap-persistent", listed(false, "/data/s"), enable + " --file /data/s", "mount that first"},
		{"listed and gone, no room", "swap-persistent", func(f *host.Facts, c *host.Container) {
			listed(false, "/swapfile")(f, c)
			f.Disks[0].Value.Free = 0
		}, "", "free disk space first"},
		{"listed and gone, RAM not known", "swap-persistent", func(f *host.Facts, c *host.Container) {
			listed(false, "/swapfile")(f, c)
			f.Memory = host.Missing[host.Memory]("truncated")
		}, "", "how much RAM"},
		{"a device listed and gone", "swap-persistent", listed(false, "/dev/vdb"), "", takeOut},
		{"a tag listed and gone", "swap-persistent", listed(false, "UUID=12-34"), "", takeOut},
		{"no plain path listed and gone", "swap-persistent", listed(false, "/data/../s"), "", takeOut},
		{"deleted while in use", "swap-persistent", area(func(_ *host.Facts, a *host.SwapArea) { a.Deleted = true }), enable + " --size 2G", "next reboot"},

		{"too open", "swap-permissions", facts(func(f *host.Facts) { f.Swaps.Value[0].File.Value.Mode = 0o644 }), enable, "root's alone; the command also sees to its line"},
		{"another one too open", "swap-permissions", facts(func(f *host.Facts) {
			f.Swaps.Value[0].Path, f.Swaps.Value[0].File.Value.Mode = "/data/it's", 0o644
		}), enable + ` --file '/data/it'\''s'`, "root's alone"},
		{"too open on Container-Optimized OS", "swap-permissions", facts(func(f *host.Facts) {
			f.Swaps.Value[0].Path, f.Swaps.Value[0].File.Value.Mode = "/var/s", 0o640
			cos(f)
		}), enable + " --no-persist --file /var/s", "root's alone"},
		{"of somebody else", "swap-permissions", facts(func(f *host.Facts) { f.Swaps.Value[0].File.Value.UID = 1000 }),
			"sudo chown root:root /swapfile && sudo chmod 600 /swapfile", "root's alone"},
		{"too open, a name that the command refuses", "swap-permissions", facts(func(f *host.Facts) {
			f.Swaps.Value[0].Path, f.Swaps.Value[0].File.Value.Mode = "/s\n", 0o644
		}), "", "cannot be typed"},
	}
}

// TestSwapRemediesInAContainer holds that a container is told of no command, since it has
// no swap of its own and shows files that are not the VM's.
func TestSwapRemediesInAContainer(t *testing.T) {
	for _, tt := range swapRemedies() {
		f := healthy()
		tt.change(f, &f.Containers.Value[0])
		f.System.Value.Container = "docker"
		c, err := Find(tt.id)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range Run([]Check{c}, f, DefaultPolicy(checkedAt)) {
			if got.Remedy != nil && strings.Contains(got.Remedy.Command, "sudo") || tt.id != "swap-enabled" && got.Status == finding.Fail {
				t.Errorf("%s/%s: %+v", tt.id, tt.name, got)
			}
		}
	}
}
