package check

import (
	"fmt"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

func startsAtBoot(unit host.Service) bool { return unit.Enabled || presetEnables(unit) }

// refused tells that the service is enabled, and is not as systemd would start it.
func refused(unit host.Service) bool {
	return startsAtBoot(unit) && (len(unit.NeedsMasked) > 0 || unit.SecondStart != "")
}

func judgeRefused(f *host.Facts, unit host.Service) finding.Finding {
	if unit.SecondStart == "" {
		names := strings.Join(unit.NeedsMasked, " ")
		return fail(finding.Critical, unit.Name+" is enabled, and systemd refuses to start it: what it requires is masked: "+names,
			enableRemedy(f, unit), inFile(unit.Path, 0, "requires "+names, "not masked"))
	}
	return fail(finding.Critical, unit.Name+" is enabled, and systemd refuses to start it: it has more than one ExecStart=",
		oneStartRemedy(f, unit), inFile(unit.SecondStart, unit.SecondStartLine, "ExecStart= beside another", "an empty ExecStart= before it"))
}

// oneStartRemedy has the last ExecStart= be the only one. A package's own file is not to be edited.
func oneStartRemedy(f *host.Facts, unit host.Service) *finding.Remedy {
	text := fmt.Sprintf("put an empty ExecStart= before line %d of %s", unit.SecondStartLine, unit.SecondStart)
	if !strings.HasPrefix(unit.SecondStart, "/etc/") {
		return remedy(text+", or write a drop-in that has an empty one before its own", "")
	}
	command := fmt.Sprintf("sed -i '%di ExecStart=' %s", unit.SecondStartLine, human.ShellWord(unit.SecondStart))
	if f.Image {
		return fixInImage(text, command)
	}
	return remedy(text, "sudo "+command+" && sudo systemctl daemon-reload")
}
