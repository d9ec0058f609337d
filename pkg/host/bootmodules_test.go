package host

import (
	"slices"
	"strings"
	"testing"
)

func TestReadBootModules(t *testing.T) {
	const dir = "/lib/modules/6.1.0-28-amd64"
	host := tree(t, files{
		"usr/lib/systemd/systemd-modules-load":       "",
		"etc/modules-load.d/modules.conf":            "-> ../modules",
		"etc/modules":                                "# comment\n; another\n\n  nft-ct  hashsize=1\n",
		"etc/modules-load.d/a.conf":                  "br_netfilter\n",
		"usr/lib/modules-load.d/a.conf":              "hidden\n",
		dir + "/modules.builtin":                     "kernel/net/sctp/sctp.ko\nkernel/fs/ext4/ext4.ko\n",
		dir + "/modules.dep":                         "kernel/net/netfilter/nft_ct.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz kernel/lib/libcrc32c.ko\nkernel/x.ko: kernel/y.ko\n",
		"lib/modules/5.10.0-9-amd64/modules.builtin": "kernel/net/netfilter/nf_conntrack.ko\n",
		"lib/modules/4.0-leftover/updates/":          "",
	})
	kernels := readKernels(host)
	equal(t, kernels, Known([]string{"5.10.0-9-amd64", "6.1.0-28-amd64"}, libModules))
	cmdline := Known([]KernelParam{
		{Name: "modules_load", Value: "ip_vs,nf-nat", File: "/proc/cmdline"},
		{Name: "modules_load", Value: "later", File: "/etc/default/grub", Next: true},
	}, "/proc/cmdline")
	got := readBootModules(host, kernels, cmdline)
	equal(t, got, Known([]BootModule{
		{Name: "ip_vs", File: "/proc/cmdline"},
		{Name: "nf_nat", File: "/proc/cmdline"},
		{Name: "br_netfilter", File: "/etc/modules-load.d/a.conf"},
		{Name: "nft_ct", File: "/etc/modules-load.d/modules.conf"},
		{Name: "sctp", File: dir + "/modules.builtin", BuiltIn: true},
		{Name: "nf_conntrack", File: "/etc/modules-load.d/modules.conf", For: "nft_ct"},
		{Name: "libcrc32c", File: "/etc/modules-load.d/modules.conf", For: "nft_ct"},
	}, "modules-load.d"))
}

func TestEtcModules(t *testing.T) {
	named := func(list ...files) string {
		got := readBootModules(tree(t, list...), Known([]string{}, libModules), Fact[[]KernelParam]{})
		var names []string
		for _, m := range got.Value {
			names = append(names, m.Name+" "+m.File)
		}
		return strings.Join(names, ", ")
	}
	own := files{"etc/modules": "nf_conntrack\n"}
	equal(t, named(own), "nf_conntrack /etc/modules")
	equal(t, named(own, files{"lib/systemd/systemd-modules-load": ""}), "") // which does not read it by itself
	equal(t, named(), "")
	missing(t, readBootModules(tree(t), Known([]string{"6.1"}, libModules), Fact[[]KernelParam]{}), "/lib/modules/6.1/modules.builtin does not exist")
}

func TestSysctlModule(t *testing.T) {
	for name, want := range map[string]string{
		"net.netfilter.nf_conntrack_max": "nf_conntrack", "net.nf_conntrack_max": "nf_conntrack", "net.netfilter.nf_log_all_netns": "",
		"net.bridge.bridge-nf-call-iptables": "br_netfilter", "vm.swappiness": "", "sunrpc.tcp_slot_table_entries": "sunrpc",
	} {
		equal(t, SysctlModule(name), want)
	}
}

func TestUdevModules(t *testing.T) {
	rules := files{
		"usr/lib/udev/rules.d/99-systemd.rules": `ACTION=="add", SUBSYSTEM=="net", KERNEL!="lo", RUN+="/lib/systemd/systemd-sysctl --prefix=/net/ipv4/conf/$name"` + "\n",
		"etc/udev/rules.d/99-bridge.rules": "ACTION==\"add\", SUBSYSTEM==\"module\", KERNEL==\"br_netfilter\", \\\n  RUN+=\"/lib/systemd/systemd-sysctl --prefix=/net/bridge\"\n" +
			"# SUBSYSTEM==\"module\", KERNEL==\"sctp\", RUN+=\"sysctl\"\nSUBSYSTEM==\"module\", KERNEL==\"ip_vs\", RUN+=\"/bin/true\"\n",
	}
	sets := files{"etc/sysctl.d/a.conf": "net.bridge.bridge-nf-call-iptables=1\n"}
	equal(t, readSysctlConf(tree(t, rules, sets)).Value.UdevModules, []string{"br_netfilter"})
	equal(t, readSysctlConf(tree(t, rules)).Value.UdevModules, []string(nil)) // nothing needs it
}

// FuzzBootModules holds that names are without what parts them, that a name written by
// itself is read as itself, and that what a module needs goes back to a named one.
func FuzzBootModules(f *testing.F) {
	f.Add([]byte("nf_conntrack\n# x\n"), []byte("kernel/nft_ct.ko: kernel/nf_conntrack.ko\n"))
	f.Add([]byte(";\n a-b c"), []byte("a_b: x/y.ko.zst  z"))
	f.Fuzz(func(t *testing.T, load, dep []byte) {
		names := parseModulesLoad(load)
		var list []BootModule
		for _, n := range names {
			if strings.ContainsAny(n, "- \t\n/") && n != "/" {
				t.Fatalf("the name %q", n)
			}
			list = append(list, BootModule{Name: n, File: "f"})
			if again := parseModulesLoad([]byte(n + "\n")); n != "" && n[0] != '#' && n[0] != ';' && !slices.Equal(again, []string{n}) {
				t.Fatalf("%q became %q", n, again)
			}
		}
		for _, m := range parseModulesDep(dep, list) {
			if !slices.Contains(names, m.For) || m.File != "f" {
				t.Fatalf("%+v is needed by nothing in %q", m, names)
			}
		}
		for _, n := range parseUdevModules(dep) {
			if !strings.Contains(string(dep), "sysctl") || strings.Contains(n, `"`) {
				t.Fatalf("the module %q", n)
			}
		}
	})
}
