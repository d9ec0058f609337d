package host

import (
	"fmt"
	"strings"
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
		hostProc(800, 9, "sshd", "0"),    // a session
		hostProc(1000, 1, "sshd", "-17"), // a second listener
		hostProc(420, 1, "systemd-oomd", "0"), hostProc(421, 1, "nohang", "0"), hostProc(422, 1, "earlyoom", "-100"),
		proc(502, 401, "earlyoom", "502", inContainer, "0"),   // in a container: it kills there alone
		hostProc(411, 410, "dockerd", "0"),                    // between fork and exec
		proc(500, 401, "dockerd", "500\t1", inContainer, "0"), // Docker in Docker
		proc(501, 401, "sshd", "501", inContainer, "0"),       // a container with the host's PIDs
		{"proc/600/": "", "proc/self": "-> 700", "proc/sys/x": ""},
	}
	want := []Daemon{
		{Name: "sshd", PID: 9, Unit: "sshd.service", Parent: "systemd", OOMScoreAdj: -1000},
		{Name: "containerd", PID: 400, Unit: "containerd.service", Parent: "systemd", OOMScoreAdj: -999},
		{Name: "dockerd", PID: 410, Unit: "dockerd.service", Parent: "systemd", OOMScoreAdj: -500},
		{Name: "systemd-oomd", PID: 420, Unit: "systemd-oomd.service", Parent: "systemd"},
		{Name: "nohang", PID: 421, Unit: "nohang.service", Parent: "systemd"},
		{Name: "earlyoom", PID: 422, Unit: "earlyoom.service", Parent: "systemd", OOMScoreAdj: -100},
	}
	equal(t, readDaemons(tree(t, host...)), Known(want, "/proc"))
	equal(t, readDaemons(tree(t, hostProc(1, 0, "init", "0"))), Known([]Daemon{}, "/proc"))
	missing(t, readDaemons(tree(t)), "/proc does not exist")
	missing(t, readDaemons(tree(t, files{"proc/meminfo": ""})), "/proc has no processes")
	missing(t, readDaemons(tree(t, hostProc(7, 1, "sh", "0"))), "hides other users' processes")
	missing(t, readDaemons(tree(t, hostProc(1, 0, "sshd", "many"))), "/proc/1/oom_score_adj")
	missing(t, readDaemons(tree(t, hostProc(1, 0, "sshd", "1001"))), "/proc/1/oom_score_adj")
	missing(t, readDaemons(tree(t, hostProc(1, 0, "dockerd", "0"), files{"proc/2/comm": "dockerd\n", "proc/2/status": "Name:\tdockerd\n"})), "/proc/2/status: not all of")
}

// titled is a process without a unit that has written a title over its arguments.
func titled(pid, ppid int, comm, title string) []files {
	return []files{
		proc(pid, ppid, comm, fmt.Sprint(pid), "0::/user.slice/user-0.slice/session-3.scope", "0"),
		{fmt.Sprintf("proc/%d/cmdline", pid): title + "\x00\x00"},
	}
}

func TestReadDaemonsListener(t *testing.T) {
	const listening = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"
	inUnit := func(pid, ppid int, unit string) files {
		return proc(pid, ppid, "sshd", fmt.Sprint(pid), "1:name=systemd:/system.slice/"+unit+"\n0::/", "-1000")
	}
	for name, c := range map[string]struct {
		host []files
		want int // 0 for none
	}{
		"one":                       {host: []files{inUnit(50, 1, "ssh.service")}, want: 50},
		"an older one by hand":      {host: []files{hostProc(20, 1, "x", "0"), proc(21, 1, "sshd", "21", "0::/", "0"), inUnit(50, 1, "sshd.service")}, want: 50},
		"a session with a lower ID": {host: append(titled(30, 50, "sshd", "sshd: root@pts/0"), inUnit(50, 1, "ssh.service")), want: 50},
		"before the login":          {host: []files{inUnit(50, 60, "ssh.service"), inUnit(60, 1, "ssh.service")}, want: 60},
		"no systemd":                {host: []files{proc(50, 1, "sshd", "50", "0::/", "0"), proc(40, 50, "sshd", "40", "0::/", "0")}, want: 50},
		"under a supervisor":        {host: []files{proc(45, 1, "runsv", "45", "0::/", "0"), proc(50, 45, "sshd", "50", "0::/", "0")}, want: 50},
		"started from a session":    {host: titled(50, 1, "sshd", listening), want: 50},
		"a session left behind":     {host: titled(50, 1, "sshd", "sshd: root@pts/0")},
		"left in the unit":          {host: []files{inUnit(50, 1, "ssh.service"), {"proc/50/cmdline": "sshd: unknown [priv]\x00"}}},
		"one for each connection":   {host: []files{inUnit(50, 1, "ssh@1-10.0.0.1:22-10.0.0.2:5.service"), {"proc/50/cmdline": "sshd: root [priv]\x00"}}},
		"a session's own session":   {host: append(titled(50, 1, "sshd", "sshd: root [priv]"), titled(51, 50, "sshd", "")...)},
		"arguments":                 {host: []files{inUnit(50, 1, "ssh.service"), {"proc/50/cmdline": "/usr/sbin/sshd\x00-D\x00"}}, want: 50},
	} {
		t.Run(name, func(t *testing.T) {
			daemons := readDaemons(tree(t, append(c.host, hostProc(1, 0, "systemd", "0"))...))
			got := 0
			for _, d := range daemons.Value {
				got += d.PID
			}
			equal(t, daemons.Known(), true)
			equal(t, got, c.want)
		})
	}
}

