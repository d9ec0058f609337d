package cli

import (
	"time"

	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
	"vmguard/pkg/swap"
)

// setting is one way in which a fact may be.
type setting struct {
	name string
	set  func(*host.Facts)
}

// persistenceSettings gives for each fact of a swap area's persistence the ways in which it may be.
func persistenceSettings() [][]setting {
	areas := func(a host.SwapArea) func(*host.Facts) {
		return func(f *host.Facts) { f.Swaps = host.Known([]host.SwapArea{a}, "/proc/swaps") }
	}
	lines := func(lines ...host.FstabSwap) func(*host.Facts) {
		return func(f *host.Facts) { f.Fstab = host.Known(lines, "/etc/fstab") }
	}
	units := func(units ...host.SwapUnit) func(*host.Facts) {
		return func(f *host.Facts) { f.Units = host.Known(units, "units") }
	}
	yes := host.Known(true, "/x")
	return [][]setting{
		{
			{"file", areas(host.SwapArea{Path: "/x", Type: "file", Size: 1})},
			{"partition", areas(host.SwapArea{Path: "/dev/x", Type: "partition", Size: 1, Aliases: []string{"UUID=x"}})},
			{"zram", areas(host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: 1})},
			{"deleted", areas(host.SwapArea{Path: "/x", Type: "file", Size: 1, Deleted: true})},
		},
		{
			{"no line", lines()},
			{"path", lines(host.FstabSwap{Line: 1, Spec: "/x", Exists: yes})},
			{"device", lines(host.FstabSwap{Line: 1, Spec: "/dev/x", Exists: yes})},
			{"zram", lines(host.FstabSwap{Line: 1, Spec: "/dev/zram0", Exists: yes})},
			{"link", lines(host.FstabSwap{Line: 1, Spec: "/link", Target: "/x", Exists: yes})},
			{"UUID", lines(host.FstabSwap{Line: 1, Spec: "UUID=x", Exists: yes})},
			{"noauto", lines(host.FstabSwap{Line: 1, Spec: "/x", NoAuto: true, Exists: yes})},
			{"another", lines(host.FstabSwap{Line: 1, Spec: "/y", Target: "/y", Exists: yes})},
			{"unread", func(f *host.Facts) { f.Fstab = host.Missing[[]host.FstabSwap]("unread") }},
		},
		{
			{"no unit", units()},
			{"enabled", units(host.SwapUnit{Name: "x.swap", What: "/x", Target: "/x", Enabled: true})},
			{"by UUID", units(host.SwapUnit{Name: "x.swap", What: "UUID=x", Enabled: true})},
			{"by target", units(host.SwapUnit{Name: "x.swap", What: "/link", Target: "/dev/x", Enabled: true})},
			{"zram", units(host.SwapUnit{Name: "x.swap", What: "/dev/zram0", Enabled: true})},
			{"disabled", units(host.SwapUnit{Name: "x.swap", What: "/x", Target: "/x"})},
			{"generated", units(host.SwapUnit{Name: "x.swap", What: "/x", Target: "/x", Enabled: true, FromFstab: true})},
			{"another", units(host.SwapUnit{Name: "y.swap", What: "/y", Target: "/y", Enabled: true})},
			{"unread", func(f *host.Facts) { f.Units = host.Missing[[]host.SwapUnit]("unread") }},
		},
		{
			{"no zram", func(f *host.Facts) { f.ZramConf = host.Known(false, "conf") }},
			{"zram", func(f *host.Facts) { f.ZramConf = host.Known(true, "conf") }},
			{"zram unread", func(f *host.Facts) { f.ZramConf = host.Missing[bool]("unread") }},
		},
		{
			{"VM", func(f *host.Facts) { f.System = host.Known(host.System{}, "/proc") }},
			{"container", func(f *host.Facts) { f.System = host.Known(host.System{Container: "docker"}, "/proc") }},
		},
	}
}

// eachHost calls with every combination of the settings.
func eachHost(list [][]setting, name string, set []func(*host.Facts), call func(string, *host.Facts)) {
	if len(list) == 0 {
		facts := &host.Facts{}
		for _, s := range set {
			s(facts)
		}
		call(name, facts)
		return
	}
	for _, s := range list[0] {
		eachHost(list[1:], name+", "+s.name, append(set[:len(set):len(set)], s.set), call)
	}
}

