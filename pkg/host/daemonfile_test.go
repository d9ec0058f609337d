package host

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// brokenFile is a dockerd configuration file, and what is wrong with it: each problem as
// "line key: what", with the versions behind it where not all mind.
type brokenFile struct {
	text  string
	flags []string
	want  []string
	// late tells that dockerd minds only after it has taken its configuration in.
	late bool
}

// brokenFiles are judged here and, in another test, by a real dockerd.
func brokenFiles() map[string]brokenFile {
	return map[string]brokenFile{
		"an object":       {text: `{}`},
		"null":            {text: `null`},
		"empty":           {text: "", want: []string{"0 : is empty <23"}},
		"blank":           {text: " \n", want: []string{"0 : is empty <23"}},
		"a list":          {text: "\n[]", want: []string{"2 : is no JSON object"}},
		"goes on":         {text: "{}\n{}", want: []string{"2 : goes on after its object has ended >=23"}},
		"byte order mark": {text: "\xef\xbb\xbf{}", want: []string{"1 : begins with a byte order mark <23"}},
		"UTF-16":          {text: "\xff\xfe{\x00}\x00", want: []string{"1 : is written in UTF-16 <23"}},
		"no UTF-8":        {text: "{\n\"labels\":[\"a=\xff\"]}", want: []string{"2 : is no valid UTF-8 >=23"}},
		"comma too many":  {text: "{\n\"debug\": true,\n}", want: []string{"2 : is no valid JSON: a comma stands before the closing bracket"}},
		"comma missing":   {text: "{\n\"debug\": true\n\"init\": true}", want: []string{"2 : is no valid JSON: a comma or colon is missing"}},
		"colon missing":   {text: "{\n\"log-driver\" \"local\"}", want: []string{"2 : is no valid JSON: a comma or colon is missing"}},
		"comment":         {text: "{\n// no\n}", want: []string{"2 : is no valid JSON: it has a comment"}},
		"hash":            {text: "# no\n{}", want: []string{"1 : is no valid JSON: it has a comment"}},
		"single quotes":   {text: "{'debug': true}", want: []string{"1 : is no valid JSON: text stands in single quotation marks"}},
		"cut off":         {text: "{\n\"debug\": true\n\n", want: []string{"2 : is no valid JSON: it ends too early"}},
		"YAML":            {text: "debug: true\n", want: []string{"1 : is no valid JSON"}},
		"zero bytes":      {text: "\x00\x00", want: []string{"1 : is no valid JSON"}},

		"unknown":             {text: "{\n\"nonesuch\": 1}", want: []string{"2 nonesuch: is no directive of dockerd"}},
		"other case":          {text: `{"Debug": true}`, want: []string{`1 Debug: is no directive of dockerd -> "debug"`}},
		"underscore":          {text: `{"log_driver": "local"}`, want: []string{`1 log_driver: is no directive of dockerd -> "log-driver"`}},
		"option at the top":   {text: `{"max-size": "10m"}`, want: []string{`1 max-size: is no directive of dockerd -> within "log-opts"`}},
		"of the struct only":  {text: `{"swarm-raft-heartbeat-tick": 1}`, want: []string{"1 swarm-raft-heartbeat-tick: is no directive of dockerd"}},
		"shorthand":           {text: `{"H": ["fd://"]}`, want: []string{"1 H: is no directive of dockerd"}},
		"in an unknown one":   {text: "{\"nonesuch\": {\n\"x\": 1}}", want: []string{`2 x: is no directive of dockerd, nor is "nonesuch", in which it stands`}},
		"ignored object":      {text: `{"nonesuch": {"debug": true}}`, want: []string{"1 nonesuch: is no directive of dockerd, which ignores what stands in it (it is ignored)"}},
		"a flag's name":       {text: `{"registry-mirror": ["https://m"]}`, want: []string{`1 registry-mirror: is a flag's name, which dockerd does not read in its file (it is ignored) -> "registry-mirrors"`}},
		"a flag without key":  {text: `{"restart": true}`, want: []string{"1 restart: is a flag's name, which dockerd does not read in its file (it is ignored)"}},
		"a flag's map":        {text: `{"log-opt": {"max-size": "1m"}}`, want: []string{`1 max-size: is no directive of dockerd, nor is "log-opt", in which it stands -> "log-opts" in place of "log-opt"`}},
		"a misspelt map":      {text: `{"log_opts": {"max-size": "1m"}}`, want: []string{`1 max-size: is no directive of dockerd, nor is "log_opts", in which it stands -> "log-opts" in place of "log_opts"`}},
		"removed":             {text: `{"graph": "/dev/null/x"}`, want: []string{`1 graph: is refused from dockerd 23 on -> "data-root"`}},
		"removed, empty":      {text: `{"api-cors-header": ""}`},
		"newer":               {text: `{"log-format": "json"}`, want: []string{"1 log-format: is not known before dockerd 23 <23"}},
		"minimum API version": {text: `{"min-api-version": "1.24"}`, want: []string{"1 min-api-version: is not known before dockerd 29 <29"}},
		"extensions":          {text: `{"extension-config": {"x": {}}}`, want: []string{"1 extension-config: is not known before dockerd 29 <29"}},
		"proxies":             {text: "{\"proxies\": {\n\"http-proxy\": \"http://p\"}}", want: []string{"2 http-proxy: is not known before dockerd 23 <23"}},
		"proxies of no type":  {text: `{"proxies": "x"}`, want: []string{"1 proxies: is no directive of dockerd"}},
		"twice":               {text: "{\"debug\": true,\n\"debug\": false}", want: []string{"2 debug: stands there twice, and dockerd says nothing of it (it is ignored) -> one entry"}},
		"twice, first broken": {text: "{\"debug\": \"x\",\n\"debug\": false}", want: []string{"2 debug: stands there twice, and dockerd says nothing of it (it is ignored) -> one entry", "1 debug: is text -> true or false, without quotation marks"}},

		"text for boolean":  {text: `{"live-restore": "true"}`, want: []string{"1 live-restore: is text -> true or false, without quotation marks"}},
		"number for text":   {text: `{"bip": 5}`, want: []string{"1 bip: is a number -> text in quotation marks"}},
		"fraction":          {text: `{"mtu": 1.5}`, want: []string{"1 mtu: is a number -> a whole number, without quotation marks"}},
		"text for number":   {text: `{"mtu": "1500"}`, want: []string{"1 mtu: is text -> a whole number, without quotation marks"}},
		"text for list":     {text: `{"insecure-registries": "x"}`, want: []string{`1 insecure-registries: is text -> a list of texts, ["..."]`}},
		"numbers in list":   {text: `{"storage-opts": [1]}`, want: []string{`1 storage-opts: is a list -> a list of texts, ["..."]`}},
		"object for text":   {text: `{"bip": {}}`, want: []string{"1 bip: is an object -> text in quotation marks"}},
		"null is nothing":   {text: `{"debug": null, "hosts": null, "log-opts": null, "mtu": null, "default-ulimits": null}`},
		"number in options": {text: "{\"log-opts\": {\"max-size\": \"1m\",\n\"max-file\": 3}}", want: []string{"2 log-opts.max-file: is a number -> text in quotation marks"}},
		"options as list":   {text: `{"log-opts": ["max-size=1m"]}`, want: []string{"1 log-opts: is a list -> an object, { ... }"}},
		"feature":           {text: `{"features": {"buildkit": "true"}}`, want: []string{"1 features.buildkit: is text -> true or false, without quotation marks"}},
		"builder":           {text: `{"builder": true}`, want: []string{"1 builder: is true -> an object, { ... }"}},
		"address":           {text: `{"ip": "x"}`, want: []string{"1 ip: is text -> an IP address"}},
		"no address":        {text: `{"ip": ""}`},
		"name server":       {text: `{"dns": ["dns.example"]}`, want: []string{`1 dns: is a list -> a list of IP addresses, ["..."]`}},
		"name servers":      {text: `{"dns": ["1.1.1.1", "2606:4700::1"]}`},
		"size as number":    {text: `{"default-shm-size": 64}`, want: []string{`1 default-shm-size: is a number -> text such as "64m"`}},
		"size of no unit":   {text: `{"default-shm-size": "64 Q"}`, want: []string{`1 default-shm-size: is text -> text such as "64m"`}},
		"no size":           {text: `{"default-shm-size": null}`, want: []string{`1 default-shm-size: is null -> text such as "64m"`}},
		"sizes":             {text: `{"default-shm-size": "64 MiB"}`},
		"limit as text":     {text: `{"default-ulimits": {"nofile": {"Name": "nofile", "Hard": "1", "Soft": 1}}}`, want: []string{`1 default-ulimits.nofile: is an object -> an object such as {"Name": "nofile", "Soft": 1024, "Hard": 4096}`}},
		"limit as number":   {text: `{"default-ulimits": {"nofile": 1024}}`, want: []string{`1 default-ulimits.nofile: is a number -> an object such as {"Name": "nofile", "Soft": 1024, "Hard": 4096}`}},
		"limit":             {text: `{"default-ulimits": {"nofile": {"name": "nofile", "hard": 4096, "soft": 1024}}}`},
		"runtime":           {text: `{"runtimes": {"crun": {"path": "/usr/bin/crun", "runtimeArgs": "x"}}}`, want: []string{`1 runtimes.crun: is an object -> an object such as {"path": "/usr/bin/crun", "runtimeArgs": []}`}},

		"flag and file":    {text: "{\n\"hosts\": [\"tcp://0.0.0.0:2375\"]}", flags: []string{"hosts"}, want: []string{"2 hosts: is set by a flag of docker.service as well -> one of the two"}},
		"flag, nested":     {text: "{\"x\": {\n\"debug\": true}}", flags: []string{"debug"}, want: []string{"1 x: is no directive of dockerd, which ignores what stands in it (it is ignored)", "2 debug: is set by a flag of docker.service as well -> one of the two"}},
		"another flag":     {text: `{"debug": true}`, flags: []string{"hosts", "containerd"}},
		"runtimes by both": {text: `{"runtimes": {"crun": {"path": "/usr/bin/crun"}}}`, flags: []string{"runtimes"}},

		"log level":         {text: "{\n\"log-level\": \"loud\"}", want: []string{`2 log-level: is "loud" -> one of panic, fatal, error, warn, warning, info, debug, trace`}},
		"log level, upper":  {text: `{"log-level": "WARN"}`},
		"label":             {text: `{"labels": ["a=b", "zone"]}`, want: []string{`1 labels: has "zone", which has no value -> key=value`}},
		"below zero":        {text: `{"max-concurrent-downloads": -1}`, want: []string{"1 max-concurrent-downloads: is below zero -> 1 or more"}},
		"runtime's name":    {text: `{"default-runtime": "nvidia"}`, want: []string{`1 default-runtime: is "nvidia", which "runtimes" does not have -> the name of a runtime`}},
		"runtime is there":  {text: `{"default-runtime": "crun", "runtimes": {"crun": {"path": "/usr/bin/crun"}}}`},
		"runtime by flag":   {text: `{"default-runtime": "crun"}`, flags: []string{"runtimes"}, want: []string{`1 default-runtime: is "crun", which "runtimes" does not have <23 -> the name of a runtime`}},
		"runc anew":         {text: `{"runtimes": {"runc": {"path": "/x"}}}`, want: []string{`1 runtimes: has "runc", a name that is taken -> another name`}},
		"IPC mode":          {text: `{"default-ipc-mode": "host"}`, want: []string{`1 default-ipc-mode: is "host" -> one of private, shareable`}},
		"cgroup namespace":  {text: `{"default-cgroupns-mode": "x"}`, want: []string{`1 default-cgroupns-mode: is "x" -> one of host, private`}},
		"address pool":      {text: `{"default-address-pools": [{"base": "10.0.0.0", "size": 24}]}`, late: true, want: []string{`1 default-address-pools: is a list -> a list such as [{"base": "10.10.0.0/16", "size": 24}]`}},
		"bridge and bip":    {text: `{"bridge": "b0", "bip": "10.0.0.1/24"}`, late: true, want: []string{"1 bip: and bridge exclude each other -> one of the two"}},
		"bip without mask":  {text: `{"bip": "172.17.0.1"}`, late: true, want: []string{"1 bip: is no address with the length of its network -> such as 172.17.0.1/16"}},
		"bip":               {text: `{"bip": "172.17.0.1/16"}`},
		"mirror, no scheme": {text: `{"registry-mirrors": ["https://m", "mirror.gcr.io", "x"]}`, late: true, want: []string{"1 registry-mirrors: has an entry that is no URL -> https:// or http:// before each"}},
		"mirrors":           {text: `{"registry-mirrors": ["https://mirror.gcr.io", "HTTP://m:5000"]}`},
		"icc and iptables":  {text: `{"icc": false, "iptables": false}`, late: true, want: []string{"1 icc: is false, which takes iptables, and that is false as well -> one of them true"}},
		"log option":        {text: `{"log-opts": {"max-sise": "10m"}}`, late: true, want: []string{`1 log-opts: has "max-sise", which the driver json-file does not know`}},
		"log option, other": {text: `{"log-driver": "syslog", "log-opts": {"syslog-address": "udp://x"}}`},
		"syslog's size":     {text: `{"log-driver": "syslog", "log-opts": {"max-file": "3", "max-size": "10m"}}`, late: true, want: []string{`1 log-opts: has "max-file", which the driver syslog does not know`, `1 log-opts: has "max-size", which the driver syslog does not know`}},
		"journald's size":   {text: `{"log-driver": "journald", "log-opts": {"max-size": "10m", "tag": "x"}}`, late: true, want: []string{`1 log-opts: has "max-size", which the driver journald does not know`}},
		"local's labels":    {text: `{"log-driver": "local", "log-opts": {"max-size": "10m", "labels": "x", "mode": "non-blocking"}}`, late: true, want: []string{`1 log-opts: has "labels", which the driver local does not know`}},
		"own options":       {text: `{"log-driver": "awslogs", "log-opts": {"awslogs-group": "g", "tag": "t"}}`},
		"another's option":  {text: `{"log-driver": "fluentd", "log-opts": {"awslogs-group": "g"}}`, late: true, want: []string{`1 log-opts: has "awslogs-group", which the driver fluentd does not know`}},
		"gcplogs":           {text: `{"log-driver": "gcplogs", "log-opts": {"gcp-project": "p", "env": "e"}}`},
		"none takes all":    {text: `{"log-driver": "none", "log-opts": {"mode": "x"}}`},
		"no such driver":    {text: `{"log-driver": "jsonfile"}`, want: []string{`1 log-driver: is "jsonfile": a plugin of that name must be installed (it cannot be told) -> a log driver of dockerd's own, or an installed plugin`}},
		"a plugin":          {text: `{"log-driver": "grafana/loki-docker-driver:latest", "log-opts": {"loki-url": "x"}}`},
		"log driver's flag": {text: `{"log-opts": {"syslog-address": "udp://x"}}`, flags: []string{"log-driver"}},
		"log mode":          {text: `{"log-opts": {"mode": "x"}}`, late: true, want: []string{`1 log-opts: has mode "x" -> blocking or non-blocking`}},
		"log buffer":        {text: `{"log-opts": {"max-buffer-size": "1m"}}`, late: true, want: []string{"1 log-opts: has max-buffer-size without mode non-blocking -> both or none"}},
		"log size":          {text: `{"log-opts": {"max-size": "10 megs"}}`, want: []string{`1 log-opts: has max-size "10 megs" (containers do not start) -> a size such as 10m`}},
		"log sizes":         {text: `{"log-opts": {"max-size": "10mb", "max-file": "3", "compress": "true", "cache-disabled": "true"}}`},
		"log files":         {text: `{"log-opts": {"max-file": "0"}}`, want: []string{`1 log-opts: has max-file "0" (containers do not start) -> 1 or more`}},
		"log compression":   {text: `{"log-opts": {"max-size": "1m", "compress": "true"}}`, want: []string{"1 log-opts: has compress without max-size, or without a max-file of 2 or more (containers do not start) -> all three"}},
		"log compression?":  {text: `{"log-opts": {"compress": "maybe"}}`, want: []string{`1 log-opts: has compress "maybe" (containers do not start) -> true or false`}},
		"log size, none":    {text: `{"log-opts": {"max-size": "-1"}}`, want: []string{`1 log-opts: has max-size "-1" (containers do not start) -> a size such as 10m`}},
		"local's one file":  {text: `{"log-driver": "local", "log-opts": {"max-file": "1"}}`, want: []string{`1 log-opts: has max-file "1", and the driver local compresses, which takes 2 (containers do not start) -> 2 or more, or "compress": "false" beside it`}},
		"local's one, bare": {text: `{"log-driver": "local", "log-opts": {"max-file": "1", "max-size": "0", "compress": "false"}}`},
		"local's values":    {text: `{"log-driver": "local", "log-opts": {"max-file": "-1", "max-size": "x", "compress": "maybe"}}`, want: []string{`1 log-opts: has max-size "x" (containers do not start) -> a size such as 10m`, `1 log-opts: has max-file "-1" (containers do not start) -> 1 or more`, `1 log-opts: has compress "maybe" (containers do not start) -> true or false`}},
		"gelf":              {text: `{"log-driver": "gelf"}`, want: []string{`1 log-driver: is gelf, and "log-opts" does not have gelf-address (containers do not start) -> gelf-address in "log-opts"`}},
		"gelf with a tag":   {text: `{"log-driver": "gelf", "log-opts": {"tag": "x"}}`, late: true, want: []string{`1 log-driver: is gelf, and "log-opts" does not have gelf-address -> gelf-address in "log-opts"`}},
		"gelf by flag":      {text: `{"log-driver": "gelf"}`, flags: []string{"log-opts"}},
		"awslogs":           {text: `{"log-driver": "awslogs", "log-opts": {"awslogs-region": "x"}}`, late: true, want: []string{`1 log-driver: is awslogs, and "log-opts" does not have awslogs-group -> awslogs-group in "log-opts"`}},
		"splunk":            {text: `{"log-driver": "splunk", "log-opts": {"splunk-token": "x"}}`, want: []string{`1 log-driver: is splunk, and "log-opts" does not have splunk-url (containers do not start) -> splunk-url and splunk-token in "log-opts"`}},
		"syslog's address":  {text: `{"log-driver": "syslog", "log-opts": {"syslog-address": "logs:514"}}`, late: true, want: []string{"1 log-opts: has a syslog-address that is no such URL -> tcp://, tcp+tls://, udp://, unix:// or unixgram:// before it"}},
		"log buffer's size": {text: `{"log-opts": {"mode": "non-blocking", "max-buffer-size": "4x"}}`, late: true, want: []string{`1 log-opts: has max-buffer-size "4x" -> a size such as 4m`}},
		"log compression, ": {text: `{"log-opts": {"compress": ""}}`, want: []string{`1 log-opts: has compress "" (containers do not start) -> true or false`}},
		"soft above hard":   {text: `{"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 1, "Soft": 2}}}`, want: []string{`1 default-ulimits: has "nofile" with Soft 2 above Hard 1 (containers do not start) -> Soft at most Hard`}},
		"soft without end":  {text: `{"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 1, "Soft": -1}}}`, want: []string{`1 default-ulimits: has "nofile" with Soft -1 above Hard 1 (containers do not start) -> Soft at most Hard`}},
		"hard without end":  {text: `{"default-ulimits": {"nofile": {"Name": "nofile", "Hard": -1, "Soft": 2}}}`},
		"limit's name":      {text: `{"default-ulimits": {"nofile": {"Hard": 2, "Soft": 2}}}`, want: []string{`1 default-ulimits: has "nofile" with the Name "", which is no limit (containers do not start) -> a Name such as nofile`}},
	}
}

