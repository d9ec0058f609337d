package host

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"vmguard/pkg/rootfs"
)

// Daemon is a running process whose death takes containers, or the way in, with it, or that
// itself kills containers.
type Daemon struct {
	// Name is dockerd, containerd, sshd, or kubelet for all that runs Kubernetes' agent, k3s and rke2 among them;
	// or that of a program that kills when memory runs low: earlyoom, nohang, systemd-oomd.
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Unit is the systemd unit that it runs in, such as "docker.service", by its cgroup; empty for none.
	Unit string `json:"unit,omitempty"`
	// Parent is the name of the process that started it, where that still runs.
	Parent      string `json:"parent,omitempty"`
	OOMScoreAdj int    `json:"oomScoreAdj"` // -1000 (never killed) to 1000 (proc_pid_oom_score_adj(5))
}

// The daemons that are looked for.
const (
	dockerd    = "dockerd"
	containerd = "containerd"
	sshd       = "sshd"
	kubelet    = "kubelet"
)

// daemonName gives the daemon's name for a process's comm; empty for any other process.
// k3s and rke2 have the kubelet within their own process, and so has MicroK8s (kubelite).
func daemonName(comm string) string {
	switch comm {
	case dockerd, containerd, sshd, kubelet, "earlyoom", "nohang", "systemd-oomd":
		return comm
	case "k3s", "k3s-server", "k3s-agent", "rke2", "kubelite":
		return kubelet
	default:
		return ""
	}
}

// errHidden says that a list of processes would have holes.
var errHidden = errors.New("/proc hides other users' processes (hidepid): run as root")

// readDaemons finds the daemons among the processes of the host itself: those in the
// reader's PID namespace and in no container. Of a daemon's children of the same name
// none is listed, and of several sshd only the one that lets people in.
func readDaemons(tree *rootfs.FS) Fact[[]Daemon] {
	found, err := candidates(tree)
	if err != nil {
		return Missing[[]Daemon](err.Error())
	}
	listener := findListener(found)
	daemons := []Daemon{}
	for _, p := range found {
		child := slices.ContainsFunc(found, func(q process) bool { return q.PID == p.ppid && q.Name == p.Name })
		if p.Name == sshd && p.PID != listener || p.Name != sshd && child {
			continue
		}
		daemons = append(daemons, p.Daemon)
	}
	return Known(daemons, "/proc")
}

// findListener gives the PID of the sshd that waits for connections: the one that
// systemd started as a service, else one that PID 1 has, else any that is not a
// session. Where there are sessions only (sshd has ended, or systemd starts one for
// each connection), there is none, and it gives 0.
func findListener(found []process) int {
	for _, fits := range []func(process) bool{
		func(p process) bool { return p.Unit == "ssh.service" || p.Unit == "sshd.service" },
		func(p process) bool { return p.ppid == 1 },
		func(process) bool { return true },
	} {
		i := slices.IndexFunc(found, func(p process) bool { return p.Name == sshd && !p.session && fits(p) })
		if i >= 0 {
			return found[i].PID
		}
	}
	return 0
}

// process is one that bears a daemon's name.
type process struct {
	Daemon
	ppid    int
	session bool // of an sshd: it serves one connection
}

// candidates lists the host's own processes that bear a daemon's name, by PID. Only
// their comm is read of all the others: it costs least.
func candidates(tree *rootfs.FS) ([]process, error) {
	pids, err := processIDs(tree)
	if err != nil {
		return nil, err
	}
	var found []process
	for _, pid := range pids {
		comm, err := word(tree, procFile(pid, "comm"))
		switch {
		case gone(err):
			continue
		case errors.Is(err, fs.ErrPermission):
			return nil, errHidden
		case err != nil:
			return nil, err
		case daemonName(comm) == "":
			continue
		}
		p, own, err := hostProcess(tree, pid, daemonName(comm))
		switch {
		case gone(err):
			continue
		case err != nil:
			return nil, err
		case own:
			found = append(found, p)
		}
	}
	return found, nil
}

