package host

import (
	"slices"
	"strings"
	"testing"
)

// FuzzCloudOf: a provider is only named on the word of one of the fields, what is no
// provider bears its maker's name, and nothing at all is nobody.
func FuzzCloudOf(f *testing.F) {
	f.Add("Google", "Google Compute Engine", "Google", "Google", "Google", "")
	f.Add("Amazon EC2", "t3.micro", "", "", "1.0", "i-0")
	f.Add("Microsoft Corporation", "Virtual Machine", "", "", "", "7783-7084-3265-9085-8269-3286-77")
	f.Add("QEMU", "Standard PC", "", "SeaBIOS", "1.16", "")
	f.Fuzz(func(t *testing.T, sys, product, board, bios, version, tag string) {
		got, ok := cloudOf(dmi{sys, product, board, bios, version, tag})
		if ok != (got.Name != "") || got.Provider == "" {
			t.Fatalf("%+v, %t", got, ok)
		}
		all := strings.ToLower(sys + product + board + bios + version + tag)
		switch got.Provider {
		case NoProvider:
			if got.Name != sys && got.Name != board && got.Name != bios {
				t.Fatalf("%+v is named after nothing", got)
			}
		case Azure:
			if !strings.Contains(all, "7783-7084-3265-9085-8269-3286-77") {
				t.Fatalf("%+v without Azure's tag", got)
			}
		case Google, Amazon:
			if !strings.Contains(all, string(got.Provider)) {
				t.Fatalf("%+v is in none of %q", got, all)
			}
		}
	})
}

// FuzzParseZram: only a section makes a device, never a comment, and each has one name.
func FuzzParseZram(f *testing.F) {
	f.Add("[zram0]\nzram-size = ram / 2\n")
	f.Add("# [zram0]\n")
	f.Add("[zram1] \r\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := parseZram(nil, []byte(text), "f")
		for i, d := range got {
			if !strings.Contains(text, "["+d.name) || d.file != "f" || i > 0 && d.name == got[i-1].name {
				t.Fatalf("%q names no %s", text, d.name)
			}
		}
		after := parseZram(got, []byte("# comment\nmount-point = /x\n"+text+"\n[zram4095]\nfs-type = ext2"), "g")
		if i := slices.IndexFunc(after, func(d zramDevice) bool { return d.name == "zram4095" }); i < 0 || !after[i].otherType {
			t.Fatalf("%q hides a device: %+v", text, after)
		}
	})
}
