package rootfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const secret = "outside the tree"

// tree builds files ("path": "content"), directories ("path/": "") and links
// ("path": "-> target") below DIR/root, beside DIR/outside/secret. OUT in a target
// stands for DIR.
func tree(t testing.TB, files map[string]string) (f *FS, root string) {
	t.Helper()
	base := t.TempDir()
	root = filepath.Join(base, "root")
	must(t, os.MkdirAll(filepath.Join(base, "outside"), 0o755))
	must(t, os.WriteFile(filepath.Join(base, "outside", "secret"), []byte(secret), 0o600))
	must(t, os.Mkdir(root, 0o755))
	for name, content := range files {
		p := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		target, isLink := strings.CutPrefix(content, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(p, 0o755))
		case isLink:
			must(t, os.Symlink(strings.ReplaceAll(target, "OUT", base), p))
		default:
			must(t, os.WriteFile(p, []byte(content), 0o600))
		}
	}
	return open(t, root), root
}

func open(t testing.TB, dir string) *FS {
	t.Helper()
	f, err := Open(dir)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadFileInTree(t *testing.T) {
	f, _ := tree(t, map[string]string{
		"etc/fstab":           "the tree's own",
		"etc/passwd":          "tree passwd",
		"usr/lib/os":          "os",
		"lib":                 "-> usr/lib",
		"abs":                 "-> /etc/fstab",
		"abs-dir":             "-> /usr/lib",
		"chain1":              "-> /chain2",
		"chain2":              "-> etc/../chain3",
		"chain3":              "-> /abs-dir/../../etc/fstab",
		"out-abs":             "-> OUT/outside/secret",
		"out-rel":             "-> ../outside/secret",
		"out-far":             "-> ../../../../../../../../etc/passwd",
		"out-dir":             "-> OUT/outside",
		"out-chain":           "-> /out-dir/secret",
		"self":                "-> self",
		"ping":                "-> pong",
		"pong":                "-> /ping",
		"grow":                "-> grow/x",
		"deep/a/b/up":         "-> ../../../../../../../etc/passwd",
		"slash":               "-> etc/fstab/",
		"dangling":            "-> /nowhere",
		"dir/":                "",
		"empty":               "",
		"etc/mtab":            "-> /proc/self/mounts",
		"proc/self":           "-> 42",
		"proc/42/mounts":      "tree mounts",
		"proc/42/root":        "-> /",
		"weird -> name\n\x1b": "weird",
	})
	tests := []struct {
		name    string
		want    string
		wantErr error
	}{
		{name: "/etc/fstab", want: "the tree's own"},
		{name: "etc/fstab", want: "the tree's own"},
		{name: "//etc//./fstab", want: "the tree's own"},
		{name: "/../../etc/fstab", want: "the tree's own"},
		{name: "/lib/os", want: "os"},
		{name: "/lib/../lib/os", want: "os"}, // usr/lib/../lib: ".." after a link is where the link led
		{name: "/abs", want: "the tree's own"},
		{name: "/abs-dir/os", want: "os"},
		{name: "/chain1", want: "the tree's own"},
		{name: "/etc/mtab", want: "tree mounts"},
		{name: "/proc/self/root/etc/passwd", want: "tree passwd"},
		{name: "/out-far", want: "tree passwd"},
		{name: "/deep/a/b/up", want: "tree passwd"},
		{name: "/empty", want: ""},
		{name: "/weird -> name\n\x1b", want: "weird"},
		{name: "/out-abs", wantErr: fs.ErrNotExist},
		{name: "/out-rel", wantErr: fs.ErrNotExist},
		{name: "/out-dir/secret", wantErr: fs.ErrNotExist},
		{name: "/out-chain", wantErr: fs.ErrNotExist},
		{name: "/../outside/secret", wantErr: fs.ErrNotExist},
		{name: "/self", wantErr: syscall.ELOOP},
		{name: "/ping", wantErr: syscall.ELOOP},
		{name: "/grow", wantErr: syscall.ELOOP},
		{name: "/dangling", wantErr: fs.ErrNotExist},
		{name: "/nowhere/../etc/fstab", wantErr: fs.ErrNotExist},
		{name: "/etc/fstab/", wantErr: syscall.ENOTDIR},
		{name: "/etc/fstab/..", wantErr: syscall.ENOTDIR},
		{name: "/etc/fstab/x", wantErr: syscall.ENOTDIR},
		{name: "/slash", wantErr: syscall.ENOTDIR},
		{name: "/dir", wantErr: ErrNotRegular},
		{name: "/", wantErr: ErrNotRegular},
		{name: "", wantErr: fs.ErrNotExist},
		{name: "/etc/fs\x00tab", wantErr: syscall.EINVAL},
		{name: "/" + strings.Repeat("x", 300), wantErr: syscall.ENAMETOOLONG},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := f.ReadFile(tt.name, 1<<20)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("ReadFile(%q) error = %v, want %v", tt.name, err, tt.wantErr)
			}
			if string(got) != tt.want {
				t.Errorf("ReadFile(%q) = %q, want %q", tt.name, got, tt.want)
			}
		})
	}
}

