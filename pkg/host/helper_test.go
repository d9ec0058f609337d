package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/rootfs"
)

// files is a host's tree: paths and contents. A content that starts with "-> " makes
// a symbolic link, and a path that ends in a slash a directory.
type files map[string]string

// tree writes a host's tree, for the length of the test.
func tree(t testing.TB, list ...files) *rootfs.FS {
	t.Helper()
	dir := t.TempDir()
	for _, f := range list {
		for name, content := range f {
			place(t, filepath.Join(dir, name), strings.HasSuffix(name, "/"), content)
		}
	}
	fs, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fs.Close(); err != nil {
			t.Error(err)
		}
	})
	return fs
}

func place(t testing.TB, name string, dir bool, content string) {
	t.Helper()
	if dir {
		if err := os.MkdirAll(name, 0o755); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		err = os.Symlink(target, name)
	} else {
		err = os.WriteFile(name, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// equal fails the test where got is not what was wanted.
func equal(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexpected (-want +got):\n%s", diff)
	}
}

// missing fails the test where the fact is known, or gives another reason.
func missing[T any](t testing.TB, f Fact[T], why string) {
	t.Helper()
	if f.Known() || !strings.Contains(f.Why(), why) {
		t.Errorf("got %+v, want it missing because of %q", f, why)
	}
}

// refused fails the test where err is nil or says something else; an empty text wants no error.
func refused(t testing.TB, err error, text string) bool {
	t.Helper()
	switch {
	case text == "" && err != nil:
		t.Fatalf("unexpected error: %v", err)
	case text != "" && (err == nil || !strings.Contains(err.Error(), text)):
		t.Fatalf("error %v, want one with %q", err, text)
	}
	return err != nil
}

// unitsOf lists a tree's units, as a snapshot does.
func unitsOf(fs *rootfs.FS) func() (*hostUnits, error) {
	return func() (*hostUnits, error) { return listUnits(fs) }
}

func servicesOf(fs *rootfs.FS, live bool) Fact[[]Service] { return readServices(fs, live, unitsOf(fs)) }

func startedOf(fs *rootfs.FS) (started, error) { return readStarted(fs, unitsOf(fs)) }

func daemonFileOf(fs *rootfs.FS) Fact[DaemonFile] { return readDaemonFileProblems(fs, unitsOf(fs)) }

func daemonConfigOf(fs *rootfs.FS, daemons Fact[[]Daemon]) Fact[DaemonConfig] {
	return readDaemonConfig(fs, daemons, unitsOf(fs))
}

func cloudInitOf(fs *rootfs.FS) Fact[CloudInit] { return readCloudInit(fs, unitsOf(fs)) }
