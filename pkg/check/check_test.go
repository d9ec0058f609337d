package check

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// outcome is what a case wants of one finding.
type outcome struct {
	status   finding.Status
	severity finding.Severity // only compared for Fail
	text     string           // must stand in the summary
	last     bool             // at its end
}

func fails(s finding.Severity, text string) outcome {
	return outcome{status: finding.Fail, severity: s, text: text}
}
func endsWith(s finding.Severity, text string) outcome {
	return outcome{finding.Fail, s, text, true}
}
func isNotAssessable(text string) outcome {
	return outcome{status: finding.NotAssessable, text: text}
}
func passes(text string) outcome    { return outcome{status: finding.Pass, text: text} }
func isUnknown(text string) outcome { return outcome{status: finding.Unknown, text: text} }
func isSkipped(text string) outcome { return outcome{status: finding.Skipped, text: text} }

// ruleCase changes the healthy VM and says what one check then finds.
type ruleCase struct {
	name   string
	change func(f *host.Facts, c *host.Container)
	want   []outcome
}

// checkedAt is when the cases are judged.
var checkedAt = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// policied are the policies of the cases that have one, by "id/name".
func policied() map[string]Policy {
	all := map[string]Policy{}
	for _, family := range []map[string]Policy{composePolicies(), waiverPolicies()} {
		maps.Copy(all, family)
	}
	return all
}

// cases holds all rule tests by check ID; the files of the families add theirs in rules().
func rules() map[string][]ruleCase {
	all := map[string][]ruleCase{}
	for _, family := range []map[string][]ruleCase{swapRules(), memoryRules(), oomRules(), storageRules(), engineRules(), containerRules(), deathRules(), oomDeathRules(), killedRules(), signalRules(), connectionRules(),
		bootSysctlRules(), imageSwapRules(), bootServiceRules(), composeRules(), waiverRules()} {
		for id, cases := range family {
			all[id] = append(all[id], cases...)
		}
	}
	return all
}

