package host

import (
	"fmt"
	"testing"
)

// conntrackStat is of kernel 6.18 with two CPUs, some numbers changed.
const conntrackStat = `entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00000004  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 0000001f 00000002 00000000  00000000 00000000 00000000 00000000
00000004  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000010 00000000 00000000  00000000 00000000 00000000 00000000
`

func TestParseConntrackDrops(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want uint64
		err  string
	}{
		"a real host": {text: conntrackStat, want: 0x2f},
		"one CPU":     {text: "drop early_drop\nff 1\n", want: 255},
		"empty":       {text: "", err: "empty"},
		"cut off":     {text: conntrackStat[:len(conntrackStat)-9], err: "cut off"},
		"header only": {text: "entries drop\n", err: "no line of any CPU"},
		"no column":   {text: "entries early_drop\n1 2\n", err: "no drop column"},
		"short line":  {text: "entries drop\n1\n", err: "line 2 is too short"},
		"garbage":     {text: "drop\nff\nxyz\n", err: "line 3"},
		"overflow":    {text: "drop\nffffffffffffffff\n1\n", err: "does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseConntrackDrops([]byte(c.text))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

func TestReadConntrack(t *testing.T) {
	loaded := files{"proc/sys/net/netfilter/nf_conntrack_count": "4\n", "proc/sys/net/netfilter/nf_conntrack_max": "262144\n"}
	const source = "/proc/sys/net/netfilter/nf_conntrack_count"
	equal(t, readConntrack(tree(t, loaded)), Known(Conntrack{Count: 4, Max: 262144}, source))
	equal(t, readConntrack(tree(t, loaded, files{"proc/net": "-> self/net", "proc/self/net/stat/nf_conntrack": conntrackStat})),
		Known(Conntrack{Count: 4, Max: 262144, Dropped: ptr(uint64(0x2f))}, source))
	equal(t, readConntrack(tree(t, loaded, files{"proc/net/stat/nf_conntrack": "drop\n"})).Value.Dropped, (*uint64)(nil))
	equal(t, readConntrack(tree(t, files{"proc/sys/net/ipv4/": ""})), Known(Conntrack{}, source+" (absent)"))
	missing(t, readConntrack(tree(t)), "does not exist")
	missing(t, readConntrack(tree(t, files{"proc/sys/net/netfilter/nf_conntrack_count": "4\n"})), "nf_conntrack_max does not exist")
	missing(t, readConntrack(tree(t, files{"proc/sys/net/netfilter/nf_conntrack_count": "x\n"})), "no number")
}

// FuzzParseConntrackDrops holds that the column is found wherever it stands.
func FuzzParseConntrackDrops(f *testing.F) {
	f.Add(uint32(1), uint32(2), 3)
	f.Fuzz(func(t *testing.T, a, b uint32, before int) {
		head, row1, row2 := "", "", ""
		for i := range uint(before) % 20 {
			head, row1, row2 = head+fmt.Sprintf("c%d ", i), row1+"0 ", row2+"1 "
		}
		got, err := parseConntrackDrops(fmt.Appendf(nil, "%sdrop x\n%s%08x 9\n%s%x 9\n", head, row1, a, row2, b))
		if err != nil || got != uint64(a)+uint64(b) {
			t.Fatalf("%d and %d gave %d, %v", a, b, got, err)
		}
	})
}
