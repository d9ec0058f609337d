package host

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestParseCmdline(t *testing.T) {
	got := parseCmdline(`BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet swapaccount=1 cgroup-disable=memory,pids psi=1 x="a swapaccount=0 b"`+
		` "modules-load=a,b" sysctl.net/ipv4/tcp_keepalive_time=60 sysctl.net.bridge.bridge-nf-call-iptables=1 sysctl= sysctl. panic=-1 noswap -- panic=3`+"\n", "f", 3)
	var spelt []string
	for _, p := range got {
		if p.File != "f" || p.Line != 3 || p.Next {
			t.Errorf("%+v", p)
		}
		spelt = append(spelt, p.Name+"="+p.Value)
	}
	equal(t, spelt, []string{"swapaccount=1", "cgroup_disable=memory,pids", "psi=1", "modules_load=a,b", "sysctl.net.ipv4.tcp_keepalive_time=60",
		"sysctl.net.bridge.bridge-nf-call-iptables=1", "panic=-1", "noswap="})
}

func TestReadCmdline(t *testing.T) {
	const (
		grub  = "boot/grub/grub.cfg"
		menu  = "set default=0\nif [ x ]; then\n  set y\nfi\nmenuentry 'Debian' {\n\tlinux\t/vmlinuz root=/dev/vda1 ro psi=1 $vt_handoff\n}\nmenuentry 'old' {\n\tlinux\t/old psi=0\n}\n"
		def   = "etc/default/grub"
		entry = "title x\nlinux /vmlinuz\noptions root=/dev/vda1 psi=1\noptions swapaccount=1 $tuned_params\n"
	)
	for name, c := range map[string]struct {
		files  files
		want   []KernelParam
		source string
		why    string
	}{
		"a running host": {files{"proc/cmdline": "psi=1\n", grub: menu}, []KernelParam{{Name: "psi", Value: "1", File: "/proc/cmdline"}}, "/proc/cmdline", ""},
		"grub.cfg":       {files{grub: menu}, []KernelParam{{Name: "psi", Value: "1", File: "/boot/grub/grub.cfg", Line: 6}}, "/boot/grub/grub.cfg", ""},
		"grub.cfg and what it is made of": {files{grub: menu, def: "GRUB_CMDLINE_LINUX=\"psi=1 swapaccount=1\"\n"}, []KernelParam{
			{Name: "psi", Value: "1", File: "/boot/grub/grub.cfg", Line: 6},
			{Name: "psi", Value: "1", File: "/etc/default/grub", Next: true}, {Name: "swapaccount", Value: "1", File: "/etc/default/grub", Next: true},
		}, "/boot/grub/grub.cfg", ""},
		"the latter cannot be told": {files{grub: menu, def: "GRUB_CMDLINE_LINUX=$(x)\n"}, []KernelParam{{Name: "psi", Value: "1", File: "/boot/grub/grub.cfg", Line: 6}}, "/boot/grub/grub.cfg", ""},
		"not made yet": {files{def: "GRUB_CMDLINE_LINUX_DEFAULT=quiet\nGRUB_CMDLINE_LINUX=panic=1\n", "etc/default/grub.d/50-cloud.cfg": `GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX psi=1"`},
			[]KernelParam{{Name: "panic", Value: "1", File: "/etc/default/grub"}, {Name: "psi", Value: "1", File: "/etc/default/grub.d/50-cloud.cfg"}}, "/etc/default/grub", ""},
		"loader entries": {files{"boot/grub2/grub.cfg": "blscfg\n", "boot/loader/entries/a-6.9.conf": "options panic=1\n", "boot/loader/entries/a-6.10.conf": entry},
			[]KernelParam{{Name: "psi", Value: "1", File: "/boot/loader/entries/a-6.10.conf", Line: 4}, {Name: "swapaccount", Value: "1", File: "/boot/loader/entries/a-6.10.conf", Line: 4}},
			"/boot/loader/entries/a-6.10.conf", ""},
		"an unknown variable": {files{"boot/loader/entries/a.conf": "options $kernelopts psi=1\n"}, nil, "", "variable $kernelopts"},
		"kernel-install":      {files{"etc/kernel/cmdline": "root=/dev/vda1 psi=1\n"}, []KernelParam{{Name: "psi", Value: "1", File: "/etc/kernel/cmdline"}}, "/etc/kernel/cmdline", ""},
		"no loader":           {files{}, nil, "", "neither a boot loader's configuration nor /etc/default/grub"},
		"a script":            {files{def: "GRUB_CMDLINE_LINUX=`x`\n"}, nil, "", "/etc/default/grub: the kernel's parameters cannot be told"},
	} {
		t.Run(name, func(t *testing.T) {
			got := readCmdline(tree(t, c.files))
			equal(t, got.Value, c.want)
			equal(t, got.Source, c.source)
			if !strings.Contains(got.Why(), c.why) || got.Known() != (c.why == "") {
				t.Errorf("missing because %q, want %q", got.Why(), c.why)
			}
		})
	}
}

