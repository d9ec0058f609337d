package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vmguard/pkg/rootfs"
)

const swapsHeader = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

func TestParseSwaps(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []SwapArea
		err  string
	}{
		"none": {text: swapsHeader, want: []SwapArea{}},
		"several": {
			text: swapsHeader +
				"/swapfile                               file\t\t2097148\t\t1024\t\t-2\n" +
				"/dev/dm-1                               partition\t8388604\t\t0\t\t-3\n" +
				"/dev/zram0                              partition\t4194300\t\t7\t\t100\n",
			want: []SwapArea{
				{Path: "/swapfile", Type: "file", Size: 2097148 << 10, Used: 1024 << 10, Priority: -2},
				{Path: "/dev/dm-1", Type: "partition", Size: 8388604 << 10, Priority: -3},
				{Path: "/dev/zram0", Type: "partition", Size: 4194300 << 10, Used: 7 << 10, Priority: 100},
			},
		},
		"escapes": {
			text: swapsHeader + `/mnt/my\040swap\011a\134b file 4 0 -2` + "\n",
			want: []SwapArea{{Path: "/mnt/my swap\ta\\b", Type: "file", Size: 4096, Priority: -2}},
		},
		"removed": {
			text: swapsHeader + `/old\040swap\040(deleted) file 4 0 -2` + "\n",
			want: []SwapArea{{Path: "/old swap", Type: "file", Size: 4096, Priority: -2, Deleted: true}},
		},
		"empty":           {text: "", err: "empty"},
		"no header":       {text: "/swapfile file 4 0 -2\n", err: "no header"},
		"cut off":         {text: swapsHeader + "/swapfile file 20971", err: "cut off"},
		"too few fields":  {text: swapsHeader + "/swapfile file 4 0\n", err: "line 2: 4 fields"},
		"too many fields": {text: swapsHeader + "/swap file file 4 0 -2\n", err: "line 2: 6 fields"},
		"unknown type":    {text: swapsHeader + "/swapfile tape 4 0 -2\n", err: `unknown type "tape"`},
		"size":            {text: swapsHeader + "/swapfile file x 0 -2\n", err: "size"},
		"huge":            {text: swapsHeader + "/swapfile file 18014398509481984 0 -2\n", err: "size"},
		"used":            {text: swapsHeader + "/swapfile file 4 -1 -2\n", err: "used"},
		"priority":        {text: swapsHeader + "/swapfile file 4 0 high\n", err: "priority"},
		"a blank line":    {text: swapsHeader + "\n", err: "line 2: 0 fields"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseSwaps([]byte(c.text))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

func TestReadSwaps(t *testing.T) {
	dir := t.TempDir()
	for name, content := range (files{
		"proc/swaps": swapsHeader +
			"/swap\\040file file 4 0 -2\n/gone\\040(deleted) file 4 0 -3\n/other file 4 0 -4\n/dev/dm-1 partition 8 4 -5\n",
		"swap file":                      "",
		"dev/disk/by-uuid/0a1b":          "-> ../../dm-1",
		"dev/disk/by-uuid/ffff":          "-> ../../sda1",
		`dev/disk/by-label/my\x20swap`:   "-> ../../dm-1",
		"dev/disk/by-partuuid/77-01":     "-> /dev/dm-1",
		"dev/disk/by-partlabel/swap":     "-> ../../dm-1",
		"dev/disk/by-id/dm-name-vg-swap": "-> ../../dm-1",
		"dev/mapper/vg-swap":             "-> ../dm-1",
		"dev/mapper/control":             "no link",
	}) {
		place(t, filepath.Join(dir, name), false, content)
	}
	if err := os.Chmod(filepath.Join(dir, "swap file"), 0o640); err != nil {
		t.Fatal(err)
	}
	fs, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close() //nolint:errcheck // a test's tree
	got := readSwaps(fs)
	if !got.Known() || len(got.Value) != 4 {
		t.Fatalf("got %+v", got)
	}
	equal(t, got.Value[0].File, Known(SwapFile{Mode: 0o640, UID: uint32(os.Getuid())}, "/swap file"))
	missing(t, got.Value[1].File, "removed while in use")
	missing(t, got.Value[2].File, "/other does not exist")
	equal(t, got.Value[3].Aliases, []string{
		"UUID=0a1b", "LABEL=my swap", "PARTUUID=77-01", "PARTLABEL=swap",
		"/dev/disk/by-id/dm-name-vg-swap", "/dev/mapper/vg-swap",
	})
	missing(t, readSwaps(tree(t)), "/proc/swaps does not exist")
}

func TestSwapAreaZram(t *testing.T) {
	for path, want := range map[string]bool{"/dev/zram0": true, "/dev/zram": false, "/swapfile": false, "/dev/zramx/y": true} {
		if got := (SwapArea{Path: path}).Zram(); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

// FuzzParseSwaps holds that any path survives the kernel's escapes.
func FuzzParseSwaps(f *testing.F) {
	f.Add("/swap file\n\\", uint32(4), true)
	f.Add("/x (deleted)", uint32(0), false)
	f.Fuzz(func(t *testing.T, path string, size uint32, deleted bool) {
		if path == "" || strings.HasSuffix(path, " (deleted)") {
			return
		}
		name := path
		if deleted {
			name += " (deleted)"
		}
		// As mangle_path of fs/seq_file.c does.
		escaped := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(name)
		got, err := parseSwaps(fmt.Appendf(nil, "%s%s\tpartition\t%d 1 -2\n", swapsHeader, escaped, size))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, []SwapArea{{Path: path, Type: "partition", Size: uint64(size) << 10, Used: 1024, Priority: -2, Deleted: deleted}})
	})
}
