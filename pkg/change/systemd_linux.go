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
		cmd.WaitDelay = time.Second // it may leave a child that keeps its output open
		out, err := cmd.CombinedOutput()
		said := strings.TrimSpace(string(out))
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil: // it was killed
			err = ctx.Err()
		case said != "":
			err = fmt.Errorf("%w: %s", err, said)
		}
		return fmt.Errorf("systemctl daemon-reload: %w", err)
	}
	return errors.New("systemctl is neither in /usr/bin nor in /bin")
}
