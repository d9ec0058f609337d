package caddy

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// samples are Caddyfiles that the real Caddy adapts; of the environment nothing is set.
func samples() map[string]string {
	return map[string]string{
		"nothing set":      ":80 {\n\treverse_proxy localhost:3000\n}\n",
		"no braces":        "localhost:8080\nreverse_proxy a:1 {\n\ttransport http {\n\t\tkeepalive 620s\n\t}\n}\n",
		"the article's":    ":4001 {\n  reverse_proxy localhost:3000 {\n    transport http {\n      keepalive 620s # longer than 600\n      read_timeout 1h\n      write_timeout 1h\n    }\n  }\n}\n",
		"servers":          "{\n\tservers {\n\t\ttimeouts {\n\t\t\tidle 620s\n\t\t\twrite 1h\n\t\t}\n\t}\n}\nexample.org {\n\treverse_proxy a:1\n}\nhttp://b.example {\n}\n",
		"by listener":      "{\n\tservers {\n\t\ttimeouts {\n\t\t\tidle 1d\n\t\t}\n\t}\n\tservers :8080 {\n\t\ttimeouts {\n\t\t\tidle 10m\n\t\t}\n\t}\n}\na.example, http://b.example {\n}\n:8080 {\n}\nhttp://c.example:8081/x {\n}\n",
		"zero is default":  "{\n\tservers {\n\t\ttimeouts {\n\t\t\tidle 0\n\t\t}\n\t}\n}\n:80 {\n}\n",
		"fractions":        "{\n\tservers {\n\t\ttimeouts {\n\t\t\tidle 1.5d2h3m4s5ms\n\t\t}\n\t}\n}\n:80 {\n}\n",
		"snippet":          "(up) {\n\treverse_proxy localhost:{args.0} {\n\t\ttransport http {\n\t\t\tkeepalive {args.1}\n\t\t\tkeepalive_idle_conns 5\n\t\t}\n\t}\n}\n:80 {\n\timport up 3000 620s\n}\n:81 {\n\thandle /x/* {\n\t\timport up 3001 1m\n\t}\n}\n",
		"options snippet":  "(o) {\n\tservers {\n\t\ttimeouts {\n\t\t\tidle 10m\n\t\t}\n\t}\n}\n{\n\timport o\n}\n:80 {\n}\n",
		"deep":             ":80 {\n\troute /a/* {\n\t\thandle {\n\t\t\treverse_proxy /b a:1 b:1 {\n\t\t\t\tflush_interval -1\n\t\t\t\ttransport http {\n\t\t\t\t\tkeepalive off\n\t\t\t\t\tread_timeout 30s\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n}\n",
		"quotes":           ":80 {\n\trespond \"a { b } \\\" # c\n\timport nothing\" 200\n\theader X `a \" {\n\tb`\n\treverse_proxy a:1 {\n\t\ttransport http {\n\t\t\tkeepalive \"30s\"\n\t\t}\n\t}\n}\n",
		"continued":        ":80 {\n\treverse_proxy a:1 \\\n\t\tb:1 {\n\t\ttransport \\\n\t\t\thttp {\n\t\t\tread_timeout \\\n\t\t\t\t5s\n\t\t}\n\t}\n}\n",
		"default":          ":80 {\n\treverse_proxy {$VMGUARD_NO_SUCH:a:1} {\n\t\ttransport http {\n\t\t\tread_timeout {$VMGUARD_NO_SUCH:7s}\n\t\t}\n\t}\n}\n",
		"bound elsewhere":  "{\n\tservers 127.0.0.1:81 {\n\t\ttimeouts {\n\t\t\tidle 10m\n\t\t}\n\t}\n}\n:81 {\n\tbind 127.0.0.1\n}\n",
		"another port":     "{\n\thttp_port 8080\n\tservers :80 {\n\t\ttimeouts {\n\t\t\tidle 10m\n\t\t}\n\t}\n}\nhttp://a.example {\n}\n",
		"ports":            "{\n\thttp_port 8080\n\thttp_port 08081\n\thttps_port 8443\n\tservers :8081 {\n\t\ttimeouts {\n\t\t\tidle 11m\n\t\t}\n\t}\n\tservers :8443 {\n\t\ttimeouts {\n\t\t\tidle 12m\n\t\t}\n\t}\n}\nhttp://a.example {\n}\nb.example {\n}\nhttp://c.example:82 {\n}\n",
		"auto_https off":   "{\n\tauto_https off\n\tservers :443 {\n\t\ttimeouts {\n\t\t\tidle 620s\n\t\t}\n\t}\n}\na.example {\n}\nhttp://b.example {\n}\n",
		"default_bind":     "{\n\tdefault_bind 127.0.0.1\n\tservers :81 {\n\t\ttimeouts {\n\t\t\tidle 10m\n\t\t}\n\t}\n}\n:81 {\n}\n",
		"windows":          "{\r\n\tservers {\r\n\t\ttimeouts {\r\n\t\t\tidle 7m\r\n\t\t}\r\n\t}\r\n}\r\n:80 {\r\n}\r\n",
		"a brace below":    ":80\n{\n\treverse_proxy a:1\n}\n",
		"comma":            "http://a.example,\nhttp://b.example:81 {\n\treverse_proxy a:1\n}\n",
		"fastcgi":          ":80 {\n\treverse_proxy a:1 {\n\t\ttransport fastcgi {\n\t\t\tread_timeout 5s\n\t\t}\n\t}\n}\n",
		"matchers":         ":80 {\n\t@ws {\n\t\theader Connection *Upgrade*\n\t}\n\treverse_proxy @ws a:1 {\n\t\ttransport http {\n\t\t\tread_timeout 1m\n\t\t}\n\t}\n\treverse_proxy b:1\n}\n",
		"hash in a word":   ":80 {\n\tredir /a#b /c\n\treverse_proxy a:1 {\n\t\ttransport http {\n\t\t\tread_timeout 9s #8s\n\t\t}\n\t}\n}\n",
		"empty":            "# nothing\n",
		"placeholders":     ":80 {\n\theader X {http.request.host}{path}\n\treverse_proxy {host}:80\n}\n",
		"listener by name": "{\n\tservers {\n\t\tlistener_wrappers {\n\t\t\ttls\n\t\t}\n\t\ttimeouts {\n\t\t\tread_header 5s\n\t\t}\n\t}\n}\n:443 {\n}\n",
	}
}

