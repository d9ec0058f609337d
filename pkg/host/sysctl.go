package host

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// noConntrack is why connection tracking's facts are missing where its module is not loaded.
const noConntrack = "connection tracking is not loaded"

// sysctlNames lists the integer sysctls that Collect reads
// (Documentation/admin-guide/sysctl and Documentation/networking/ip-sysctl.rst).
func sysctlNames() []string {
	return []string{
		"kernel.dmesg_restrict",
		"kernel.panic",
		"net.ipv4.ip_forward",
		"net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
		"net.ipv4.tcp_keepalive_time",
		"net.netfilter.nf_conntrack_max",
		"net.netfilter.nf_conntrack_tcp_timeout_established",
		"vm.min_free_kbytes",
		"vm.oom_kill_allocating_task",
		"vm.overcommit_kbytes",
		"vm.overcommit_memory",
		"vm.overcommit_ratio",
		"vm.panic_on_oom",
		"vm.swappiness",
		"vm.vfs_cache_pressure",
	}
}

func readSysctls(tree *rootfs.FS) map[string]Fact[int64] {
	all := make(map[string]Fact[int64])
	for _, name := range sysctlNames() {
		all[name] = readSysctl(tree, name)
	}
	return all
}

// readSysctl reads the running value of a sysctl by its dotted name. Names with a dot
// of their own, such as an interface's, are not read here.
func readSysctl(tree *rootfs.FS, name string) Fact[int64] {
	path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
	data, err := tree.ReadFile(path, smallFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(name, "net.netfilter."):
		return Missing[int64](noConntrack)
	case err != nil:
		return Missing[int64](unread(path, err))
	}
	n, err := parseSysctl(data)
	if err != nil {
		return Missing[int64](path + ": " + err.Error())
	}
	return Known(n, path)
}

// parseSysctl parses a sysctl that holds one integer.
func parseSysctl(data []byte) (int64, error) {
	text := strings.TrimSpace(string(data))
	if text == "" {
		return 0, errEmpty
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, badNumber(text)
	}
	return n, nil
}
