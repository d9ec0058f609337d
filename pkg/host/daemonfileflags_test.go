package host

import (
	"strings"
	"testing"
)

func TestReadStarted(t *testing.T) {
	const dropin = "etc/systemd/system/docker.service.d/"
	service := func(lines string) files { return files{unitFile: "[Unit]\nExecStart=/no\n[Service]\n" + lines} }
	sysconfig := func(more string) files {
		return service("EnvironmentFile=-/etc/sysconfig/docker\n" + more + "ExecStart=/usr/bin/dockerd --host=fd:// $OPTIONS\n")
	}
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
		"Red Hat's":            {host: []files{sysconfig(""), {"etc/sysconfig/docker": "# x\nOPTIONS=\"--selinux-enabled \\\n  --log-driver=journald \\\n  --live-restore \\\n\"\n"}}, directives: "hosts live-restore log-driver selinux-enabled", file: "/" + unitFile},
		"without quotes":       {host: []files{sysconfig(""), {"etc/sysconfig/docker": "OPTIONS=--debug \\\n  --ip 1.1.1.1\n"}}, directives: "debug hosts ip", file: "/" + unitFile},
		"quoted newlines":      {host: []files{sysconfig(""), {"etc/sysconfig/docker": "A=x\nOPTIONS='--debug\n--ip 1.1.1.1'\n"}}, directives: "debug hosts ip", file: "/" + unitFile},
		"files taken back":     {host: []files{sysconfig("EnvironmentFile=\n"), {"etc/sysconfig/docker": "OPTIONS=--debug\n"}}, directives: "hosts", file: "/" + unitFile},
		"files come last":      {host: []files{sysconfig("Environment=OPTIONS=--ip=1.1.1.1\n"), {"etc/sysconfig/docker": "OPTIONS=--debug\n"}}, directives: "debug hosts", file: "/" + unitFile},
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

// TestReadStartedOfUntoldFiles holds that flags are not known where it is not known what an environment file sets.
func TestReadStartedOfUntoldFiles(t *testing.T) {
	for file, why := range map[string]string{
		"-/etc/sysconfig/docke?":     "EnvironmentFile=/etc/sysconfig/docke? is a pattern",
		"/etc/%N.env":                "is a pattern",
		"-/run/flannel/docker":       "is written at boot",
		"/etc/sysconfig/open":        "/etc/sysconfig/open: a quotation mark is not closed",
		"/etc/sysconfig/commentary":  "/etc/sysconfig/commentary: a comment ends in a backslash",
		"/etc/sysconfig/is-a-device": "too many",
	} {
		_, err := startedOf(tree(t, files{unitFile: "[Service]\nEnvironmentFile=" + file + "\nExecStart=/usr/bin/dockerd $OPTIONS\n",
			"etc/sysconfig/docker": "OPTIONS=--debug\n", "etc/sysconfig/open": "A=1\nOPTIONS=\"--debug\n", "etc/sysconfig/commentary": "# x \\\nOPTIONS=--debug\n",
			"etc/sysconfig/is-a-device": "-> /dev/x", "dev/x": "-> x"}))
		refused(t, err, why)
	}
}

func TestEnvironment(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                  nil,
		" \n# a\n;b\nnothing\n":             nil,
		"A=1\nB = 2 3 \r\n":                 {"A=1", "B=2 3"},
		"A=\nB=\"\"\nC=x":                   {"A=", "B=", "C=x"},
		`A="a \"b\" \x $c" 'd e' f"g"`:      {`A=a "b" \x $cd ef"g"`},
		"A='b\\\nc'\nD=e\\\n\tf\\ \n":       {"A=b\\\nc", "D=e\tf "},
		"A=\"--x \\\n--y\"\nB=\"z\nz\"\nC=": {"A=--x --y", "B=z\nz", "C="},
		`A=a\\b`:                            {`A=a\b`},
	} {
		got, err := environment(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		equal(t, got, want)
	}
}

// FuzzEnvironment holds that a value that is written in quotation marks comes back as it was,
// whatever stands in it, and that the next one is not touched by it.
func FuzzEnvironment(f *testing.F) {
	f.Add("--log-driver=journald \\\n--live-restore", "x")
	f.Add("a\"b", "\n# `c`$")
	f.Fuzz(func(t *testing.T, a, b string) {
		quoted := func(s string) string {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace(s) + `"`
		}
		got, err := environment("A=" + quoted(a) + "\n# x\n B = " + quoted(b))
		if err != nil || len(got) != 2 || got[0] != "A="+a || got[1] != "B="+b {
			t.Fatalf("%q and %q became %q (%v)", a, b, got, err)
		}
	})
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