// TestAgreesWithCaddy compares with what the real Caddy makes of the same files: the same
// answer, or none.
func TestAgreesWithCaddy(t *testing.T) {
	for name, text := range samples() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Parse(Source{"Caddyfile", []byte(text)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := adapted(t, file)
			var proxies []string
			for _, s := range got.Sites {
				for _, p := range s.Proxies {
					proxies = append(proxies, fmt.Sprint(p.Keepalive.Nanoseconds, p.Read.Nanoseconds, p.Write.Nanoseconds))
				}
				for _, a := range s.Addresses {
					listener, ok := portsIn(t, text).listenerOf(a)
					idle, is := want.idle[listener]
					if s.Idle.Unknown != "" {
						if name != "bound elsewhere" && name != "default_bind" {
							t.Errorf("%s: %s", a, s.Idle.Unknown)
						}
						continue
					}
					if ok && is && idle != s.Idle.Nanoseconds || ok && is && want.write[listener] != s.Write.Nanoseconds {
						t.Errorf("%s: idle %v, write %v; Caddy says %v, %v", a, s.Idle.Nanoseconds, s.Write.Nanoseconds, idle, want.write[listener])
					}
				}
			}
			slices.Sort(proxies)
			// A site of two servers has its proxies twice there.
			if diff := cmp.Diff(slices.Compact(want.proxies), slices.Compact(proxies)); diff != "" {
				t.Error(diff)
			}
		})
	}
	// What the comparison may leave out is told apart here.
	for name, want := range map[string]string{"bound elsewhere": "they differ", "default_bind": "they differ"} {
		got, err := Parse(Source{"Caddyfile", []byte(samples()[name])}, nil)
		if err != nil || !strings.Contains(got.Sites[0].Idle.Unknown, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// portsIn gives the ports of a file's global options.
func portsIn(t *testing.T, text string) ports {
	t.Helper()
	tokens, err := tokenise(Source{"Caddyfile", []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	p := parser{tokens: tokens, snippets: map[string][]directive{}}
	if err := p.top(0); err != nil {
		t.Fatal(err)
	}
	return portsOf(p.options)
}

// adaptation is what Caddy made of a file: timeouts by listener, and those of each proxy.
type adaptation struct {
	idle, write map[string]time.Duration
	proxies     []string
}

func adapted(t *testing.T, file string) adaptation {
	t.Helper()
	out, err := exec.Command(caddy(t), "adapt", "--adapter", "caddyfile", "--config", file).Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("caddy: %v: %s", err, e.Stderr)
		}
		t.Fatal(err)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Listen []string
					Idle   time.Duration `json:"idle_timeout"`
					Write  time.Duration `json:"write_timeout"`
				}
			}
		}
	}
	var tree any
	if err := errors.Join(json.Unmarshal(out, &config), json.Unmarshal(out, &tree)); err != nil {
		t.Fatal(err)
	}
	a := adaptation{idle: map[string]time.Duration{}, write: map[string]time.Duration{}}
	for _, s := range config.Apps.HTTP.Servers {
		for _, l := range s.Listen {
			if a.idle[l] = s.Idle; s.Idle == 0 {
				a.idle[l] = DefaultIdle
			}
			a.write[l] = s.Write
		}
	}
	a.walk(tree)
	slices.Sort(a.proxies)
	return a
}

