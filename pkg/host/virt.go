package host

import (
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// cpuTable bounds /proc/cpuinfo: about 1.5 kB for each CPU.
const cpuTable = 8 << 20

// readVirtualisation tells what the machine runs on; empty where that cannot be told.
func readVirtualisation(tree *rootfs.FS, d dmi, dmiErr error) string {
	var flag Fact[bool]
	if data, err := tree.ReadFile("/proc/cpuinfo", cpuTable); err == nil {
		flag = hypervisorFlag(data)
	}
	// Xen shows this to its own host system as well, which is then no guest of a cloud
	// but still runs on the hypervisor.
	hypervisor, _ := word(tree, "/sys/hypervisor/type")
	return virtualisation(d, dmiErr == nil, hypervisor, flag)
}

// virtualisation decides. DMI data name the maker of the virtual machine, if it has
// any; providers that rent out bare metal under the same name are told apart by the
// CPU's hypervisor flag. "none" takes both: firmware, and a CPU without the flag.
func virtualisation(d dmi, haveDMI bool, hypervisor string, flag Fact[bool]) string {
	bare := flag.Known() && !flag.Value
	switch kind, cloud := virtByDMI(d); {
	case hypervisor != "":
		return hypervisor
	case kind != "" && !(cloud && bare):
		return kind
	case flag.Known() && flag.Value:
		return "vm"
	case bare && haveDMI:
		return "none"
	default:
		return ""
	}
}

// virtByDMI gives the hypervisor that DMI strings name, as systemd-detect-virt(1) does,
// and whether the string is one that a provider's bare metal bears too.
func virtByDMI(d dmi) (kind string, cloud bool) {
	table := []struct {
		prefix, kind string
		cloud        bool
	}{
		{"KVM", "kvm", false},
		{"OpenStack", "kvm", true},
		{"KubeVirt", "kvm", false},
		{"Google Compute Engine", "kvm", true},
		{"Amazon EC2", "kvm", true},
		{"Alibaba Cloud", "kvm", true},
		{"DigitalOcean", "kvm", false},
		{"QEMU", "qemu", false},
		{"VMware", "vmware", false},
		{"VMW", "vmware", false},
		{"innotek GmbH", "virtualbox", false},
		{"VirtualBox", "virtualbox", false},
		{"Xen", "xen", false},
		{"Bochs", "bochs", false},
		{"Parallels", "parallels", false},
		{"BHYVE", "bhyve", false},
		{"Hyper-V", "microsoft", false},
		{"Apple Virtualization", "apple", false},
	}
	for _, s := range []string{d.productName, d.sysVendor, d.boardVendor, d.biosVendor} {
		for _, row := range table {
			if strings.HasPrefix(s, row.prefix) {
				return row.kind, row.cloud
			}
		}
	}
	// Microsoft also makes laptops.
	if d.sysVendor == "Microsoft Corporation" && d.productName == "Virtual Machine" {
		return "microsoft", false
	}
	return "", false
}

// hypervisorFlag tells whether the first CPU of /proc/cpuinfo has the hypervisor flag.
// It is missing where CPUs list no flags, as on arm64.
func hypervisorFlag(data []byte) Fact[bool] {
	const source = "/proc/cpuinfo"
	for line := range strings.SplitSeq(string(data), "\n") {
		name, flags, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == "flags" {
			return Known(slices.Contains(strings.Fields(flags), "hypervisor"), source)
		}
	}
	return Missing[bool](source + " lists no flags")
}
