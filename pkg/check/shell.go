package check

import (
	"fmt"
	"strings"

	"vmguard/pkg/finding"
)

// setSysctl gives the command that sets a sysctl now and, in a file of its own, at boot.
// The file is named so that it comes after 99-sysctl.conf, which is /etc/sysctl.conf (sysctl.d(5)).
func setSysctl(text, name string, value int64) *finding.Remedy {
	file := "/etc/sysctl.d/99-vmguard-" + strings.ReplaceAll(name, ".", "-") + ".conf"
	return remedy(text, fmt.Sprintf("echo '%s = %d' | sudo tee %s && sudo sysctl -p %s", name, value, file, file))
}
