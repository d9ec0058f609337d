package host

import (
	"testing"

	"vmguard/pkg/docker"
)

func TestRuntimeOf(t *testing.T) {
	for _, c := range []struct{ exe, comm, argv0, program, want string }{
		{"node", "node", "", "node", RuntimeNode},
		{"node", "MainThread", "", "docker-entrypoint.sh", RuntimeNode},
		{"node", "npm start", "", "npm", RuntimeNode},
		{"nodejs", "x", "", "", RuntimeNode},
		{"", "MainThread", "", "node", RuntimeNode},
		{"", "npm start", "", "npm", RuntimeNode},
		{"", "MainThread", "", "server", ""},
		{"", "node", "", "", RuntimeNode},
		{"", "sh", "", "", RuntimeShell},
		{"python3.11", "gunicorn", "", "gunicorn", RuntimePython},
		{"python3", "python3", "", "", RuntimePython},
		{"python3.11-config", "x", "", "", ""},
		{"pythonic", "pythonic", "", "", ""},
		{"python3.11", "my_init", "", "my_init", RuntimePython},
		{"python3.11", "supervisord", "", "supervisord", RuntimePython},
		{"java", "java", "", "java", RuntimeJava},
		{"dash", "sh", "", "sh", RuntimeShell},
		{"busybox", "sh", "", "sh", RuntimeShell},
		{"busybox", "init", "", "init", ""},
		{"busybox", "httpd", "", "httpd", ""},
		{"docker-init", "docker-init", "", "node", RuntimeInit},
		{"tini", "tini", "", "tini", RuntimeInit},
		{"systemd", "systemd", "", "init", ""},
		{"app", "app", "", "app", ""},
		{"app", "node", "", "node", ""}, // a program may name itself as it likes
		{"app", "sh", "", "", ""},
		{"", "", "", "", ""},
		{"busybox", "entrypoint.sh", "sh", "entrypoint.sh", RuntimeShell},
		{"", "entrypoint.sh", "bash", "entrypoint.sh", RuntimeShell},
		{"app", "app", "sh", "app", ""},
		{"busybox", "httpd", "httpd", "httpd", ""},
	} {
		if got := runtimeOf(c.exe, c.comm, c.argv0, c.program); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestReadProcess(t *testing.T) {
	host := tree(t, files{
		"proc/7/status":        statusOf("app", 7, 1, "7\t1"),
		"proc/7/oom_score_adj": "-10\n",
		"proc/7/exe":           "-> /usr/local/bin/node (deleted)",
		"proc/8/status":        statusOf("sh", 8, 1, "8\t3\t2"),
		"proc/8/oom_score_adj": "0\n",
		"proc/9/status":        statusOf("sh", 9, 1, "9"),
	})
	equal(t, readProcess(host, 7, docker.Container{Program: "node"}), Known(Process{
		Comm: "app", Exe: "node", SigCgt: 0xfffffffd7fc1feff, SigIgn: 0x1000, NamespacePID: 1, OOMScoreAdj: -10, Runtime: RuntimeNode,
	}, "/proc/7/status"))
	equal(t, readProcess(host, 8, docker.Container{Program: ""}), Known(Process{
		Comm: "sh", SigCgt: 0xfffffffd7fc1feff, SigIgn: 0x1000, NamespacePID: 2, Runtime: RuntimeShell,
	}, "/proc/8/status"))
	missing(t, readProcess(host, 9, docker.Container{Program: ""}), "/proc/9/oom_score_adj does not exist")
	missing(t, readProcess(host, 10, docker.Container{Program: ""}), "/proc/10/status does not exist")
}

// FuzzRuntimeOf holds that nothing but its executable makes a program what it is, once that is known.
func FuzzRuntimeOf(f *testing.F) {
	f.Add("app", "node", "sh", "node")
	f.Fuzz(func(t *testing.T, exe, comm, argv0, program string) {
		got := runtimeOf(exe, comm, argv0, program)
		if exe == "" || exe == "busybox" {
			return
		}
		if want := runtimeOf(exe, "", "", ""); got != want {
			t.Fatalf("%q %q %q: %q instead of %q", exe, comm, program, got, want)
		}
	})
}
