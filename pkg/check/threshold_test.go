package check

import (
	"strings"
	"testing"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// TestThresholdsAreGoneBy changes one number at a time, and wants the judgement and the evidence to follow it.
func TestThresholdsAreGoneBy(t *testing.T) {
	for _, tc := range []struct {
		check  Check
		name   string
		set    func(*Thresholds)
		change func(*host.Facts, *host.Container)
		want   outcome
		wanted string // in the evidence
	}{
		{memoryHeadroom, "60 % wanted, 50 % there", func(t *Thresholds) { t.MemoryHeadroom = Room{Percent: 60} }, nil, fails(finding.Warning, "50 %"), "60 %"},
		{memoryHeadroom, "3 GiB wanted, 2 there", func(t *Thresholds) { t.MemoryHeadroom = Room{Bytes: 3 * gib} }, nil, fails(finding.Warning, "50 %"), "3 GiB"},
		{memoryHeadroom, "60 % or 1 GiB wanted", func(t *Thresholds) { t.MemoryHeadroom = Room{60, gib} }, nil, passes("50 %"), "60 % or 1 GiB"},
		{memoryHeadroom, "critical", func(t *Thresholds) {
			t.MemoryHeadroom, t.MemoryHeadroomCritical = Room{Percent: 70}, Room{Percent: 50.1}
		}, nil, fails(finding.Critical, "50 %"), "70 %"},
		{memoryPressure, "30 %", func(t *Thresholds) { t.MemoryPressurePercent = 30 },
			func(f *host.Facts, _ *host.Container) { f.Pressure.Memory.Value.Some.Avg60 = 29.9 }, passes("little or nothing"), "avg60 below 30 %"},
		{memoryPressure, "30 % is reached", func(t *Thresholds) { t.MemoryPressurePercent = 30 },
			func(f *host.Facts, _ *host.Container) { f.Pressure.Memory.Value.Full.Avg60 = 30 }, fails(finding.Critical, "30 %"), "avg60 below 30 %"},
		{diskSpace, "80 %", func(t *Thresholds) { t.DiskSpace = Room{Percent: 80} }, nil, fails(finding.Warning, "75 %"), "80 %"},
		{diskSpace, "critical", func(t *Thresholds) {
			t.DiskSpace, t.DiskSpaceCritical = Room{Percent: 90}, Room{Percent: 80, Bytes: 35 * gib}
		}, nil, fails(finding.Critical, "75 %"), "90 %"},
		{diskSpace, "least", func(t *Thresholds) { t.DiskSpaceLeastBytes = 31 * gib }, nil, fails(finding.Critical, "30 GiB"), "10 % or 20 GiB"},
		{inodeSpace, "95 %", func(t *Thresholds) { t.InodeSpacePercent = 95 }, nil, fails(finding.Warning, "90 %"), "95 %"},
		{inodeSpace, "critical", func(t *Thresholds) { t.InodeSpacePercent, t.InodeSpaceCriticalPercent = 95, 92.5 }, nil, fails(finding.Critical, "90 %"), "95 %"},
		{containerNearLimit, "25 %", func(t *Thresholds) { t.NearLimitPercent = 25 }, nil, fails(finding.Warning, "29 %"), "below 25 %"},
		{containerNearLimit, "critical", func(t *Thresholds) { t.NearLimitPercent, t.NearLimitCriticalPercent = 20, 25 }, nil, fails(finding.Critical, "29 %"), "below 20 %"},
		{conntrackFull, "0.1 %", func(t *Thresholds) { t.ConntrackPercent = 0.1 }, nil, fails(finding.Warning, "100 of 65536"), "below 0.1 %"},
		{conntrackFull, "critical", func(t *Thresholds) { t.ConntrackPercent, t.ConntrackCriticalPercent = 0.1, 0.1 }, nil, fails(finding.Critical, "100 of 65536"), "below 0.1 %"},
		{containerRestartLoop, "5 restarts, at 5", func(t *Thresholds) { t.RestartLoopCount = 5 }, func(_ *host.Facts, c *host.Container) { c.RestartCount = 5 }, fails(finding.Info, "5 times"), ""},
		{containerRestartLoop, "5 restarts, at 6", func(t *Thresholds) { t.RestartLoopCount = 6 }, func(_ *host.Facts, c *host.Container) { c.RestartCount = 5 }, passes("no restart loop"), ""},
	} {
		t.Run(tc.check.ID+"/"+tc.name, func(t *testing.T) {
			f, p := healthy(), DefaultPolicy(checkedAt)
			if tc.change != nil {
				tc.change(f, &f.Containers.Value[0])
			}
			tc.set(&p.Thresholds)
			got := Run([]Check{tc.check}, f, p)[0]
			if got.Status != tc.want.status || got.Status == finding.Fail && got.Severity != tc.want.severity || !strings.Contains(got.Summary, tc.want.text) {
				t.Errorf("got %+v", got)
			}
			if tc.wanted != "" && !strings.HasPrefix(got.Evidence[0].Want, tc.wanted) {
				t.Errorf("the evidence wants %q", got.Evidence[0].Want)
			}
		})
	}
}

func TestRoom(t *testing.T) {
	for _, tc := range []struct {
		room        Room
		free, total uint64
		left        bool
		text        string
	}{
		{Room{10, 4 * gib}, gib, 10 * gib, true, "10 % or 4 GiB"},
		{Room{10, 4 * gib}, gib - 1, 10 * gib, false, "10 % or 4 GiB"},
		{Room{10, 4 * gib}, 4 * gib, 100 * gib, true, "10 % or 4 GiB"},
		{Room{Percent: 12.5}, 4 * gib, 100 * gib, false, "12.5 %"},
		{Room{Percent: 12.5}, 1, 8, true, "12.5 %"},
		{Room{Bytes: 512 * mib}, 512*mib - 1, 513 * mib, false, "512 MiB"},
		{Room{Bytes: 512 * mib}, 512 * mib, gib, true, "512 MiB"},
		{Room{}, 0, 1, true, ""},
	} {
		if got := tc.room.Left(tc.free, tc.total); got != tc.left || tc.room.String() != tc.text {
			t.Errorf("%+v: left is %t of %d in %d, text %q", tc.room, got, tc.free, tc.total, tc.room)
		}
	}
}
