package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vmguard/pkg/rootfs"
)

// TestReadComposeStaysInFolder: neither a path nor a link leads out of the directory that the
// user named, on this machine or in an image, but where that was named as well.
func TestReadComposeStaysInFolder(t *testing.T) {
	const secret = "hunter2secret:x\n"
	const builds = "services:\n  a: {build: {context: %s, dockerfile: %s}}\n"
	host := tree(t, files{
		"secret": secret, "Dockerfile": "FROM above\n", "else/Dockerfile": "FROM else\n", "else/.env": "R=always\n", "real.yaml": "services:\n  a: {image: x}\n",
		"app/up.yaml": fmt.Sprintf(builds, "..", "Dockerfile"), "app/dots.yaml": fmt.Sprintf(builds, "./sub/../..", "secret"),
		"app/link.yaml": fmt.Sprintf(builds, ".", "leads-out"), "app/leads-out": "-> ../secret",
		"app/folder.yaml": fmt.Sprintf(builds, "way", "Dockerfile"), "app/way": "-> ../else",
		"app/in.yaml": fmt.Sprintf(builds, "sub", "to"), "app/sub/to": "-> ../inner", "app/inner": "FROM inner\n",
		"app/named.yaml": "-> ../real.yaml", "app/.env": "-> ../else/.env", "folder/compose.yaml": "-> ../real.yaml",
		"env/compose.yaml": "services:\n  a: {image: x, restart: $R}\n", "env/.env": "-> ../else/.env",
	})
	place(t, host.Dir()+"/app/absolute.yaml", false, fmt.Sprintf(builds, host.Dir(), "secret"))
	apart := tree(t)
	image, err := rootfs.OpenImage(host.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = image.Close() }()
	in := func(name string) string { return filepath.Join(host.Dir(), name) }
	for _, fs := range []*rootfs.FS{apart, image} { // on this machine, and inside the image
		for _, name := range []string{"app/up.yaml", "app/dots.yaml", "app/link.yaml", "app/folder.yaml", "app/absolute.yaml"} {
			if name == "app/absolute.yaml" && fs == image {
				continue // another path there
			}
			built := *readNamed(t, fs, in(name))[0].Value.Services[0].Built
			missing(t, built, " lies outside "+in("app")+", and was not read: name it with --compose")
			if strings.Contains(built.Why(), "hunter2") {
				t.Errorf("%s: quotes a file: %s", name, built.Why())
			}
		}
		equal(t, readNamed(t, fs, in("app/in.yaml"))[0].Value.Services[0].Built.Value.Base, "inner")
		equal(t, readNamed(t, fs, in("app/up.yaml"), in("Dockerfile"))[0].Value.Services[0].Built.Value.Base, "above")
		equal(t, readNamed(t, fs, in("app/folder.yaml"), in("else"))[0].Value.Services[0].Built.Value.Base, "else")
		equal(t, len(readNamed(t, fs, in("app/named.yaml"))[0].Value.Services), 1) // the user named the link
		missing(t, readNamed(t, fs, in("folder"))[0], in("folder/compose.yaml")+" lies outside "+in("folder"))
		restart := readNamed(t, fs, in("env"))[0].Value.Services[0].Restart
		if restart.Text != "" || !strings.Contains(restart.Variable, "lies outside") {
			t.Errorf("read .env through a link: %+v", restart)
		}
	}
}

// TestReadComposeSpelledOtherwise: a path that leads into the image through a link of the
// machine's is read as the image's, so that a link in there stays there.
func TestReadComposeSpelledOtherwise(t *testing.T) {
	outside := t.TempDir()
	place(t, filepath.Join(outside, "secret"), false, "FROM secret\n")
	host := tree(t, files{
		"srv/Dockerfile": "-> " + outside + "/secret", "srv/app/compose.yaml": "services:\n  a: {build: .}\n", "srv/app/Dockerfile": "-> /srv/app/d", "srv/app/d": "FROM inside\n",
	})
	image, err := rootfs.OpenImage(host.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = image.Close() }()
	for link, to := range map[string]string{"root": "", "srv": "/srv"} {
		if err := os.Symlink(host.Dir()+to, filepath.Join(outside, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, srv := range []string{outside + "/root/srv", outside + "/srv", host.Dir() + "/srv"} {
		missing(t, readNamed(t, image, srv+"/Dockerfile")[0], srv+"/Dockerfile does not exist")
		equal(t, readNamed(t, image, srv+"/app")[0].Value.Services[0].Built.Value.Base, "inside")
	}
}
