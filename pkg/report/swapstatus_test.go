package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/swap"
)

func pointer[T any](v T) *T { return &v }

// swapped is a status with all kinds of area, and a problem of each kind.
func swapped() SwapStatus {
	removed := "the file was removed while in use"
	return SwapStatus{
		Status: swap.Status{
			Areas: []swap.AreaStatus{
				{Path: "/swapfile", Kind: swap.KindFile, Active: true, Size: pointer[uint64](2 << 30), Used: 12 << 20, Priority: pointer(-2),
					Persistence: swap.Persistence{State: swap.PersistYes, How: "/etc/fstab line 3"}, Permissions: host.Known(host.SwapFile{Mode: 0o600}, "/swapfile"),
					Filesystem: host.Known("ext4", "statfs /"), Header: host.Known(swap.HeaderStatus{Label: "vmguard", ByVmguard: true}, "/swapfile")},
				{Path: "/old", Kind: swap.KindFile, Active: true, Deleted: true, Size: pointer[uint64](1 << 30), Priority: pointer(-3),
					Persistence: swap.Persistence{State: swap.PersistNo, Why: removed}, Permissions: host.Missing[host.SwapFile](removed),
					Filesystem: host.Missing[string](removed), Header: host.Missing[swap.HeaderStatus](removed)},
				{Path: "/dev/zram0", Kind: swap.KindZram, Active: true, Size: pointer[uint64](1 << 30), Priority: pointer(100),
					Persistence: swap.Persistence{State: swap.PersistUnknown, Why: "which service sets it up at boot cannot be told"}},
				{Path: "/dev/vdb", Spec: "LABEL=b", Kind: swap.KindPartition, Persistence: swap.Persistence{State: swap.PersistYes, How: "unit b.swap"}},
				{Path: "/c", Spec: "/c", Kind: swap.KindFile, Absent: true, Persistence: swap.Persistence{State: swap.PersistNo, How: "/etc/fstab line 9", Why: "it does not exist"}},
				{Path: "/d", Spec: "/d", Kind: swap.KindFile, Size: pointer[uint64](1 << 20),
					Persistence: swap.Persistence{State: swap.PersistNo, How: "/etc/fstab line 5", Why: "noauto"},
					Permissions: host.Known(host.SwapFile{Mode: 0o644, UID: 7}, "/d"), Filesystem: host.Known("xfs", "statfs /"), Header: host.Missing[swap.HeaderStatus]("reading it needs root")},
			},
			Total: 4 << 30, Used: 12 << 20,
			Swappiness: host.Known[int64](60, "/proc/sys/vm/swappiness"),
			Memory:     host.Known(swap.MemoryStatus{Total: 4 << 30, Available: 3 << 30}, "/proc/meminfo"),
		},
		Problems: finding.Report{
			{ID: "swap-persistent", Area: finding.Memory, Status: finding.Fail, Severity: finding.Warning, Subject: finding.Host, Summary: "/old was deleted while in use",
				Remedy: &finding.Remedy{Text: "switch it off", Command: "sudo swapoff /old"}},
			{ID: "swap-persistent", Area: finding.Memory, Status: finding.Unknown, Severity: finding.Warning, Subject: finding.Host, Summary: "/dev/zram0 is compressed memory"},
		},
	}
}

