package oom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	idA = strings.Repeat("0a1b2c3d", 8)
	// newYear is shortly after the newest of the recorded logs was written.
	newYear = time.Date(2027, 1, 1, 0, 5, 0, 0, time.UTC)
)

func scanFile(t *testing.T, name string) Log {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "testdata", "kmsg", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	log, err := Scan(t.Context(), file, ScanOptions{Reference: newYear})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func utc(month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(2026, month, day, hour, minute, second, 0, time.UTC)
}

// page is a number of pages of 4 KiB in bytes.
func page(n uint64) *uint64 { return kb(4 * n) }

// TestEras reads logs in the words of each kernel and in each form of text. See
// testdata/kmsg/README.md.
func TestEras(t *testing.T) {
	zero := new(uint64)
	pod := "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod94eb36cd_f7a1_4b90_bdfd_bb30afdf7c37.slice"
	odd := "a\x1b[31m, (b)\n"
	tests := []struct {
		file  string
		lines int
		kills []Kill
	}{
		{"v2.6.32-host.txt", 14, []Kill{{
			SinceBoot: 19283103004 * time.Microsecond, PID: 2592, Comm: "mysqld", Scope: ScopeHost,
			TotalVM: kb(499220), AnonRSS: kb(211000), FileRSS: kb(1200),
			Invoker: &Invoker{Comm: "mysqld", PID: 2591, GFP: "0x201da", Order: new(0)},
			Picture: &Picture{RAM: page(131072), FreeRAM: page(1183), TotalSwap: zero, FreeSwap: zero, PageSize: 4096},
		}}},
		{"el6-cgroup.txt", 35, []Kill{{
			At: utc(6, 3, 4, 12, 41), Host: "db1", PID: 12345, Comm: "httpd", UID: new(48),
			TaskCgroup: "/web/child", LimitCgroup: "/web", Limit: kb(204800), Scope: ScopeCgroup,
			TotalVM: kb(752000), AnonRSS: kb(162432), FileRSS: kb(1568), OOMScoreAdj: new(0),
			Invoker: &Invoker{Comm: "httpd", PID: 12345, GFP: "0xd0", Order: new(0), OOMScoreAdj: new(0)},
			Picture: &Picture{
				Usage: kb(204800), Limit: kb(204800), Failcnt: new(uint64(1534)),
				MemorySwapUsage: kb(409600), MemorySwapLimit: kb(409600),
				RAM: page(1048560), FreeRAM: page(21200), TotalSwap: kb(1048568), FreeSwap: kb(702052), PageSize: 4096,
				TaskCount: 2, Tasks: []Task{
					{PID: 12345, Comm: "httpd", UID: 48, RSS: *page(41000), OOMScoreAdj: new(0)},
					{PID: 12340, Comm: "httpd", RSS: *page(900), OOMScoreAdj: new(-1000)},
				},
			},
		}}},
		{"el7-host.txt", 16, []Kill{{
			At: utc(3, 14, 16, 55, 3), Host: "node7", PID: 21945, Comm: "tidb-server", UID: new(1000), Scope: ScopeHost,
			TotalVM: kb(33027492), AnonRSS: kb(31303276), FileRSS: zero, ShmemRSS: zero, Swap: zero, OOMScoreAdj: new(0),
			Invoker: &Invoker{Comm: "tidb-server", PID: 21966, GFP: "0x201da", Order: new(0), OOMScoreAdj: new(0)},
			Picture: &Picture{
				RAM: page(8388478), FreeRAM: page(49000), TotalSwap: zero, FreeSwap: zero, PageSize: 4096,
				TaskCount: 2, Tasks: []Task{
					{PID: 21945, Comm: "tidb-server", UID: 1000, RSS: *page(7825826), Swap: zero, OOMScoreAdj: new(0)},
					{PID: 871, Comm: "systemd-udevd", RSS: *page(310), Swap: zero, OOMScoreAdj: new(-1000)},
				},
			},
		}}},
		{"v4.4-cgroup.txt", 13, []Kill{{
			At: utc(11, 25, 0, 0, 0), PID: 8100, Comm: "node", UID: new(1000),
			TaskCgroup: "/docker/" + idA, LimitCgroup: "/docker/" + idA, Limit: kb(204800), Scope: ScopeCgroup,
			TotalVM: kb(1240852), AnonRSS: kb(198872), FileRSS: kb(5808), Swap: page(12), OOMScoreAdj: new(0),
			Invoker: &Invoker{Comm: "node", PID: 8100, GFP: "0x24000c0", Order: new(0), OOMScoreAdj: new(0)},
			Picture: &Picture{
				Usage: kb(204800), Limit: kb(204800), Failcnt: new(uint64(4563)), MemorySwapUsage: zero, PageSize: 4096,
				TaskCount: 2, Tasks: []Task{
					{PID: 8100, Comm: "node", UID: 1000, RSS: *page(51170), Swap: page(12), OOMScoreAdj: new(0)},
					{PID: 8088, Comm: "sh", UID: 1000, RSS: *page(195), Swap: zero, OOMScoreAdj: new(0)},
				},
			},
		}}},
		{"v4.19-group.txt", 16, []Kill{
			{
				SinceBoot: 5120000301 * time.Microsecond, PID: 4020, Comm: "worker", UID: new(1000),
				TaskCgroup: "/jobs.slice/job-7.scope/w", LimitCgroup: "/jobs.slice", Limit: kb(65536), Scope: ScopeCgroup,
				Group: "/jobs.slice/job-7.scope", Reaped: true,
				TotalVM: kb(100000), AnonRSS: kb(59000), FileRSS: kb(1000), ShmemRSS: zero, Swap: page(256), OOMScoreAdj: new(500),
				Invoker: &Invoker{Comm: "worker", PID: 4020, GFP: "0x6000c0(GFP_KERNEL)", Order: new(0), OOMScoreAdj: new(0)},
				Picture: &Picture{
					Usage: kb(65536), Limit: kb(65536), Failcnt: new(uint64(12)), SwapUsage: kb(1024), SwapLimit: kb(32768), PageSize: 4096,
					TaskCount: 2, Tasks: []Task{
						{PID: 4020, Comm: "worker", UID: 1000, RSS: *page(15000), Swap: page(256), OOMScoreAdj: new(500)},
						{PID: 4019, Comm: "sh", UID: 1000, RSS: *page(195), Swap: zero, OOMScoreAdj: new(0)},
					},
				},
			},
			{
				SinceBoot: 5120000303 * time.Microsecond, PID: 4019, Comm: "sh", Scope: ScopeCgroup, Group: "/jobs.slice/job-7.scope",
				TotalVM: kb(4504), AnonRSS: kb(80), FileRSS: kb(700), ShmemRSS: zero,
			},
		}},
		{"v5.10-host.txt", 21, []Kill{{
			At: utc(11, 25, 20, 0, 0), Host: "vm1", PID: 777, Comm: "java", UID: new(999),
			TaskCgroup: "/system.slice/docker-" + idA + ".scope", Scope: ScopeHost, Reaped: true,
			TotalVM: kb(5760000), AnonRSS: kb(1590000), FileRSS: kb(10000), ShmemRSS: zero, Swap: kb(64 * 14000), OOMScoreAdj: new(0),
			Invoker: &Invoker{Comm: "java", PID: 777, GFP: "0x100cca(GFP_HIGHUSER_MOVABLE)", Order: new(0), OOMScoreAdj: new(0)},
			Picture: &Picture{
				RAM: kb(64 * 32768), FreeRAM: kb(64 * 700), TotalSwap: kb(1048512), FreeSwap: kb(128), PageSize: 65536,
				TaskCount: 2, Tasks: []Task{
					{PID: 777, Comm: "java", UID: 999, RSS: *kb(64 * 25000), Swap: kb(64 * 14000), OOMScoreAdj: new(0)},
					{PID: 410, Comm: "dockerd", RSS: *kb(64 * 400), Swap: zero, OOMScoreAdj: new(-500)},
				},
			},
		}}},
		{"v6.1-host.txt", 45, []Kill{{
			SinceBoot: 105697868 * time.Microsecond, PID: 816, Comm: "dd", UID: new(0), Scope: ScopeHost,
			TaskCgroup: "/system.slice/docker-158a8c1305bd126d4063132ef5eff5f224293ac6879ae76b882ac37d467d4bf1.scope",
			TotalVM:    kb(923860), AnonRSS: kb(815196), FileRSS: kb(4), ShmemRSS: zero, Swap: zero, OOMScoreAdj: new(900),
			Invoker: &Invoker{Comm: "dd", PID: 816, GFP: "0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO)", Order: new(0), OOMScoreAdj: new(900)},
			Picture: &Picture{
				RAM: page(262005), FreeRAM: page(12016), TotalSwap: zero, FreeSwap: zero, PageSize: 4096,
				TaskCount: 12, Tasks: []Task{
					{PID: 816, Comm: "dd", RSS: *page(203800), Swap: zero, OOMScoreAdj: new(900)},
					{PID: 317, Comm: "dockerd", RSS: *page(7509), Swap: zero, OOMScoreAdj: new(0)},
					{PID: 234, Comm: "containerd", RSS: *page(5197), Swap: zero, OOMScoreAdj: new(-999)},
					{PID: 844, Comm: "docker", RSS: *page(3035), Swap: zero, OOMScoreAdj: new(0)},
					{PID: 796, Comm: "containerd-shim", RSS: *page(1709), Swap: zero, OOMScoreAdj: new(-998)},
					{PID: 185, Comm: "systemd-journal", RSS: *page(784), Swap: zero, OOMScoreAdj: new(-250)},
					{PID: 207, Comm: "systemd-udevd", RSS: *page(308), Swap: zero, OOMScoreAdj: new(-1000)},
					{PID: 239, Comm: "sshd", RSS: *page(294), Swap: zero, OOMScoreAdj: new(-1000)},
					{PID: 230, Comm: "systemd-logind", RSS: *page(224), Swap: zero, OOMScoreAdj: new(0)},
					{PID: 228, Comm: "dbus-daemon", UID: 100, RSS: *page(145), Swap: zero, OOMScoreAdj: new(-900)},
				},
			},
		}}},
		{"v6.1-journal.txt", 13, []Kill{{
			SinceBoot: 1702948182 * time.Microsecond, At: time.UnixMicro(1795640400000000 + 1702948182),
			Boot: "f0e1d2c3b4a5968778695a4b3c2d1e0f", Host: "vm2.example.org", PID: 501, Comm: odd, UID: new(0),
			TaskCgroup: pod + "/cri-containerd-" + idA + ".scope", LimitCgroup: pod, Limit: kb(32768), Scope: ScopeCgroup, Reaped: true,
			TotalVM: kb(1227264), AnonRSS: kb(32256), FileRSS: kb(1572), ShmemRSS: zero, OOMScoreAdj: new(997),
			Invoker: &Invoker{Comm: odd, GFP: "0xcc0(GFP_KERNEL)", Order: new(0), OOMScoreAdj: new(997)},
			Picture: &Picture{Usage: kb(32768), Limit: kb(32768), Failcnt: new(uint64(9)), SwapUsage: zero, SwapLimit: zero, PageSize: 4096},
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := scanFile(t, tt.file)
			if diff := cmp.Diff(tt.kills, got.Kills); diff != "" {
				t.Error(diff)
			}
			got.Kills, got.Records = nil, 0
			if diff := cmp.Diff(Log{Lines: tt.lines, Truncated: true, Yearless: strings.HasPrefix(tt.file, "el")}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestScanReadsRecords: Scan finds in the recorded logs what the reader of records finds.
func TestScanReadsRecords(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "kmsg", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range files {
		want, err := ReadKmsg(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if want.Records == 0 && want.Malformed > 0 {
			continue // another form
		}
		seen += len(want.Kills)
		got := scanFile(t, filepath.Base(path))
		if diff := cmp.Diff(want.Kills, got.Kills); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if seen < 20 {
		t.Errorf("only %d kills in all files", seen)
	}
}

func TestTwoHosts(t *testing.T) {
	got := scanFile(t, "two-hosts.txt")
	var list []string
	for _, k := range got.Kills {
		list = append(list, k.Host+" "+k.LimitCgroup+" "+k.At.Format(time.DateTime))
		if k.Limit == nil || k.Picture == nil || k.Invoker == nil || *k.Limit != *k.Picture.Limit {
			t.Errorf("%s: the dump is not its own: %+v", k.Host, k)
		}
	}
	want := []string{"web2 /two 2027-01-01 00:00:00", "web1 /one 2027-01-01 00:00:00"}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
}
