package check

import (
	"fmt"
	"strings"

	"vmguard/pkg/finding"
)

// shellQuote makes one word of a POSIX shell of any text; plain words stay as they are.
func shellQuote(s string) string {
	special := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-:@%+=,", r)
	}
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// setSysctl gives the command that sets a sysctl now and, in a file of its own, at boot.
// The file is named so that it comes after 99-sysctl.conf, which is /etc/sysctl.conf (sysctl.d(5)).
func setSysctl(text, name string, value int64) *finding.Remedy {
	file := "/etc/sysctl.d/99-vmguard-" + strings.ReplaceAll(name, ".", "-") + ".conf"
	return remedy(text, fmt.Sprintf("echo '%s = %d' | sudo tee %s && sudo sysctl -p %s", name, value, file, file))
}
