package host

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseSysctlConf(t *testing.T) {
	lines := parseSysctlConf([]byte("# a comment\n; another\n\n  vm.swappiness = 10  \r\n"+
		"-kernel/sysrq=0\n-net.ipv4.conf.eth0.rp_filter\nno assignment\nnet.ipv4.conf.eth0/1.forwarding=1\n"+
		"net/ipv4/conf/eth0.2/forwarding = 1\nkernel.core_pattern=|/bin/x a=b # not a comment\n/vm//./swappiness=\n../x=1\n=1\n"), "f")
	var got []sysctlLine
	for _, l := range lines {
		equal(t, l.File, "f")
		l.File = ""
		got = append(got, l)
	}
	set := func(line int, name, value string) sysctlLine {
		return sysctlLine{SysctlSetting: SysctlSetting{Name: name, Value: value, Line: line}}
	}
	excluded := set(6, "net.ipv4.conf.eth0.rp_filter", "")
	excluded.excludes = true
	want := []sysctlLine{
		set(4, "vm.swappiness", "10"), set(5, "kernel.sysrq", "0"), excluded,
		set(8, "net.ipv4.conf.eth0/1.forwarding", "1"), set(9, "net.ipv4.conf.eth0/2.forwarding", "1"),
		set(10, "kernel.core_pattern", "|/bin/x a=b # not a comment"), set(11, "vm.swappiness", ""), set(12, "/x", "1"),
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	if _, ok := sysctlName("net/../../etc/passwd"); ok {
		t.Error("a name leads out of /proc/sys")
	}
}

func TestReadSysctlConf(t *testing.T) {
	conf := readSysctlConf(tree(t, files{
		"usr/lib/systemd/systemd-sysctl":  "",
		"etc/sysctl.d/10-a.conf":          "vm.swappiness=1\nvm.max_map_count=5\n",
		"etc/sysctl.d/README":             "vm.swappiness=99\n",
		"etc/sysctl.d/.hidden.conf":       "vm.swappiness=98\n",
		"etc/sysctl.d/50-vendor.conf":     "-> /dev/null",
		"etc/sysctl.d/60-empty.conf":      "",
		"etc/sysctl.d/70-gone.conf":       "-> ../nowhere",
		"etc/sysctl.d/80-dir.conf/":       "",
		"run/sysctl.d/90-run.conf":        "vm.swappiness=3\nnet.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.lo.rp_filter\n",
		"usr/lib/sysctl.d/10-a.conf":      "kernel.sysrq=1\n",
		"usr/lib/sysctl.d/50-vendor.conf": "kernel.sysrq=2\n", "usr/lib/sysctl.d/60-empty.conf": "kernel.sysrq=3\n",
		"usr/lib/sysctl.d/70-gone.conf": "kernel.sysrq=4\n", "usr/lib/sysctl.d/80-dir.conf": "kernel.sysrq=5\n",
		"lib/sysctl.d/95-old.conf":                "net.ipv4.conf.eth0/1.rp_filter=0\n",
		"etc/sysctl.conf":                         "fs.file-max=7\n",
		"proc/sys/vm/swappiness":                  "60\n",
		"proc/sys/net/ipv4/conf/eth0.1/rp_filter": "0\n",
	}))
	equal(t, conf.Known(), true)
	absent := Missing[string](NoSuchSysctl)
	equal(t, conf.Value, SysctlConf{
		Systemd: true,
		Settings: []SysctlSetting{
			{"vm.max_map_count", "5", "/etc/sysctl.d/10-a.conf", 2, absent},
			{"vm.swappiness", "3", "/run/sysctl.d/90-run.conf", 1, Known("60", "/proc/sys/vm/swappiness")},
			{"net.ipv4.conf.*.rp_filter", "2", "/run/sysctl.d/90-run.conf", 2, Fact[string]{}},
			{"net.ipv4.conf.eth0/1.rp_filter", "0", "/lib/sysctl.d/95-old.conf", 1, Known("0", "/proc/sys/net/ipv4/conf/eth0.1/rp_filter")},
		},
		Excluded: []string{"net.ipv4.conf.lo.rp_filter"},
		Unread:   []SysctlSetting{{"fs.file-max", "7", "/etc/sysctl.conf", 1, absent}},
		FreeName: "/etc/sysctl.d/99-sysctl.conf",
	})
	for name, want := range map[string]string{
		"vm.swappiness": "3", "net.ipv4.conf.eth0.rp_filter": "2", "net.ipv4.conf.eth0/1.rp_filter": "0",
		"net.ipv4.conf.lo.rp_filter": "none", "net.ipv4.conf.eth0/2.rp_filter": "2", "kernel.sysrq": "none",
	} {
		got, ok := conf.Value.Setting(name)
		if ok != (want != "none") || ok && got.Value != want {
			t.Errorf("%s: %+v, %t; want %s", name, got, ok, want)
		}
	}
}

func TestEtcSysctlConf(t *testing.T) {
	const own = "etc/sysctl.conf"
	read := func(more files) SysctlConf {
		return readSysctlConf(tree(t, files{own: "vm.swappiness=10\n", "etc/sysctl.d/99-z.conf": "vm.swappiness=20\n"}, more)).Value
	}
	without := read(nil)
	equal(t, without.Settings[0].Value, "10") // procps reads it last
	equal(t, len(without.Settings)+len(without.Unread), 1)
	unread := read(files{"lib/systemd/systemd-sysctl": ""})
	equal(t, unread.Settings[0].Value, "20")
	equal(t, unread.Unread[0].Value, "10")
	taken := read(files{"lib/systemd/systemd-sysctl": "", "etc/sysctl.d/99-sysctl.conf": "", "etc/sysctl.d/z99-sysctl.conf": "-> nowhere"})
	equal(t, taken.FreeName, "/etc/sysctl.d/zz99-sysctl.conf")
	linked := read(files{"lib/systemd/systemd-sysctl": "", "etc/sysctl.d/99-sysctl.conf": "-> ../sysctl.conf"})
	equal(t, linked.Settings[0].Value, "20") // 99-z.conf comes later
	equal(t, len(linked.Unread), 0)
}

func TestReadSysctlConfRefuses(t *testing.T) {
	big := strings.Repeat("vm.x=1\n", smallFile/7+1)
	missing(t, readSysctlConf(tree(t, files{"etc/sysctl.d/a.conf": big})), "/etc/sysctl.d/a.conf is larger than expected")
	many := files{}
	for i := range 80 {
		many["etc/sysctl.d/"+string(rune('0'+i))+".conf"] = big[:60_000]
	}
	missing(t, readSysctlConf(tree(t, many)), "holds more than is read of it")
	var lines strings.Builder
	for i := range maxSysctlSettings + 1 {
		fmt.Fprintf(&lines, "vm.x%d=1\n", i)
	}
	missing(t, readSysctlConf(tree(t, files{"etc/sysctl.d/a.conf": lines.String()})), "more than 4096 settings")
	off := files{"lib/systemd/systemd-sysctl": "", "etc/systemd/system/systemd-sysctl.service": "-> /dev/null"}
	missing(t, readSysctlConf(tree(t, off)), "/etc/systemd/system/systemd-sysctl.service keeps systemd-sysctl from applying")
	nothing := readSysctlConf(tree(t))
	equal(t, nothing, Known(SysctlConf{Settings: []SysctlSetting{}}, "sysctl.d"))
}

// TestRunningSysctls reads as many running values as it may.
func TestRunningSysctls(t *testing.T) {
	settings := make([]SysctlSetting, maxSysctlRunning+1)
	for i := range settings {
		settings[i].Name = "vm.swappiness"
	}
	readRunning(tree(t, files{"proc/sys/vm/swappiness": "60\n"}), settings)
	equal(t, settings[maxSysctlRunning-1].Running.Value, "60")
	missing(t, settings[maxSysctlRunning].Running, "too many")
	readRunning(tree(t), settings[:1])
	equal(t, settings[0].Running.Value, "60") // a tree without /proc/sys says nothing
}

func TestBootSysctl(t *testing.T) {
	f := &Facts{
		SysctlConf: Known(SysctlConf{Settings: []SysctlSetting{{Name: "vm.swappiness", Value: "1"}}}, "x"),
		Cmdline: Known([]KernelParam{
			{Name: "sysctl.vm.swappiness", Value: "2"}, {Name: "sysctl.kernel.panic", Value: "3"},
			{Name: "sysctl.kernel.panic", Value: "4", File: "f", Line: 5}, {Name: "sysctl.kernel.panic", Value: "6", Next: true},
		}, "y"),
	}
	got, ok := f.BootSysctl("vm.swappiness")
	equal(t, got, SysctlSetting{Name: "vm.swappiness", Value: "1"}) // it comes after the kernel's parameter
	equal(t, ok, true)
	got, _ = f.BootSysctl("kernel.panic")
	equal(t, got, SysctlSetting{Name: "kernel.panic", Value: "4", File: "f", Line: 5})
	_, ok = f.BootSysctl("vm.max_map_count")
	equal(t, ok, false)
}

// FuzzParseSysctlConf holds that what was understood, written out, is understood as the
// same; that no name leads out of /proc/sys; and that of each name one setting is left.
func FuzzParseSysctlConf(f *testing.F) {
	f.Add([]byte("vm.swappiness = 10\n-a/b.c=1\n-x.y\n#z\n"))
	f.Add([]byte("net.ipv4.conf.eth0/1.x=\r\n;\nvm/x=1\nvm.x=1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := parseSysctlConf(data, "f")
		var again strings.Builder
		seen := 0
		for _, l := range lines {
			for part := range strings.SplitSeq(swapSeparators(l.Name), "/") {
				if part == "" || part == "." || part == ".." {
					t.Fatalf("%q has the part %q", l.Name, part)
				}
			}
			again.WriteString(strings.Repeat("\n", l.Line-seen-1)) // so that it stands on its line
			seen = l.Line
			if l.excludes {
				again.WriteString("-/" + swapSeparators(l.Name) + "/\n") // which keeps spaces at its end
			} else {
				again.WriteString("/" + swapSeparators(l.Name) + "/ = " + l.Value + "\n")
			}
		}
		equal(t, len(parseSysctlConf([]byte(again.String()), "f")), len(lines))
		for i, l := range parseSysctlConf([]byte(again.String()), "f") {
			if l != lines[i] {
				t.Fatalf("%+v became %+v", lines[i], l)
			}
		}
		merged := mergeSysctls([]dropIn{{"a", data}, {"b", data}})
		names := map[string]bool{}
		for _, s := range merged.list {
			if names[s.Name] || s.File != "b" {
				t.Fatalf("%q stands twice, or is not the last: %+v", s.Name, s)
			}
			names[s.Name] = true
		}
	})
}

// TestSysctlSecrets: of a secret only whether it is the configured one is kept.
func TestSysctlSecrets(t *testing.T) {
	const stable, key = "net.ipv6.conf.all.stable_secret", "net.ipv4.tcp_fastopen_key"
	got := readSysctlConf(tree(t, files{
		"etc/sysctl.d/a.conf":                      stable + " = 2001:db8::1\n" + key + " = 0123-4567\nvm.swappiness = 1\n",
		"proc/sys/net/ipv6/conf/all/stable_secret": "2001:db8::1\n", "proc/sys/net/ipv4/tcp_fastopen_key": "0123-9999\n", "proc/sys/vm/swappiness": "1\n",
	}))
	var values []string
	for _, s := range got.Value.Settings {
		values = append(values, s.Value, s.Running.Value)
	}
	equal(t, values, []string{"(a secret)", "(a secret)", "(a secret)", "(another secret)", "1", "1"})
}
