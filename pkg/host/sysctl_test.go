package host

import (
	"strconv"
	"testing"
)

func TestReadSysctls(t *testing.T) {
	all := readSysctls(tree(t, files{
		"proc/sys/vm/swappiness":                "60\n",
		"proc/sys/vm/panic_on_oom":              "0\n",
		"proc/sys/kernel/panic":                 "-1\n",
		"proc/sys/vm/overcommit_ratio":          "\n",
		"proc/sys/vm/overcommit_memory":         "1 2\n",
		"proc/sys/net/ipv4/tcp_keepalive_time":  "7200",
		"proc/sys/net/ipv4/tcp_keepalive_intvl": "99999999999999999999\n",
	}))
	equal(t, len(all), len(sysctlNames()))
	equal(t, all["vm.swappiness"], Known(int64(60), "/proc/sys/vm/swappiness"))
	equal(t, all["vm.panic_on_oom"], Known(int64(0), "/proc/sys/vm/panic_on_oom"))
	equal(t, all["kernel.panic"].Value, int64(-1))
	equal(t, all["net.ipv4.tcp_keepalive_time"].Value, int64(7200))
	missing(t, all["vm.overcommit_ratio"], "/proc/sys/vm/overcommit_ratio: empty")
	missing(t, all["vm.overcommit_memory"], `"1 2"`)
	missing(t, all["net.ipv4.tcp_keepalive_intvl"], "no number")
	missing(t, all["vm.overcommit_kbytes"], "/proc/sys/vm/overcommit_kbytes does not exist")
	missing(t, all["net.netfilter.nf_conntrack_max"], noConntrack)
	facts := &Facts{Sysctls: all}
	equal(t, facts.Sysctl("vm.swappiness").Value, int64(60))
	missing(t, facts.Sysctl("vm.unheard_of"), "not collected")
}

// FuzzParseSysctl holds that what was accepted is the number that stands there.
func FuzzParseSysctl(f *testing.F) {
	f.Add([]byte("60\n"))
	f.Add([]byte(" -1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := parseSysctl(data)
		if err != nil {
			return
		}
		again, err := parseSysctl([]byte(strconv.FormatInt(n, 10) + "\n"))
		if err != nil || again != n {
			t.Fatalf("%d became %d, %v", n, again, err)
		}
	})
}
