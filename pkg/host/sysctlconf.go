package host

// SysctlConf is what sysctl.d(5) sets at boot, merged as systemd-sysctl(8) does.
type SysctlConf struct {
	// Settings are the ones that are in force after boot, by name.
	Settings []SysctlSetting `json:"settings"`
}

// SysctlSetting is the assignment of a sysctl that wins.
type SysctlSetting struct {
	Name  string `json:"name"` // dotted: vm.swappiness
	Value string `json:"value"`
	File  string `json:"file"`
	Line  int    `json:"line"`
}

func sysctlConfReadings(Source) []reading { return nil }