func statusText(t *testing.T, s SwapStatus, style Style) string {
	t.Helper()
	var out bytes.Buffer
	if err := SwapStatusText(&out, s, style); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSwapStatusText(t *testing.T) {
	t.Parallel()
	want := `AREA            TYPE       SIZE     USED    PRIO  ACTIVE  PERSISTENT             MODE        FILESYSTEM
/swapfile       file       2.0 GiB  12 MiB  -2    yes     /etc/fstab line 3      0600 root   ext4
/old (deleted)  file       1.0 GiB  0 B     -3    yes     no                     ?           ?
/dev/zram0      zram       1.0 GiB  0 B     100   yes     ?                      -           -
LABEL=b         partition  ?        -       -     no      unit b.swap            -           -
/c              file       -        -       -     no      no: it does not exist  -           -
/d              file       1.0 MiB  -       -     no      no: noauto             0644 uid 7  xfs

swap: 12 MiB of 4.0 GiB used (0 %); memory: 3.0 GiB of 4.0 GiB available; vm.swappiness: 60
made by vmguard: /swapfile
  ? /old (deleted): permissions, filesystem, header (label, UUID) unknown: the file was removed while in use
  ? LABEL=b: size unknown: a device that is not in use is not looked at
  ? /d: header (label, UUID) unknown: reading it needs root

PROBLEMS
  ! swap-persistent             /old was deleted while in use
                                fix: switch it off:
                                     sudo swapoff /old
  ? swap-persistent             /dev/zram0 is compressed memory
`
	if diff := cmp.Diff(want, statusText(t, swapped(), Style{Wide: true, Width: 120})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Where the table does not fit, no line is longer than the terminal, and all is said all the same.
func TestSwapStatusTextNarrow(t *testing.T) {
	t.Parallel()
	want := `/swapfile
  type file, size 2.0 GiB, used 12 MiB, prio -2, active yes,
  persistent /etc/fstab line 3, mode 0600 root, filesystem
  ext4
/old (deleted)
  type file, size 1.0 GiB, used 0 B, prio -3, active yes,
  persistent no, mode ?, filesystem ?
/dev/zram0
  type zram, size 1.0 GiB, used 0 B, prio 100, active yes,
  persistent ?
LABEL=b
  type partition, size ?, active no, persistent unit b.swap
/c
  type file, active no, persistent no: it does not exist
/d
  type file, size 1.0 MiB, active no, persistent no: noauto,
  mode 0644 uid 7, filesystem xfs

swap: 12 MiB of 4.0 GiB used (0 %); memory: 3.0 GiB of 4.0
  GiB available; vm.swappiness: 60
made by vmguard: /swapfile
  ??   /old (deleted): permissions, filesystem, header
       (label, UUID) unknown: the file was removed while in
       use
  ??   LABEL=b: size unknown: a device that is not in use is
       not looked at
  ??   /d: header (label, UUID) unknown: reading it needs
       root

PROBLEMS
  warn swap-persistent
       /old was deleted while in use
       fix: switch it off:
            sudo swapoff /old
  ??   swap-persistent
       /dev/zram0 is compressed memory
`
	if diff := cmp.Diff(want, statusText(t, swapped(), Style{Width: 60})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSwapStatusTextWithoutSwap(t *testing.T) {
	t.Parallel()
	s := SwapStatus{
		Status: swap.Status{Swappiness: host.Missing[int64]("gone"), Memory: host.Missing[swap.MemoryStatus]("gone too")},
		Problems: finding.Report{{ID: "swap-enabled", Area: finding.Memory, Status: finding.Fail, Severity: finding.Critical, Subject: finding.Host,
			Summary: "no swap on a VM", Remedy: &finding.Remedy{Text: "add a swapfile", Command: "sudo vmguard swap enable"}}},
	}
	want := `no swap; memory: ? (gone too); vm.swappiness: ? (gone)

PROBLEMS
  FAIL swap-enabled                no swap on a VM
                                   fix: add a swapfile:
                                        sudo vmguard swap enable
`
	if diff := cmp.Diff(want, statusText(t, s, Style{Width: 100})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Areas, s.Problems = []swap.AreaStatus{swapped().Areas[5]}, nil
	if got := statusText(t, s, Style{Width: 100}); !strings.Contains(got, "\nno swap is active; ") || !strings.HasSuffix(got, "\nno problems\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestSwapStatusTextColour(t *testing.T) {
	t.Parallel()
	got := statusText(t, swapped(), Style{Wide: true, Color: true, Width: 120})
	for _, want := range []string{"\x1b[1mAREA\x1b[22m", "\x1b[31m0644 uid 7\x1b[0m", "\x1b[33mno: noauto\x1b[0m", "\x1b[1mPROBLEMS\x1b[22m", "\x1b[33m!\x1b[0m"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// Whatever a path or a reason holds, no terminal acts on it, and no line begins with it.
func TestSwapStatusTextHostile(t *testing.T) {
	t.Parallel()
	const evil = "/x\x1b[2J\nno problems\r\u202e\u009b1A\x00\xff"
	s := swapped()
	for i := range s.Areas {
		a := &s.Areas[i]
		a.Path, a.Persistence.How, a.Persistence.Why = evil, evil, evil
		if a.Spec != "" {
			a.Spec = evil
		}
		if a.Filesystem.Known() {
			a.Filesystem.Value = evil
		} else {
			a.Filesystem.Missing = evil
		}
	}
	s.Memory, s.Problems[0].Summary = host.Missing[swap.MemoryStatus](evil), evil
	for _, width := range []int{40, 100, 2000} {
		got := statusText(t, s, Style{Width: width})
		for _, r := range got {
			if r != '\n' && (r < ' ' || r > '~') {
				t.Fatalf("%q in\n%q", r, got)
			}
		}
		for line := range strings.Lines(got) {
			if strings.HasPrefix(line, "no problems") {
				t.Errorf("a line of its own:\n%s", got)
			}
		}
	}
	var out bytes.Buffer
	if err := SwapStatusJSON(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r != '\n' && hidden(r) {
			t.Errorf("%q in the document", r)
		}
	}
	var doc struct {
		Data struct{ Areas []struct{ Path string } }
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil || doc.Data.Areas[0].Path != strings.ToValidUTF8(evil, "\ufffd") {
		t.Errorf("%+v, %v", doc, err)
	}
}

func TestSwapStatusJSONOfNothing(t *testing.T) {
	t.Parallel()
	want := `{
  "schemaVersion": 1,
  "kind": "SwapStatus",
  "data": {
    "areas": [],
    "totalBytes": 0,
    "usedBytes": 0,
    "swappiness": {},
    "memory": {},
    "problems": []
  }
}
`
	var got bytes.Buffer
	if err := SwapStatusJSON(&got, SwapStatus{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestSwapStatusTellsWriteErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{SwapStatusText(fullDisk{}, swapped(), Style{Width: 100}), SwapStatusJSON(fullDisk{}, swapped())} {
		if err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("got %v", err)
		}
	}
}