// hostProcess reads a process, and tells whether it belongs to the host and to no container.
func hostProcess(tree *rootfs.FS, pid int, name string) (process, bool, error) {
	file := procFile(pid, "status")
	data, err := tree.ReadFile(file, smallFile)
	if err != nil {
		return process{}, false, err
	}
	st, err := parseStatus(data)
	if err != nil {
		return process{}, false, errors.New(file + ": " + err.Error())
	}
	cgroups, err := word(tree, procFile(pid, "cgroup"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return process{}, false, err
	}
	if len(st.nspid) > 1 || containerIn(cgroups) != "" {
		return process{}, false, nil
	}
	p := process{Daemon: Daemon{Name: name, PID: pid, Unit: unitOf(cgroups)}, ppid: st.ppid}
	if p.OOMScoreAdj, err = readOOMScoreAdj(tree, pid); err != nil {
		if !gone(err) {
			err = errors.New(unread(procFile(pid, "oom_score_adj"), err))
		}
		return process{}, false, err
	}
	if p.ppid > 0 {
		p.Parent, _ = word(tree, procFile(p.ppid, "comm")) // it may have ended
	}
	p.session = name == sshd && (p.Parent == sshd || isSession(tree, pid))
	return p, true, nil
}

// isSession tells by its title whether an sshd serves one connection, also where its
// parent is gone. sshd writes "sshd: user@pts/0", "sshd: user [priv]" and the like over
// its arguments there, and "sshd: ... [listener] ..." where it waits for connections.
func isSession(tree *rootfs.FS, pid int) bool {
	title, err := word(tree, procFile(pid, "cmdline"))
	return err == nil && strings.HasPrefix(title, "sshd: ") && !strings.Contains(title, "[listener]")
}

// unitOf gives the systemd unit in the text of /proc/PID/cgroup: the innermost service
// of systemd's own hierarchy (cgroup v1) or of the v2 one; empty for none. systemd sets
// "_" before a unit's name that the kernel might take for a file of its own.
func unitOf(cgroups string) string {
	for line := range strings.SplitSeq(cgroups, "\n") {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) != 3 || fields[1] != "name=systemd" && (fields[0] != "0" || fields[1] != "") {
			continue
		}
		for _, segment := range slices.Backward(strings.Split(fields[2], "/")) {
			if unit := strings.TrimPrefix(segment, "_"); strings.HasSuffix(unit, ".service") {
				return unit
			}
		}
	}
	return ""
}

// processIDs lists the PIDs of /proc, lowest first. It errs where PID 1 is not among
// them: that is there in every namespace, so others are hidden too.
func processIDs(tree *rootfs.FS) ([]int, error) {
	const most = 1 << 22 // the kernel's own bound of PIDs
	entries, err := tree.ReadDirMost("/proc", most)
	if err != nil {
		return nil, errors.New(unread("/proc", err))
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	switch {
	case len(pids) == 0:
		return nil, errors.New("/proc has no processes")
	case pids[0] != 1:
		return nil, errHidden
	}
	return pids, nil
}

func readOOMScoreAdj(tree *rootfs.FS, pid int) (int, error) {
	name := procFile(pid, "oom_score_adj")
	s, err := word(tree, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < -1000 || n > 1000 {
		return 0, errors.New(name + ": " + badNumber(s).Error())
	}
	return n, nil
}

// gone tells that a process ended while it was looked at.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

func procFile(pid int, name string) string {
	return path.Join("/proc", strconv.Itoa(pid), name)
}

// readDockerInstalled looks for signs of an engine: the socket, the running daemon,
// its executable, its service's unit (the snap's program is mounted only where it runs),
// or an endpoint that the user named.
func readDockerInstalled(s Source, daemons Fact[[]Daemon]) Fact[bool] {
	if s.DockerNamed {
		return Known(true, NamedEndpoint)
	}
	for _, d := range daemons.Value {
		if d.Name == dockerd {
			return Known(true, procFile(d.PID, "comm"))
		}
	}
	for _, name := range []string{
		"/var/run/docker.sock", "/run/docker.sock",
		"/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd",
		"/snap/bin/dockerd", "/snap/docker/current/bin/dockerd",
	} {
		if _, err := s.FS.Stat(name); err == nil {
			return Known(true, name)
		}
	}
	for _, dir := range unitDirs() {
		for _, unit := range []string{dockerService, snapDocker} {
			if name := path.Join(dir, unit); isFile(s.FS, name) {
				return Known(true, name)
			}
		}
	}
	if !daemons.Known() && s.Live {
		// With neither socket nor executable, only an odd path could hide a daemon.
		return Missing[bool]("no socket and no executable was found, but " + daemons.Why())
	}
	return Known(false, "the usual places of Docker's socket and executable")
}
