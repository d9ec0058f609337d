package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plainFstab is what stands in a machine's fstab at first; findmnt finds nothing wrong with it.
const plainFstab = "# what is mounted at boot\nproc\t/proc\tproc\tdefaults\t0 0\n\ntmpfs /tmp tmpfs nosuid,nodev 0 0\n"

// machine is a host for one test: with an /etc, a /run, a vm.swappiness and a directory
// for swapfiles of its own, in a mount namespace that ends with the test. Swap is the real
// kernel's, which all machines share.
type machine struct {
	t       *testing.T
	vmguard string
	base    string // all that is the machine's; only root may enter it
	dir     string // for swapfiles
	root    string // the machine's root directory, as this process sees it
	holder  int    // the process that keeps the namespace
}

// holdMachine makes the namespace, keeps it until the test closes its input or dies, and
// then switches off and removes what is left in it, whatever became of the test. The
// swapfiles of other machines are out of sight: what belongs to all that vmguard made
// stays as long as there is another.
const holdMachine = `
set -eu
cd "$1"
mount --bind "$2" vmguard
mount -t tmpfs -o mode=755 tmpfs /var/tmp
mkdir -m 700 "$1"
mount --no-canonicalize --rbind . "$1"
cd "$1"
mount --bind etc /etc
mount --bind run /run
mount --bind swappiness /proc/sys/vm/swappiness
mounts=$(wc -l </proc/self/mounts)
echo ready
cat >/dev/null
cat /proc/swaps | while read -r file _; do
	case $file in "$1"/*) swapoff "$(printf '%b' "$file")" ;; esac
done
tail -n "+$((mounts + 1))" /proc/self/mounts | tac | while read -r _ at _; do
	umount "$(printf '%b' "$at")"
done
cd /
umount --lazy /var/tmp
umount "$1/vmguard"
chattr -R -f -ai "$1/etc" || true
rm -rf "$1"
`

func newMachine(t *testing.T, vmguard string) *machine {
	t.Helper()
	needRoot(t)
	for _, tool := range []string{"unshare", "nsenter", "mount", "swapoff", "findmnt", "chattr"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v: scripts/setup installs it", err)
		}
	}
	base, err := os.MkdirTemp("/var/tmp", "vmguard-test-swap-") // /tmp may be tmpfs, which holds no swapfile
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, vmguard: vmguard, base: base, dir: filepath.Join(base, "disk")}
	for _, dir := range []string{"disk", "run", "etc/sysctl.d"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m.fill()
	m.hold()
	return m
}

