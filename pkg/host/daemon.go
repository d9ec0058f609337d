package host

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"syscall"

	"vmguard/pkg/rootfs"
)

// Daemon is a running process whose death takes containers, or the way in, with it.
type Daemon struct {
	Name string `json:"name"` // dockerd, containerd, sshd
	PID  int    `json:"pid"`
	// Unit is the systemd unit that it runs in, such as "docker.service", by its cgroup; empty for none.
	Unit string `json:"unit,omitempty"`
	// Parent is the name of the process that started it, where that still runs.
	Parent      string `json:"parent,omitempty"`
	OOMScoreAdj int    `json:"oomScoreAdj"` // -1000 (never killed) to 1000 (proc_pid_oom_score_adj(5))
}

// The daemons that are looked for, by comm.
const (
	dockerd    = "dockerd"
	containerd = "containerd"
	sshd       = "sshd"
)

// errHidden says that a list of processes would have holes.
var errHidden = errors.New("/proc hides other users' processes (hidepid): run as root")

// readDaemons finds the daemons among the processes of the host itself: those in the
// reader's PID namespace and in no container. Of a daemon's children of the same name
// (sshd's sessions) none is listed, and of several sshd only the one with the lowest PID.
func readDaemons(tree *rootfs.FS) Fact[[]Daemon] {
	found, err := candidates(tree)
	if err != nil {
		return Missing[[]Daemon](err.Error())
	}
	daemons := []Daemon{}
	haveSSH := false
	for _, p := range found {
		child := slices.ContainsFunc(found, func(q process) bool { return q.pid == p.ppid && q.comm == p.comm })
		if child || p.comm == sshd && haveSSH {
			continue
		}
		adj, err := readOOMScoreAdj(tree, p.pid)
		switch {
		case gone(err):
			continue
		case err != nil:
			return Missing[[]Daemon](unread(procFile(p.pid, "oom_score_adj"), err))
		}
		haveSSH = haveSSH || p.comm == sshd
		daemons = append(daemons, Daemon{Name: p.comm, PID: p.pid, OOMScoreAdj: adj})
	}
	return Known(daemons, "/proc")
}

// process is one that bears a daemon's name.
type process struct {
	pid, ppid int
	comm      string
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
		case comm != dockerd && comm != containerd && comm != sshd:
			continue
		}
		p, own, err := hostProcess(tree, pid)
		switch {
		case gone(err):
			continue
		case err != nil:
			return nil, err
		case own:
			found = append(found, process{pid: pid, ppid: p.ppid, comm: comm})
		}
	}
	return found, nil
}

// hostProcess tells whether a process belongs to the host and to no container.
func hostProcess(tree *rootfs.FS, pid int) (status, bool, error) {
	name := procFile(pid, "status")
	data, err := tree.ReadFile(name, smallFile)
	if err != nil {
		return status{}, false, err
	}
	st, err := parseStatus(data)
	if err != nil {
		return status{}, false, errors.New(name + ": " + err.Error())
	}
	cgroups, err := word(tree, procFile(pid, "cgroup"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return status{}, false, err
	}
	return st, len(st.nspid) <= 1 && containerIn(cgroups) == "", nil
}

// processIDs lists the PIDs of /proc, lowest first. It errs where PID 1 is not among
// them: that is there in every namespace, so others are hidden too.
func processIDs(tree *rootfs.FS) ([]int, error) {
	entries, err := tree.ReadDir("/proc")
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
// its executable, or an endpoint that the user named.
func readDockerInstalled(s Source, daemons Fact[[]Daemon]) Fact[bool] {
	if s.DockerNamed {
		return Known(true, "the named endpoint")
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
	if !daemons.Known() && s.Live {
		// With neither socket nor executable, only an odd path could hide a daemon.
		return Missing[bool]("no socket and no executable was found, but " + daemons.Why())
	}
	return Known(false, "the usual places of Docker's socket and executable")
}
