package host

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"vmguard/pkg/rootfs"
)

// baked looks for swapfiles in a tree as in an image.
func baked(t *testing.T, tree *rootfs.FS) Fact[[]BakedSwap] {
	t.Helper()
	f := Facts{}
	s := Source{FS: tree}
	bakedSwapReading(s, newShared(s)).read(t.Context())(&f)
	return f.SwapFiles
}

// signed is the first part of a swapfile for machines with pages of that size.
func signed(t *testing.T, page int, signature string) string {
	t.Helper()
	head := make([]byte, 128<<10)
	head[1024], head[1028] = 1, 31 // little-endian, as all machines of these tests
	copy(head[1052:], "vmguard")
	copy(head[page-10:], signature)
	return string(head)
}

func TestBakedSwap(t *testing.T) {
	plain := string(make([]byte, 64<<10))
	fs := tree(t, files{
		"etc/fstab": "/data/s none swap sw\n/link none swap sw\n/gone none swap sw\n/dev/sda none swap sw\n/data/s none swap noauto\n" +
			"/dir none swap sw\n/fifo none swap sw\n/loop none swap sw\n/away none swap sw\n/data/s/x none swap sw\n",
		"etc/systemd/system/var-blank.swap": "[Swap]\nWhat=/var/blank\n",
		"data/s":                            signed(t, 4096, "SWAPSPACE2"),
		"data/linked":                       signed(t, 65536, "SWAPSPACE2"),
		"link":                              "-> data/linked",
		"loop":                              "-> loop",
		"away":                              "-> ../../../../../etc/passwd",
		"dir/":                              "",
		"swapfile":                          plain,
		"swap.img":                          "short",
		"swap/odd":                          signed(t, 8192, "SWAPSPACE2"),
		"var/blank":                         plain,
		"var/other":                         plain,
		"var/old":                           signed(t, 4096, "SWAP-SPACE"),
		".swapfile.vmguard-new":             plain,
		".x.vmguard-newer":                  plain,
	})
	if err := syscall.Mkfifo(filepath.Join(fs.Dir(), "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := baked(t, fs)
	if !got.Known() {
		t.Fatal(got.Why())
	}
	type found struct {
		page  uint64
		valid bool
		label string
		named string
	}
	list := map[string]found{}
	for _, f := range got.Value {
		one := found{named: fmt.Sprint(f.NamedBy)}
		if f.Header != nil {
			one.page, one.valid, one.label = f.Header.PageSize, f.Header.Valid, f.Header.Label
		}
		list[f.Path] = one
		if f.Mode != 0o600 || f.UID != 0 || f.Size < leastSwap || f.Allocated == 0 {
			t.Errorf("%+v", f)
		}
	}
	none := "[]"
	equal(t, fmt.Sprint(list), fmt.Sprint(map[string]found{
		"/data/s":                {4096, true, "vmguard", "[/etc/fstab:1 /etc/fstab:5]"},
		"/data/linked":           {65536, true, "vmguard", "[/etc/fstab:2]"},
		"/swapfile":              {named: none},
		"/swap/odd":              {8192, true, "vmguard", none},
		"/var/blank":             {named: "[/etc/systemd/system/var-blank.swap]"},
		"/var/old":               {4096, false, "", none},
		"/.swapfile.vmguard-new": {named: none},
	}))
	equal(t, baked(t, tree(t)), Known([]BakedSwap{}, "/etc/fstab, systemd's units and the usual places"))
}

// TestBakedSwapIsBounded has a file of a tebibyte, which takes up nothing, and more names than are looked at.
func TestBakedSwapIsBounded(t *testing.T) {
	fs := tree(t, files{"swapfile": signed(t, 4096, "SWAPSPACE2")})
	if err := os.Truncate(filepath.Join(fs.Dir(), "swapfile"), 1<<40); err != nil {
		t.Fatal(err)
	}
	got := baked(t, fs).Value
	if len(got) != 1 || got[0].Size != 1<<40 || got[0].Allocated >= 1<<30 {
		t.Errorf("%+v", got)
	}
	for i := range mostNames {
		if err := os.WriteFile(filepath.Join(fs.Dir(), fmt.Sprintf("n%d", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing(t, baked(t, fs), "/ holds more than 1000 names")
}

func TestAllocatedOfAFileWithHoles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 1<<30); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := allocated(info); n > 1<<20 {
		t.Errorf("%d bytes", n)
	}
}
