package host

import (
	"errors"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"vmguard/pkg/rootfs"
)

// System is what the machine is.
type System struct {
	Hostname string        `json:"hostname"`
	OS       string        `json:"os,omitempty"` // PRETTY_NAME of os-release
	Kernel   string        `json:"kernel"`       // as uname -r
	Arch     string        `json:"arch"`         // as uname -m; empty where a recorded tree does not say
	Uptime   time.Duration `json:"uptimeNanoseconds"`
	// Awake is the uptime without the time in suspend, by which the kernel's log is stamped;
	// as Uptime where it cannot be told.
	Awake    time.Duration `json:"awakeNanoseconds"`
	PageSize uint64        `json:"pageSizeBytes"` // 0 where a recorded tree does not say
	// Systemd tells that systemd runs as the init (sd_booted(3)).
	Systemd bool `json:"systemd,omitempty"`
	// Root tells whether facts were collected with root's rights.
	Root bool `json:"root"`
	// Virtualisation is kvm, xen, vmware, microsoft, qemu ... "vm" where only the CPU's
	// hypervisor bit tells, "none" on bare metal, empty where it cannot be told.
	Virtualisation string `json:"virtualisation,omitempty"`
	// Container names the kind of container that vmguard itself runs in ("docker",
	// "podman", "lxc", "container"); empty on the host itself.
	Container string `json:"container,omitempty"`
}

// readSystem needs the kernel's release and its uptime; what else cannot be read stays empty.
func readSystem(tree *rootfs.FS, s Source, d dmi, dmiErr error) Fact[System] {
	const (
		release = "/proc/sys/kernel/osrelease"
		uptime  = "/proc/uptime"
	)
	var (
		sys System
		err error
	)
	if sys.Kernel, err = word(tree, release); err != nil {
		return Missing[System](unread(release, err))
	}
	up := parsed(tree, uptime, parseUptime)
	if !up.Known() {
		return Missing[System](up.Why())
	}
	sys.Uptime = up.Value
	sys.Awake = awake(s, sys.Uptime)
	sys.Hostname, _ = word(tree, "/proc/sys/kernel/hostname")
	sys.OS = readOS(tree)
	sys.Arch, _ = word(tree, "/proc/sys/kernel/arch") // since Linux 6.1
	if sys.Arch == "" && s.Live {
		sys.Arch = machine(runtime.GOARCH)
	}
	sys.PageSize = pageSize(s.Live, sys.Arch)
	sys.Root = s.Root
	sys.Systemd = booted(tree)
	sys.Virtualisation = readVirtualisation(tree, d, dmiErr)
	sys.Container = readSelfContainer(tree)
	return Known(sys, "/proc")
}

// awake gives the time that the machine was awake since boot, which is no more than the uptime.
func awake(s Source, uptime time.Duration) time.Duration {
	if s.Awake == nil {
		return uptime
	}
	if told := s.Awake(); told > 0 {
		return min(told, uptime)
	}
	return uptime
}

// booted tells whether systemd started this host.
func booted(tree *rootfs.FS) bool {
	info, err := tree.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

func readOS(tree *rootfs.FS) string {
	data, _ := readOSRelease(tree)
	return parseOSRelease(data)
}

// readOSID gives the lower-case name of the operating system, ID of os-release(5), and
// the file that says it; nothing where no file can be read, or it has no ID.
func readOSID(tree *rootfs.FS) (id, source string) {
	data, source := readOSRelease(tree)
	return osReleaseNames(data)["ID"], source
}

// readOSRelease gives os-release and its name; of the two places the first that can be read.
func readOSRelease(tree *rootfs.FS) (data []byte, name string) {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if data, err := tree.ReadFile(name, smallFile); err == nil {
			return data, name
		}
	}
	return nil, ""
}

// parseOSRelease gives PRETTY_NAME of os-release(5), else NAME, else nothing.
func parseOSRelease(data []byte) string {
	names := osReleaseNames(data)
	if s := names["PRETTY_NAME"]; s != "" {
		return s
	}
	return names["NAME"]
}

// osReleaseNames gives all that os-release(5) assigns, without the quotes.
func osReleaseNames(data []byte) map[string]string {
	names := map[string]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			names[name] = unquoteShell(value)
		}
	}
	return names
}

// unquoteShell takes off the quotes of a shell assignment, and within double quotes
// the backslashes before the characters that need one.
func unquoteShell(s string) string {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '\'' {
		return s
	}
	quote := s[0]
	s = s[1 : len(s)-1]
	if quote == '\'' {
		return s
	}
	return strings.NewReplacer(`\"`, `"`, `\$`, `$`, `\\`, `\`, "\\`", "`").Replace(s)
}

// parseUptime parses /proc/uptime: seconds since boot, then seconds idle (proc_uptime(5)).
func parseUptime(data []byte) (time.Duration, error) {
	fields := strings.Fields(string(data))
	if len(fields) != 2 || !strings.HasSuffix(string(data), "\n") {
		return 0, errors.New("not two numbers")
	}
	seconds, err := strconv.ParseFloat(fields[0], 64)
	if err != nil || !(seconds >= 0 && seconds < math.MaxInt64/float64(time.Second)) {
		return 0, badNumber(fields[0])
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// machine gives the name that uname -m has for one of Go's.
func machine(goarch string) string {
	switch goarch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "386":
		return "i686"
	case "ppc64le", "riscv64", "s390x":
		return goarch
	default:
		return ""
	}
}

// pageSize asks the running system; of another, only x86 has a single answer.
func pageSize(live bool, arch string) uint64 {
	switch {
	case live:
		return uint64(os.Getpagesize())
	case arch == "x86_64":
		return 4096
	default:
		return 0
	}
}
