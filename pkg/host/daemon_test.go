package host

import (
	"fmt"
	"testing"
)

// proc makes the files of one process.
func proc(pid, ppid int, comm, nspid, cgroup string, adj string) files {
	dir := fmt.Sprintf("proc/%d/", pid)
	return files{
		dir + "comm": comm + "\n", dir + "status": statusOf(comm, pid, ppid, nspid),
		dir + "cgroup": cgroup + "\n", dir + "oom_score_adj": adj + "\n",
	}
}

func hostProc(pid, ppid int, comm, adj string) files {
	return proc(pid, ppid, comm, fmt.Sprint(pid), "0::/system.slice/"+comm+".service", adj)
}

func TestReadDaemons(t *testing.T) {
	inContainer := "0::/system.slice/docker-" + containerID + ".scope"
	host := []files{
		hostProc(1, 0, "systemd", "0"),
		hostProc(410, 1, "dockerd", "-500"),
		hostProc(400, 1, "containerd", "-999"),
		hostProc(401, 1, "containerd-shim", "-998"),
		hostProc(9, 1, "sshd", "-1000"),
		hostProc(800, 9, "sshd", "0"),                         // a session
		hostProc(1000, 1, "sshd", "-17"),                      // a second listener
		hostProc(411, 410, "dockerd", "0"),                    // between fork and exec
		proc(500, 401, "dockerd", "500\t1", inContainer, "0"), // Docker in Docker
		proc(501, 401, "sshd", "501", inContainer, "0"),       // a container with the host's PIDs
		{"proc/600/": "", "proc/self": "-> 700", "proc/sys/x": ""},
	}
	want := []Daemon{{"sshd", 9, -1000}, {"containerd", 400, -999}, {"dockerd", 410, -500}}
	equal(t, readDaemons(tree(t, host...)), Known(want, "/proc"))
	equal(t, readDaemons(tree(t, hostProc(1, 0, "init", "0"))), Known([]Daemon{}, "/proc"))
	missing(t, readDaemons(tree(t)), "/proc does not exist")
	missing(t, readDaemons(tree(t, files{"proc/meminfo": ""})), "/proc has no processes")
	missing(t, readDaemons(tree(t, hostProc(7, 1, "sh", "0"))), "hides other users' processes")
	missing(t, readDaemons(tree(t, hostProc(1, 0, "sshd", "many"))), "/proc/1/oom_score_adj")
	missing(t, readDaemons(tree(t, hostProc(1, 0, "sshd", "1001"))), "/proc/1/oom_score_adj")
	missing(t, readDaemons(tree(t, hostProc(1, 0, "dockerd", "0"), files{"proc/2/comm": "dockerd\n", "proc/2/status": "Name:\tdockerd\n"})), "/proc/2/status: not all of")
}

func TestReadDockerInstalled(t *testing.T) {
	none := Known([]Daemon{}, "/proc")
	unknown := Missing[[]Daemon]("/proc hides")
	for name, c := range map[string]struct {
		host    files
		source  Source
		daemons Fact[[]Daemon]
		want    Fact[bool]
	}{
		"nothing":      {daemons: none, want: Known(false, "the usual places of Docker's socket and executable")},
		"named":        {source: Source{DockerNamed: true}, daemons: none, want: Known(true, "the named endpoint")},
		"running":      {daemons: Known([]Daemon{{Name: "dockerd", PID: 7}}, "/proc"), want: Known(true, "/proc/7/comm")},
		"containerd":   {daemons: Known([]Daemon{{Name: "containerd", PID: 7}}, "/proc"), want: Known(false, "the usual places of Docker's socket and executable")},
		"socket":       {host: files{"var/run": "-> /run", "run/docker.sock": ""}, daemons: none, want: Known(true, "/var/run/docker.sock")},
		"executable":   {host: files{"usr/sbin/dockerd": ""}, daemons: none, want: Known(true, "/usr/sbin/dockerd")},
		"hidden":       {source: Source{Live: true}, daemons: unknown, want: Missing[bool]("no socket and no executable was found, but /proc hides")},
		"not live":     {daemons: unknown, want: Known(false, "the usual places of Docker's socket and executable")},
		"hidden, seen": {host: files{"usr/bin/dockerd": ""}, source: Source{Live: true}, daemons: unknown, want: Known(true, "/usr/bin/dockerd")},
	} {
		t.Run(name, func(t *testing.T) {
			c.source.FS = tree(t, c.host)
			equal(t, readDockerInstalled(c.source, c.daemons), c.want)
		})
	}
}
