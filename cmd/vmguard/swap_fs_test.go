package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const mebi = 1 << 20

// swapOnFilesystems leads a swapfile through its life on each filesystem.
func swapOnFilesystems(t *testing.T, vmguard string) {
	for _, test := range []struct {
		name    string
		mkfs    []string // none for what /var/tmp is on
		options string
		prepare []string // a command before, which gets the directory as its last argument
		how     string   // the blocks are had, where vmguard may choose
		lsattr  string   // an attribute that the swapfile must have
	}{
		{name: "var-tmp", how: "by fallocate"},
		{name: "ext4", mkfs: []string{"mkfs.ext4", "-q", "-F"}, how: "by fallocate"},
		{name: "xfs", mkfs: []string{"mkfs.xfs", "-q", "-f"}, how: "by fallocate"},
		{name: "btrfs", mkfs: []string{"mkfs.btrfs", "-q", "-f"}, how: "by fallocate", lsattr: "C"},
		{
			name: "btrfs compressed", mkfs: []string{"mkfs.btrfs", "-q", "-f"}, options: ",compress-force=zstd", prepare: []string{"chattr", "+c"},
			how: "by fallocate", lsattr: "C",
		},
		{name: "ext2", mkfs: []string{"mkfs.ext2", "-q", "-F"}, how: "by writing zeroes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, vmguard)
			if test.mkfs != nil {
				m.mountImage(test.options, test.mkfs)
			}
			if test.prepare != nil {
				m.do(append(test.prepare, m.dir)...)
			}
			file := m.file("swapfile")
			life(m, file, test.how)
			if test.how == "by fallocate" {
				m.must("enable", "--file", file, "--size", "16M", "--allocate", "fallocate")
				m.mustBeSwap(file, 16*mebi)
			} else if r := m.swap("enable", "--file", file, "--size", "16M", "--allocate", "fallocate"); r.code != 3 || !strings.Contains(r.stderr, "operation not supported") {
				t.Errorf("fallocate: %v", r)
			}
			if got := m.do("lsattr", "-d", m.dir); test.lsattr != "" {
				attributes, _, _ := strings.Cut(m.do("lsattr", file), " ")
				if !strings.Contains(attributes, test.lsattr) || strings.Contains(attributes, "c") {
					t.Errorf("attributes of the file: %s, of its directory: %s", attributes, got)
				}
			}
		})
	}
}

// life makes, resizes, changes and removes a swapfile, and looks at it with every other program that knows swapfiles.
func life(m *machine, file, how string) {
	m.t.Helper()
	first := m.state()
	if r := m.must("enable", "--file", file, "--size", "64M", "--dry-run"); !strings.Contains(r.stdout, "+"+file+" none swap sw,nofail 0 0") {
		m.t.Errorf("dry run: %v", r)
	}
	m.same(first, "a dry run")

	if r := m.must("enable", "--file", file, "--size", "64M"); !strings.Contains(r.unwrapped(), how) || !strings.Contains(r.stdout, "and stays on after a reboot") {
		m.t.Errorf("enable: %v", r)
	}
	m.mustBeSwap(file, 64*mebi)
	m.sound(plainFstab, file, "enabled")
	enabled := m.state()
	if r := m.must("enable", "--file", file, "--size", "64M"); !strings.Contains(r.stdout, "there was nothing to do") {
		m.t.Errorf("again: %v", r)
	}
	m.same(enabled, "enabled again")

	for _, size := range []uint64{96, 32} {
		m.must("enable", "--file", file, "--size", fmt.Sprintf("%dM", size))
		m.mustBeSwap(file, size*mebi)
		m.sound(plainFstab, file, "resized")
	}
	m.must("enable", "--file", file, "--priority", "5")
	if got, want := strings.Join(m.areas(), "\n"), "active "+file+" 32764 priority 5"; got != want || !strings.Contains(m.fstab(), file+" none swap sw,nofail,pri=5 0 0\n") {
		m.t.Errorf("with a priority: %s, want %s, and\n%s", got, want, m.fstab())
	}

	m.must("disable", "--file", file, "--keep-file")
	if len(m.areas()) > 0 || m.fstab() != plainFstab {
		m.t.Errorf("disabled: %s", m.state())
	}
	m.must("enable", "--file", file)
	m.mustBeSwap(file, 32*mebi)
	m.must("disable", "--file", file)
	m.same(first, "disabled")

	m.must("enable", "--file", file, "--size", "20M", "--allocate", "write", "--no-persist")
	m.mustBeSwap(file, 20*mebi)
	if m.fstab() != plainFstab {
		m.t.Errorf("not to persist: %s", m.fstab())
	}
	m.must("disable", "--file", file)
	m.same(first, "disabled once more")
}