// The status and the check swap-persistent say the same of an area, and of what is configured and not in use.
func TestSwapStatusAgreesWithTheCheck(t *testing.T) {
	t.Parallel()
	checks, err := check.Select([]string{"swap-persistent"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[swap.Persists]int{}
	eachHost(persistenceSettings(), "", nil, func(name string, facts *host.Facts) {
		areas := swap.NewStatus(facts, nil).Areas
		want, inactive := swap.PersistYes, 0
		for _, f := range check.Run(checks, facts, check.DefaultPolicy(time.Now())) {
			switch {
			case f.Status == finding.Unknown:
				want = swap.PersistUnknown
			case strings.Contains(f.Summary, "but not active"):
				inactive++
			case f.Status == finding.Fail:
				want = swap.PersistNo
			}
		}
		got := areas[0].Persistence.State
		tried[got]++
		// Where fstab cannot be read the check says nothing of any area; a unit or zram's configuration still tells of one.
		byOther := !facts.Fstab.Known() && got == swap.PersistYes
		if got != want && !byOther {
			t.Errorf("%s: the status says %s, the check %s", name, got, want)
		}
		// A row may stand for more than one finding, of a line and a unit that mean the same.
		rows := 0
		for _, a := range areas[1:] {
			if a.Persistence.State == swap.PersistYes { // the check has nothing against noauto
				rows++
			}
		}
		if facts.Fstab.Known() && ((rows > 0) != (inactive > 0) || rows > inactive) {
			t.Errorf("%s: %d areas not in use, and %d findings", name, rows, inactive)
		}
	})
	if tried[swap.PersistYes] == 0 || tried[swap.PersistNo] == 0 || tried[swap.PersistUnknown] == 0 {
		t.Errorf("tried %v", tried)
	}
}

// Names as a hostile host may give them do not reach the terminal as they are.
func TestSwapStatusOfRecordings(t *testing.T) {
	t.Parallel()
	for _, file := range recordings(t) {
		facts, err := host.Read(bytes.NewReader(readFile(t, file)))
		if err != nil {
			t.Fatal(err)
		}
		problems, err := swapProblems(facts)
		if err != nil {
			t.Fatal(err)
		}
		status := report.SwapStatus{Status: swap.NewStatus(facts, nil), Problems: problems}
		for _, style := range []report.Style{{Width: 60}, {Width: 100, Wide: true}, {Width: 1000, Wide: true}} {
			var out bytes.Buffer
			if err := report.SwapStatusText(&out, status, style); err != nil {
				t.Fatal(err)
			}
			if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool { return r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e') }); i >= 0 {
				t.Errorf("%s: byte %d of\n%q", filepath.Base(file), i, out.String())
			}
		}
		for _, f := range problems {
			if !strings.HasPrefix(f.ID, "swap") || f.Status != finding.Fail && f.Status != finding.Unknown {
				t.Errorf("%s: %s %s is no problem of swap", filepath.Base(file), f.ID, f.Status)
			}
		}
	}
}

// statusDocument is what the tests look at in a SwapStatus document.
type statusDocument struct {
	Data struct {
		Areas []struct {
			Path, Kind  string
			Active      bool
			SizeBytes   uint64
			UsedBytes   uint64
			Priority    *int
			Persistence struct{ State, How, Why string }
			Permissions struct {
				Value struct{ Mode, UID uint32 }
			}
			Filesystem struct{ Value string }
			Header     struct {
				Value struct {
					SizeBytes   uint64
					Label, UUID string
					ByVmguard   bool
				}
			}
		}
		TotalBytes uint64
		Problems   []struct{ ID, Summary string }
	}
}

func readStatus(t *testing.T, doc []byte) statusDocument {
	t.Helper()
	var status statusDocument
	if err := json.Unmarshal(doc, &status); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return status
}

// Of a real host the areas are those of /proc/swaps.
func TestSwapStatusOfThisHost(t *testing.T) {
	onLinux(t)
	status := readStatus(t, vmguard(t, "swap", "status", "-o", "json"))
	var sum uint64
	for _, a := range status.Data.Areas {
		if a.Active {
			sum += a.SizeBytes
		}
		if a.Active != (a.Priority != nil) || a.Persistence.State == "" {
			t.Errorf("%+v", a)
		}
	}
	if sum != status.Data.TotalBytes {
		t.Errorf("the areas add up to %d bytes, and the total is %d", sum, status.Data.TotalBytes)
	}
}
