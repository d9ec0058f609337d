package host

import (
	"fmt"
	"testing"
)

func TestParseVMStat(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want VMStat
		err  string
	}{
		"a real host":   {text: "nr_free_pages 4625937\npgpgin 411\npswpin 12\npswpout 7\noom_kill 36\nnr_unstable 0\n", want: VMStat{OOMKill: ptr(uint64(36)), SwapIn: 12, SwapOut: 7}},
		"kernel 4.12":   {text: "pswpin 12\npswpout 7\n", want: VMStat{SwapIn: 12, SwapOut: 7}},
		"odd neighbour": {text: "pswpin 1\npswpout 2\noom_killer x\n\nfoo\n", want: VMStat{SwapIn: 1, SwapOut: 2}},
		"empty":         {text: "", err: "empty"},
		"cut off":       {text: "pswpin 12\npswpout 7\noom_kill 3", err: "cut off"},
		"no counters":   {text: "nr_free_pages 4625937\n", err: "no pswpin"},
		"half":          {text: "pswpin 12\n", err: "no pswpin and pswpout"},
		"garbage":       {text: "pswpin 12\npswpout 7\noom_kill many\n", err: "oom_kill"},
		"negative":      {text: "pswpin -1\npswpout 7\n", err: "pswpin"},
		"huge":          {text: "pswpin 18446744073709551616\npswpout 7\n", err: "pswpin"},
		"no number":     {text: "pswpin\npswpout 7\n", err: "pswpin"},
		"twice":         {text: "pswpin 1\npswpin 2\npswpout 7\n", err: "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseVMStat([]byte(c.text))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

// FuzzParseVMStat holds that the order and number of other lines changes nothing.
func FuzzParseVMStat(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint64(3), []byte("nr_free_pages 1\n"))
	f.Fuzz(func(t *testing.T, in, out, kills uint64, other []byte) {
		text := fmt.Sprintf("oom_kill %d\npswpout %d\n%s\npswpin %d\n", kills, out, other, in)
		got, err := parseVMStat([]byte(text))
		if err != nil {
			return // the other lines name one of them too
		}
		equal(t, got, VMStat{OOMKill: &kills, SwapIn: in, SwapOut: out})
	})
}
