package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/rootfs"
)

// sysctlRemedies holds what is printed for what is set up for boot.
func sysctlRemedies() []remedyCase {
	facts := func(edit func(f *host.Facts)) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) { edit(f) }
	}
	later := configured("vm.swappiness", "0", "0")
	later.File, later.Line = "/etc/sysctl.d/99-zz.conf", 4
	low := func(list ...host.SysctlSetting) func(*host.Facts, *host.Container) {
		return facts(func(f *host.Facts) { f.Sysctls["vm.swappiness"] = sysctl(0); settingsOf(list...)(f) })
	}
	tracked := settingsOf(configured("net.nf_conntrack_max", "1", "1"))
	const own = "/etc/sysctl.d/99-vmguard-vm-swappiness.conf"
	return []remedyCase{
		{"alone", "swappiness", low(), "echo 'vm.swappiness = 30' | sudo tee " + own + " && sudo sysctl -p " + own, "set it to 30, now and at boot"},
		{"an earlier file", "swappiness", low(configured("vm.swappiness", "0", "0")), "echo 'vm.swappiness = 30' | sudo tee " + own + " && sudo sysctl -p " + own, "at boot"},
		{"a later file", "swappiness", low(later),
			"sudo sed -i --follow-symlinks '4s/.*/vm.swappiness = 30/' /etc/sysctl.d/99-zz.conf && sudo sysctl -p /etc/sysctl.d/99-zz.conf", "now and at boot"},
		{"image", "swappiness", sysctlImage(settingsOf(configured("vm.swappiness", "0", ""))), "mkdir -p /etc/sysctl.d && echo 'vm.swappiness = 30' > " + own, "in the image: set it to 30 at boot"},
		{"systemd", "sysctl-drift", liveSettings(configured("vm.swappiness", "10", "60")), "sudo systemctl restart systemd-sysctl", "apply what is configured"},
		{"systemd at rest", "sysctl-drift", facts(func(f *host.Facts) {
			liveSettings(configured("vm.swappiness", "10", "60"))(f, nil)
			f.System.Value.Systemd = false
		}), "sudo sysctl --system", "apply"},
		{"systemd at rest", "sysctl-conf-unread", facts(func(f *host.Facts) {
			f.SysctlConf.Value.Unread, f.SysctlConf.Value.FreeName = []host.SysctlSetting{later}, "/etc/sysctl.d/99-sysctl.conf"
			f.System.Value.Systemd = false
		}), "sudo ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf && sudo sysctl --system", "have it read"},
		{"no systemd", "sysctl-drift", facts(func(f *host.Facts) {
			f.SysctlConf.Value = host.SysctlConf{Settings: []host.SysctlSetting{configured("vm.swappiness", "10", "60")}}
		}), "sudo sysctl --system", "apply"},
		{"live", "sysctl-module", facts(tracked), "echo nf_conntrack | sudo tee /etc/modules-load.d/nf_conntrack.conf", "early on"},
		{"without systemd", "sysctl-module", facts(func(f *host.Facts) { tracked(f); f.SysctlConf.Value.Systemd = false }),
			"echo nf_conntrack | sudo tee -a /etc/modules", "early on"},
		{"live", "sysctl-conf-unread", facts(func(f *host.Facts) {
			f.SysctlConf.Value.Unread, f.SysctlConf.Value.FreeName = []host.SysctlSetting{later}, "/etc/sysctl.d/99-sysctl.conf"
		}),
			"sudo ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf && sudo systemctl restart systemd-sysctl", "have it read"},
		{"several things at once", "cgroup-swap-accounting", sysctlImage(func(f *host.Facts) {
			f.Cmdline.Value = []host.KernelParam{{Name: "cgroup_disable", Value: "memory,pids", File: "/boot/grub/grub.cfg"}}
		}), "", "take it out of the kernel's parameters"},
		{"Fedora", "cgroup-swap-accounting", sysctlImage(func(f *host.Facts) {
			f.Kernels.Value, f.Cmdline.Source = []string{"4.18.0"}, "/boot/grub2/grub.cfg"
			f.KernelConfig.Value.Options = map[string]bool{"MEMCG": true, "MEMCG_SWAP": true, "MEMCG_SWAP_ENABLED": false}
		}), `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX swapaccount=1"' >> /etc/default/grub && grub2-mkconfig -o /boot/grub2/grub.cfg`, "in the image"},
		{"a loader's entry", "cgroup-swap-accounting", sysctlImage(func(f *host.Facts) {
			f.Kernels.Value, f.Cmdline.Source = []string{"4.18.0"}, "/boot/loader/entries/a.conf"
			f.KernelConfig.Value.Options = map[string]bool{"MEMCG": true, "MEMCG_SWAP": true, "MEMCG_SWAP_ENABLED": false}
		}), "", "in /boot/loader/entries/a.conf"},
	}
}