func TestFortyLinksAreNoLoop(t *testing.T) {
	files := map[string]string{"link0": "end"}
	for i := 1; i <= 41; i++ {
		files[fmt.Sprintf("link%d", i)] = fmt.Sprintf("-> link%d", i-1)
	}
	f, _ := tree(t, files)
	if got, err := f.ReadFile("/link40", 100); err != nil || string(got) != "end" {
		t.Errorf("40 links: %q, %v", got, err)
	}
	if _, err := f.ReadFile("/link41", 100); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("41 links: %v, want ELOOP", err)
	}
}

func TestLinksThatMultiplyPartsEnd(t *testing.T) {
	wide := "-> " + strings.Repeat("./", 2000) + "l"
	files := map[string]string{}
	for i := range 39 {
		files[fmt.Sprintf("l%d", i)] = wide + fmt.Sprint(i+1)
	}
	files["l39"] = "end"
	f, _ := tree(t, files)
	if got, err := f.ReadFile("/l0", 100); err != nil || string(got) != "end" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestErrorsNameTheHostsPath(t *testing.T) {
	f, root := tree(t, map[string]string{"up": "-> /missing", "dir/": ""})
	_, readErr := f.ReadFile("etc/missing", 10)
	_, notRegular := f.ReadFile("/dir", 10)
	_, dirErr := f.ReadDir("/missing")
	_, statErr := f.Stat("/up")
	_, lstatErr := f.Lstat("/missing")
	_, linkErr := f.Readlink("/dir")
	_, resolveErr := f.Resolve("/up")
	_, emptyErr := f.Stat("")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{readErr, "read /etc/missing: no such file or directory"},
		{notRegular, "read /dir: not a regular file"},
		{dirErr, "readdir /missing: no such file or directory"},
		{statErr, "stat /up: no such file or directory"},
		{lstatErr, "lstat /missing: no such file or directory"},
		{linkErr, "readlink /dir: invalid argument"},
		{resolveErr, "resolve /up: no such file or directory"},
		{emptyErr, "stat : no such file or directory"},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("error %v, want %q", tt.err, tt.want)
			continue
		}
		if strings.Contains(tt.err.Error(), root) {
			t.Errorf("error %v names the tree's directory", tt.err)
		}
	}
}

