package check

import (
	"fmt"
	"path"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// At an image's first boot systemd goes through its presets. All versions enable what these
// enable, and what no rule names; some disable what these disable as well: those that are built
// with first-boot-full-preset, as from 258 on by default and before that by Fedora.

// presetEnables tells that systemd enables a unit at the image's first boot.
func presetEnables(unit host.Service) bool {
	return unit.FirstBoot && unit.Preset != nil && unit.Preset.Verb == "enable"
}

// presetDecides tells that it is on the presets whether a unit is enabled.
func presetDecides(unit host.Service) bool {
	if unit.Preset == nil { // in facts that an older vmguard saved
		return unit.FirstBoot && unit.ByUser == "" && !unit.Masked
	}
	return unit.Enabled || unit.FirstBoot && unit.ByUser == "" && unit.Preset.Verb != "static"
}

// judgePreset tells what becomes of a unit at the first boot of an image.
func judgePreset(f *host.Facts, unit host.Service) finding.Finding {
	p := unit.Preset
	if p == nil {
		it := unknown("the image has never booted: whether "+unit.Name+" is enabled then is left to systemd's presets (systemd.preset(5))", neverBooted())
		it.Remedy = enableRemedy(f, unit)
		return it
	}
	seen := []finding.Evidence{neverBooted()}
	if p.File != "" {
		seen = append(seen, inFile(p.File, p.Line, p.Verb, "enable "+unit.Name))
	}
	const first = "the image has never booted, and at its first boot "
	switch {
	case unit.Enabled && (p.Verb != "disable" || linkedByPackage(unit.By)):
		return pass(unit.Name+" is started at boot", evidence(unit.By, unit.Name))
	case unit.Enabled:
		it := unknown(fmt.Sprintf("%s is enabled; %ssome versions of systemd disable it again, as %s:%d says", unit.Name, first, p.File, p.Line), seen...)
		it.Remedy = presetRemedy(unit, "")
		return it
	case p.Verb == "ignore":
		it := unknown(fmt.Sprintf("%s is not enabled; %sit depends on the version of systemd whether that stays so (%s:%d)", unit.Name, first, p.File, p.Line), seen...)
		it.Remedy = enableRemedy(f, unit)
		return it
	case p.Verb == "disable":
		return fail(finding.Critical, fmt.Sprintf("%s is not enabled, and %s:%d keeps it so at the image's first boot: no container is started at boot", unit.Name, p.File, p.Line),
			presetRemedy(unit, "systemctl enable docker && "), seen...)
	case p.File == "":
		return pass(first+"systemd enables "+unit.Name+", since no preset says otherwise", seen...)
	}
	return pass(first+"systemd enables "+unit.Name+", as "+p.File+" says", seen...)
}

// linkedByPackage tells that what pulls a unit in is a link that presets do not take away.
func linkedByPackage(by string) bool {
	switch path.Ext(path.Dir(by)) {
	case ".wants", ".requires", ".upholds":
		return !strings.HasPrefix(by, "/etc/")
	}
	return false
}

func neverBooted() finding.Evidence { return evidence("/etc/machine-id", "absent or uninitialized") }

// presetRemedy puts a rule before the one that disables the unit.
func presetRemedy(unit host.Service, enable string) *finding.Remedy {
	const dir, name = "/etc/systemd/system-preset", "00-docker.preset"
	p := unit.Preset
	if path.Base(p.File) < name {
		return fixInImage(fmt.Sprintf("enable it, and write enable %s above line %d of %s", unit.Name, p.Line, p.File), "")
	}
	return fixInImage("enable it, and have the presets keep it so", fmt.Sprintf("%smkdir -p %s && echo 'enable %s' > %s/%s", enable, dir, unit.Name, dir, name))
}
