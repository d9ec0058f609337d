package change

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// reloadLimit is what systemd gets to read its configuration again; a loaded VM takes
// seconds.
const reloadLimit = 90 * time.Second

// ReloadSystemd makes systemd read its units and /etc/fstab again, and waits until it has.
func ReloadSystemd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadLimit)
	defer cancel()
	for _, path := range []string{"/usr/bin/systemctl", "/bin/systemctl"} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, path, "daemon-reload")
		cmd.Env = []string{"LC_ALL=C"}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("systemctl daemon-reload: %w: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	return errors.New("systemctl is neither in /usr/bin nor in /bin")
}
