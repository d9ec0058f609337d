package host

import (
	"strings"
	"testing"
)

// openRCScript is what Alpine's and Gentoo's scripts have of dockerd's start.
const openRCScript = "#!/sbin/openrc-run\ncommand=\"${DOCKERD_BINARY:-/usr/bin/dockerd}\"\npidfile=\"${DOCKER_PIDFILE:-/run/${RC_SVCNAME}.pid}\"\n" +
	`command_args="-p \"${pidfile}\" ${DOCKER_OPTS}"` + "\nstart_pre() {\n\tcheckpath -f x\n}\n"

func TestReadStartedByOpenRC(t *testing.T) {
	const script, conf = "etc/init.d/docker", "etc/conf.d/docker"
	for name, c := range map[string]struct {
		host       files
		directives string // with blanks between
		config     string
		why        string
	}{
		"no settings":     {host: files{script: openRCScript}, directives: "pidfile"},
		"commented":       {host: files{script: openRCScript, conf: "# DOCKER_OPTS=\"-D\"\n"}, directives: "pidfile"},
		"options":         {host: files{script: openRCScript, conf: "DOCKER_OPTS=\"--log-driver=json-file --config-file=/x.json\"\n"}, directives: "log-driver pidfile", config: "/x.json"},
		"made up":         {host: files{script: openRCScript, conf: "A='-H fd://'\nDOCKER_OPTS=\"$A\"\nDOCKER_OPTS=\"$DOCKER_OPTS -D\"\n"}, directives: "debug hosts pidfile"},
		"a program's":     {host: files{script: openRCScript, conf: "DOCKER_OPTS=\"$(x)\"\n"}, why: "without running it"},
		"on a condition":  {host: files{script: openRCScript, conf: "[ -e /x ] && DOCKER_OPTS=-D\n"}, why: "without running it"},
		"added":           {host: files{script: openRCScript, conf: "DOCKER_OPTS+=' -D'\n"}, why: "without running it"},
		"an open quote":   {host: files{script: openRCScript, conf: "A='\nDOCKER_OPTS=-D\n"}, why: "without running it"},
		"no OpenRC":       {host: files{script: "#!/bin/sh\ndockerd -D &\n"}, why: "/etc/init.d/docker starts dockerd"},
		"another's value": {host: files{script: "command_args=\"$X\"\n"}, why: "without running it"},
		"in two steps":    {host: files{script: openRCScript + "\tcommand_args=\"$command_args -D\"\n"}, why: "without running it"},
		"systemd's own":   {host: files{script: "#!", "lib/systemd/systemd": "ELF", unitFile: someUnit}, directives: "hosts"},
		"a unit unused":   {host: files{script: openRCScript, unitFile: someUnit}, directives: "pidfile"},
		"the snap":        {host: files{"etc/systemd/system/snap.docker.dockerd.service": "[Service]\nExecStart=/usr/bin/snap run docker.dockerd\n"}, config: snapConfig},
		"the snap beside": {host: files{"etc/systemd/system/snap.docker.dockerd.service": "x", "lib/systemd/systemd": "ELF", unitFile: someUnit}, directives: "hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := startedOf(tree(t, c.host))
			if refused(t, err, c.why) {
				return
			}
			equal(t, strings.Join(got.directives(), " "), c.directives)
			if c.config == "" {
				c.config = defaultDaemonConfig
			}
			equal(t, got.config, c.config)
		})
	}
}

// TestReadDaemonConfigOfTheSnap holds that the file is read that the snap's dockerd will read.
func TestReadDaemonConfigOfTheSnap(t *testing.T) {
	fs := tree(t, files{"etc/systemd/system/snap.docker.dockerd.service": "x", snapConfig: `{"log-driver": "local"}`, "etc/docker/daemon.json": "{,"})
	equal(t, daemonConfigOf(fs, noDaemons()), Known(DaemonConfig{File: snapConfig, Present: true, LogDriver: "local"}, snapConfig))
	got := daemonFileOf(fs)
	equal(t, got.Value.Path, snapConfig)
	equal(t, len(got.Value.Problems), 0)
}

// FuzzOpenRCArgs holds that plain options come back as they were set, whatever stands
// before them, or that nothing is said.
func FuzzOpenRCArgs(f *testing.F) {
	f.Add("# x\nDOCKERD_BINARY=/usr/bin/dockerd\n", "--debug")
	f.Add("if x; then\n", "-d")
	f.Add("A='", "a")
	f.Fuzz(func(t *testing.T, before, option string) {
		if option == "" || strings.Trim(option, "abcdefghijklmnopqrstuvwxyz-=/.") != "" {
			t.Skip()
		}
		got, ok := openRCArgs(openRCScript, before+"\nDOCKER_OPTS='"+option+" x'\n")
		if ok && (len(got) < 4 || got[len(got)-2] != option || got[len(got)-1] != "x") {
			t.Fatalf("%q before %q became %q", before, option, got)
		}
	})
}
