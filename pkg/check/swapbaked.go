package check

import (
	"fmt"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var swapBakedIn = Check{
	ID: "swap-baked-in", Area: finding.Memory, Worst: finding.Warning, Modes: Image,
	Title: "The image carries no swapfile",
	Why: "A swapfile in an image is carried by every copy of it, and each VM made from it shares its UUID. What stands in it is left of the memory " +
		"of the machine that built the image, keys and passwords among it. Copied without its zeroes it gets holes, and the kernel refuses it.",
	Rule: "A warning for each regular file in an image that fstab or a .swap unit names as swap, that lies at a usual place (/swapfile, /swap.img, /var/swap and the like), " +
		"or that bears a swap header and lies right below /, /var or /swap. Unknown where one of these cannot be looked at. Does not apply to a running host.",
	Fix: "Remove the file and the line of /etc/fstab in the image, and have the swapfile made at the first boot: by cloud-init's section swap, " +
		"or by a unit that runs vmguard swap enable.",
	Judge: judgeSwapBakedIn,
}

func judgeSwapBakedIn(f *host.Facts, _ Policy) []finding.Finding {
	if !f.SwapFiles.Known() {
		return one(unknown("cannot tell whether a swapfile lies in the image: " + f.SwapFiles.Why()))
	}
	var out []finding.Finding
	for _, b := range f.SwapFiles.Value {
		seen := []finding.Evidence{inFile(b.Path, 0, spellBaked(b), "no file")}
		for _, by := range b.NamedBy {
			seen = append(seen, wanted(by, "names "+b.Path, ""))
		}
		out = append(out, fail(finding.Warning, bakedHarm(b), removeBaked(f, b), seen...))
	}
	if len(out) == 0 {
		return one(pass("no swapfile lies in the image", evidence(f.SwapFiles.Source, "no swapfile")))
	}
	return out
}

func bakedHarm(b host.BakedSwap) string {
	const leftover = "it may hold memory of the machine that built the image, and every VM made from it shares its UUID"
	harms := []string{fmt.Sprintf("a swapfile lies in the image: %s, %s long", b.Path, human.Bytes(b.Size))}
	switch h := b.Header; {
	case b.Allocated < b.Size:
		harms = append(harms, fmt.Sprintf("it takes up %s: it has holes, with which the kernel refuses it, unless its file system compresses", human.Bytes(b.Allocated)))
	default:
		harms = append(harms, fmt.Sprintf("it swells the image by %s", human.Bytes(b.Allocated)))
		if h == nil || !h.Valid {
			_, why := bakedStands(b)
			harms = append(harms, "it "+why)
		}
	}
	if b.Header == nil {
		return strings.Join(harms, "; ")
	}
	return strings.Join(append(harms, leftover), "; ")
}

func spellBaked(b host.BakedSwap) string {
	text := fmt.Sprintf("%s, %s allocated, mode %04o, ", human.Bytes(b.Size), human.Bytes(b.Allocated), b.Mode)
	switch h := b.Header; {
	case h == nil:
		return text + "no swap header"
	case !h.Valid:
		return text + "signature " + h.Signature
	default:
		return text + fmt.Sprintf("swap header for pages of %s", human.Bytes(h.PageSize))
	}
}
