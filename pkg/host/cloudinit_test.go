package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vmguard/pkg/rootfs"
)

// distro is what Debian's package of cloud-init says of modules.
const distro = `users: [default]
cloud_init_modules: [migrator, bootcmd, write-files, disk_setup, mounts, set_hostname]
cloud_config_modules:
  - [locale, always]
  - runcmd
cloud_final_modules: [package-update-upgrade-install, scripts-user]
`

// executable makes programs of files of a tree.
func executable(t *testing.T, fs *rootfs.FS, names ...string) *rootfs.FS {
	t.Helper()
	for _, name := range names {
		if err := os.Chmod(filepath.Join(fs.Dir(), name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

// cloudTree is a tree with cloud-init, swapon and some files.
func cloudTree(t *testing.T, more files) *rootfs.FS {
	t.Helper()
	own := files{"usr/bin/cloud-init": "", "usr/sbin/swapon": ""}
	if _, ok := more["etc/cloud/cloud.cfg"]; !ok {
		own["etc/cloud/cloud.cfg"] = distro
	}
	return executable(t, tree(t, own, more), "usr/bin/cloud-init", "usr/sbin/swapon")
}

func TestCloudSwapMerges(t *testing.T) {
	t.Parallel()
	const (
		cfg  = "etc/cloud/cloud.cfg"
		dir  = "etc/cloud/cloud.cfg.d/"
		seed = "var/lib/cloud/seed/nocloud/user-data"
	)
	for name, c := range map[string]struct {
		files files
		want  *CloudSwap
		makes bool
	}{
		"none":           {nil, nil, false},
		"by the package": {files{cfg: distro + "swap:\n  size: 2G\n"}, &CloudSwap{Filename: "/swap.img", Size: "2G", Bytes: 2 << 30, File: "/" + cfg, Line: 8}, true},
		"a number":       {files{dir + "a.cfg": "swap: {filename: /s, size: 1073741824, maxsize: 3G}"}, &CloudSwap{Filename: "/s", Size: "1073741824", MaxSize: "3G", Bytes: 1 << 30, File: "/" + dir + "a.cfg", Line: 1}, true},
		"auto":           {files{dir + "a.cfg": "swap:\n  filename: /s\n  size: auto\n"}, &CloudSwap{Filename: "/s", Size: "auto", Auto: true, File: "/" + dir + "a.cfg", Line: 3}, true},
		"AUTO":           {files{dir + "a.cfg": "swap: {size: AUTO}"}, &CloudSwap{Filename: "/swap.img", Size: "AUTO", File: "/" + dir + "a.cfg", Line: 1}, false},
		"no size":        {files{dir + "a.cfg": "swap: {filename: /s}"}, &CloudSwap{Filename: "/s", File: "/" + dir + "a.cfg", Line: 1}, false},
		"no name":        {files{dir + "a.cfg": "swap: {filename: null, size: 1G}"}, &CloudSwap{Size: "1G", Bytes: 1 << 30, File: "/" + dir + "a.cfg", Line: 1}, false},
		"later files win, key by key": {files{
			dir + "10-a.cfg": "swap: {filename: /a, size: 1G, maxsize: 4G}",
			dir + "20-b.cfg": "swap:\n  size: 3G\n",
			dir + "30-c.txt": "swap: {filename: /c}",
			cfg:              distro + "swap: {filename: /base}\n",
		}, &CloudSwap{Filename: "/a", Size: "3G", MaxSize: "4G", Bytes: 3 << 30, File: "/" + dir + "20-b.cfg", Line: 2}, true},
		"switched off later": {files{dir + "a.cfg": "swap: {size: 1G}", dir + "b.cfg": "swap:\n  size: 0\n"}, &CloudSwap{Filename: "/swap.img", Size: "0", File: "/" + dir + "b.cfg", Line: 2}, false},
		"no mapping later":   {files{dir + "a.cfg": "swap: {size: 1G}", dir + "b.cfg": "swap: false"}, &CloudSwap{Filename: "/swap.img", File: "/" + dir + "b.cfg", Line: 1}, false},
		"no mapping before":  {files{dir + "a.cfg": "swap: false", dir + "b.cfg": "swap: {size: 1G}"}, &CloudSwap{Filename: "/swap.img", Size: "1G", Bytes: 1 << 30, File: "/" + dir + "b.cfg", Line: 1}, true},
		"a text later":       {files{dir + "a.cfg": "swap: {size: 1G}", dir + "b.cfg": "swap: x"}, &CloudSwap{Filename: "/swap.img", Size: "1G", Bytes: 1 << 30, File: "/" + dir + "a.cfg", Line: 1}, true},
		"user-data wins":     {files{dir + "a.cfg": "swap: {size: 1G}", seed: "#cloud-config\nswap: {size: 4G}\n"}, &CloudSwap{Filename: "/swap.img", Size: "4G", Bytes: 4 << 30, File: "/" + seed, Line: 2}, true},
		"another directory":  {files{cfg: "conf_d: /etc/mine\n", dir + "a.cfg": "swap: {size: 1G}", "etc/mine/x.cfg": "swap: {size: 2G}"}, &CloudSwap{Filename: "/swap.img", Size: "2G", Bytes: 2 << 30, File: "/etc/mine/x.cfg", Line: 1}, true},
		"by a merge key":     {files{dir + "a.cfg": "x: &s {size: 2G, filename: /x}\nswap: {filename: /s, <<: *s}\n"}, &CloudSwap{Filename: "/s", Size: "2G", Bytes: 2 << 30, File: "/" + dir + "a.cfg", Line: 1}, true},
		"by an alias":        {files{dir + "a.cfg": "x: &s {size: 2G}\nswap: *s\n"}, &CloudSwap{Filename: "/swap.img", Size: "2G", Bytes: 2 << 30, File: "/" + dir + "a.cfg", Line: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := cloudInitOf(cloudTree(t, c.files))
			if !got.Known() || !got.Value.Installed {
				t.Fatalf("%+v", got)
			}
			equal(t, got.Value.Swap, c.want)
			equal(t, got.Value.Swap.Makes(), c.makes)
		})
	}
}

// TestCloudBytes holds what handle_swapcfg of cloud-init 22.4.2 makes of these.
func TestCloudBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		"0": 0, "1G": 1 << 30, "2GB": 2 << 30, "512M": 512 << 20, "3.5G": 7 << 29, ".5G": 1 << 29, "1024K": 1 << 20, "2T": 2 << 40, "'1 G'": 1 << 30,
		"1073741824": 1 << 30, `"2147483648"`: 2 << 30, "2_147_483_648": 2 << 30, "0x40000000": 1 << 30, "07777777777": 1<<30 - 1, "1e9": 1e9, "1073741824.0": 1 << 30,
		"2g": 0, "2GiB": 0, "-1G": 0, "5 0": 0, "T": 0, "true": 0, "null": 0, "''": 0, "1048575": 0, "'0x40000000'": 0, "inf": 0, ".nan": 0, "1E30": 0,
	} {
		layer, err := parseCloudConfig("x", []byte("size: "+text))
		if err != nil {
			t.Fatal(err)
		}
		if got := cloudBytes(layer.keys["size"]); got != want {
			t.Errorf("%s is %d bytes, want %d", text, got, want)
		}
	}
}

func TestCloudInitState(t *testing.T) {
	t.Parallel()
	equal(t, cloudInitOf(tree(t)), Known(CloudInit{}, "/etc/cloud"))
	// A package that was removed left its configuration.
	equal(t, cloudInitOf(tree(t, files{"etc/cloud/cloud.cfg": "\t: broken"})), Known(CloudInit{}, "/etc/cloud"))
	equal(t, cloudInitOf(cloudTree(t, nil)).Value, CloudInit{Installed: true, ConfDir: "/etc/cloud/cloud.cfg.d", MountsModule: true})
	equal(t, cloudInitOf(cloudTree(t, files{"etc/cloud/cloud-init.disabled": ""})).Value.DisabledBy, "/etc/cloud/cloud-init.disabled")
	const unit = "/etc/systemd/system/cloud-init.service"
	grub := files{"boot/grub/grub.cfg": "linux /vmlinuz ro cloud-init=disabled\n", "etc/cloud/cloud.cfg.d/x.cfg": "runcmd: [[swapon, -a]]\n"}
	equal(t, cloudInitOf(cloudTree(t, grub)).Value,
		CloudInit{Installed: true, DisabledBy: "cloud-init=disabled in /boot/grub/grub.cfg", ConfDir: "/etc/cloud/cloud.cfg.d", MountsModule: true})
	equal(t, cloudInitOf(cloudTree(t, files{"boot/grub/grub.cfg": "linux /vmlinuz ro cloud-init=enabled\n"})).Value.DisabledBy, "")
	equal(t, cloudInitOf(cloudTree(t, files{unit: "-> /dev/null"})).Value.DisabledBy, unit)
	equal(t, cloudInitOf(cloudTree(t, files{unit: "-> /dev/null", "usr/lib/systemd/system/cloud-init-network.service": "[Unit]\n"})).Value.DisabledBy, "")
	equal(t, cloudInitOf(cloudTree(t, files{"etc/cloud/cloud.cfg.d/x.cfg": "datasource_list: [None]\n"})).Value.DisabledBy, "")
	for list, want := range map[string]bool{
		"cloud_init_modules: [a]": false, "cloud_config_modules: [mounts]": true, "cloud_init_modules: [[cc_mounts, always]]": true,
		"cloud_init_modules:\n- name: mounts\n": true, "cloud_final_modules: [mounts]": false, "cloud_init_modules: mounts": false,
	} {
		equal(t, cloudInitOf(cloudTree(t, files{"etc/cloud/cloud.cfg": list})).Value.MountsModule, want)
	}
	// A list of a later file takes the place of the earlier one.
	equal(t, cloudInitOf(cloudTree(t, files{"etc/cloud/cloud.cfg.d/x.cfg": "cloud_init_modules: []"})).Value.MountsModule, false)
	equal(t, cloudInitOf(cloudTree(t, files{"etc/cloud/cloud.cfg.d/x.cfg": "mounts:\n- [/dev/vdb, none, swap]\n- [/dev/vdc, /data]\n- [x]\n- y\n"})).Value.SwapMounts,
		[]CloudMount{{Device: "/dev/vdb", File: "/etc/cloud/cloud.cfg.d/x.cfg", Line: 2}})
	equal(t, cloudInitOf(cloudTree(t, files{"var/lib/cloud/seed/nocloud-net/user-data": "Content-Type: multipart/mixed\n"})).Value.Unread,
		"/var/lib/cloud/seed/nocloud-net/user-data")
}

func TestCloudInitThatCannotBeRead(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'z'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	// An alias bomb is read without going off.
	equal(t, cloudInitOf(cloudTree(t, files{"etc/cloud/cloud.cfg.d/x.cfg": bomb + "runcmd: *z\nmounts: *z\nswap: *z\n"})).Value.Swap.Makes(), false)

	const file = "/etc/cloud/cloud.cfg.d/x.cfg"
	for text, want := range map[string]string{
		"a: b\nswap: {size: 1G\n":              file + ":",
		"a: 1\npassword: {hunter2\n":           file + ":",
		"hunter2":                              file + ":1: not the YAML",
		"swap: {size: 1G}\nswap: {size: 2G}\n": file + ":2: not the YAML",
		"a: 1\nmerge_how: 'dict(replace)'\n":   file + ":2: merge_how",
		"## template: jinja\na: {{ v1.x }}\n":  file + ":1: a template",
		strings.Repeat("#", 256<<10) + "\nx\n": "larger than expected",
	} {
		got := cloudInitOf(cloudTree(t, files{file[1:]: text}))
		missing(t, got, want)
		if strings.Contains(got.Why(), "hunter2") {
			t.Errorf("a secret is told: %s", got.Why())
		}
	}
	missing(t, cloudInitOf(cloudTree(t, files{"var/lib/cloud/seed/nocloud/user-data": "#cloud-config\n\n- [\n"})), "/var/lib/cloud/seed/nocloud/user-data:")
	missing(t, cloudInitOf(cloudTree(t, files{"var/lib/cloud/seed/nocloud/user-data/": ""})), "not a regular file")
}

func TestBootCommands(t *testing.T) {
	t.Parallel()
	const cfg = "/etc/cloud/cloud.cfg.d/x.cfg"
	on := func(file string, line int) []BootCommand {
		return []BootCommand{{Program: "swapon", Found: true, File: file, Line: line}}
	}
	for name, c := range map[string]struct {
		files files
		want  []BootCommand
	}{
		"runcmd, words":      {files{cfg: "runcmd:\n- [ls]\n- [swapon, /s]\n"}, on(cfg, 3)},
		"runcmd, text":       {files{cfg: "runcmd:\n- |\n  fallocate -l 1G /s\n  mkswap /s && swapon /s\n"}, on(cfg, 4)},
		"runcmd, vmguard":    {files{cfg: "runcmd:\n- [vmguard, swap, enable, --size, 2G]\n"}, []BootCommand{{Program: "vmguard", File: cfg, Line: 2}}},
		"bootcmd":            {files{cfg: "bootcmd: ['swapon -a']\n"}, on(cfg, 1)},
		"user-data's list":   {files{cfg: "runcmd: [[swapon, -a]]\n", "/var/lib/cloud/seed/nocloud/user-data": "#cloud-config\nruncmd: [ls]\n"}, nil},
		"a script":           {files{"/var/lib/cloud/seed/nocloud/user-data": "#!/bin/sh\nswapon -a\n"}, on("/var/lib/cloud/seed/nocloud/user-data", 2)},
		"without the module": {files{"/etc/cloud/cloud.cfg": "runcmd: [[swapon, -a]]\nbootcmd: [[swapon, -a]]\n"}, nil},
		"only shown":         {files{cfg: "runcmd: ['swapon --show', 'swapon', 'cat x # swapon -a', 'vmguard swap enable --dry-run', 'mkswap /x']\n"}, nil},
		"a service": {files{
			"/etc/systemd/system/x.service": "[Service]\nExecStartPre=/bin/true\nExecStart=-/usr/sbin/swapon /s\n", "/etc/systemd/system/multi-user.target.wants/x.service": "-> ../x.service",
		}, []BootCommand{{Program: "/usr/sbin/swapon", Found: true, File: "/etc/systemd/system/x.service", Line: 3}}},
		"a service, over lines": {files{
			"/usr/lib/systemd/system/x@.service": "[Service]\nExecStart=/bin/sh -c ' \\\n  swapon /s'\nExecStop=swapoff -a\n", "/etc/systemd/system/multi-user.target.wants/x@1.service": "-> /usr/lib/systemd/system/x@.service",
		}, on("/usr/lib/systemd/system/x@.service", 3)},
		"a service that nothing pulls in": {files{"/etc/systemd/system/x.service": "[Service]\nExecStart=swapon -a\n"}, nil},
		"a masked service": {files{
			"/usr/lib/systemd/system/x.service": "[Service]\nExecStart=swapon -a\n", "/etc/systemd/system/x.service": "-> /dev/null",
			"/etc/systemd/system/multi-user.target.wants/x.service": "-> /usr/lib/systemd/system/x.service",
		}, nil},
		"of a cloud-init that is off": {files{cfg: "runcmd: [[swapon, -a]]\n", "/etc/cloud/cloud-init.disabled": ""}, nil},
		"a script that is not run":    {files{"/etc/rc.local": "swapon -a\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := cloudInitOf(cloudTree(t, c.files))
			equal(t, got.Why(), "")
			equal(t, got.Value.Commands, c.want)
		})
	}
	fs := executable(t, cloudTree(t, files{"etc/rc.local": "#!/bin/sh\nswapon /s\n", "opt/vmguard": ""}), "etc/rc.local")
	equal(t, cloudInitOf(fs).Value.Commands, on("/etc/rc.local", 2))
	const perBoot = "/var/lib/cloud/scripts/per-boot/swap"
	fs = executable(t, cloudTree(t, files{perBoot: "#!/bin/sh\nswapon /s\n"}), perBoot)
	equal(t, cloudInitOf(fs).Value.Commands, on(perBoot, 2))
}

func TestAzureSwap(t *testing.T) {
	t.Parallel()
	const conf = "# ResourceDisk.EnableSwap=y\nResourceDisk.Format=y\nResourceDisk.EnableSwap = Y # yes\nResourceDisk.SwapSizeMB=2048\n"
	for text, want := range map[string]*AzureSwap{
		conf: {File: "w", Line: 3, SizeMB: 2048},
		strings.Replace(conf, "Format=y", "Format=n", 1):             nil,
		strings.Replace(conf, "EnableSwap = Y", "EnableSwap = n", 1): nil,
		strings.Replace(conf, "2048", "0", 1):                        nil,
		strings.Replace(conf, "2048", "lots", 1):                     nil,
		"":                                                           nil,
	} {
		equal(t, parseAzureSwap("w", []byte(text)), want)
	}
	equal(t, cloudInitOf(tree(t, files{"etc/waagent.conf": conf})).Value.Azure, &AzureSwap{File: "/etc/waagent.conf", Line: 3, SizeMB: 2048})
}
