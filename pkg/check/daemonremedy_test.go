package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vmguard/pkg/finding"
)

// TestDaemonRemediesAreTyped types what is printed into an image whose daemon.json holds something already.
func TestDaemonRemediesAreTyped(t *testing.T) {
	const limits = `"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}`
	for name, tt := range map[string]struct{ before, after string }{
		"an empty object":  {"{}\n", `{"live-restore": true, ` + limits + "}\n"},
		"an empty file":    {"\n", `{"live-restore": true, ` + limits + "}\n"},
		"another entry":    {"{\n  \"debug\": true,\n  \"dns\": [\"1.1.1.1\", \"9.9.9.9\"]\n}\n", `{"debug": true, "dns": ["1.1.1.1","9.9.9.9"], "live-restore": true, ` + limits + "}\n"},
		"other options":    {`{"log-opts": {"tag": "it's {{.Name}}", "max-file": "5"}, "live-restore": false}`, `{"log-opts": {"max-file":"5","max-size":"10m","tag":"it's {{.Name}}"}, "live-restore": true, "log-driver": "json-file"}` + "\n"},
		"no bound":         {`{"log-driver": "json-file", "log-opts": {"max-size": "-1"}}`, `{"log-driver": "json-file", "log-opts": {"max-file":"3","max-size":"10m"}, "live-restore": true}` + "\n"},
		"options of null":  {`{"log-opts": null, "mtu": 1450}`, `{"log-opts": {"max-file":"3","max-size":"10m"}, "mtu": 1450, "live-restore": true, "log-driver": "json-file"}` + "\n"},
		"an unusual value": {`{"data-root": "/srv/it's a $(place) %s\\n", "init": false}`, `{"data-root": "/srv/it's a $(place) %s\\n", "init": false, "live-restore": true, ` + limits + "}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			image := newImageTree(t, map[string]string{daemonJSON[1:]: tt.before})
			file := filepath.Join(image.dir, daemonJSON)
			must(t, os.Chmod(file, 0o640))
			logs, restore := image.failed(t, "docker-log-limits"), image.failed(t, "docker-live-restore")
			if len(logs) != 1 || len(restore) != 1 || logs[0].Remedy.Command == "" || logs[0].Remedy.Command != restore[0].Remedy.Command {
				t.Fatalf("want one command, got %+v and %+v", logs, restore)
			}
			for range 2 {
				image.typed(t, logs[0].Remedy.Command)
			}
			text, err := os.ReadFile(file)
			must(t, err)
			info, err := os.Stat(file)
			must(t, err)
			if string(text) != tt.after || info.Mode().Perm() != 0o640 {
				t.Errorf("after %s\n%s holds %s(%v)\nwant %s", logs[0].Remedy.Command, daemonJSON, text, info.Mode(), tt.after)
			}
			for _, id := range []string{"docker-log-limits", "docker-live-restore", "daemon-json-valid"} {
				if got := image.judge(t, id); got[0].Status != finding.Pass && id != "daemon-json-valid" || got[0].Status == finding.Unknown {
					t.Errorf("%s: %+v", id, got)
				}
			}
		})
	}
}

// TestDaemonFilesThatAreNotPrinted holds that a file with what may be a secret, or with a
// fault, is its owner's to edit.
func TestDaemonFilesThatAreNotPrinted(t *testing.T) {
	for name, text := range map[string]string{
		"a proxy's password":       `{"http-proxy": "http://user:hunter2@proxy"}`,
		"another driver's options": `{"log-driver": "json-file", "log-opts": {"splunk-token": "hunter2"}}`,
		"no directive":             `{"hunter2": true}`,
		"labels":                   `{"labels": ["key=hunter2"]}`,
		"twice":                    `{"debug": true, "debug": false}`,
		"a token":                  `{"data-root": "/x?token=hunter2"}`,
	} {
		t.Run(name, func(t *testing.T) {
			image := newImageTree(t, map[string]string{daemonJSON[1:]: text})
			got := image.judge(t, "docker-live-restore")[0]
			if got.Status != finding.Fail || got.Remedy.Command != "" || !strings.HasSuffix(got.Remedy.Text, ", which is there already") || strings.Contains(got.Remedy.Text, "hunter2") {
				t.Errorf("got %+v %+v", got, got.Remedy)
			}
		})
	}
}

// TestBrokenDaemonFileComesFirst holds that the checks that need the file name the fault as
// daemon-json-valid does, and send there.
func TestBrokenDaemonFileComesFirst(t *testing.T) {
	for text, want := range map[string]string{
		"{\n\"log-opts\": {},\n\"debug\": true,\n}": daemonJSON + ", line 3: it is no valid JSON: a comma stands before the closing bracket; daemon-json-valid comes first",
		"{\n\"log-opts\": \"x\"}":                   daemonJSON + `, line 2: "log-opts" is text; daemon-json-valid comes first`,
		"{\n\"log-opts\": {\"max-file\": 3}}":       daemonJSON + `, line 2: "log-opts.max-file" is a number; daemon-json-valid comes first`,
	} {
		image := newImageTree(t, map[string]string{daemonJSON[1:]: text})
		broken := image.failed(t, "daemon-json-valid")
		for _, id := range []string{"docker-log-limits", "docker-live-restore"} {
			got := image.judge(t, id)[0]
			if got.Status != finding.Unknown || !strings.HasSuffix(got.Summary, want) || got.Remedy == nil || len(broken) != 1 {
				t.Errorf("got %+v, and %+v", got, broken)
			}
		}
	}
}

// TestAbsentDaemonFile holds that the evidence does not speak of a file that is not there as if it were.
func TestAbsentDaemonFile(t *testing.T) {
	image := newImageTree(t, nil)
	for _, id := range []string{"docker-log-limits", "docker-live-restore"} {
		if got := image.failed(t, id); len(got) != 1 || got[0].Evidence[0].Got != "absent" {
			t.Errorf("got %+v", got)
		}
	}
}
