package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// vars makes an environment.
func vars(kv ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(k string) string { return m[k] }
}

// write puts a file where there may be no folder yet.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// metaPath is where docker keeps a context.
func metaPath(config, name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(config, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json")
}

func TestFindEndpointOrder(t *testing.T) {
	dir := t.TempDir()
	config, run, there := dir+"/config", dir+"/run", dir+"/there.sock"
	write(t, config+"/config.json", `{"auths":{"example.org":{"auth":"x"}},"currentContext":"vm2"}`)
	write(t, metaPath(config, "vm2"), `{"Name":"vm2","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///run/vm2.sock","SkipTLSVerify":false}}}`)
	write(t, metaPath(config, "vm3"), `{"Name":"vm3","Endpoints":{"docker":{"Host":"tcp://vm3.example.org:2376"}}}`)
	write(t, strings.Replace(filepath.Dir(metaPath(config, "vm3")), "/meta/", "/tls/", 1)+"/docker/ca.pem", "x")
	write(t, run+"/docker.sock", "")
	users := dir + "/users"
	write(t, users+"/1000/docker.sock", "")
	write(t, users+"/docker.sock", "")
	write(t, there, "")
	tls3 := strings.Replace(filepath.Dir(metaPath(config, "vm3")), "/meta/", "/tls/", 1) + "/docker/"

	for _, tt := range []struct {
		name, host, socket string
		env                func(string) string
		want               Endpoint
	}{
		{"nothing set", "", there, vars(), Endpoint{Host: "unix://" + there, Source: "default"}},
		{"option first", "unix:///a.sock", there, vars("DOCKER_HOST", "unix:///b.sock", "DOCKER_CONTEXT", "vm3"),
			Endpoint{Host: "unix:///a.sock", Source: "--docker-host", Named: true}},
		{"option, and a broken configuration", "unix:///a.sock", there, vars("DOCKER_CONFIG", there),
			Endpoint{Host: "unix:///a.sock", Source: "--docker-host", Named: true}},
		{"DOCKER_HOST", "", there, vars("DOCKER_HOST", "tcp://10.0.0.1:2375", "DOCKER_CONTEXT", "vm3", "DOCKER_CONFIG", config),
			Endpoint{Host: "tcp://10.0.0.1:2375", Source: "DOCKER_HOST", Named: true}},
		{"DOCKER_CONTEXT", "", there, vars("DOCKER_CONTEXT", "vm3", "DOCKER_CONFIG", config),
			Endpoint{Host: "tcp://vm3.example.org:2376", Source: `context "vm3" of DOCKER_CONTEXT`, Named: true, TLS: &TLS{CA: tls3 + "ca.pem"}}},
		{"DOCKER_CONTEXT default", "", there, vars("DOCKER_CONTEXT", "default", "DOCKER_CONFIG", config), Endpoint{Host: "unix://" + there, Source: "default"}},
		{"current context", "", there, vars("DOCKER_CONFIG", config),
			Endpoint{Host: "unix:///run/vm2.sock", Source: `context "vm2" of ` + config + "/config.json", Named: true}},
		{"no configuration", "", there, vars("HOME", dir), Endpoint{Host: "unix://" + there, Source: "default"}},
		{"HOME is a file", "", there, vars("HOME", there), Endpoint{Host: "unix://" + there, Source: "default"}},
		{"rootless", "", dir + "/none", vars("XDG_RUNTIME_DIR", run), Endpoint{Host: "unix://" + run + "/docker.sock", Source: "rootless"}},
		{"rootless beside a default", "", there, vars("XDG_RUNTIME_DIR", run), Endpoint{Host: "unix://" + there, Source: "default"}},
		{"neither", "", dir + "/none", vars("XDG_RUNTIME_DIR", dir), Endpoint{Host: "unix://" + dir + "/none", Source: "default"}},
		{"sudo", "", dir + "/none", vars("SUDO_UID", "1000"), Endpoint{Host: "unix://" + users + "/1000/docker.sock", Source: "rootless"}},
		{"sudo that keeps the folder", "", dir + "/none", vars("SUDO_UID", "1000", "XDG_RUNTIME_DIR", run), Endpoint{Host: "unix://" + run + "/docker.sock", Source: "rootless"}},
		{"sudo with root's folder", "", dir + "/none", vars("SUDO_UID", "1000", "XDG_RUNTIME_DIR", dir), Endpoint{Host: "unix://" + users + "/1000/docker.sock", Source: "rootless"}},
		{"sudo beside a default", "", there, vars("SUDO_UID", "1000"), Endpoint{Host: "unix://" + there, Source: "default"}},
		{"sudo by a user without an engine", "", dir + "/none", vars("SUDO_UID", "1001"), Endpoint{Host: "unix://" + dir + "/none", Source: "default"}},
		{"sudo, no number", "", dir + "/none", vars("SUDO_UID", "../users/1000"), Endpoint{Host: "unix://" + dir + "/none", Source: "default"}},
		{"sudo, a dot", "", dir + "/none", vars("SUDO_UID", "."), Endpoint{Host: "unix://" + dir + "/none", Source: "default"}},
		{"sudo, a sign", "", dir + "/none", vars("SUDO_UID", "+1000"), Endpoint{Host: "unix://" + dir + "/none", Source: "default"}},
		{"TLS with verification", "", there, vars("DOCKER_HOST", "tcp://h", "DOCKER_TLS_VERIFY", "1", "DOCKER_CERT_PATH", strings.TrimSuffix(tls3, "/")),
			Endpoint{Host: "tcp://h:2376", Source: "DOCKER_HOST", Named: true, TLS: &TLS{CA: tls3 + "ca.pem"}}},
		{"TLS without verification", "h", there, vars("DOCKER_TLS", "1"),
			Endpoint{Host: "tcp://h:2376", Source: "--docker-host", Named: true, TLS: &TLS{SkipVerify: true}}},
		{"certificates alone ask for nothing", "h", there, vars("DOCKER_CERT_PATH", tls3), Endpoint{Host: "tcp://h:2375", Source: "--docker-host", Named: true}},
		{"no TLS on a socket", "unix:///a", there, vars("DOCKER_TLS_VERIFY", "1"), Endpoint{Host: "unix:///a", Source: "--docker-host", Named: true}},
	} {
		got, err := findEndpoint(tt.host, tt.env, places{socket: tt.socket, users: users})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if got.Local() != strings.HasPrefix(got.Host, "unix:") {
			t.Errorf("%s: local %v", tt.name, got.Local())
		}
	}
}

func TestFindEndpointErrors(t *testing.T) {
	dir := t.TempDir()
	config := func(name, body string) string {
		write(t, filepath.Join(dir, name, "config.json"), body)
		return filepath.Join(dir, name)
	}
	meta := func(name, body string) string {
		c := config(name, `{"currentContext":"x"}`)
		write(t, metaPath(c, "x"), body)
		return c
	}
	for _, tt := range []struct {
		name, host string
		env        func(string) string
		says       string
	}{
		{"ssh", "ssh://me@vm", vars(), "ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock"},
		{"npipe", "npipe:////./pipe/docker_engine", vars(), "Windows only"},
		{"other scheme", "fd://", vars(), "only unix:///path and tcp://host:port"},
		{"plain path", "/var/run/docker.sock", vars(), "needs unix:// in front"},
		{"empty path", "unix://", vars(), "empty or not absolute"},
		{"relative path", "unix://docker.sock", vars(), "empty or not absolute"},
		{"no host", "tcp://", vars(), "want tcp://host:port"},
		{"no number", "tcp://h:docker", vars(), "want tcp://host:port"},
		{"port 0", "tcp://h:0", vars(), "want tcp://host:port"},
		{"port too high", "h:65536", vars(), "want tcp://host:port"},
		{"password", "tcp://me:secret@h:2375", vars(), "want tcp://host:port"},
		{"newline", "unix:///a\nb", vars(), "control characters"},
		{"from DOCKER_HOST", "", vars("DOCKER_HOST", "ssh://vm"), `docker endpoint "ssh://vm" from DOCKER_HOST`},
		{"unknown context", "", vars("DOCKER_CONTEXT", "nowhere", "DOCKER_CONFIG", dir), `docker context "nowhere" from DOCKER_CONTEXT: no such context`},
		{"context without a home", "", vars("DOCKER_CONTEXT", "x"), "neither DOCKER_CONFIG nor HOME"},
		{"broken configuration", "", vars("DOCKER_CONFIG", config("broken", `{"currentCon`)), "--docker-host goes round it"},
		{"foreign configuration", "", vars("DOCKER_CONFIG", config("foreign", `[1,2]`)), "config.json"},
		{"huge configuration", "", vars("DOCKER_CONFIG", config("huge", strings.Repeat(" ", configLimit+1))), "larger than"},
		{"broken context", "", vars("DOCKER_CONFIG", meta("brokenmeta", `{`)), "meta.json"},
		{"context of something else", "", vars("DOCKER_CONFIG", meta("kube", `{"Name":"x","Endpoints":{"kubernetes":{}}}`)), "names no docker endpoint"},
		{"context under a wrong name", "", vars("DOCKER_CONFIG", meta("swap", `{"Name":"y","Endpoints":{"docker":{"Host":"unix:///a"}}}`)), "names no docker endpoint"},
		{"context over ssh", "", vars("DOCKER_CONFIG", meta("ssh", `{"Name":"x","Endpoints":{"docker":{"Host":"ssh://vm"}}}`)), "ssh:// is not supported"},
	} {
		got, err := FindEndpoint(tt.host, tt.env)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %+v, %v; want %q", tt.name, got, err, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line", tt.name)
		}
	}
	// A folder where a file should be is an error as well: it might have named a context.
	if err := os.MkdirAll(dir+"/folder/config.json", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := FindEndpoint("", vars("DOCKER_CONFIG", dir+"/folder")); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("folder: %v", err)
	}
}

func TestDialErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/ca.pem", "no certificate")
	write(t, dir+"/key.pem", "no key")
	for _, tt := range []struct {
		e    Endpoint
		says string
	}{
		{Endpoint{Host: "unix:///" + strings.Repeat("x", 200)}, "too long"},
		{Endpoint{Host: "nonsense"}, "unable to parse docker host"},
		{Endpoint{Host: "tcp://h:1", TLS: &TLS{CA: dir + "/none"}}, "no such file"},
		{Endpoint{Host: "tcp://h:1", TLS: &TLS{CA: dir + "/ca.pem"}}, "no certificate in it"},
		{Endpoint{Host: "tcp://h:1", TLS: &TLS{Key: dir + "/key.pem"}}, "only one is there"},
		{Endpoint{Host: "tcp://h:1", TLS: &TLS{Cert: dir + "/ca.pem", Key: dir + "/key.pem"}}, "read client certificate"},
	} {
		if _, err := Dial(tt.e); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v; want %q", tt.e, err, tt.says)
		}
	}
}

// TestTLS: an engine behind TLS is believed with its CA and not without.
func TestTLS(t *testing.T) {
	f := newFake(t)
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the failed handshakes are what is tested
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	host := "tcp://" + s.Listener.Addr().String()

	for _, files := range []TLS{{CA: ca}, {SkipVerify: true}} {
		if _, err := dialled(t, Endpoint{Host: host, TLS: &files}).Info(soon(t, 10*time.Second)); err != nil {
			t.Errorf("%+v: %v", files, err)
		}
	}
	_, err := dialled(t, Endpoint{Host: host, TLS: &TLS{}}).Info(soon(t, 10*time.Second))
	checkFault(t, err, Unreachable, nil, "certificate signed by unknown authority", host)
	_, err = dialled(t, Endpoint{Host: host}).Info(soon(t, 10*time.Second))
	checkFault(t, err, BadAnswer, nil, "", host)
}
