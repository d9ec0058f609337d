package swap

import (
	"bytes"
	"fmt"
	"strings"
)

// SwappinessFile sets vm.swappiness at boot. Its name comes after 99-sysctl.conf, which
// is /etc/sysctl.conf on most systems (sysctl.d(5)).
const SwappinessFile = "/etc/sysctl.d/99-vmguard-vm-swappiness.conf"

// swappinessProc is the running value (Documentation/admin-guide/sysctl/vm.rst).
const swappinessProc = "/proc/sys/vm/swappiness"

// maxSwappiness is the largest value that the kernel takes, since 5.8; 100 before.
const maxSwappiness = 200

const swappinessMark = "# written by vmguard swap enable; vm.swappiness was "

// swappinessText is the content of SwappinessFile: the value, and the one that disable
// goes back to.
func swappinessText(value int, was int64) []byte {
	return fmt.Appendf(nil, "%s%d\nvm.swappiness = %d\n", swappinessMark, was, value)
}

// swappinessWas gives the value from before vmguard's, which its file tells; false for
// a file that vmguard did not write.
func swappinessWas(file []byte) (was int64, ours bool) {
	rest, ours := bytes.CutPrefix(file, []byte(swappinessMark))
	if !ours {
		return 0, false
	}
	n, err := fmt.Sscanf(string(rest), "%d\n", &was)
	return was, err == nil && n == 1
}

// setsSwappiness tells whether a sysctl.d(5) file sets vm.swappiness.
func setsSwappiness(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "-"), "=")
		if ok && strings.ReplaceAll(strings.TrimSpace(name), "/", ".") == "vm.swappiness" {
			return true
		}
	}
	return false
}
