package host_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"vmguard/pkg/host"
	"vmguard/pkg/rootfs"
	"vmguard/pkg/swap"
)

// TestMkswapsHeaders reads what mkswap(8) writes, for each page size.
func TestMkswapsHeaders(t *testing.T) {
	for page, size := range map[string]uint64{"4096": 4096, "8192": 8192, "16384": 16384, "65536": 65536} {
		dir := t.TempDir()
		file := filepath.Join(dir, "swapfile")
		if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mkswap", "--pagesize", page, "--label", "my swap", file).CombinedOutput(); err != nil {
			t.Fatalf("mkswap: %v: %s", err, out)
		}
		tree, err := rootfs.OpenImage(dir)
		if err != nil {
			t.Fatal(err)
		}
		found := host.CollectImage(t.Context(), host.Source{FS: tree}).SwapFiles
		if err := tree.Close(); err != nil {
			t.Fatal(err)
		}
		want := host.SwapHeader{PageSize: size, Signature: "SWAPSPACE2", Valid: true, Size: 1 << 20, Label: "my swap"}
		if len(found.Value) != 1 || found.Value[0].Header == nil || *found.Value[0].Header != want {
			t.Errorf("page size %s: %+v", page, found)
		}
	}
}

// FuzzSwapHeader holds that this reader and the one of package swap, by which headers are
// written, agree on what a kernel takes.
func FuzzSwapHeader(f *testing.F) {
	f.Add(uint8(0), uint32(1), uint32(31), uint32(0), uint32(0), "label", "SWAPSPACE2", uint16(0), byte(0))
	f.Add(uint8(4), uint32(1), uint32(31), uint32(3), uint32(1), "a label of some length", "S1SUSPEND\x00", uint16(4086), byte('S'))
	f.Add(uint8(5), uint32(0x01000000), uint32(0), uint32(0), uint32(0), "", "SWAP-SPACE", uint16(8182), byte(1))
	f.Fuzz(func(t *testing.T, shift uint8, version, last, bad, padding uint32, label, signature string, at uint16, with byte) {
		page := make([]byte, 2048<<(shift%6))
		if end := len(page) - 10; len(page) >= 4096 {
			for i, n := range map[int]uint32{1024: version, 1028: last, 1032: bad, 1068 + 128: padding} {
				binary.NativeEndian.PutUint32(page[i:], n)
			}
			copy(page[1052:1068], label)
			copy(page[end:], signature)
		}
		page[int(at)%len(page)] |= with
		got := host.ParseSwapHeader(page)
		want, err := swap.ParseHeader(page)
		if valid := got != nil && got.Valid; valid != (err == nil) {
			t.Fatalf("%+v, but %v", got, err)
		}
		if err == nil && (got.PageSize != want.PageSize || got.Label != want.Label || got.Size != want.Size()) {
			t.Fatalf("%+v, but %+v", got, want)
		}
	})
}
