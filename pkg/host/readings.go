package host

import (
	"context"
	"sync"
	"time"

	"vmguard/pkg/oom"
)

// shared is what several facts are made of. Each part is read once, by the first that
// needs it.
type shared struct {
	dmi     func() (dmi, error)
	mounts  func() ([]mount, error)
	cgroup  func() Fact[Cgroup]
	daemons func() Fact[[]Daemon]
	units   func() (*hostUnits, error)
}

func newShared(s Source) shared {
	mounts := sync.OnceValues(func() ([]mount, error) { return readMounts(s.FS) })
	return shared{
		dmi:    sync.OnceValues(func() (dmi, error) { return readDMI(s.FS) }),
		mounts: mounts,
		cgroup: sync.OnceValue(func() Fact[Cgroup] {
			table, err := mounts()
			if err != nil {
				return Missing[Cgroup](err.Error())
			}
			return readCgroup(s.FS, table)
		}),
		units:   sync.OnceValues(func() (*hostUnits, error) { return listUnits(s.FS) }),
		daemons: sync.OnceValue(func() Fact[[]Daemon] { return readDaemons(s.FS) }),
	}
}

// readings lists all that Collect reads. The context is that of the whole run.
func readings(ctx context.Context, s Source) []reading {
	sh := newShared(s)
	list := append(memoryReadings(s), swapReadings(s, sh)...)
	list = append(list, machineReadings(s, sh)...)
	list = append(list, bootReadings(s, sh)...)
	return append(list, engineReadings(ctx, s, sh)...)
}

func memoryReadings(s Source) []reading {
	return []reading{
		memoryReading(s),
		fact(fileLimit, func(f *Facts) *Fact[VMStat] { return &f.VMStat },
			func(context.Context) Fact[VMStat] { return readVMStat(s.FS) }),
		fact(fileLimit, func(f *Facts) *Fact[Pressure] { return &f.Pressure.Memory },
			func(context.Context) Fact[Pressure] { return readPressure(s.FS, "memory") }),
		fact(fileLimit, func(f *Facts) *Fact[Pressure] { return &f.Pressure.CPU },
			func(context.Context) Fact[Pressure] { return readPressure(s.FS, "cpu") }),
		fact(fileLimit, func(f *Facts) *Fact[Pressure] { return &f.Pressure.IO },
			func(context.Context) Fact[Pressure] { return readPressure(s.FS, "io") }),
		fact(fileLimit, func(f *Facts) *Fact[oom.Log] { return &f.OOM },
			func(ctx context.Context) Fact[oom.Log] { return readOOM(ctx, s) }),
	}
}

func memoryReading(s Source) reading {
	return fact(fileLimit, func(f *Facts) *Fact[Memory] { return &f.Memory },
		func(context.Context) Fact[Memory] { return readMemory(s.FS) })
}

func swapReadings(s Source, sh shared) []reading {
	return append(swapConfReadings(s, sh), fact(fileLimit, func(f *Facts) *Fact[[]SwapArea] { return &f.Swaps },
		func(context.Context) Fact[[]SwapArea] { return readSwaps(s.FS) }))
}

// swapConfReadings lists the swap that is set up for boot.
func swapConfReadings(s Source, sh shared) []reading {
	return []reading{
		fact(fileLimit, func(f *Facts) *Fact[[]FstabSwap] { return &f.Fstab },
			func(context.Context) Fact[[]FstabSwap] { return readFstab(s.FS, s.Live) }),
		fact(fileLimit, func(f *Facts) *Fact[[]SwapUnit] { return &f.Units },
			func(context.Context) Fact[[]SwapUnit] {
				units, err := sh.units()
				return readSwapUnits(s.FS, s.Live, units.now, err)
			}),
		fact(fileLimit, func(f *Facts) *Fact[bool] { return &f.ZramConf },
			func(context.Context) Fact[bool] {
				units, err := sh.units()
				return readZramConf(s.FS, units.now, err)
			}),
	}
}

func machineReadings(s Source, sh shared) []reading {
	return []reading{
		systemReading(s, sh),
		fact(fileLimit, func(f *Facts) *Fact[Cloud] { return &f.Cloud },
			func(context.Context) Fact[Cloud] { return readCloud(sh.dmi()) }),
		fact(fileLimit, func(f *Facts) *Fact[Cgroup] { return &f.Cgroup },
			func(context.Context) Fact[Cgroup] { return sh.cgroup() }),
		fact(fileLimit, func(f *Facts) *Fact[Conntrack] { return &f.Conntrack },
			func(context.Context) Fact[Conntrack] { return readConntrack(s.FS) }),
		daemonsReading(sh),
		rootDiskReading(s, sh),
		sysctlReading(s),
	}
}

func systemReading(s Source, sh shared) reading {
	return fact(fileLimit, func(f *Facts) *Fact[System] { return &f.System },
		func(context.Context) Fact[System] {
			d, err := sh.dmi()
			return readSystem(s.FS, s, d, err)
		})
}

func daemonsReading(sh shared) reading {
	return fact(fileLimit, func(f *Facts) *Fact[[]Daemon] { return &f.Daemons },
		func(context.Context) Fact[[]Daemon] { return sh.daemons() })
}

func rootDiskReading(s Source, sh shared) reading {
	return diskReading(fileLimit, 0, Disk{Path: "/", Role: RoleRoot}, func(ctx context.Context) Fact[Disk] {
		mounts, _ := sh.mounts() // only the type's name is lost
		return readDisk(ctx, s, mounts, "/", RoleRoot)
	})
}

func sysctlReading(s Source) reading {
	put := func(all map[string]Fact[int64]) store {
		return func(f *Facts) { f.Sysctls = all }
	}
	return reading{
		limit: fileLimit,
		read:  func(context.Context) store { return put(readSysctls(s.FS)) },
		lost: func(why string) store {
			all := make(map[string]Fact[int64])
			for _, name := range sysctlNames() {
				all[name] = Missing[int64](why)
			}
			return put(all)
		},
	}
}

// diskReading is a reading of the disk at an index of Disks; where it is given up, what is
// known of it beforehand stays.
func diskReading(limit time.Duration, index int, known Disk, read func(context.Context) Fact[Disk]) reading {
	put := func(d Fact[Disk]) store {
		return func(f *Facts) {
			for len(f.Disks) <= index {
				f.Disks = append(f.Disks, Fact[Disk]{})
			}
			f.Disks[index] = d
		}
	}
	return reading{
		limit: limit,
		read:  func(ctx context.Context) store { return put(read(ctx)) },
		lost:  func(why string) store { return put(missingDisk(known.Path, known.Role, why)) },
	}
}
