package host

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vmguard/pkg/compose"
	"vmguard/pkg/rootfs"
)

// readNamed reads what a user names, with the host's or image's tree beside it.
func readNamed(t *testing.T, fs *rootfs.FS, names ...string) []Fact[ComposeFile] {
	t.Helper()
	f := &Facts{}
	gather(t.Context(), f, composeReadings(Source{FS: fs, Compose: names}))
	return f.Compose
}

// TestReadComposeSample reads an application's directory as it is named from here.
func TestReadComposeSample(t *testing.T) {
	const dir = "../../testdata/compose/mail"
	got := readNamed(t, tree(t), dir)
	if len(got) != 1 || !got[0].Known() {
		t.Fatalf("%+v", got)
	}
	file := got[0].Value
	equal(t, file.Path, dir+"/compose.yaml")
	equal(t, file.Override, dir+"/compose.override.yaml")
	services := map[string]ComposeService{}
	for _, s := range file.Services {
		services[s.Name] = s
	}
	equal(t, len(services), 6)
	equal(t, services["web"].Memory.Text, "768m")
	equal(t, services["web"].Start, compose.Start{Kind: compose.ShellSequence, Shell: "sh", File: file.Path, Line: 26})
	equal(t, services["web"].Built.Source, dir+"/web/Dockerfile")
	equal(t, services["web"].Built.Value.Healthcheck, compose.Healthcheck{File: dir + "/web/Dockerfile", Line: 14})
	equal(t, services["sync"].Start, compose.Start{Kind: compose.ShellSimple, Shell: "sh", File: dir + "/web/Dockerfile", Line: 18})
	equal(t, services["sync"].Memory.Variable, "SYNC_MEMORY")
	equal(t, services["migrate"].Job, true)
	equal(t, services["db"].Memory, compose.Setting{File: file.Override, Line: 3, Text: "1g"})
	equal(t, services["db"].Awaited, []string{"web"})
	equal(t, services["debug"].Profiles, []string{"debug"})

	// A recording gives the same back, and holds no environment and no argument.
	var b bytes.Buffer
	if err := (&Facts{Compose: got}).Write(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "not-to-be-kept") {
		t.Error("a secret was recorded")
	}
	again, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, again.Compose[0].Value.Services[1].Start, services["web"].Start)
	equal(t, again.Compose[0].Value.Services[1].Built.Value.Base, "node:${NODE}-bookworm-slim")
}

func TestReadComposeKinds(t *testing.T) {
	const small = "services:\n  a:\n    image: x\n"
	fs := tree(t, files{
		"first/compose.yaml": small, "first/docker-compose.yml": "no", "first/compose.override.yml": "services:\n  a:\n    restart: always\n",
		"old/docker-compose.yml": small + "    build: .\n", "old/Dockerfile": "FROM x\n",
		"both/compose.yaml": small, "both/Dockerfile": "FROM x\nCMD a\n",
		"only/Dockerfile": "FROM x\n", "none/README": "", "web.dockerfile": "FROM x\n", "Dockerfile.yaml": small,
		"bad.yaml": "services:\n  a: [\n", "Dockerfile.bad": "RUN x\n", "link.yaml": "-> first/compose.yaml",
		"far.yaml":  "services:\n  a: {build: {context: ../x, dockerfile: D}}\n  b: {build: {context: \"https://u:hunter2@x/y.git\"}}\n  c: {build: {context: $C}}\n  d: {build: {context: only, target: t}}\n  e: {build: {dockerfile_inline: FROM x}}\n",
		"empty.yml": "",
	})
	in := func(name string) string { return filepath.Join(fs.Dir(), name) }
	one := func(name string) Fact[ComposeFile] {
		t.Helper()
		got := readNamed(t, fs, in(name))
		if len(got) != 1 {
			t.Fatalf("%s: %+v", name, got)
		}
		return got[0]
	}
	equal(t, one("first").Value.Services[0].Restart.Text, "always")
	equal(t, one("first").Value.Path, in("first/compose.yaml"))
	equal(t, one("first/compose.yaml").Value.Services[0].Restart.Set(), false) // compose takes no override for a named file
	equal(t, one("old").Value.Services[0].Built.Source, in("old/Dockerfile"))  // and judges that Dockerfile there
	equal(t, len(readNamed(t, fs, in("both"))), 2)
	equal(t, one("only").Value.Dockerfile.Base, "x")
	equal(t, one("web.dockerfile").Value.Dockerfile.Base, "x")
	equal(t, len(one("Dockerfile.yaml").Value.Services), 1)
	equal(t, len(one("link.yaml").Value.Services), 1)
	for name, why := range map[string]string{
		"none": in("none") + " holds neither", "gone": in("gone") + " does not exist", "bad.yaml": in("bad.yaml") + ":", "Dockerfile.bad": ":1: RUN before", "empty.yml": "empty",
	} {
		got := one(name)
		missing(t, got, why)
		equal(t, got.Value.Path, in(name))
	}
	for i, why := range []string{"lies outside " + fs.Dir() + ", and was not read", "another place (https://***@x/y.git)", "the variable C", "has no stage", "in the compose file itself"} {
		missing(t, *one("far.yaml").Value.Services[i].Built, why)
	}
}