func TestReadDaemonsKubelet(t *testing.T) {
	for _, comm := range []string{"kubelet", "k3s", "k3s-server", "k3s-agent", "rke2", "kubelite"} {
		got := readDaemons(tree(t, hostProc(1, 0, "systemd", "0"), hostProc(70, 1, comm, "-999")))
		equal(t, got, Known([]Daemon{{Name: "kubelet", PID: 70, Unit: comm + ".service", Parent: "systemd", OOMScoreAdj: -999}}, "/proc"))
	}
	k3s := readDaemons(tree(t, hostProc(1, 0, "systemd", "0"),
		proc(70, 1, "k3s-server", "70", "0::/system.slice/k3s.service", "0"),
		proc(80, 70, "containerd", "80", "0::/system.slice/k3s.service", "0"),
		proc(90, 1, "kubelet", "90", "0::/docker/"+containerID, "0"), // in a container
		hostProc(91, 1, "kubectl", "0"), hostProc(92, 1, "k3s-init", "0")))
	equal(t, k3s.Value, []Daemon{
		{Name: "kubelet", PID: 70, Unit: "k3s.service", Parent: "systemd"},
		{Name: "containerd", PID: 80, Unit: "k3s.service", Parent: "k3s-server"},
	})
	rke2 := readDaemons(tree(t, hostProc(1, 0, "systemd", "0"), hostProc(70, 1, "rke2", "0"), hostProc(80, 70, "kubelet", "-999")))
	equal(t, rke2.Value, []Daemon{{Name: "kubelet", PID: 70, Unit: "rke2.service", Parent: "systemd"}})
	orphan := readDaemons(tree(t, hostProc(1, 0, "systemd", "0"), hostProc(70, 69, "dockerd", "0")))
	equal(t, orphan.Value, []Daemon{{Name: "dockerd", PID: 70, Unit: "dockerd.service"}})
}

func TestUnitOf(t *testing.T) {
	for cgroups, want := range map[string]string{
		"":                                     "",
		"0::/":                                 "",
		"0::/init.scope":                       "",
		"0::/system.slice/docker.service":      "docker.service",
		"0::/system.slice/docker.service/init": "docker.service",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/docker.service":              "docker.service",
		"0::/user.slice/user-0.slice/session-3.scope":                                            "",
		"0::/system.slice/_cpu.service":                                                          "cpu.service",
		"0::/system.slice/docker.services":                                                       "",
		"12:pids:/system.slice/other.service\n1:name=systemd:/system.slice/docker.service\n0::/": "docker.service",
		"12:pids:/system.slice/other.service\n1:name=openrc:/other.service":                      "",
		"nonsense\n0:/x.service\n0::/system.slice/a:b.service":                                   "a:b.service",
	} {
		equal(t, unitOf(cgroups), want)
	}
}

// FuzzUnitOf holds that a unit is a service's name that stands in the path, and that
// what lies below it does not matter.
func FuzzUnitOf(f *testing.F) {
	f.Add("0::/system.slice/docker.service", "x")
	f.Add("1:name=systemd:/a.service/b\n0::/", "b.scope")
	f.Fuzz(func(t *testing.T, cgroups, child string) {
		unit := unitOf(cgroups)
		if unit == "" {
			return
		}
		if !strings.HasSuffix(unit, ".service") || strings.ContainsAny(unit, "/\n") || !strings.Contains(cgroups, unit) {
			t.Fatalf("%q of %q", unit, cgroups)
		}
		if !strings.ContainsAny(child, "/\n") && !strings.HasSuffix(child, ".service") {
			equal(t, unitOf("0::/"+unit+"/"+child), strings.TrimPrefix(unit, "_"))
		}
	})
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
		"snap":         {host: files{"etc/systemd/system/snap.docker.dockerd.service": "x", "snap/docker/current": "-> 2915"}, daemons: none, want: Known(true, "/etc/systemd/system/snap.docker.dockerd.service")},
		"a unit":       {host: files{unitFile: someUnit}, daemons: none, want: Known(true, "/"+unitFile)},
		"a mask":       {host: files{"etc/systemd/system/docker.service": "-> /dev/null"}, daemons: none, want: Known(false, "the usual places of Docker's socket and executable")},
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
