package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"vmguard/pkg/check"
	"vmguard/pkg/host"
	"vmguard/pkg/rootfs"
)

// lookAtImage takes a snapshot of an image, and reads the policy: the one that was named, else the image's own.
func (o doctorOptions) lookAtImage(ctx context.Context, now time.Time) (*host.Facts, check.Policy, error) {
	none := check.Policy{}
	tree, err := rootfs.OpenImage(o.root)
	if err != nil {
		hint := "--root names the directory that holds the image's etc and usr"
		if errors.Is(err, fs.ErrPermission) {
			hint = "run the same with sudo"
		}
		return nil, none, failed(fmt.Errorf("image: %w", err), hint)
	}
	defer tree.Close() //nolint:errcheck // nothing was written
	if !isSystem(tree) {
		return nil, none, failed(fmt.Errorf("image %s: there is no system in it (no /etc/os-release, /usr/lib/os-release or /etc/passwd)", o.root),
			"mount the image first; --root names the directory that holds its etc and usr")
	}
	if parts := host.Unmounted(tree); len(parts) > 0 {
		return nil, none, failed(fmt.Errorf("image %s: %s is empty, and line %d of its /etc/fstab mounts it", o.root, parts[0].Dir, parts[0].Line),
			"mount it first: what belongs there was not copied or mounted with the image, and cannot be inspected")
	}
	policy, err := o.namedPolicy(ctx, now)
	if err == nil && !o.namesPolicy() {
		policy, err = policyIn(tree, o.root, now)
	}
	if err != nil {
		return nil, none, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	facts := host.CollectImage(ctx, host.Source{FS: tree, Root: os.Geteuid() == 0, Compose: o.compose})
	return facts, policy, nil
}

// isSystem tells whether a tree is the root of some system, so that a wrong directory does not read as a healthy image.
func isSystem(tree *rootfs.FS) bool {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release", "/etc/passwd"} {
		if _, err := tree.Lstat(name); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// checkPaths errs where one of the paths that were named is not there. What lies in an image
// is looked for there: its links mean something else on this machine.
func (o doctorOptions) checkPaths() error {
	for _, path := range o.compose {
		if path == "" {
			return usage("is a shell variable empty?", "--compose: nothing is named")
		}
		if _, err := os.Stat(path); err != nil && o.root == "" {
			return failed(fmt.Errorf("--compose: %w", err), "--compose takes a compose file, a Dockerfile, or a directory that holds them")
		}
	}
	return nil
}

// readNamed errs where a compose file or Dockerfile that the user named could not be read: that it was not judged must
// not read as fine.
func readNamed(files []host.Fact[host.ComposeFile]) error {
	for _, f := range files {
		if !f.Known() {
			return failed(fmt.Errorf("--compose: %s", f.Why()), "--compose takes a compose file, a Dockerfile, or a directory that holds them")
		}
	}
	return nil
}

// recorded reads a recording.
func (o doctorOptions) recorded(ctx context.Context) (*host.Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	facts, err := readFacts(ctx, o.facts)
	if err != nil {
		return nil, failed(err, "--facts takes a file that vmguard doctor --save-facts wrote")
	}
	return facts, nil
}

// readFacts reads a recording, perhaps from a pipe.
func readFacts(ctx context.Context, path string) (*host.Facts, error) {
	facts, err := until(ctx, func() (*host.Facts, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		facts, err := host.Read(file)
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return facts, err
	})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("read facts %s: %w", path, err)
	}
	return facts, err
}
