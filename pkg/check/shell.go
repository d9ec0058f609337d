package check

import (
	"fmt"
	"path"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// setSysctl gives the command that sets a sysctl now and, in a file of its own, at boot;
// in an image at boot alone. The file is named so that it comes after 99-sysctl.conf,
// which is /etc/sysctl.conf (sysctl.d(5)). Where a file that comes later still sets it,
// the line in there is the one that is changed.
func setSysctl(f *host.Facts, text, name string, value int64) *finding.Remedy {
	file := "/etc/sysctl.d/99-vmguard-" + strings.ReplaceAll(name, ".", "-") + ".conf"
	line := fmt.Sprintf("%s = %d", name, value)
	set, ok := f.BootSysctl(name)
	later := ok && !set.Pattern() && strings.Contains(set.File, "/sysctl.") &&
		(path.Dir(set.File) == "/etc" || path.Base(set.File) > path.Base(file))
	write := fmt.Sprintf("sed -i --follow-symlinks '%ds/.*/%s/' %s", set.Line, line, human.ShellWord(set.File))
	switch {
	case f.Image && later:
		return fixInImage(text+" at boot", write)
	case f.Image:
		return fixInImage(text+" at boot", fmt.Sprintf("mkdir -p /etc/sysctl.d && echo '%s' > %s", line, file))
	case later:
		return remedy(text+", now and at boot", fmt.Sprintf("sudo %s && sudo sysctl -p %s", write, human.ShellWord(set.File)))
	}
	return remedy(text+", now and at boot", fmt.Sprintf("echo '%s' | sudo tee %s && sudo sysctl -p %s", line, file, file))
}

// fixInImage is a remedy for an image: its command is for a shell that runs as root inside
// of it, with no daemon there to be asked.
func fixInImage(text, command string) *finding.Remedy {
	return remedy("in the image: "+text, command)
}
