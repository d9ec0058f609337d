package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"vmguard/pkg/check"
	"vmguard/pkg/policy"
	"vmguard/pkg/rootfs"
)

// policyFile is the policy of a host or image where none is named.
const policyFile = "/etc/vmguard/policy.yaml"

// namesPolicy tells whether the user said which policy to judge by.
func (o doctorOptions) namesPolicy() bool { return o.policy != "" || o.profile != "" }

// namedPolicy reads the policy that the user named; without one, it gives the default.
func (o doctorOptions) namedPolicy(ctx context.Context, now time.Time) (check.Policy, error) {
	switch {
	case o.profile != "":
		if err := checkChoice("profile", o.profile, profileNames()...); err != nil {
			return check.Policy{}, err
		}
		p, err := policy.FromProfile(o.profile, now)
		if err != nil {
			return check.Policy{}, failed(err, "")
		}
		p.Name = "profile " + o.profile
		return p, nil
	case o.policy != "":
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		data, err := readInput(ctx, o.policy)
		if err != nil {
			return check.Policy{}, failed(fmt.Errorf("read policy: %w", err), "vmguard doctor --print-profile golden-image prints a policy to start from")
		}
		return parsePolicy(o.policy, data, now)
	default:
		return check.DefaultPolicy(now), nil
	}
}

// ownPolicy reads this host's policy, where it has one.
func ownPolicy(now time.Time) (check.Policy, error) {
	tree, err := rootfs.Open("/")
	if err != nil {
		return check.Policy{}, failed(err, "")
	}
	defer tree.Close() //nolint:errcheck // nothing was written
	return policyIn(tree, "/", now)
}

// policyIn reads the policy that a host or image has of its own; without one, it gives the default. The
// root is named as the user spelled it.
func policyIn(tree *rootfs.FS, root string, now time.Time) (check.Policy, error) {
	// Nobody named it: a link may lead to what is no policy, and others must not decide what is accepted.
	info, err := tree.Lstat(policyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return check.DefaultPolicy(now), nil
	case err == nil && !info.Mode().IsRegular():
		err = fmt.Errorf("%s is no regular file", filepath.Join(root, policyFile))
	case err == nil && info.Mode()&0o022 != 0:
		err = fmt.Errorf("%s may be written to by others than its owner (mode %04o)", filepath.Join(root, policyFile), info.Mode().Perm())
	}
	var data []byte
	if err == nil {
		data, err = tree.ReadFile(policyFile, policy.MaxBytes)
	}
	if err != nil {
		return check.Policy{}, failed(fmt.Errorf("read policy: %w", err), "--policy FILE or --profile NAME names another one")
	}
	p, err := parsePolicy(filepath.Join(root, policyFile), data, now)
	if wrong, ok := errors.AsType[*policy.Error](err); ok && root != "/" { // what stands there may be no policy at all, and is not shown
		err = usage("--policy "+wrong.File+" says what is wrong with it", "%s:%d: no policy that can be used", wrong.File, wrong.Line)
	}
	return p, err
}

func parsePolicy(name string, data []byte, now time.Time) (check.Policy, error) {
	p, err := policy.Parse(name, data, now)
	if err != nil {
		return check.Policy{}, usage("docs/policy.md lists the keys; vmguard doctor --list lists the checks", "%w", err)
	}
	p.Name = name
	return p, nil
}

// profileText gives a built-in policy by its name.
func profileText(name string) ([]byte, error) {
	if err := checkChoice("print-profile", name, profileNames()...); err != nil {
		return nil, err
	}
	text, err := policy.ProfileText(name)
	if err != nil {
		return nil, failed(err, "")
	}
	return text, nil
}

func profileNames() []string {
	var names []string
	for _, p := range policy.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// printProfile prints a built-in policy, ready to be saved.
func printProfile(app *App, o doctorOptions) error {
	if err := checkChoice("output", o.output, "text"); err != nil {
		return err
	}
	text, err := profileText(o.print)
	if err != nil {
		return err
	}
	_, err = app.Stdout.Write([]byte(strings.TrimRight(string(text), "\n") + "\n"))
	return writing(err)
}