// walk finds each reverse_proxy handler.
func (a *adaptation) walk(node any) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			a.walk(child)
		}
	case map[string]any:
		for _, child := range n {
			a.walk(child)
		}
		if n["handler"] != "reverse_proxy" {
			return
		}
		keepalive, read, write := DefaultKeepalive, time.Duration(0), time.Duration(0)
		if transport, ok := n["transport"].(map[string]any); ok && transport["protocol"] == "http" {
			nanoseconds := func(v any) time.Duration { f, _ := v.(float64); return time.Duration(f) }
			read, write = nanoseconds(transport["read_timeout"]), nanoseconds(transport["write_timeout"])
			if kept, ok := transport["keep_alive"].(map[string]any); ok {
				if v := nanoseconds(kept["idle_timeout"]); v != 0 {
					keepalive = v
				}
				if kept["enabled"] == false {
					keepalive = -1
				}
			}
		}
		a.proxies = append(a.proxies, fmt.Sprint(keepalive, read, write))
	}
}

// caddy gives the program that scripts/setup installs.
func caddy(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("caddy")
	if err != nil {
		t.Fatalf("caddy is needed: %v", err)
	}
	return program
}

// TestCaddyClosesIdleConnections shows on a real Caddy what the idle timeout does to a
// connection that a load balancer would have used again.
func TestCaddyClosesIdleConnections(t *testing.T) {
	dir := t.TempDir()
	port := freePort(t)
	file := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n\tservers {\n\t\ttimeouts {\n\t\t\tidle 1s\n\t\t}\n\t}\n}\nhttp://127.0.0.1:%d {\n\trespond ok\n}\n", port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Parse(Source{file, []byte(text)}, nil)
	if err != nil || len(got.Sites) != 1 || got.Sites[0].Idle.Nanoseconds != time.Second {
		t.Fatalf("%+v, %v", got, err)
	}
	cmd := exec.Command(caddy(t), "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	c := dial(t, port)
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	read := bufio.NewReader(c)
	if line, err := read.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(read) // ends with the connection, and with nothing else
	if err != nil || !strings.HasSuffix(string(rest), "ok") {
		t.Fatalf("%q, %v", rest, err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal(l.Addr())
	}
	return address.Port
}

// dial waits until the server listens.
func dial(t *testing.T, port int) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
