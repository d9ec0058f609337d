package swap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vmguard/pkg/host"
)

// Persists tells whether a swap area comes back after a reboot.
type Persists string

// The answers. PersistUnknown is that of an area whose configuration could not be looked at.
const (
	PersistYes     Persists = "yes"
	PersistNo      Persists = "no"
	PersistUnknown Persists = "unknown"
)

// Persistence tells whether a swap area comes back after a reboot, and why.
type Persistence struct {
	State Persists `json:"state"`
	// How names what activates the area at boot, such as "/etc/fstab line 3" or "unit swapfile.swap". Of an
	// area that does not come back it is what names it all the same; empty where nothing does.
	How string `json:"how,omitempty"`
	// Why is why the area does not come back, or why that is not known; empty where it does.
	Why string `json:"why,omitempty"`
}

// naming is what the configuration says of one swap area.
type naming struct {
	path, spec string           // of an area that is not in use: where its name leads to, and the name
	lines      []host.FstabSwap // activated at boot
	noAuto     []host.FstabSwap // not activated at boot
	units      []host.SwapUnit  // activated at boot, of their own and not by an fstab line
	disabled   []host.SwapUnit  // not activated at boot
}

func (n *naming) addLine(line host.FstabSwap) {
	if line.NoAuto {
		n.noAuto = append(n.noAuto, line)
		return
	}
	n.lines = append(n.lines, line)
}

// addUnit takes a unit. One that systemd made of an fstab line says nothing that the line does not.
func (n *naming) addUnit(unit host.SwapUnit) {
	switch {
	case unit.FromFstab:
	case unit.Enabled:
		n.units = append(n.units, unit)
	default:
		n.disabled = append(n.disabled, unit)
	}
}

// absent tells whether one of the lines names what is known not to be there.
func (n naming) absent() bool {
	return slices.ContainsFunc(slices.Concat(n.lines, n.noAuto), func(line host.FstabSwap) bool {
		return line.Exists.Known() && !line.Exists.Value
	})
}

// names tells whether the first field of an fstab line, or the What= of a unit, means an area. Target
// is the path that it leads to, where that is known. The check swap-persistent goes by the same rule.
func names(area host.SwapArea, spec, target string) bool {
	return spec == area.Path || target == area.Path || slices.Contains(area.Aliases, spec)
}

// namingOf finds what names an area that is in use.
func namingOf(facts *host.Facts, area host.SwapArea) naming {
	var n naming
	for _, line := range facts.Fstab.Value {
		if names(area, line.Spec, line.Target) {
			n.addLine(line)
		}
	}
	for _, unit := range facts.Units.Value {
		if names(area, unit.What, unit.Target) {
			n.addUnit(unit)
		}
	}
	return n
}

// inactive finds what is configured and not in use: swap lines of fstab, those with noauto too, and
// enabled units. What leads to the same path is one area. In a container it finds nothing, as the
// configuration there is not the host's.
func inactive(facts *host.Facts) []naming {
	if inContainer(facts) {
		return nil
	}
	var found []naming
	at := func(spec, target string) *naming {
		if slices.ContainsFunc(facts.Swaps.Value, func(a host.SwapArea) bool { return names(a, spec, target) }) {
			return nil
		}
		name := cmp.Or(target, spec)
		i := slices.IndexFunc(found, func(n naming) bool { return n.path == name })
		if i < 0 {
			i = len(found)
			found = append(found, naming{path: name, spec: spec})
		}
		return &found[i]
	}
	for _, line := range facts.Fstab.Value {
		if n := at(line.Spec, line.Target); n != nil {
			n.addLine(line)
		}
	}
	for _, unit := range facts.Units.Value {
		if !unit.Enabled || unit.FromFstab {
			continue
		}
		if n := at(cmp.Or(unit.What, unit.Name), unit.Target); n != nil {
			n.addUnit(unit)
		}
	}
	return found
}

// persistence judges what names an area. Masked is the link that masks the unit of its fstab line.
func persistence(facts *host.Facts, a AreaStatus, n naming, masked string) Persistence {
	no := func(how, why string) Persistence { return Persistence{PersistNo, how, why} }
	unknown := func(why string) Persistence { return Persistence{PersistUnknown, "", why} }
	switch {
	case inContainer(facts):
		return unknown("vmguard runs in a container, whose /etc/fstab is not the VM's")
	case len(n.lines)+len(n.units) > 0:
		return named(a, n, masked)
	case a.Kind == KindZram && facts.ZramConf.Known() && facts.ZramConf.Value:
		return Persistence{PersistYes, facts.ZramConf.Source, ""}
	case !facts.Fstab.Known():
		return unknown(facts.Fstab.Why())
	case a.Kind == KindZram && !facts.ZramConf.Known():
		return unknown("which service sets it up at boot cannot be told: " + facts.ZramConf.Why())
	case a.Kind == KindZram:
		return unknown("which service sets it up at boot cannot be told")
	case !facts.Units.Known():
		return unknown("whether a systemd unit activates it cannot be told: " + facts.Units.Why())
	case a.Deleted:
		return no("", "the file was removed while in use")
	case len(n.noAuto) > 0:
		return no(linesIn(n.noAuto), "noauto")
	case len(n.disabled) > 0:
		return no(unitsIn(n.disabled), "not enabled")
	}
	return no("", "neither /etc/fstab nor an enabled systemd unit names it")
}

// named judges an area that fstab or a unit activates at boot, if nothing speaks against it.
func named(a AreaStatus, n naming, masked string) Persistence {
	var parts []string
	if len(n.lines) > 0 {
		parts = append(parts, linesIn(n.lines))
	}
	if len(n.units) > 0 {
		parts = append(parts, unitsIn(n.units))
	}
	how := strings.Join(parts, ", ")
	// A file that was removed comes back only where another has its name.
	there := slices.ContainsFunc(n.lines, func(l host.FstabSwap) bool { return l.Exists.Known() && l.Exists.Value }) ||
		slices.ContainsFunc(n.units, func(u host.SwapUnit) bool { return u.Target != "" })
	switch {
	case masked != "" && len(n.units) == 0:
		return Persistence{PersistNo, how, masked + " masks its unit"}
	case a.Absent:
		return Persistence{PersistNo, how, "it does not exist"}
	case a.Deleted && n.absent():
		return Persistence{PersistNo, how, "the file was removed while in use"}
	case a.Deleted && !there:
		return Persistence{PersistUnknown, how, "the file was removed while in use, and whether another has its name cannot be told"}
	}
	return Persistence{PersistYes, how, ""}
}

// linesIn spells where fstab names an area: "/etc/fstab line 3", or "/etc/fstab lines 3, 5".
func linesIn(lines []host.FstabSwap) string {
	numbers := make([]string, 0, len(lines))
	for _, line := range lines {
		numbers = append(numbers, fmt.Sprint(line.Line))
	}
	word := " line "
	if len(lines) > 1 {
		word = " lines "
	}
	return fstabFile + word + strings.Join(numbers, ", ")
}

func unitsIn(units []host.SwapUnit) string {
	list := make([]string, 0, len(units))
	for _, unit := range units {
		list = append(list, "unit "+unit.Name)
	}
	return strings.Join(list, ", ")
}