func TestRules(t *testing.T) {
	policies := policied()
	for id, cases := range rules() {
		c, err := Find(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range cases {
			t.Run(id+"/"+tc.name, func(t *testing.T) {
				f := healthy()
				if tc.change != nil {
					tc.change(f, &f.Containers.Value[0])
				}
				policy, ok := policies[id+"/"+tc.name]
				if !ok {
					policy = DefaultPolicy(checkedAt)
				}
				got := Run([]Check{c}, f, policy)
				ok = len(got) == len(tc.want)
				for i := 0; ok && i < len(got); i++ {
					w := tc.want[i]
					ok = got[i].Status == w.status && strings.Contains(got[i].Summary, w.text) && (!w.last || strings.HasSuffix(got[i].Summary, w.text)) &&
						(w.status != finding.Fail || got[i].Severity == w.severity)
				}
				if !ok {
					t.Errorf("got %+v\nwant %+v", got, tc.want)
				}
			})
		}
	}
}

// TestRulesAreTestedThreeWays holds that every check was seen to fire, to stay silent and to say unknown.
func TestRulesAreTestedThreeWays(t *testing.T) {
	tested := rules()
	for _, c := range All() {
		seen := map[finding.Status]bool{}
		for _, tc := range tested[c.ID] {
			for _, w := range tc.want {
				seen[w.status] = true
			}
		}
		for _, s := range []finding.Status{finding.Fail, finding.Pass, finding.Unknown} {
			if !seen[s] && (c.ID != "waiver-expired" || s != finding.Unknown) { // a policy is known, or vmguard does not start
				t.Errorf("%s: no case wants %s", c.ID, s)
			}
		}
	}
}

func TestHealthyVMHasNoFinding(t *testing.T) {
	for name, f := range map[string]*host.Facts{"with Docker": healthy(), "without Docker": bare()} {
		f.SwapFiles, f.KernelConfig = host.Fact[[]host.BakedSwap]{}, host.Fact[host.KernelConfig]{} // read of images alone
		for _, got := range Run(All(), f, DefaultPolicy(checkedAt)) {
			if got.Status == finding.Fail || got.Status == finding.Unknown {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

func TestNothingKnownIsNeverAPass(t *testing.T) {
	for _, image := range []bool{false, true} {
		nothingKnown(t, image)
	}
}

// nothingKnown judges facts of which none was collected. What nobody asked for (compose files,
// waivers) and what is about images alone is skipped.
func nothingKnown(t *testing.T, image bool) {
	t.Helper()
	for _, got := range Run(All(), &host.Facts{Image: image}, DefaultPolicy(checkedAt)) {
		c, err := Find(got.ID)
		if err != nil {
			t.Fatal(err)
		}
		ok := got.Status == finding.Unknown || image && got.Status == finding.NotAssessable
		if notAsked := strings.HasPrefix(got.ID, "compose-") || got.ID == "waiver-expired"; notAsked || !c.judgeable(image) {
			ok = ok || got.Status == finding.Skipped
		}
		if !ok {
			t.Errorf("image %t: %s is %s: %s", image, got.ID, got.Status, got.Summary)
		}
		if got.Summary == "" || strings.HasSuffix(strings.TrimSpace(got.Summary), ":") {
			t.Errorf("%s gives no reason: %q", got.ID, got.Summary)
		}
	}
}

func TestChecksAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.ID] {
			t.Errorf("%s is listed twice", c.ID)
		}
		seen[c.ID] = true
		for what, text := range map[string]string{"title": c.Title, "why": c.Why, "rule": c.Rule, "fix": c.Fix, "area": c.Area.String()} {
			if len(text) < 4 {
				t.Errorf("%s has no %s", c.ID, what)
			}
		}
		if c.Worst == 0 {
			t.Errorf("%s has no worst severity", c.ID)
		}
	}
}

func TestFailuresHaveEvidenceAndStayBelowWorst(t *testing.T) {
	for id, cases := range rules() {
		c, err := Find(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range cases {
			f := healthy()
			if tc.change != nil {
				tc.change(f, &f.Containers.Value[0])
			}
			for _, got := range Run([]Check{c}, f, DefaultPolicy(checkedAt)) {
				if got.Status == finding.Fail && (len(got.Evidence) == 0 || got.Severity > c.Worst) {
					t.Errorf("%s/%s: no evidence, or worse than %s: %+v", id, tc.name, c.Worst, got)
				}
			}
		}
	}
}

func TestSelect(t *testing.T) {
	ids := func(cs []Check) (out []string) {
		for _, c := range cs {
			out = append(out, c.ID)
		}
		return out
	}
	got, err := Select([]string{"inode-space", "swap-enabled"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"swap-enabled", "inode-space"}, ids(got)); diff != "" {
		t.Error(diff)
	}
	got, err = Select(nil, []string{"swap-enabled"})
	if err != nil || len(got) != len(All())-1 || slices.Contains(ids(got), "swap-enabled") {
		t.Errorf("skip gave %v, %v", ids(got), err)
	}
	for id, nearest := range map[string]string{"swap-enable": "swap-enabled", "container-oomkilled": "container-oom-killed", "Swappines": "swappiness"} {
		_, err = Select(nil, []string{id})
		var unknown *UnknownIDError
		if !errors.As(err, &unknown) || unknown.Nearest != nearest {
			t.Errorf("Select(%q) = %v, want nearest %q", id, err, nearest)
		}
	}
	if _, err := Find(strings.Repeat("x", 1<<20)); err == nil {
		t.Error("a megabyte is no check")
	}
}

func swapRules() map[string][]ruleCase {
	noSwap := func(f *host.Facts) { f.Swaps.Value, f.Fstab.Value = nil, nil }
	return map[string][]ruleCase{
		"swap-enabled": {
			{"swap", nil, []outcome{passes("2.0 GiB of swap")}},
			{"none, small RAM", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory.Value.Total = 2 * gib },
				[]outcome{fails(finding.Critical, "no swap on a VM with 2.0 GiB of RAM and 1 running container")}},
			{"none, 8 GiB", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory.Value.Total = 8 * gib }, []outcome{fails(finding.Warning, "no swap")}},
			{"none, 64 GiB", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory.Value.Total = 64 * gib }, []outcome{fails(finding.Info, "no swap")}},
			{"none, no container", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Containers.Value = nil }, []outcome{fails(finding.Info, "no swap")}},
			{"none, 512 MiB, no container", func(f *host.Facts, _ *host.Container) {
				noSwap(f)
				f.Containers.Value, f.Memory.Value.Total = nil, 512*mib
			}, []outcome{fails(finding.Warning, "no swap")}},
			{"none, the engine does not answer", func(f *host.Facts, _ *host.Container) {
				noSwap(f)
				f.Containers, f.Memory.Value.Total = host.Missing[[]host.Container]("timed out"), 2*gib
			}, []outcome{fails(finding.Critical, "and Docker, whose containers are not known")}},
			{"kubelet", func(f *host.Facts, _ *host.Container) {
				noSwap(f)
				f.Daemons.Value = append(f.Daemons.Value, host.Daemon{Name: "kubelet"})
			}, []outcome{isSkipped("kubelet")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Swaps = host.Missing[[]host.SwapArea]("no /proc") }, []outcome{isUnknown("no /proc")}},
			{"RAM not known", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory = host.Missing[host.Memory]("truncated") }, []outcome{isUnknown("truncated")}},
		},
		"swap-persistent": {
			{"in fstab", nil, []outcome{passes("comes back")}},
			{"nothing at all", func(f *host.Facts, _ *host.Container) { noSwap(f) }, []outcome{isSkipped("no swap is active or configured")}},
			{"not in fstab", func(f *host.Facts, _ *host.Container) { f.Fstab.Value = nil }, []outcome{fails(finding.Warning, "/swapfile is active but not configured")}},
			{"a kubelet's node", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value = nil
				f.Daemons.Value = append(f.Daemons.Value, host.Daemon{Name: "kubelet"})
			}, []outcome{isSkipped("kubelet")}},
			{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("not the VM's")}},
			{"by a unit, not active", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value, f.Fstab.Value = nil, nil
				f.Units.Value = []host.SwapUnit{{Name: "dev-vdb.swap", What: "/dev/vdb", Enabled: true}}
			}, []outcome{fails(finding.Warning, "/dev/vdb is configured as swap (dev-vdb.swap) but not active")}},
			{"noauto", func(f *host.Facts, _ *host.Container) { f.Fstab.Value[0].NoAuto = true }, []outcome{fails(finding.Warning, "not configured")}},
			{"by a unit", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = nil
				f.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile", Enabled: true}}
			}, []outcome{passes("comes back")}},
			{"a unit that nothing pulls in", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = nil
				f.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile"}}
			}, []outcome{fails(finding.Warning, "not configured")}},
			{"a unit left of a removed fstab line", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = nil
				f.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile", Enabled: true, FromFstab: true}}
			}, []outcome{fails(finding.Warning, "not configured")}},
			{"by UUID", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0] = host.SwapArea{Path: "/dev/vdb", Type: "partition", Size: gib, Aliases: []string{"UUID=12-34"}}
				f.Fstab.Value[0].Spec = "UUID=12-34"
			}, []outcome{passes("comes back")}},
			{"listed twice", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = append(f.Fstab.Value, host.FstabSwap{Line: 9, Spec: "/swapfile"})
			}, []outcome{fails(finding.Info, "listed 2 times")}},
			{"listed, not active", func(f *host.Facts, _ *host.Container) { f.Swaps.Value = nil }, []outcome{fails(finding.Warning, "configured as swap but not active")}},
			{"listed, file gone", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value = nil
				f.Fstab.Value[0].Exists = host.Known(false, "/swapfile")
			}, []outcome{fails(finding.Warning, "does not exist")}},
			{"deleted while in use", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].Deleted, f.Fstab.Value = true, nil },
				[]outcome{fails(finding.Warning, "deleted while in use")}},
			{"in the middle of a resize", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0].Path = "/.swapfile.vmguard-old"
				f.Fstab.Value = nil
			}, []outcome{fails(finding.Warning, "a resize of /swapfile was interrupted, or is at work: its swap is on /.swapfile.vmguard-old")}},
			{"deleted while in use, and fstab still names it", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0].Deleted = true
				f.Fstab.Value = []host.FstabSwap{{Line: 2, Spec: f.Swaps.Value[0].Path, Exists: host.Known(false, "/")}}
			}, []outcome{fails(finding.Warning, "deleted while in use")}},
			{"zram by its generator", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0], f.Fstab.Value, f.ZramConf.Value = host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: gib}, nil, true
			}, []outcome{passes("comes back")}},
			{"zram by nobody known", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0], f.Fstab.Value = host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: gib}, nil
			}, []outcome{isUnknown("zram")}},
			{"units not readable", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value, f.Units = nil, host.Missing[[]host.SwapUnit]("permission denied")
			}, []outcome{isUnknown("permission denied")}},
			{"fstab not readable", func(f *host.Facts, _ *host.Container) { f.Fstab = host.Missing[[]host.FstabSwap]("permission denied") },
				[]outcome{isUnknown("permission denied")}},
		},
		"swap-permissions": {
			{"0600", nil, []outcome{passes("is root's alone")}},
			{"world-readable", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].File.Value.Mode = 0o644 }, []outcome{fails(finding.Critical, "not root's alone")}},
			{"group-readable", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].File.Value.Mode = 0o640 }, []outcome{fails(finding.Warning, "not root's alone")}},
			{"somebody else's", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].File.Value.UID = 1000 }, []outcome{fails(finding.Critical, "not root's alone")}},
			{"partition", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].Type = "partition" }, []outcome{isSkipped("no swapfile")}},
			{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("does not show the VM's files")}},
			{"not readable", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0].File = host.Missing[host.SwapFile]("permission denied")
			}, []outcome{isUnknown("permission denied")}},
		},
		"swap-thrashing": {
			{"never swapped in", nil, []outcome{passes("no page has come back")}},
			{"swap used, no stall", func(f *host.Facts, _ *host.Container) { f.VMStat.Value.SwapIn = 1e6 }, []outcome{passes("swap has been used")}},
			{"some stall", func(f *host.Facts, _ *host.Container) {
				f.VMStat.Value.SwapIn, f.Pressure.Memory.Value.Some.Avg60 = 1e6, 25
			}, []outcome{fails(finding.Warning, "25 % of the last minute")}},
			{"full stall", func(f *host.Facts, _ *host.Container) {
				f.VMStat.Value.SwapIn, f.Pressure.Memory.Value.Full.Avg60 = 1e6, 40
			}, []outcome{fails(finding.Critical, "thrashing")}},
			{"no pressure information", func(f *host.Facts, _ *host.Container) {
				f.VMStat.Value.SwapIn, f.Pressure.Memory = 1e6, host.Missing[host.Pressure]("psi=0")
			}, []outcome{isUnknown("psi=0")}},
			{"no pressure information, never swapped", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory = host.Missing[host.Pressure]("psi=0") },
				[]outcome{passes("no page")}},
			{"no vmstat", func(f *host.Facts, _ *host.Container) { f.VMStat = host.Missing[host.VMStat]("empty") }, []outcome{isUnknown("empty")}},
		},
		"swappiness": {
			{"default", nil, []outcome{passes("60")}},
			{"0", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.swappiness"] = sysctl(0) }, []outcome{fails(finding.Warning, "is 0")}},
			{"1", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.swappiness"] = sysctl(1) }, []outcome{fails(finding.Info, "late")}},
			{"100", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.swappiness"] = sysctl(100) }, []outcome{fails(finding.Info, "soon be needed")}},
			{"180 with zram", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.swappiness"], f.Swaps.Value[0].Path = sysctl(180), "/dev/zram0"
			}, []outcome{passes("180")}},
			{"no swap", func(f *host.Facts, _ *host.Container) { noSwap(f) }, []outcome{isSkipped("no swap")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { delete(f.Sysctls, "vm.swappiness") }, []outcome{isUnknown("not collected")}},
		},
	}
}

func memoryRules() map[string][]ruleCase {
	return map[string][]ruleCase{
		"memory-headroom": {
			{"half free", nil, []outcome{passes("50 %")}},
			{"9 %", func(f *host.Facts, _ *host.Container) { f.Memory.Value.Available = 4 * gib * 9 / 100 }, []outcome{fails(finding.Warning, "9 %")}},
			{"4 %", func(f *host.Facts, _ *host.Container) { f.Memory.Value.Available = 4 * gib * 4 / 100 }, []outcome{fails(finding.Critical, "4 %")}},
			{"4 % of a large VM", func(f *host.Facts, _ *host.Container) {
				f.Memory.Value.Total, f.Memory.Value.Available = 64*gib, 64*gib*4/100
			}, []outcome{fails(finding.Warning, "4 %")}},
			{"reserved huge pages", func(f *host.Facts, _ *host.Container) {
				f.Memory.Value = host.Memory{Total: 64 * gib, Available: 3 * gib, HugePages: 29 * 1024, HugePageSize: 2 * mib}
			}, []outcome{passes("50 %")}},
			{"no RAM at all", func(f *host.Facts, _ *host.Container) { f.Memory.Value = host.Memory{} }, []outcome{isUnknown("no memory at all")}},
			{"missing", func(f *host.Facts, _ *host.Container) { f.Memory = host.Missing[host.Memory]("no MemAvailable") }, []outcome{isUnknown("no MemAvailable")}},
		},
		"memory-pressure": {
			{"none", nil, []outcome{passes("little or nothing waits")}},
			{"some", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory.Value.Some.Avg60 = 12 }, []outcome{fails(finding.Warning, "12 %")}},
			{"full", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory.Value.Full.Avg60 = 12 }, []outcome{fails(finding.Critical, "12 %")}},
			{"switched off", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory = host.Missing[host.Pressure]("psi=0") }, []outcome{isUnknown("psi=0")}},
		},
		"memory-overcommit": {
			{"heuristic", nil, []outcome{passes("not enforced")}},
			{"strict with room", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.overcommit_memory"] = sysctl(2) }, []outcome{passes("25 %")}},
			{"strict, 92 %", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.overcommit_memory"], f.Memory.Value.CommittedAS = sysctl(2), 4*gib*92/100
			}, []outcome{fails(finding.Warning, "92 %")}},
			{"strict, full", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.overcommit_memory"], f.Memory.Value.CommittedAS = sysctl(2), 4*gib
			}, []outcome{fails(finding.Critical, "100 %")}},
			{"strict, no limit known", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.overcommit_memory"], f.Memory.Value.CommitLimit = sysctl(2), 0
			}, []outcome{isUnknown("no CommitLimit")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { delete(f.Sysctls, "vm.overcommit_memory") }, []outcome{isUnknown("not collected")}},
		},
		"cgroup-swap-accounting": {
			{"accounted", nil, []outcome{passes("accounts swap")}},
			{"not accounted", func(f *host.Facts, _ *host.Container) { f.Cgroup.Value.SwapAccounting.Value = false },
				[]outcome{fails(finding.Warning, "not enforced")}},
			{"not accounted, no swap", func(f *host.Facts, _ *host.Container) {
				f.Cgroup.Value.SwapAccounting.Value, f.Swaps.Value = false, nil
			},
				[]outcome{fails(finding.Info, "not enforced")}},
			{"by the engine's word", func(f *host.Facts, _ *host.Container) {
				f.Cgroup.Value.SwapAccounting = host.Missing[bool]("no cgroup shows it")
				f.Docker.Value.SwapLimit = false
			}, []outcome{fails(finding.Warning, "not enforced")}},
			{"nobody knows", func(f *host.Facts, _ *host.Container) {
				f.Cgroup.Value.SwapAccounting, f.Docker = host.Missing[bool]("no cgroup shows it"), host.Missing[docker.Engine]("denied")
			}, []outcome{isUnknown("no cgroup shows it")}},
		},
	}
}

