package host

import (
	"strings"
	"testing"
)

func TestReadStarted(t *testing.T) {
	const dropin = "etc/systemd/system/docker.service.d/"
	service := func(lines string) files { return files{unitFile: "[Unit]\nExecStart=/no\n[Service]\n" + lines} }
	for name, c := range map[string]struct {
		host       []files
		directives string // with blanks between
		file       string
		config     string
	}{
		"no unit":              {},
		"Docker's":             {host: []files{service("ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock\n")}, directives: "containerd hosts", file: "/" + unitFile},
		"Debian's":             {host: []files{service("EnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n"), {"etc/default/docker": "# x\nDOCKER_OPTS=\"--dns 8.8.8.8 --log-opt=max-size=1m -D\"\n"}}, directives: "debug dns hosts log-opts", file: "/" + unitFile},
		"Debian's, no options": {host: []files{service("EnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd $DOCKER_OPTS\n")}, file: "/" + unitFile},
		"environment":          {host: []files{service("Environment=\"A=--debug\" B=overlay2\nExecStart=/usr/bin/dockerd $A --storage-driver=${B}\n")}, directives: "debug storage-driver", file: "/" + unitFile},
		"a drop-in":            {host: []files{service("ExecStart=/usr/bin/dockerd -H fd://\n"), {dropin + "a.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n  --label a=b\n"}}, directives: "labels", file: "/" + dropin + "a.conf"},
		"a drop-in that adds":  {host: []files{service("ExecStart=/usr/bin/dockerd -H fd://\n"), {dropin + "a.conf": "[Service]\nExecStart=/usr/bin/dockerd --debug\n"}}, directives: "hosts", file: "/" + unitFile},
		"a drop-in of no use":  {host: []files{service("ExecStart=/usr/bin/dockerd -H fd://\n"), {dropin + "a.conf": "-> /dev/null", dropin + "b": "[Service]\nExecStart=\n"}}, directives: "hosts", file: "/" + unitFile},
		"prefixes":             {host: []files{service("ExecStart=-!/usr/bin/dockerd --tls=false\n")}, directives: "tls", file: "/" + unitFile},
		"a path":               {host: []files{service("ExecStart=/usr/bin/dockerd --config-file /x.json --debug\n")}, directives: "debug", file: "/" + unitFile, config: "/x.json"},
		"no value":             {host: []files{service("ExecStart=/usr/bin/dockerd --config-file\n")}, file: "/" + unitFile, config: "-"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := startedOf(tree(t, c.host...))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, strings.Join(got.directives(), " "), c.directives)
			equal(t, got.file, c.file)
			switch c.config {
			case "":
				equal(t, got.config, defaultDaemonConfig)
			case "-":
				equal(t, got.config, "")
			default:
				equal(t, got.config, c.config)
			}
		})
	}
}

// TestReadStartedByAnother holds that nothing is said of flags that something else adds.
func TestReadStartedByAnother(t *testing.T) {
	for start, why := range map[string]string{
		"/usr/local/bin/start-docker -H fd://":                               "/lib/systemd/system/docker.service starts start-docker, and",
		`/bin/sh -c "exec /usr/bin/dockerd --log-driver=json-file $OPTIONS"`: "starts sh",
		"$DOCKER":          "",
		"/usr/bin/dockerd": "",
	} {
		_, err := startedOf(tree(t, files{unitFile: "[Service]\nExecStart=" + start + "\n"}))
		refused(t, err, why)
	}
	unit := files{unitFile: "[Service]\nExecStart=/bin/sh -c x\n", "etc/docker/daemon.json": "{}"}
	missing(t, daemonFileOf(tree(t, unit)), "starts sh, and with what flags")
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                        nil,
		" a  b\tc ":               {"a", "b", "c"},
		`a "b c" 'd e' f"g h"i`:   {"a", "b c", "d e", "fg hi"},
		`a\ b "c\"d" ''`:          {"a b", `c"d`, ""},
		`"open end`:               {"open end"},
		`--label "a=b" --x='y z'`: {"--label", "a=b", "--x=y z"},
	} {
		equal(t, splitWords(line), want)
	}
}

// FuzzSplitWords holds that words that are written in quotation marks come back as they were.
func FuzzSplitWords(f *testing.F) {
	f.Add("-H fd://", `a "b" \c`)
	f.Fuzz(func(t *testing.T, a, b string) {
		quoted := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
		got := splitWords(quoted(a) + " \t" + quoted(b))
		if len(got) != 2 || got[0] != a || got[1] != b {
			t.Fatalf("%q and %q became %q", a, b, got)
		}
	})
}
