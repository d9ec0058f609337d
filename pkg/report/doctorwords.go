package report

import (
	"cmp"
	"fmt"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// headline says what the report was made on, and by which version.
func headline(d Doctor) string {
	line := "vmguard " + d.Version + " on " + placeOf(d)
	if known := knownOf(d.Facts); len(known) > 0 {
		line += ": " + strings.Join(known, ", ")
	}
	if d.Policy != "" {
		line += "; judged by " + d.Policy
	}
	return line
}

// ofImage tells whether an image was judged, perhaps from a recording, which does not name its directory.
func (d Doctor) ofImage() bool { return d.Image != "" || d.Facts.Image }

// placeOf names the host or the image.
func placeOf(d Doctor) string {
	switch name := d.Facts.System.Value.Hostname; {
	case d.Image != "":
		return "image " + d.Image
	case d.Facts.Image:
		return strings.TrimSpace("a recorded image " + name)
	default:
		return cmp.Or(name, "a host without a name")
	}
}

// knownOf says what is known of the host or image, in the order in which a reader asks.
func knownOf(f *host.Facts) []string {
	var parts []string
	add := func(known bool, part string) {
		if known && part != "" {
			parts = append(parts, part)
		}
	}
	system := f.System.Value
	add(f.System.Known(), system.OS)
	add(system.Kernel != "", "kernel "+system.Kernel)
	add(f.Cloud.Known(), machine(f.Cloud.Value))
	add(f.Memory.Known(), human.Bytes(f.Memory.Value.Total)+" RAM")
	add(f.Docker.Known(), fmt.Sprintf("Docker %s (cgroup v%s)", f.Docker.Value.Version, f.Docker.Value.CgroupVersion))
	add(f.Containers.Known(), human.Count(len(f.Containers.Value), "container"))
	add(system.Container != "", "inside a container ("+system.Container+")")
	return parts
}

// waiverWords says how long a failure is accepted, and why.
func waiverWords(w finding.Waiver) string {
	if w.Expires == "" {
		return "waived: " + w.Reason
	}
	return "waived until " + w.Expires + ": " + w.Reason
}

// machine names the cloud or the machine's maker, and the product where that says more.
func machine(c host.Cloud) string {
	if strings.Contains(c.Name, c.Product) {
		return c.Name
	}
	return c.Name + " " + c.Product
}

// verdict is the one line that counts the findings, as every other format does.
func verdict(d Doctor, style Style, detail Detail) string {
	c := d.Findings.Count()
	line := strings.Join(countWords(countsOf(c), style), ", ")
	if detail == Problems && c.Pass+c.NotAssessable > 0 {
		// No command: this does not know the flags that it was called with, and without them another host may be judged.
		line += " (--all" + noBreak + "lists" + noBreak + "all)"
	}
	return wrap(line+", in "+human.Duration(d.Took), style.Width-2, "  ") + "\n"
}