// TestImageRemediesMend plants faults in images, types the printed command into a shell, and
// wants the check to pass then.
func TestImageRemediesMend(t *testing.T) {
	const fstab, systemd = "/dev/vda2 none swap sw 0 0\n", "usr/lib/systemd/systemd-sysctl"
	kernel := map[string]string{"lib/modules/6.1.0-28-amd64/modules.builtin": "kernel/fs/ext4/ext4.ko\n"}
	old := map[string]string{
		"lib/modules/4.19.0-27-amd64/modules.builtin": "", "boot/config-4.19.0-27-amd64": "CONFIG_MEMCG=y\nCONFIG_MEMCG_SWAP=y\n# CONFIG_MEMCG_SWAP_ENABLED is not set\n",
	}
	for name, c := range map[string]struct {
		id    string
		files []map[string]string
	}{
		"swappiness":             {"swappiness", []map[string]string{{"etc/fstab": fstab, "etc/sysctl.d/10.conf": "vm.swappiness=0\n"}}},
		"swappiness, later":      {"swappiness", []map[string]string{{"etc/fstab": fstab, "etc/sysctl.d/99-zz.conf": "# ours\nvm.swappiness=0\nvm.x=1\n"}}},
		"swappiness, no sysctl":  {"swappiness", []map[string]string{{"etc/fstab": fstab, "usr/lib/sysctl.d/50.conf": "vm.swappiness=0"}}},
		"swappiness, a pattern":  {"swappiness", []map[string]string{{"etc/fstab": fstab, "etc/sysctl.d/99-zz.conf": "vm.swap*=0\n"}}},
		"swappiness, a link":     {"swappiness", []map[string]string{{"etc/fstab": fstab, "etc/zz.conf": "vm.swappiness=0\n", "etc/sysctl.d/99-zz.conf": "-> ../zz.conf"}}},
		"swappiness, no systemd": {"swappiness", []map[string]string{{"etc/fstab": fstab, "etc/sysctl.conf": "a=1\nvm.swappiness=0\n"}}},
		"panic":                  {"oom-panic", []map[string]string{{"etc/sysctl.d/10.conf": "vm.panic_on_oom=1\n"}}},
		"conntrack": {"sysctl-module", []map[string]string{kernel, {systemd: "", "usr/lib/systemd/systemd-modules-load": "",
			"etc/sysctl.d/10.conf": "net.netfilter.nf_conntrack_max=262144\n"}}},
		"conntrack, no systemd": {"sysctl-module", []map[string]string{kernel, {"etc/sysctl.d/10.conf": "net.netfilter.nf_conntrack_max=262144\n"}}},
		"sysctl.conf":           {"sysctl-conf-unread", []map[string]string{{systemd: "", "etc/sysctl.conf": "vm.swappiness=10\n"}}},
		"sysctl.conf, another":  {"sysctl-conf-unread", []map[string]string{{systemd: "", "etc/sysctl.conf": "vm.swappiness=10\n", "etc/sysctl.d/99-sysctl.conf": "vm.x=1\n"}}},
		"the journal, later":    {"journal-persistent", []map[string]string{{"usr/lib/systemd/systemd-journald": "", "etc/systemd/journald.conf.d/zzz.conf": "[Journal]\nStorage=none\n"}}},
		"no memory cgroups": {"cgroup-swap-accounting", []map[string]string{kernel, {
			"etc/default/grub":    "GRUB_CMDLINE_LINUX=\"cgroup_disable=memory quiet\"\n",
			"boot/grub/grub.cfg":  "menuentry {\n\tlinux /vmlinuz ro cgroup_disable=memory quiet\n}\n",
			"etc/default/grub.d/": "",
		}}},
		"no swapaccount": {"cgroup-swap-accounting", []map[string]string{old, {"etc/default/grub": "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, files := range c.files {
				for file, content := range files {
					plant(t, filepath.Join(dir, file), strings.HasSuffix(file, "/"), content)
				}
			}
			before := judgeImage(t, dir, c.id)
			if before.Status != finding.Fail || before.Remedy == nil || before.Remedy.Command == "" {
				t.Fatalf("before: %+v", before)
			}
			inDir := strings.NewReplacer(" /etc/", " "+dir+"/etc/", " /boot/", " "+dir+"/boot/").Replace(before.Remedy.Command)
			if out, err := exec.CommandContext(t.Context(), "sh", "-c", inDir).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", before.Remedy.Command, err, out)
			}
			if after := judgeImage(t, dir, c.id); after.Status != finding.Pass {
				t.Errorf("after %s: %+v", before.Remedy.Command, after)
			}
		})
	}
}

func plant(t *testing.T, file string, dir bool, content string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	target, isLink := strings.CutPrefix(content, "-> ")
	switch {
	case err != nil || dir:
	case isLink:
		err = os.Symlink(target, file)
	default:
		err = os.WriteFile(file, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// judgeImage gives the first finding of a check on the image below a directory.
func judgeImage(t *testing.T, dir, id string) finding.Finding {
	t.Helper()
	tree, err := rootfs.OpenImage(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := Find(id)
	if err != nil {
		t.Fatal(err)
	}
	return Run([]Check{c}, host.CollectImage(t.Context(), host.Source{FS: tree}), DefaultPolicy(checkedAt))[0]
}
