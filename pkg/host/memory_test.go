package host

import (
	"fmt"
	"strings"
	"testing"
)

// meminfo is of a virtual machine with kernel 6.18.
const meminfo = `MemTotal:       24684084 kB
MemFree:        23994516 kB
MemAvailable:   24207104 kB
Buffers:            2092 kB
Cached:           218724 kB
SwapCached:            0 kB
Active:            62120 kB
Inactive(file):   151376 kB
SwapTotal:       2097148 kB
SwapFree:        2000000 kB
Zswap:                 0 kB
Dirty:               120 kB
Writeback:             4 kB
Shmem:              8872 kB
Slab:             346180 kB
SUnreclaim:        38812 kB
CommitLimit:    12342040 kB
Committed_AS:     323496 kB
VmallocTotal:   34359738367 kB
HugePages_Total:      16
HugePages_Free:        7
HugePages_Rsvd:        0
Hugepagesize:       2048 kB
DirectMap1G:    25165824 kB
`

func memoryOfMeminfo() Memory {
	return Memory{
		Total: 24684084 << 10, Free: 23994516 << 10, Available: 24207104 << 10,
		Buffers: 2092 << 10, Cached: 218724 << 10, Dirty: 120 << 10, Writeback: 4 << 10,
		Slab: 346180 << 10, Unreclaimable: 38812 << 10, Shmem: 8872 << 10,
		CommitLimit: 12342040 << 10, CommittedAS: 323496 << 10,
		HugePages: 16, HugePageFree: 7, HugePageSize: 2048 << 10,
		SwapTotal: 2097148 << 10, SwapFree: 2000000 << 10,
	}
}

func TestParseMemory(t *testing.T) {
	least := "MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 50 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
	without := func(name string) string {
		lines := strings.SplitAfter(least, "\n")
		return strings.Join(append([]string{}, filter(lines, name)...), "")
	}
	for name, c := range map[string]struct {
		text string
		want Memory
		err  string
	}{
		"a real host":        {text: meminfo, want: memoryOfMeminfo()},
		"the least":          {text: least, want: Memory{Total: 100 << 10, Free: 10 << 10, Available: 50 << 10}},
		"unknown fields":     {text: least + "Zebra: x\nnonsense\n\n", want: Memory{Total: 100 << 10, Free: 10 << 10, Available: 50 << 10}},
		"the largest":        {text: least + "Dirty: 18014398509481983 kB\n", want: Memory{Total: 100 << 10, Free: 10 << 10, Available: 50 << 10, Dirty: 1<<64 - 1024}},
		"empty":              {text: "", err: "empty"},
		"blank":              {text: "\n\n", err: "empty"},
		"cut in a number":    {text: meminfo[:strings.Index(meminfo, "Buffers")+20], err: "cut off"},
		"cut after a line":   {text: meminfo[:strings.Index(meminfo, "Buffers")], err: "no SwapTotal"},
		"kernel 3.13":        {text: without("MemAvailable"), err: "no MemAvailable (kernels before 3.14"},
		"no MemTotal":        {text: without("MemTotal"), err: "no MemTotal"},
		"no SwapFree":        {text: without("SwapFree"), err: "no SwapFree"},
		"MemTotal 0":         {text: strings.Replace(least, "100", "0", 1), err: "MemTotal is 0"},
		"overflow":           {text: least + "Dirty: 18014398509481984 kB\n", err: "Dirty"},
		"more than 64 bits":  {text: least + "Slab: 99999999999999999999 kB\n", err: "Slab"},
		"negative":           {text: least + "Slab: -1 kB\n", err: "Slab"},
		"another unit":       {text: least + "Slab: 1 MB\n", err: "Slab"},
		"no unit":            {text: least + "Slab: 1\n", err: "Slab"},
		"a count with unit":  {text: least + "HugePages_Total: 1 kB\n", err: "HugePages_Total"},
		"twice":              {text: least + "MemTotal: 7 kB\n", err: "MemTotal stands there twice"},
		"zero bytes":         {text: "\x00\x00\x00\n", err: "no MemTotal"},
		"no number":          {text: strings.Replace(least, "100", "many", 1), err: `"many"`},
		"a long wrong field": {text: least + "Slab: " + strings.Repeat("9", 1000) + " kB\n", err: "..."},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMemory([]byte(c.text))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

// filter leaves out the line of one name.
func filter(lines []string, name string) []string {
	var kept []string
	for _, l := range lines {
		if !strings.HasPrefix(l, name+":") {
			kept = append(kept, l)
		}
	}
	return kept
}

func TestReadMemory(t *testing.T) {
	equal(t, readMemory(tree(t, files{"proc/meminfo": meminfo})), Known(memoryOfMeminfo(), "/proc/meminfo"))
	missing(t, readMemory(tree(t)), "/proc/meminfo does not exist")
	missing(t, readMemory(tree(t, files{"proc/meminfo/": ""})), "not a regular file")
	missing(t, readMemory(tree(t, files{"proc/meminfo": strings.Repeat("x", smallFile+1)})), "larger than expected")
	missing(t, readMemory(tree(t, files{"proc/meminfo": "MemTotal: 1 kB\n"})), "/proc/meminfo: no MemFree")
}

// FuzzParseMemory holds that what was parsed, written out again as the kernel does, parses to the same.
func FuzzParseMemory(f *testing.F) {
	f.Add([]byte(meminfo))
	f.Add([]byte("MemTotal: 1 kB\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMemory(data)
		if err != nil {
			return
		}
		if m.Total == 0 {
			t.Fatal("accepted a host without memory")
		}
		var b strings.Builder
		for name, field := range m.fields() {
			if strings.HasPrefix(name, "HugePages_") {
				fmt.Fprintf(&b, "%s: %8d\n", name, *field)
			} else {
				fmt.Fprintf(&b, "%s: %8d kB\n", name, *field>>10)
			}
		}
		again, err := parseMemory([]byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, again, m)
	})
}