// mustBeSwap fails the test unless the file is active swap of that size, and the kernel, blkid, file and swaplabel know it as such.
func (m *machine) mustBeSwap(file string, size uint64) {
	m.t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(m.at(file), &st); err != nil {
		m.t.Fatal(err)
	}
	if st.Uid != 0 || st.Mode&0o7777 != 0o600 || uint64(st.Size) != size || uint64(st.Blocks)*512 < size {
		m.t.Errorf("owner %d, mode %o, %d bytes, %d blocks", st.Uid, st.Mode, st.Size, st.Blocks)
	}
	names, err := filepath.Glob(m.at(m.dir) + "/.*")
	if err != nil || len(names) > 0 {
		m.t.Errorf("beside it: %v, %v", names, err)
	}
	page := uint64(os.Getpagesize())
	pages := strconv.FormatUint(size/page-1, 10)
	for _, peer := range []struct {
		command []string
		want    []string
	}{
		{[]string{"swapon", "--show=NAME,TYPE,SIZE", "--bytes", "--noheadings"}, []string{fmt.Sprintf("%s file %d\n", file, size-page)}},
		{[]string{"blkid", "-p", "-o", "export", file}, []string{"TYPE=swap\n", "LABEL=vmguard\n", "VERSION=1\n", "UUID="}},
		{[]string{"file", file}, []string{"Linux swap file", "size " + pages + " pages", "LABEL=vmguard"}},
		{[]string{"swaplabel", file}, []string{"LABEL: vmguard\n", "UUID:"}},
	} {
		out := m.do(peer.command...)
		if peer.command[0] == "swapon" { // which fills up with blanks
			out = strings.Join(strings.FieldsFunc(out, func(r rune) bool { return r == ' ' }), " ")
		}
		for _, want := range peer.want {
			if !strings.Contains(out, want) {
				m.t.Errorf("%v: %q, want %q", peer.command, out, want)
			}
		}
	}
}

// mountImage makes a filesystem in a sparse file and mounts it where the swapfiles are.
func (m *machine) mountImage(options string, mkfs []string) {
	m.t.Helper()
	const size = 4 << 30 // of which next to nothing is ever written
	image := filepath.Join(m.base, "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Truncate(image, size); err != nil {
		m.t.Fatal(err)
	}
	if out, err := exec.Command(mkfs[0], append(mkfs[1:], image)...).CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
		m.t.Skipf("%v: scripts/setup installs it", err)
	} else if err != nil {
		m.t.Fatalf("%v: %v\n%s", mkfs, err, out)
	}
	r := m.try(m.inside("mount", "-o", "loop"+options, image, m.dir))
	if strings.Contains(r.stderr, "unknown filesystem type") {
		m.t.Skipf("the kernel lacks that filesystem: %s", r.stderr)
	}
	if r.code != 0 {
		m.t.Fatal(r)
	}
}

// TestSwapSwappiness sets the kernel's own vm.swappiness and goes back to what it was.
// That is one value for the whole machine, so nothing runs beside it.
func TestSwapSwappiness(t *testing.T) {
	const running = "/proc/sys/vm/swappiness"
	m := newMachine(t, build(t))
	m.do("umount", running)
	was := readFile(t, running)
	t.Cleanup(func() {
		if err := os.WriteFile(running, was, 0o644); err != nil {
			t.Error(err)
		}
	})
	first := m.state()
	file := m.file("swapfile")
	for _, value := range []string{"33", "100", "7"} {
		m.must("enable", "--file", file, "--size", "8M", "--swappiness", value)
		if got := string(readFile(t, running)); got != value+"\n" {
			t.Errorf("vm.swappiness is %q, want %s", got, value)
		}
		conf := string(readFile(t, m.at("/etc/sysctl.d/99-vmguard-vm-swappiness.conf")))
		if !strings.Contains(conf, "\nvm.swappiness = "+value+"\n") || !strings.Contains(conf, "vm.swappiness was "+string(was)) {
			t.Errorf("after --swappiness %s: %s", value, conf)
		}
	}
	m.must("disable", "--file", file)
	m.same(first, "disabled")

	m.must("enable", "--file", file, "--size", "8M", "--swappiness", "33", "--no-persist")
	if got := string(readFile(t, running)); got != "33\n" || m.fstab() != plainFstab {
		t.Errorf("until the next reboot: %q, %s", got, m.state())
	}
}

// swapJSON holds the documents of real runs to their schema.
func swapJSON(t *testing.T, vmguard string) {
	m := newMachine(t, vmguard)
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/swap-change.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	file := m.file("swapfile")
	for _, test := range []struct {
		args  []string
		code  int
		done  bool
		steps string
	}{
		{args: []string{"enable", "--size", "8M", "--dry-run"}, steps: "space already, allocate planned, format planned, rename planned, activate planned, persist planned"},
		{args: []string{"enable", "--size", "8M"}, done: true, steps: "space already, allocate done, format done, rename done, activate done, persist done"},
		{args: []string{"enable", "--size", "8M"}, done: true, steps: "allocate already, activate already, persist already"},
		{args: []string{"disable"}, done: true, steps: "deactivate done, forget done, remove done, remove done"},
		{args: []string{"disable"}, done: true, steps: "deactivate already, forget already, remove already"},
	} {
		r := m.swap(append(test.args, "--file", file, "-o", "json")...)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(r.stdout)))
		if err == nil {
			err = schema.Validate(doc)
		}
		if err != nil || r.code != test.code || r.stderr != "" {
			t.Errorf("%v: %v\n%v", test.args, err, r)
			continue
		}
		var change struct {
			Data struct {
				File      string
				SizeBytes uint64
				Done      bool
				Steps     []struct{ Name, State string }
			}
		}
		decode(t, []byte(r.stdout), &change)
		var steps []string
		for _, s := range change.Data.Steps {
			steps = append(steps, s.Name+" "+s.State)
		}
		if got := strings.Join(steps, ", "); got != test.steps || change.Data.Done != test.done || change.Data.File != file {
			t.Errorf("%v: done %t, steps %s\nwant %s", test.args, change.Data.Done, got, test.steps)
		}
	}
}