func TestEvalShell(t *testing.T) {
	for script, want := range map[string]string{
		"A=b":                           "b",
		"A=\"b c\"  # d":                "b c",
		"A='$x'":                        "$x",
		"A=1; A=2":                      "2",
		"A=x\nA=\"$A y\"\nA=\"${A} z\"": "x y z",
		"export A=b":                    "b",
		"A=a\\\nb":                      "ab",
		`A="a\"b\$c\d"`:                 `a"b$c\d`,
		"A='it'\"'\"'s'":                "it's",
		"A=\"two\nlines\"":              "two\nlines",
		"#A=b":                          "",
		"B=`lsb_release -i -s 2> /dev/null || echo Debian`\nA=b":                "b",
		"B=`( . /etc/os-release; echo ${NAME:-Debian} ) 2>/dev/null || x`\nA=b": "b",
		"B=$(echo \"y)\" $(echo z))\nA=b":                                       "b",
		"A=$(x)":                                                                "?",
		"A=`x`y":                                                                "?",
		"A=\"${B:-x}\"":                                                         "?",
		"if [ x ]; then\nA=b\nfi":                                               "?",
		"if [ x ]; then B=1; fi\nA=b":                                           "b",
		"A=$B":                                                                  "",
		"A=\"open":                                                              "?",
		"A=a$":                                                                  "a$",
	} {
		vars := map[string]shellValue{}
		evalShell(script, vars)
		got := vars["A"].text
		if vars["A"].unknown {
			got = "?"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
		if want == "?" {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", script+"\nprintf %s \"$A\"").Output()
		if err != nil || string(out) != want {
			t.Errorf("%q: the shell says %q, %v; want %q", script, out, err, want)
		}
	}
	vars := map[string]shellValue{}
	evalShell("GRUB_CMDLINE_LINUX=a\n[ -f x ] && GRUB_CMDLINE_LINUX=b\n", vars)
	equal(t, vars[grubAlways].unknown, true)
	for _, open := range []string{"B=\"x\nGRUB_CMDLINE_LINUX=a\n", "B=$(x\nGRUB_CMDLINE_LINUX=a\n", "B=`x\nGRUB_CMDLINE_LINUX=a", "B=${x\nGRUB_CMDLINE_LINUX=a"} {
		vars := map[string]shellValue{}
		evalShell(open, vars)
		equal(t, vars[grubAlways].unknown, true)
	}
}

func TestVersionLess(t *testing.T) {
	order := []string{"", "4.19.0-27-amd64", "5.4.0-9-generic", "5.4.0-10-generic", "5.10.0-30-amd64", "6.1.0-28-amd64", "6.1.0-28-cloud-amd64", "6.10.0", "6.10.0-1"}
	for i := range order {
		for j := range order {
			if got := versionLess(order[i], order[j]); got != (i < j) {
				t.Errorf("%q before %q: %t", order[i], order[j], got)
			}
		}
	}
}

func TestReadKernelConfig(t *testing.T) {
	const version = "6.1.0-28-amd64"
	kernels := Known([]string{"5.10", version}, libModules)
	text := "# Linux\nCONFIG_SWAP=y\nCONFIG_MEMCG=y\n# CONFIG_MEMCG_SWAP_ENABLED is not set\nCONFIG_MEMCG_SWAP=m\n# MEMCG\nCONFIG_EXT4=y\n"
	want := KernelConfig{version, map[string]bool{"SWAP": true, "MEMCG": true, "MEMCG_SWAP_ENABLED": false, "MEMCG_SWAP": false}}
	equal(t, readKernelConfig(tree(t, files{"boot/config-" + version: text}), kernels), Known(want, "/boot/config-"+version))
	equal(t, readKernelConfig(tree(t, files{"lib/modules/" + version + "/config": text}), kernels), Known(want, "/lib/modules/"+version+"/config"))
	missing(t, readKernelConfig(tree(t), kernels), "/boot/config-"+version+" does not exist")
	missing(t, readKernelConfig(tree(t), Known([]string{}, libModules)), "no kernel is installed")
	missing(t, readKernelConfig(tree(t), Missing[[]string]("denied")), "denied")
	equal(t, readKernels(tree(t)), Known([]string{}, libModules))
}

// FuzzParseCmdline holds that what is kept, written out, is understood as the same.
func FuzzParseCmdline(f *testing.F) {
	f.Add(`quiet swapaccount=1 x="a b" sysctl.vm/swappiness=1 -- psi=0`)
	f.Add("psi=\"1 2\"\x00panic=-1\tnoswap")
	f.Fuzz(func(t *testing.T, text string) {
		list := parseCmdline(text, "f", 1)
		var words []string
		for _, p := range list {
			words = append(words, `"`+p.Name+"="+p.Value+`"`)
		}
		if again := parseCmdline(strings.Join(words, " "), "f", 1); !slices.Equal(again, list) {
			t.Fatalf("%+v became %+v", list, again)
		}
	})
}

// FuzzEvalShell holds that a text in single quotes is that text whatever came before it
// on closed lines, and that nothing hangs.
func FuzzEvalShell(f *testing.F) {
	f.Add("A=\"$B ${C}\" # x\nif x; then\nB=`y`", "a b")
	f.Add("A=$(((\n\\", "$x `")
	f.Fuzz(func(t *testing.T, script, text string) {
		vars := map[string]shellValue{}
		evalShell(script, vars)
		text = strings.ReplaceAll(text, "'", "")
		before := vars["A"]
		evalShell("A='"+text+"'\n", vars)
		if vars["A"] != (shellValue{text: text}) {
			t.Fatalf("%q became %+v", text, vars["A"])
		}
		vars["A"] = before
		evalShell(`A="$A"`, vars)
		if vars["A"] != before {
			t.Fatalf("%+v became %+v", before, vars["A"])
		}
		parseGrubConfig([]byte(script))
		for name := range parseKernelConfig([]byte(script)) {
			if !strings.Contains(script, name) {
				t.Fatalf("%s does not stand there", name)
			}
		}
	})
}