func TestStatAndLstat(t *testing.T) {
	f, root := tree(t, map[string]string{"file": "12345", "link": "-> /file", "dir/": "", "dirlink": "-> dir", "out": "-> OUT/outside"})
	for _, tt := range []struct {
		op, name, base string
		mode           fs.FileMode
		wantErr        error
	}{
		{op: "stat", name: "/link", base: "link"},
		{op: "lstat", name: "/link", base: "link", mode: fs.ModeSymlink},
		{op: "stat", name: "/dirlink", base: "dirlink", mode: fs.ModeDir},
		{op: "lstat", name: "/dirlink", base: "dirlink", mode: fs.ModeSymlink},
		{op: "lstat", name: "/dirlink/", base: "dirlink", mode: fs.ModeDir},
		{op: "lstat", name: "/out", base: "out", mode: fs.ModeSymlink},
		{op: "stat", name: "/out", wantErr: fs.ErrNotExist},
		{op: "stat", name: "/", base: "/", mode: fs.ModeDir},
	} {
		call := f.Stat
		if tt.op == "lstat" {
			call = f.Lstat
		}
		fi, err := call(tt.name)
		if !errors.Is(err, tt.wantErr) {
			t.Errorf("%s %s: error %v, want %v", tt.op, tt.name, err, tt.wantErr)
		}
		if err == nil && (fi.Mode().Type() != tt.mode || fi.Name() != tt.base) {
			t.Errorf("%s %s: %v %q, want %v %q", tt.op, tt.name, fi.Mode().Type(), fi.Name(), tt.mode, tt.base)
		}
	}
	fi, err := f.Stat("/link")
	must(t, err)
	want, err := os.Stat(filepath.Join(root, "file"))
	must(t, err)
	if fi.Size() != 5 || !fi.ModTime().Equal(want.ModTime()) {
		t.Errorf("Stat through a link: size %d, time %v", fi.Size(), fi.ModTime())
	}
}

// TestReadDirBound holds that a directory is listed as a whole or not at all.
func TestReadDirBound(t *testing.T) {
	f, root := tree(t, map[string]string{"d/a": "", "d/b": "", "d/c": "", "none/": ""})
	for _, tree := range []*FS{f, open(t, "/")} {
		dir := strings.TrimSuffix(root, "/")
		if tree == f {
			dir = ""
		}
		for _, tt := range []struct {
			name    string
			most, n int
			want    error
		}{{"/d", 3, 3, nil}, {"/d", 2, 0, ErrTooMany}, {"/d", 0, 0, ErrTooMany}, {"/none", 0, 0, nil}, {"/none", 5, 0, nil}} {
			list, err := tree.ReadDirMost(dir+tt.name, tt.most)
			if len(list) != tt.n || !errors.Is(err, tt.want) {
				t.Errorf("%d of %s: %d names, %v; want %d, %v", tt.most, tt.name, len(list), err, tt.n, tt.want)
			}
		}
	}
	for i := range maxNames - 2 {
		must(t, os.WriteFile(filepath.Join(root, "d", strconv.Itoa(i)), nil, 0o600))
	}
	if _, err := f.ReadDir("/d"); !errors.Is(err, ErrTooMany) {
		t.Errorf("ReadDir of %d names: %v", maxNames+1, err)
	}
}

