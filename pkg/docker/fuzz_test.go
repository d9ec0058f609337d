package docker

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzFindEndpoint: an endpoint that is found can be dialled or is refused in words, is
// unix with an absolute path or tcp with a port, and finding it again changes nothing.
func FuzzFindEndpoint(f *testing.F) {
	for _, host := range []string{"", "unix:///var/run/docker.sock", "tcp://h", "h:1", "tcp://[::1]:2375/base/", "ssh://x", "tcp://h:0", "tcp://%41", "unix://\x00"} {
		f.Add(host, "", "")
	}
	f.Add("", `{"currentContext":"x"}`, `{"Name":"x","Endpoints":{"docker":{"Host":"tcp://h:1"}}}`)
	f.Add("", `{"currentContext":"x"}`, `{"Name":"x","Endpoints":null}`)
	f.Add("", `{"currentContext":"../../x"}`, `{}`)
	f.Fuzz(func(t *testing.T, host, config, meta string) {
		dir := t.TempDir()
		if host == "" {
			write(t, filepath.Join(dir, "config.json"), config)
			write(t, metaPath(dir, "x"), meta)
		}
		e, err := findEndpoint(host, vars("DOCKER_CONFIG", dir), places{socket: "/nowhere.sock"})
		if err != nil {
			if e != (Endpoint{}) {
				t.Errorf("an error and an endpoint: %+v", e)
			}
			return
		}
		checkEndpoint(t, e)
		if host == "" {
			return
		}
		again, err := findEndpoint(e.Host, vars("DOCKER_CONFIG", dir), places{socket: "/nowhere.sock"})
		if err != nil || again != e {
			t.Errorf("%+v, and again %+v, %v", e, again, err)
		}
	})
}

func checkEndpoint(t *testing.T, e Endpoint) {
	t.Helper()
	if path, ok := strings.CutPrefix(e.Host, "unix://"); ok {
		if !e.Local() || !filepath.IsAbs(path) {
			t.Errorf("%+v", e)
		}
	} else if u, err := url.Parse(e.Host); err != nil || u.Scheme != "tcp" || u.Port() == "" || u.Port() == "0" || u.Hostname() == "" || u.User != nil {
		t.Errorf("%+v: %v", e, err)
	}
	c, err := Dial(e)
	if err != nil {
		if !strings.Contains(err.Error(), "too long") {
			t.Errorf("%+v: %v", e, err)
		}
		return
	}
	c.Close()
}
