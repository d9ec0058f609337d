package host

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/rootfs"
)

func TestParseDaemonConfig(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want DaemonConfig
		err  string
	}{
		"empty":        {text: "", want: DaemonConfig{}},
		"blank":        {text: " \n", want: DaemonConfig{}},
		"no settings":  {text: "{}", want: DaemonConfig{}},
		"all":          {text: `{"log-driver":"local","log-opts":{"max-size":"10m","max-file":"3","tag":"x"},"live-restore":true,"init":false}`, want: DaemonConfig{LogDriver: "local", LogMaxSize: "10m", LogMaxFile: "3", LiveRestore: ptr(true), Init: ptr(false)}},
		"other keys":   {text: `{"storage-driver":"overlay2","hosts":["tcp://x"],"unheard-of":{"a":[1]}}`, want: DaemonConfig{}},
		"broken":       {text: "{\n  \"init\": true,\n  \"log-driver\" \"x\"\n}\n", err: "line 3: invalid character"},
		"cut off":      {text: "{\n\"init\": true", err: "line 2: unexpected end"},
		"a comment":    {text: "{\n// no\n}", err: "line 2"},
		"wrong type":   {text: "{\n\n\"live-restore\": \"yes\"}", err: "line 3: json: cannot unmarshal string"},
		"number":       {text: `{"log-opts":{"max-file":3}}`, err: "line 1"},
		"a list":       {text: `[]`, err: "line 1"},
		"two values":   {text: "{}\n{}", err: "line 2"},
		"zero bytes":   {text: "\x00\x00", err: "line 1"},
		"deep nesting": {text: strings.Repeat("[", 20000), err: "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseDaemonConfig([]byte(c.text))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

func TestParseDaemonFlags(t *testing.T) {
	const file = "/etc/docker/daemon.json"
	for name, c := range map[string]struct {
		args []string
		want DaemonConfig
		err  string
	}{
		"none":             {args: []string{"dockerd"}, want: DaemonConfig{File: file}},
		"systemd's":        {args: []string{"/usr/bin/dockerd", "-H", "fd://", "--containerd=/run/containerd/containerd.sock"}, want: DaemonConfig{File: file}},
		"attached":         {args: []string{"dockerd", "--log-driver=local", "--log-opt=max-size=5m", "--log-opt=max-file=2", "--config-file=/x.json"}, want: DaemonConfig{File: "/x.json", LogDriver: "local", LogMaxSize: "5m", LogMaxFile: "2", Flags: []string{"log-driver", "log-opts"}}},
		"separate":         {args: []string{"dockerd", "--log-driver", "local", "--log-opt", "max-size=5m", "--config-file", "/x.json"}, want: DaemonConfig{File: "/x.json", LogDriver: "local", LogMaxSize: "5m", Flags: []string{"log-driver", "log-opts"}}},
		"switches":         {args: []string{"dockerd", "--live-restore", "--init=false"}, want: DaemonConfig{File: file, LiveRestore: ptr(true), Init: ptr(false), Flags: []string{"init", "live-restore"}}},
		"switch and word":  {args: []string{"dockerd", "--init", "false"}, want: DaemonConfig{File: file, Init: ptr(true), Flags: []string{"init"}}},
		"another's prefix": {args: []string{"dockerd", "--init-path=/x", "--log-drivers=x"}, want: DaemonConfig{File: file}},
		"another's value":  {args: []string{"dockerd", "--log-driver", "--init"}, want: DaemonConfig{File: file, LogDriver: "--init", Flags: []string{"log-driver"}}},
		"after the end":    {args: []string{"dockerd", "--", "--init"}, want: DaemonConfig{File: file}},
		"another option":   {args: []string{"dockerd", "--log-opt", "tag=x"}, want: DaemonConfig{File: file, Flags: []string{"log-opts"}}},
		"no value":         {args: []string{"dockerd", "--log-driver"}, err: "--log-driver has no value"},
		"no boolean":       {args: []string{"dockerd", "--live-restore=maybe"}, err: "--live-restore is neither true nor false"},
		"no arguments":     {args: nil, want: DaemonConfig{File: file}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseDaemonFlags([]byte(strings.Join(c.args, "\x00") + "\x00"))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

func TestReadDaemonConfig(t *testing.T) {
	running := Known([]Daemon{{Name: "sshd", PID: 5}, {Name: "dockerd", PID: 7}}, "/proc")
	stopped := Known([]Daemon{}, "/proc")
	const file = "/etc/docker/daemon.json"
	host := tree(t, files{
		"etc/docker/daemon.json": `{"log-driver":"journald","log-opts":{"max-size":"1m","max-file":"9"},"init":true}`,
		"proc/7/cmdline":         "dockerd\x00--log-opt=max-size=5m\x00--live-restore\x00",
	})
	equal(t, daemonConfigOf(host, stopped), Known(DaemonConfig{File: file, Present: true, LogDriver: "journald", LogMaxSize: "1m", LogMaxFile: "9", Init: ptr(true)}, file))
	equal(t, daemonConfigOf(host, running), Known(DaemonConfig{File: file, Present: true, LogDriver: "journald", LogMaxSize: "5m", LogMaxFile: "9", LiveRestore: ptr(true), Init: ptr(true), Flags: []string{"live-restore", "log-opts"}}, file+" and /proc/7/cmdline"))
	equal(t, daemonConfigOf(tree(t), stopped), Known(DaemonConfig{File: file}, file+" (absent)"))
	equal(t, daemonConfigOf(tree(t, files{"proc/7/cmdline": "dockerd\x00--config-file\x00/x\x00", "x": "{}"}), running), Known(DaemonConfig{File: "/x", Present: true}, "/x and /proc/7/cmdline"))
	missing(t, daemonConfigOf(tree(t), running), "/proc/7/cmdline does not exist")
	missing(t, daemonConfigOf(tree(t, files{"etc/docker/daemon.json": "{"}), stopped), file+", line 1: it is no valid JSON: it ends too early")
	missing(t, daemonConfigOf(tree(t, files{"etc/docker/daemon.json": "{\n\"log-opts\": \"x\"}"}), stopped), file+`, line 2: "log-opts" is text`)
	missing(t, daemonConfigOf(tree(t, files{"etc/docker/daemon.json": strings.Repeat(" ", smallFile+1)}), stopped), "larger than expected")
	missing(t, daemonConfigOf(tree(t, files{"proc/7/cmdline": "dockerd\x00--init=x\x00"}), running), "/proc/7/cmdline: --init is neither")
}

func TestStaleDaemonConfig(t *testing.T) {
	const file = "etc/docker/daemon.json"
	running := Known([]Daemon{{Name: "dockerd", PID: 7}}, "/proc")
	started := time.Unix(1795442953, 0).Add(81300 * time.Millisecond) // after boot plus 8130 ticks
	host := files{
		"proc/stat": "cpu 1 2 3\nintr 5 0 7\nbtime 1795442953\nprocesses 9\n", "proc/7/stat": statOf(7, "dockerd", 8130),
		"proc/7/cmdline": "dockerd\x00", file: "{}",
	}
	for name, c := range map[string]struct {
		changed time.Duration // after the start
		daemons Fact[[]Daemon]
		drop    string
		want    bool
	}{
		"long before":       {changed: -time.Hour, daemons: running},
		"just before":       {changed: -time.Millisecond, daemons: running},
		"within the second": {changed: 999 * time.Millisecond, daemons: running}, // the time of boot is not known to less
		"after":             {changed: 1001 * time.Millisecond, daemons: running, want: true},
		"long after":        {changed: time.Hour, daemons: running, want: true},
		"not running":       {changed: time.Hour, daemons: Known([]Daemon{}, "/proc")},
		"daemons not known": {changed: time.Hour, daemons: Missing[[]Daemon]("/proc hides")},
		"no start":          {changed: time.Hour, daemons: running, drop: "proc/7/stat"},
		"no boot":           {changed: time.Hour, daemons: running, drop: "proc/stat"},
	} {
		t.Run(name, func(t *testing.T) {
			all := maps.Clone(host)
			delete(all, c.drop)
			dir := t.TempDir()
			for name, content := range all {
				place(t, filepath.Join(dir, name), false, content)
			}
			at := started.Add(c.changed)
			if err := os.Chtimes(filepath.Join(dir, file), at, at); err != nil {
				t.Fatal(err)
			}
			fs, err := rootfs.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer fs.Close() //nolint:errcheck // it was only read from
			config := daemonConfigOf(fs, c.daemons)
			equal(t, config.Known(), true)
			equal(t, config.Value.Present, true)
			equal(t, config.Value.Stale, c.want)
		})
	}
	absent := maps.Clone(host)
	delete(absent, file)
	equal(t, daemonConfigOf(tree(t, absent), running).Value.Stale, false)
}

// FuzzParseDaemonConfig holds that what was parsed, written as a file again, parses to the same.
func FuzzParseDaemonConfig(f *testing.F) {
	f.Add([]byte(`{"log-driver":"local","log-opts":{"max-size":"10m"},"live-restore":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseDaemonConfig(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(map[string]any{
			"log-driver": c.LogDriver, "live-restore": c.LiveRestore, "init": c.Init,
			"log-opts": map[string]string{"max-size": c.LogMaxSize, "max-file": c.LogMaxFile},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseDaemonConfig(again)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, c)
	})
}

// FuzzParseDaemonFlags holds that both forms of a flag say the same.
func FuzzParseDaemonFlags(f *testing.F) {
	f.Add("json-file", "10m")
	f.Fuzz(func(t *testing.T, driver, size string) {
		if strings.Contains(driver+size, "\x00") || size == "" {
			return
		}
		attached, err1 := parseDaemonFlags([]byte("dockerd\x00--log-driver=" + driver + "\x00--log-opt=max-size=" + size + "\x00--init\x00"))
		separate, err2 := parseDaemonFlags([]byte("dockerd\x00--log-driver\x00" + driver + "\x00--log-opt\x00max-size=" + size + "\x00--init=true\x00"))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		equal(t, attached, separate)
		equal(t, attached.LogMaxSize, size)
		equal(t, attached.Flags, []string{"init", "log-driver", "log-opts"})
	})
}