// TestWithin holds that nothing is read once the context has ended, and that the tree itself goes on.
func TestWithin(t *testing.T) {
	f, root := tree(t, map[string]string{"d/a": "x"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tree := range []*FS{f, open(t, "/")} {
		dir := root
		if tree == f {
			dir = ""
		}
		for _, within := range []struct {
			tree *FS
			want error
		}{{tree.Within(t.Context()), nil}, {tree.Within(ctx), context.Canceled}, {tree, nil}} {
			_, file := within.tree.ReadFile(dir+"/d/a", 10)
			_, head := within.tree.ReadHead(dir+"/d/a", 10)
			_, list := within.tree.ReadDir(dir + "/d")
			for _, err := range []error{file, head, list} {
				if !errors.Is(err, within.want) {
					t.Errorf("%v, want %v", err, within.want)
				}
			}
		}
	}
}

func TestReadDir(t *testing.T) {
	f, _ := tree(t, map[string]string{"d/b": "x", "d/a": "-> OUT/outside/secret", "d/c/": "", "to-d": "-> /d", "out": "-> OUT/outside"})
	list, err := f.ReadDir("/to-d")
	must(t, err)
	var got []string
	for _, e := range list {
		info, err := e.Info()
		must(t, err)
		if info.Mode().Type() != e.Type() {
			t.Errorf("%s: Info says %v, the entry %v", e.Name(), info.Mode().Type(), e.Type())
		}
		got = append(got, e.Name()+" "+e.Type().String())
	}
	if diff := cmp.Diff([]string{"a L---------", "b ----------", "c d---------"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := f.ReadDir("/out"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadDir of a link out of the tree: %v", err)
	}
	if _, err := f.ReadDir("/d/b"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("ReadDir of a file: %v", err)
	}
	if list, err := f.ReadDir("/"); err != nil || len(list) != 3 {
		t.Errorf("ReadDir of the root: %v, %v", list, err)
	}
}

func TestResolveAndReadlink(t *testing.T) {
	f, _ := tree(t, map[string]string{"usr/lib/x": "x", "lib": "-> /usr/lib", "a": "-> lib/../lib/x", "top": "-> ../.."})
	for name, want := range map[string]string{"/a": "/usr/lib/x", "/lib": "/usr/lib", "lib/x": "/usr/lib/x", "/top": "/", "/": "/", "/usr/": "/usr"} {
		if got, err := f.Resolve(name); err != nil || got != want {
			t.Errorf("Resolve(%s) = %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"/a": "lib/../lib/x", "/lib": "/usr/lib", "/top/lib": "/usr/lib"} {
		if got, err := f.Readlink(name); err != nil || got != want {
			t.Errorf("Readlink(%s) = %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for dir, want := range map[string]error{"": fs.ErrNotExist, file: syscall.ENOTDIR, file + "-missing": fs.ErrNotExist} {
		if f, err := Open(dir); !errors.Is(err, want) {
			t.Errorf("Open(%q) = %v, %v; want %v", dir, f, err, want)
		}
	}
}

func TestLiveHost(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, os.WriteFile(dir+"/file", []byte("live"), 0o600))
	must(t, os.Symlink("file", dir+"/rel"))
	must(t, os.Symlink(dir+"/rel", dir+"/abs"))
	must(t, os.Symlink("loop", dir+"/loop"))
	for _, root := range []string{"/", "/..", "//"} {
		f := open(t, root)
		if got, err := f.ReadFile(dir+"/abs", 4); err != nil || string(got) != "live" {
			t.Errorf("Open(%q): ReadFile = %q, %v", root, got, err)
		}
		if got, err := f.ReadFile(strings.TrimPrefix(dir, "/")+"/abs", 4); err != nil || string(got) != "live" {
			t.Errorf("Open(%q): a name without a slash: %q, %v", root, got, err)
		}
		if got, err := f.Resolve(dir + "/abs"); err != nil || got != dir+"/file" {
			t.Errorf("Open(%q): Resolve = %q, %v", root, got, err)
		}
		if got, err := f.Readlink(dir + "/abs"); err != nil || got != dir+"/rel" {
			t.Errorf("Open(%q): Readlink = %q, %v", root, got, err)
		}
		if _, err := f.ReadFile(dir+"/loop", 4); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("Open(%q): a loop: %v", root, err)
		}
		if _, err := f.Resolve(dir + "/loop"); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("Open(%q): Resolve of a loop: %v", root, err)
		}
		for _, call := range []func(string) error{
			func(s string) error { _, err := f.ReadFile(s, 4); return err },
			func(s string) error { _, err := f.ReadDir(s); return err },
			func(s string) error { _, err := f.Stat(s); return err },
			func(s string) error { _, err := f.Lstat(s); return err },
			func(s string) error { _, err := f.Readlink(s); return err },
			func(s string) error { _, err := f.Resolve(s); return err },
		} {
			if err := call(dir + "/missing"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Open(%q): missing: %v", root, err)
			}
			if err := call(""); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Open(%q): the empty name: %v", root, err)
			}
		}
		list, err := f.ReadDir(dir)
		if err != nil || len(list) != 4 || list[0].Name() != "abs" {
			t.Errorf("Open(%q): ReadDir = %v, %v", root, list, err)
		}
	}
}