func oomRules() map[string][]ruleCase {
	log := func(kills ...oom.Kill) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			f.OOM.Value.Kills = kills
			f.VMStat.Value.OOMKill = ptr(uint64(len(kills)))
		}
	}
	parent := kill(webID, time.Hour)
	parent.LimitCgroup = "/system.slice"
	hostKill := oom.Kill{SinceBoot: uptime - time.Hour, PID: 9, Comm: "postgres", TaskCgroup: "/system.slice/postgres.service", Scope: oom.ScopeHost}
	service := kill(webID, time.Hour)
	service.TaskCgroup, service.LimitCgroup = "/system.slice/postgres.service", "/system.slice/postgres.service"
	nested := kill(goneID, time.Hour)
	nested.TaskCgroup = "/docker/" + webID + "/docker/" + goneID
	nested.LimitCgroup = "/docker/" + webID
	return map[string][]ruleCase{
		"oom-kills": {
			{"none", nil, []outcome{passes("no OOM kill since boot")}},
			{"a container's own limit", log(kill(webID, 20*time.Minute), kill(webID, 14*time.Minute)),
				[]outcome{fails(finding.Critical, "2 kills since boot, the last 14 min ago: node in container web (at its own memory limit of 512 MiB)")}},
			{"its limit was raised since", func(f *host.Facts, c *host.Container) {
				log(kill(webID, time.Minute))(f, c)
				c.Limits.Memory = 768 * mib
			}, []outcome{fails(finding.Info, "at its own memory limit of 512 MiB, since raised to 768 MiB")}},
			{"a container inside a container", log(nested), []outcome{fails(finding.Critical, "node in a container inside container web (at the memory limit of 512 MiB of /docker/3f2a")}},
			{"the engine could not be asked", func(f *host.Facts, c *host.Container) {
				log(kill(goneID, time.Minute))(f, c)
				f.Containers = host.Missing[[]host.Container]("timed out")
			}, []outcome{fails(finding.Critical, "its name is not known")}},
			{"slept since", func(f *host.Facts, c *host.Container) {
				log(kill(webID, time.Minute))(f, c)
				f.System.Value.Uptime += 72 * time.Hour
			}, []outcome{fails(finding.Critical, "60 s ago")}},
			{"three days ago", log(kill(webID, 72*time.Hour)), []outcome{fails(finding.Warning, "3 days ago")}},
			{"nine days ago", log(kill(webID, 9*24*time.Hour)), []outcome{fails(finding.Info, "9 days ago")}},
			{"a container that is gone", log(kill(goneID, time.Hour)), []outcome{fails(finding.Critical, "container dead00000000, which this engine has no longer, or never had")}},
			{"a slice above it", log(parent), []outcome{fails(finding.Critical, "at the memory limit of 512 MiB of /system.slice, above its own")}},
			{"the host", log(hostKill), []outcome{fails(finding.Critical, "process postgres (the VM had run out of memory)")}},
			{"a service's own limit", log(service), []outcome{fails(finding.Critical, "process node (at its own memory limit of 512 MiB)")}},
			{"its limit was taken away since", func(f *host.Facts, c *host.Container) {
				log(kill(webID, time.Minute))(f, c)
				c.Limits.Memory = 0
			}, []outcome{fails(finding.Info, "since taken away")}},
			{"counted and no longer logged", func(f *host.Facts, _ *host.Container) { f.VMStat.Value.OOMKill = ptr(uint64(3)) },
				[]outcome{fails(finding.Warning, "counts 3 OOM kills since boot, its log holds 0")}},
			{"log denied, counter 0", func(f *host.Facts, _ *host.Container) { f.OOM = host.Missing[oom.Log]("needs root") }, []outcome{passes("no OOM kill")}},
			{"log denied, counter 4", func(f *host.Facts, _ *host.Container) {
				f.OOM, f.VMStat.Value.OOMKill = host.Missing[oom.Log]("needs root"), ptr(uint64(4))
			}, []outcome{fails(finding.Warning, "4 OOM kills since boot; who was killed stands in its log: needs root")}},
			{"log denied, no counter", func(f *host.Facts, _ *host.Container) {
				f.OOM, f.VMStat.Value.OOMKill = host.Missing[oom.Log]("needs root"), nil
			}, []outcome{isUnknown("needs root")}},
			{"log cut, no counter", func(f *host.Facts, _ *host.Container) { f.OOM.Value.Truncated, f.VMStat.Value.OOMKill = true, nil },
				[]outcome{isUnknown("no longer reaches back to boot")}},
		},
		"oom-panic": {
			{"defaults", nil, []outcome{passes("kills the largest process")}},
			{"panics and hangs", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.panic_on_oom"] = sysctl(1) }, []outcome{fails(finding.Critical, "hangs")}},
			{"panics and reboots", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.panic_on_oom"], f.Sysctls["kernel.panic"] = sysctl(2), sysctl(10)
			}, []outcome{fails(finding.Warning, "reboots")}},
			{"kills whoever asks", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.oom_kill_allocating_task"] = sysctl(1) },
				[]outcome{fails(finding.Warning, "asked last")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Sysctls = nil },
				[]outcome{isUnknown("vm.panic_on_oom"), isUnknown("vm.oom_kill_allocating_task")}},
		},
		"oom-protection": {
			{"spared", nil, []outcome{passes("dockerd is spared"), passes("sshd is spared")}},
			{"dockerd by hand", func(f *host.Facts, _ *host.Container) { f.Daemons.Value[0].OOMScoreAdj = 0 },
				[]outcome{fails(finding.Warning, "dockerd may be killed"), passes("sshd")}},
			{"sshd", func(f *host.Facts, _ *host.Container) { f.Daemons.Value[1].OOMScoreAdj = 0 },
				[]outcome{fails(finding.Info, "sshd may be killed"), passes("dockerd")}},
			{"killers are not its affair", func(f *host.Facts, _ *host.Container) {
				f.Daemons.Value = []host.Daemon{{Name: "earlyoom"}, {Name: "nohang"}, {Name: "systemd-oomd"}}
			}, []outcome{isSkipped("neither")}},
			{"containerd of dockerd's", func(f *host.Facts, _ *host.Container) {
				f.Daemons.Value = []host.Daemon{{Name: "containerd", Parent: "dockerd"}}
			}, []outcome{isSkipped("neither")}},
			{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("in a container")}},
			{"none runs", func(f *host.Facts, _ *host.Container) { f.Daemons.Value = nil }, []outcome{isSkipped("neither")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Daemons = host.Missing[[]host.Daemon]("timed out") }, []outcome{isUnknown("timed out")}},
		},
	}
}

