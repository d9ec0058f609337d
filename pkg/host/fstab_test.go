package host

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseFstab(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []FstabSwap
	}{
		"empty":        {text: "", want: []FstabSwap{}},
		"unconfigured": {text: "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n", want: []FstabSwap{}},
		"usual": {
			text: "# <file system> <mount point> <type> <options> <dump> <pass>\n" +
				"UUID=1234 / ext4 errors=remount-ro 0 1\n\n" +
				"/swapfile none swap sw 0 0\n",
			want: []FstabSwap{{Line: 4, Spec: "/swapfile"}},
		},
		"tabs and blanks":  {text: " \t/swapfile\t \tnone\t\tswap  defaults\t0 0\n", want: []FstabSwap{{Line: 1, Spec: "/swapfile"}}},
		"no final newline": {text: "/swapfile none swap", want: []FstabSwap{{Line: 1, Spec: "/swapfile"}}},
		"CRLF":             {text: "# x\r\n/a none swap\r\n/b none swap noauto\r\n", want: []FstabSwap{{Line: 2, Spec: "/a"}, {Line: 3, Spec: "/b", NoAuto: true}}},
		"options":          {text: "/a none swap pri=5,nofail,noauto 0 0\n/b none swap nofailing 0 0\n", want: []FstabSwap{{Line: 1, Spec: "/a", NoAuto: true, NoFail: true}, {Line: 2, Spec: "/b"}}},
		"escapes":          {text: `/my\040swap\011\134x none swap sw` + "\n", want: []FstabSwap{{Line: 1, Spec: "/my swap\t\\x"}}},
		"broken escape":    {text: `/a\04 none swap` + "\n" + `/b\999 none swap`, want: []FstabSwap{{Line: 1, Spec: `/a\04`}, {Line: 2, Spec: `/b\999`}}},
		"quoted label":     {text: `LABEL="my\040swap" none swap` + "\nLABEL='x' none swap\nLABEL=\" none swap\n", want: []FstabSwap{{Line: 1, Spec: "LABEL=my swap"}, {Line: 2, Spec: "LABEL=x"}, {Line: 3, Spec: `LABEL="`}}},
		"comment inside":   {text: "  # /a none swap\n/b none swap # old\n", want: []FstabSwap{{Line: 2, Spec: "/b"}}},
		"swap elsewhere":   {text: "swap /swap tmpfs swap 0 0\n//server/swap /mnt cifs password=x 0 0\n", want: []FstabSwap{}},
		"too few fields":   {text: "/swapfile none\nswap\n", want: []FstabSwap{}},
		"zero bytes":       {text: "\x00\x00\x00", want: []FstabSwap{}},
		"a long line":      {text: strings.Repeat("x", 1<<16) + "\n/a none swap\n", want: []FstabSwap{{Line: 2, Spec: "/a"}}},
	} {
		t.Run(name, func(t *testing.T) { equal(t, parseFstab([]byte(c.text)), c.want) })
	}
}

func TestReadFstab(t *testing.T) {
	equal(t, readFstab(tree(t), true), Known([]FstabSwap{}, "/etc/fstab (absent)"))
	equal(t, readFstab(tree(t, files{"etc/fstab": "/a none swap\n/b none swap\n", "a": ""}), true), Known([]FstabSwap{
		{Line: 1, Spec: "/a", Exists: Known(true, "/a"), Target: "/a"},
		{Line: 2, Spec: "/b", Exists: Known(false, "/b")},
	}, "/etc/fstab"))
	missing(t, readFstab(tree(t, files{"etc/fstab/": ""}), true), "not a regular file")
}

// FuzzParseFstab holds that a swap line is found among any others, that its spec
// survives the escapes, and that nothing of the other lines is kept.
func FuzzParseFstab(f *testing.F) {
	f.Add("/dev/sda1 / ext4 password=secret 0 1", "/my swap")
	f.Fuzz(func(t *testing.T, other, spec string) {
		if spec == "" || spec[0] != '/' || strings.ContainsAny(spec, "\r") {
			return
		}
		escaped := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(spec)
		before := len(parseFstab([]byte(other)))
		list := parseFstab(fmt.Appendf(nil, "%s\n%s none swap nofail 0 0", other, escaped))
		if len(list) != before+1 {
			t.Fatalf("%d swap lines became %d", before, len(list))
		}
		equal(t, list[before], FstabSwap{Line: strings.Count(other, "\n") + 2, Spec: spec, NoFail: true})
	})
}

// TestMaskedFstab: systemd activates no line whose unit is masked.
func TestMaskedFstab(t *testing.T) {
	const dir = "/etc/systemd/system/"
	uuid := `dev-disk-by\x2duuid-a\x2db.swap`
	host := files{"etc/fstab": "/a none swap\n/var//b none swap\nUUID=a-b none swap\n/c none swap\n",
		dir + "a.swap": "-> /dev/null", dir + "var-b.swap": "", dir + uuid: "-> /dev/null", dir + "c.swap": "[Swap]\nWhat=/c\n"}
	masked := func(more files) (list []string) {
		for _, line := range readFstab(tree(t, host, more), false).Value {
			list = append(list, line.MaskedBy)
		}
		return list
	}
	equal(t, masked(files{"usr/lib/systemd/systemd": ""}), []string{dir + "a.swap", dir + "var-b.swap", dir + uuid, ""})
	equal(t, masked(nil), []string{"", "", "", ""})
}