// fill writes the files that a machine has at first.
func (m *machine) fill() {
	m.t.Helper()
	for name, content := range map[string]string{"vmguard": "", "etc/fstab": plainFstab, "etc/os-release": "ID=debian\n", "swappiness": "60\n"} {
		if err := os.WriteFile(filepath.Join(m.base, name), []byte(content), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
}

// renew makes the machine as it was at first, whatever a test that failed left of it.
func (m *machine) renew() {
	m.t.Helper()
	for _, area := range m.areas() {
		m.do("swapoff", strings.Fields(area)[1])
	}
	for _, dir := range []string{"disk/.*", "disk/*", "run/vmguard*", "etc/fstab*", "etc/sysctl.d/*"} {
		found, err := filepath.Glob(filepath.Join(m.base, dir))
		if err != nil {
			m.t.Fatal(err)
		}
		for _, name := range found {
			if err := os.RemoveAll(name); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	m.fill()
}

// hold starts the process that keeps the namespace and cleans up in the end.
func (m *machine) hold() {
	m.t.Helper()
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", holdMachine, "sh", m.base, m.vmguard)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C must not keep it from cleaning up
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			m.t.Errorf("the machine's end: %v: %s", err, said.String())
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		m.t.Fatalf("the machine does not start: %v", err)
	}
	m.holder, m.vmguard = cmd.Process.Pid, filepath.Join(m.base, "vmguard")
	m.root = fmt.Sprintf("/proc/%d/root", m.holder)
}

// file is a swapfile's path, and at where this process finds a path of the machine.
func (m *machine) file(name string) string { return filepath.Join(m.dir, name) }
func (m *machine) at(path string) string   { return filepath.Join(m.root, path) }

// inside makes a command that runs in the machine.
func (m *machine) inside(args ...string) *exec.Cmd {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	m.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(m.holder), "--mount", "--"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	return cmd
}

// do runs a program in the machine that must succeed, and gives what it printed.
func (m *machine) do(args ...string) string {
	m.t.Helper()
	out, err := m.inside(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// ran is how a program ended.
type ran struct {
	stdout, stderr string
	code           int // -1 for one that a signal ended
	signal         syscall.Signal
}

func (r ran) String() string {
	return fmt.Sprintf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
}

// unwrapped is all that the program wrote, without its line breaks.
func (r ran) unwrapped() string { return strings.Join(strings.Fields(r.stdout+r.stderr), " ") }

// try runs a prepared command to its end.
func (m *machine) try(cmd *exec.Cmd) ran {
	m.t.Helper()
	return m.start(cmd)()
}

// start starts a prepared command; the function that it gives waits for its end.
func (m *machine) start(cmd *exec.Cmd) (wait func() ran) {
	m.t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		m.t.Fatalf("%v: %v", cmd.Args, err)
	}
	return func() ran {
		m.t.Helper()
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			m.t.Fatalf("%v: %v", cmd.Args, err)
		}
		r := ran{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			r.signal = status.Signal()
		}
		return r
	}
}

// swap runs vmguard swap in the machine.
func (m *machine) swap(args ...string) ran {
	m.t.Helper()
	return m.try(m.inside(append([]string{m.vmguard, "swap"}, args...)...))
}

// must runs vmguard swap in the machine, which must succeed.
func (m *machine) must(args ...string) ran {
	m.t.Helper()
	r := m.swap(args...)
	if r.code != 0 || r.stderr != "" {
		m.t.Fatalf("vmguard swap %v: %v", args, r)
	}
	return r
}

// write puts a file into the machine.
func (m *machine) write(path, content string) {
	m.t.Helper()
	if err := os.WriteFile(m.at(path), []byte(content), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) fstab() string {
	m.t.Helper()
	return string(readFile(m.t, m.at("/etc/fstab")))
}

// state tells all that a run may change, as text: what is in /etc, with its content, in
// /run and in the directory for swapfiles, which swap is active, and vm.swappiness.
func (m *machine) state() string {
	m.t.Helper()
	var b strings.Builder
	for _, top := range []string{"/etc", "/run", m.dir} {
		err := filepath.WalkDir(m.at(top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.Name() == "lost+found" || name == m.at("/run/mount") { // which libmount makes
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			size := info.Size()
			if entry.IsDir() {
				size = 0 // which says nothing of what is in it
			}
			fmt.Fprintf(&b, "%s %v %d\n", strings.TrimPrefix(name, m.root), info.Mode(), size)
			if top == "/etc" && info.Mode().IsRegular() {
				fmt.Fprintf(&b, "%q\n", readFile(m.t, name))
			}
			return nil
		})
		if err != nil {
			m.t.Fatal(err)
		}
	}
	for _, area := range m.areas() {
		b.WriteString(area + "\n")
	}
	fmt.Fprintf(&b, "swappiness %s", readFile(m.t, m.at("/proc/sys/vm/swappiness")))
	return b.String()
}

// areas gives the machine's active swap: name, KiB and priority, where that is not the kernel's own choice.
func (m *machine) areas() []string {
	m.t.Helper()
	file, err := os.Open(m.at("/proc/swaps"))
	if err != nil {
		m.t.Fatal(err)
	}
	defer file.Close()
	// In one read: between two, an area of somebody else's may come, and then one is listed twice.
	list := make([]byte, 64<<10)
	n, err := file.Read(list)
	if err != nil {
		m.t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(list[:n])) {
		f := strings.Fields(line)
		if len(f) != 5 || !strings.HasPrefix(f[0], m.base+"/") {
			continue
		}
		area := "active " + f[0] + " " + f[2]
		if !strings.HasPrefix(f[4], "-") {
			area += " priority " + f[4]
		}
		found = append(found, area)
	}
	slices.Sort(found) // their order is that of the kernel's choices
	return found
}

// same fails the test where the machine is not in the wanted state.
func (m *machine) same(want, after string) bool {
	m.t.Helper()
	diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(m.state(), "\n"))
	if diff != "" {
		m.t.Errorf("%s: %s", after, diff)
	}
	return diff == ""
}

// sound fails the test unless fstab is one that a boot accepts, with the lines that it had
// and at most one line for the file.
func (m *machine) sound(was, file, after string) {
	m.t.Helper()
	var others []string
	own := 0
	for line := range strings.Lines(m.fstab()) {
		if strings.HasPrefix(line, file+" ") {
			own++
			continue
		}
		others = append(others, line)
	}
	if own > 1 || strings.Join(others, "") != was {
		m.t.Errorf("%s: fstab is now\n%s", after, m.fstab())
	}
	if r := m.try(m.inside("findmnt", "--verify", "--tab-file", "/etc/fstab")); r.code != 0 {
		m.t.Errorf("%s: findmnt says of fstab: %v", after, r)
	}
}
