package host

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestCollectThisHost(t *testing.T) {
	s, err := LiveSource()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the live tree holds nothing
	f := Collect(t.Context(), s)
	for name, known := range map[string]bool{
		"memory": f.Memory.Known(), "vmstat": f.VMStat.Known(), "swaps": f.Swaps.Known(), "fstab": f.Fstab.Known(),
		"system": f.System.Known(), "cgroup": f.Cgroup.Known(), "disk": len(f.Disks) == 1 && f.Disks[0].Known(),
		"swappiness": f.Sysctl("vm.swappiness").Known(), "keepalive": f.Sysctl("net.ipv4.tcp_keepalive_time").Known(),
	} {
		if !known {
			t.Errorf("%s is missing on a running Linux", name)
		}
	}
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, f.System.Value.Hostname, hostname)
	equal(t, f.System.Value.Root, os.Geteuid() == 0)
	equal(t, f.System.Value.PageSize, uint64(os.Getpagesize()))
	if f.Memory.Value.Available > f.Memory.Value.Total {
		t.Errorf("more available than there is: %+v", f.Memory.Value)
	}
	if awake := f.System.Value.Awake; awake <= 0 || awake > f.System.Value.Uptime {
		t.Errorf("awake for %v of %v", awake, f.System.Value.Uptime)
	}
	if first, second := s.Awake(), s.Awake(); first <= 0 || second < first {
		t.Errorf("awake for %v, and later for %v", first, second)
	}
	if d := f.Disks[0].Value; d.Free > d.Size || d.FS == "" {
		t.Errorf("odd disk: %+v", d)
	}
	if log := f.OOM; os.Geteuid() == 0 && !log.Known() {
		t.Errorf("root may read the kernel's log: %s", log.Why())
	}
}

func TestCollectThisHostInterrupted(t *testing.T) {
	s, err := LiveSource()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the live tree holds nothing
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	started := time.Now()
	f := Collect(ctx, s)
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
	if !f.Memory.Known() && f.Memory.Why() != "interrupted" {
		t.Errorf("memory: %s", f.Memory.Why())
	}
}

func BenchmarkCollectThisHost(b *testing.B) {
	s, err := LiveSource()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the live tree holds nothing
	for b.Loop() {
		Collect(b.Context(), s)
	}
}