func storageRules() map[string][]ruleCase {
	space := func(size, free uint64) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) { f.Disks[0].Value.Size, f.Disks[0].Value.Free = size, free }
	}
	inodes := func(all, free uint64) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			f.Disks[0].Value.Inodes, f.Disks[0].Value.InodesFree = all, free
		}
	}
	second := func(d host.Disk) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) { f.Disks = append(f.Disks, host.Known(d, "statfs "+d.Path)) }
	}
	return map[string][]ruleCase{
		"disk-space": {
			{"room", nil, []outcome{passes("30 GiB free on /")}},
			{"8 %", space(40*gib, 3*gib), []outcome{fails(finding.Warning, "3.0 GiB free on / (8 % of 40 GiB)")}},
			{"8 % of 10 TiB", space(10240*gib, 820*gib), []outcome{passes("820 GiB")}},
			{"2 %", space(40*gib, gib), []outcome{fails(finding.Critical, "2 %")}},
			{"400 MiB of a small disk", space(2*gib, 400*mib), []outcome{fails(finding.Critical, "400 MiB")}},
			{"read-only root", func(f *host.Facts, _ *host.Container) { f.Disks[0].Value.ReadOnly, f.Disks[0].Value.Free = true, 0 }, []outcome{isSkipped("read-only")}},
			{"the same filesystem twice", second(host.Disk{Path: "/var/lib/docker", Role: host.RoleDocker, FS: "ext4", Size: 40 * gib, Free: 30 * gib, Inodes: 1000, InodesFree: 900}),
				[]outcome{passes("on /")}},
			{"the engine's data full", second(host.Disk{Path: "/data", Role: host.RoleDocker, FS: "xfs", Size: 50 * gib, Free: 100 * mib, Inodes: 10, InodesFree: 9}),
				[]outcome{fails(finding.Critical, "100 MiB free on /data"), passes("on /")}},
			{"no size", space(0, 0), []outcome{isUnknown("no size at all")}},
			{"hangs", func(f *host.Facts, _ *host.Container) { f.Disks[0] = host.Missing[host.Disk]("timed out after 2 s") }, []outcome{isUnknown("timed out")}},
		},
		"inode-space": {
			{"room", nil, []outcome{passes("90 %")}},
			{"8 %", inodes(1000, 80), []outcome{fails(finding.Warning, "8 %")}},
			{"none", inodes(1000, 0), []outcome{fails(finding.Critical, "0 %")}},
			{"btrfs", inodes(0, 0), []outcome{isSkipped("as it needs them")}},
			{"nothing collected", func(f *host.Facts, _ *host.Container) { f.Disks = nil }, []outcome{isUnknown("not collected")}},
		},
	}
}