// TestReadComposeEnv: .env is read from the compose file's folder, no other, and what cannot
// be read of it makes its variables unknown.
func TestReadComposeEnv(t *testing.T) {
	const uses = "services:\n  a:\n    image: x\n    restart: ${R:-always}\n"
	fs := tree(t, files{
		"with/compose.yaml": uses, "with/.env": "R=no\nSECRET=hunter2\n", "with/sub/compose.yaml": uses, "chosen/compose.yaml": uses, "chosen/.env": "COMPOSE_FILE=a:b\n",
		"dangling/compose.yaml": uses, "dangling/.env": "-> /run/secrets/env", "folder/compose.yaml": uses, "folder/.env/x": "", "broken/compose.yaml": uses, "broken/.env": "hunter2 it is\n",
	})
	in := func(name string) string { return filepath.Join(fs.Dir(), name) }
	for name, want := range map[string]compose.Setting{
		"with": {Text: "no"}, "with/sub": {Text: "always"}, "chosen": {Text: "always"},
		"dangling": {Variable: "R (" + in("dangling/.env") + " does not exist)"},
		"folder":   {Variable: "R (read " + in("folder/.env") + ": not a regular file)"},
		"broken":   {Variable: "R (" + in("broken/.env") + ":1 is no line of such a file)"},
	} {
		got := readNamed(t, fs, in(name))
		want.File, want.Line = in(name+"/compose.yaml"), 4
		equal(t, got[0].Value.Services[0].Restart, want)
		var b bytes.Buffer
		if err := (&Facts{Compose: got}).Write(&b); err != nil || strings.Contains(b.String(), "hunter2") {
			t.Errorf("%v\n%s", err, b.String())
		}
	}
	equal(t, readNamed(t, fs, in("chosen"))[0].Value.Unseen, in("chosen/.env")+" chooses the files (COMPOSE_FILE)")
	equal(t, readNamed(t, fs, in("chosen/compose.yaml"))[0].Value.Unseen, "")
}

// TestReadComposeInImage: what lies in the image is read through it, so that its links mean
// what they mean there; what lies elsewhere is this machine's. No FIFO is opened.
func TestReadComposeInImage(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	place(t, secret, false, "services:\n  outside:\n    image: x\n")
	image := tree(t, files{
		"srv/compose.yaml": "services:\n  a: {build: {context: .., dockerfile: D}}\n", "D": "FROM inside\n",
		"srv/absolute.yaml": "-> /srv/compose.yaml", "srv/out.yaml": "-> " + secret, "srv/up.yaml": "-> ../../../../../../../../../.." + secret,
	})
	fs, err := rootfs.OpenImage(image.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fs.Close() }()
	if err := syscall.Mkfifo(image.Dir()+"/srv/fifo.yaml", 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(image.Dir(), name) }
	got := readNamed(t, fs, in("srv"), in("srv/absolute.yaml"), in("srv/out.yaml"), in("srv/up.yaml"), in("srv/fifo.yaml"), secret, image.Dir())
	for i := range 2 {
		equal(t, got[i].Value.Services[0].Built.Value.Base, "inside")
	}
	missing(t, got[2], in("srv/out.yaml")+" does not exist")
	missing(t, got[3], in("srv/up.yaml")+" does not exist")
	missing(t, got[4], in("srv/fifo.yaml")+": not a regular file")
	equal(t, got[5].Value.Services[0].Name, "outside")
	missing(t, got[6], "holds neither")

	// Another way to spell the image's directory leads to the same tree.
	link := filepath.Join(outside, "image")
	if err := os.Symlink(image.Dir(), link); err != nil {
		t.Fatal(err)
	}
	linked, err := rootfs.OpenImage(link)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = linked.Close() }()
	for _, name := range []string{link + "/srv/out.yaml", in("srv/out.yaml")} {
		missing(t, readNamed(t, linked, name)[0], "does not exist")
	}
}

func TestReadCaddyfiles(t *testing.T) {
	sample, err := os.ReadFile("../../testdata/caddy/mail.Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	got := readCaddyfiles(tree(t, files{"etc/caddy/Caddyfile": string(sample)}))
	site := got.Value[0].Sites[0]
	equal(t, []any{got.Known(), got.Value[0].Unseen, site.Addresses[0], site.Idle.Set(), len(site.Proxies)}, []any{true, "", "mail.example.org", false, 2})
	equal(t, site.Proxies[1].Read.Line, 34)

	got = readCaddyfiles(tree(t, files{
		"etc/caddy/Caddyfile":           "{\n\timport options\n}\nimport sites/*.caddy\nimport none/*\n:80 {\n\timport /etc/caddy/common\n}\n",
		"etc/caddy/options":             "servers {\n\ttimeouts {\n\t\tidle 620s\n\t}\n}\n",
		"etc/caddy/sites/a.caddy":       "a.example {\n}\n",
		"etc/caddy/sites/b.caddy":       "-> /etc/caddy/sites/a.caddy",
		"etc/caddy/sites/.hidden.caddy": "hidden.example {\n}\n",
		"etc/caddy/common":              "reverse_proxy x:1\n",
	}))
	equal(t, []any{len(got.Value[0].Sites), got.Value[0].Unseen}, []any{3, ""})
	for _, s := range got.Value[0].Sites {
		equal(t, []any{s.Idle.File, s.Idle.Line}, []any{"/etc/caddy/options", 3})
	}
	got = readCaddyfiles(tree(t, files{"etc/caddy/Caddyfile": ":80 {\n\timport gone\n}\n"}))
	equal(t, got.Value[0].Unseen, "/etc/caddy/Caddyfile:2 imports gone, which was not read")
	missing(t, readCaddyfiles(tree(t, files{"etc/caddy/Caddyfile": ":80 {\n"})), "/etc/caddy/Caddyfile:1: a { that is not closed")
	got = readCaddyfiles(tree(t))
	equal(t, []any{got.Known(), len(got.Value)}, []any{true, 0})
}
