package host

import (
	"encoding/json"
	"strings"
	"testing"
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
		"attached":         {args: []string{"dockerd", "--log-driver=local", "--log-opt=max-size=5m", "--log-opt=max-file=2", "--config-file=/x.json"}, want: DaemonConfig{File: "/x.json", LogDriver: "local", LogMaxSize: "5m", LogMaxFile: "2"}},
		"separate":         {args: []string{"dockerd", "--log-driver", "local", "--log-opt", "max-size=5m", "--config-file", "/x.json"}, want: DaemonConfig{File: "/x.json", LogDriver: "local", LogMaxSize: "5m"}},
		"switches":         {args: []string{"dockerd", "--live-restore", "--init=false"}, want: DaemonConfig{File: file, LiveRestore: ptr(true), Init: ptr(false)}},
		"switch and word":  {args: []string{"dockerd", "--init", "false"}, want: DaemonConfig{File: file, Init: ptr(true)}},
		"another's prefix": {args: []string{"dockerd", "--init-path=/x", "--log-drivers=x"}, want: DaemonConfig{File: file}},
		"another's value":  {args: []string{"dockerd", "--log-driver", "--init"}, want: DaemonConfig{File: file, LogDriver: "--init"}},
		"after the end":    {args: []string{"dockerd", "--", "--init"}, want: DaemonConfig{File: file}},
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
	equal(t, readDaemonConfig(host, stopped), Known(DaemonConfig{File: file, Present: true, LogDriver: "journald", LogMaxSize: "1m", LogMaxFile: "9", Init: ptr(true)}, file))
	equal(t, readDaemonConfig(host, running), Known(DaemonConfig{File: file, Present: true, LogDriver: "journald", LogMaxSize: "5m", LogMaxFile: "9", LiveRestore: ptr(true), Init: ptr(true)}, file+" and /proc/7/cmdline"))
	equal(t, readDaemonConfig(tree(t), stopped), Known(DaemonConfig{File: file}, file+" (absent)"))
	equal(t, readDaemonConfig(tree(t, files{"proc/7/cmdline": "dockerd\x00--config-file\x00/x\x00", "x": "{}"}), running), Known(DaemonConfig{File: "/x", Present: true}, "/x and /proc/7/cmdline"))
	missing(t, readDaemonConfig(tree(t), running), "/proc/7/cmdline does not exist")
	missing(t, readDaemonConfig(tree(t, files{"etc/docker/daemon.json": "{"}), stopped), file+": line 1: unexpected end of JSON")
	missing(t, readDaemonConfig(tree(t, files{"etc/docker/daemon.json": strings.Repeat(" ", smallFile+1)}), stopped), "larger than expected")
	missing(t, readDaemonConfig(tree(t, files{"proc/7/cmdline": "dockerd\x00--init=x\x00"}), running), "/proc/7/cmdline: --init is neither")
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
	})
}