// spelled writes a problem as brokenFile does.
func spelled(p DaemonProblem) string {
	s := fmt.Sprintf("%d %s: %s", p.Line, p.Key, p.What)
	if p.Before > 0 {
		s += fmt.Sprintf(" <%d", p.Before)
	}
	if p.Since > 0 && p.Key == "" {
		s += fmt.Sprintf(" >=%d", p.Since)
	}
	if p.Effect != NoStart {
		s += " (" + string(p.Effect) + ")"
	}
	if p.Want != "" && p.Key != "" {
		s += " -> " + p.Want
	}
	return s
}

func TestDaemonProblems(t *testing.T) {
	for name, c := range brokenFiles() {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range daemonProblems([]byte(c.text), c.flags, false) {
				got = append(got, spelled(p))
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("unexpected (-want +got):\n%s", diff)
			}
		})
	}
	long := daemonProblems([]byte(`{"`+strings.Repeat("é", 1000)+`": 1}`), nil, false)
	if len(long) != 1 || len(long[0].Key) > 80 {
		t.Errorf("a long key is repeated in full: %d", len(long[0].Key))
	}
}

func TestDaemonProblemMinds(t *testing.T) {
	for _, c := range []struct {
		since, before, version int
		want                   bool
	}{{0, 0, 0, true}, {0, 0, 20, true}, {23, 0, 0, false}, {23, 0, 20, false}, {23, 0, 23, true}, {0, 23, 0, false}, {0, 23, 20, true}, {0, 23, 23, false}} {
		if got := (DaemonProblem{Since: c.since, Before: c.before}).Minds(c.version); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

func TestReadDaemonFile(t *testing.T) {
	const file = "etc/docker/daemon.json"
	unit := func(start string) files { return files{unitFile: "[Service]\nExecStart=" + start + "\n"} }
	debian := unit("/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS")
	debianFlags := []string{"containerd", "hosts"}
	for name, c := range map[string]struct {
		host []files
		want DaemonFile
		from string
	}{
		"absent":  {want: DaemonFile{Path: "/" + file}, from: "/" + file + " (absent)"},
		"no unit": {host: []files{{file: "{}"}}, want: DaemonFile{Path: "/" + file, Present: true, Size: 2}, from: "/" + file},
		"with the unit's flags": {host: []files{debian, {file: "{\"hosts\":[]}"}}, from: "/" + file,
			want: DaemonFile{Path: "/" + file, Present: true, Size: 12, Flags: debianFlags, FlagsIn: "/" + unitFile, Problems: []DaemonProblem{{Line: 1, Key: "hosts", Effect: NoStart, What: "is set by a flag of docker.service as well", Want: "one of the two"}}}},
		"another path": {host: []files{unit("dockerd --config-file /x.json"), {"x.json": "{}"}}, want: DaemonFile{Path: "/x.json", Present: true, Size: 2, FlagsIn: "/" + unitFile}, from: "/x.json"},
		"another path, absent": {host: []files{unit("dockerd --config-file=/x.json")}, from: "/x.json (absent)",
			want: DaemonFile{Path: "/x.json", FlagsIn: "/" + unitFile, Problems: []DaemonProblem{{Effect: NoStart, What: "does not exist, but /" + unitFile + " names it by --config-file"}}}},
		"a directory": {host: []files{{file + "/": ""}}, want: DaemonFile{Path: "/" + file, Present: true, Problems: []DaemonProblem{{Effect: NoStart, What: "is a directory", Want: "a file"}}}, from: "/" + file},
		"in a swarm": {host: []files{{file: `{"live-restore": true}`, "var/lib/docker/swarm/docker-state.json": "{}"}}, from: "/" + file, want: DaemonFile{Path: "/" + file, Present: true, Size: 22,
			Problems: []DaemonProblem{{Line: 1, Key: "live-restore", Effect: NoStart, What: "is true, and the engine belongs to a swarm (/var/lib/docker/swarm)", Want: "false"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := daemonFileOf(tree(t, c.host...))
			equal(t, got, Known(c.want, c.from))
		})
	}
	missing(t, daemonFileOf(tree(t, files{file: strings.Repeat(" ", smallFile+1)})), "larger than expected")
	missing(t, daemonFileOf(tree(t, files{file: "-> /dev/x", "dev/x": "-> ../dev/x"})), "too many")
	missing(t, daemonFileOf(tree(t, unit("dockerd --config-file x.json"))), "no absolute path")
}

// FuzzDaemonProblems holds that no value is repeated but those of directives that hold no
// secret, that lines lie within the file, and that a valid file stays valid with blanks around it.
func FuzzDaemonProblems(f *testing.F) {
	for _, c := range brokenFiles() {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 1 + strings.Count(string(data), "\n")
		problems := daemonProblems(data, nil, false)
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || p.What == "" || p.Effect == "" || len(p.Key)+len(p.What) > 1000 {
				t.Fatalf("%d lines: %+v", lines, p)
			}
		}
		if len(problems) == 0 {
			if again := daemonProblems([]byte("\n "+string(data)+"\n"), nil, false); len(again) > 0 {
				t.Fatalf("blanks made it wrong: %+v", again)
			}
		}
	})
}
