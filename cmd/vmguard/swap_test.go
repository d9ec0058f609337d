package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSwap lets the built binary change swap on the real kernel.
func TestSwap(t *testing.T) {
	needRoot(t)
	t.Parallel()
	vmguard := build(t)
	for _, part := range []struct {
		name string
		test func(t *testing.T, vmguard string)
	}{
		{"filesystems", swapOnFilesystems},
		{"refusals", swapRefuses},
		{"fstab", swapFstab},
		{"fstab by UUID", swapFstabByUUID},
		{"rights", swapNeedsRights},
		{"interrupted", swapInterrupted},
		{"locked", swapLocked},
		{"no reader", swapWithoutAReader},
		{"JSON", swapJSON},
		{"killed", swapKilled},
		{"failing", swapFailing},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, vmguard)
		})
	}
}

// swapRefuses asks for what cannot be: the exit code, the reason and the hint are as
// they shall be, and nothing has been changed. FILE stands for DIR/swapfile.
func swapRefuses(t *testing.T, vmguard string) {
	for _, test := range []struct {
		name      string
		prepare   string   // a shell script that makes it so, with $dir
		args      []string // empty for: enable --file FILE --size 8M
		code      int      // 0 for 3
		why, hint string   // regular expressions
	}{
		{name: "symlink", prepare: `: >"$dir/x"; ln -s "$dir/x" "$dir/swapfile"`, why: `FILE is a symbolic link: vmguard does not touch it`, hint: `--file`},
		{name: "dangling symlink", prepare: `ln -s nowhere "$dir/swapfile"`, why: `is a symbolic link`, hint: `--file`},
		{name: "directory", prepare: `mkdir "$dir/swapfile"`, why: `is a directory`, hint: `--file`},
		{name: "device", prepare: `mknod "$dir/swapfile" b 7 200`, why: `is a device`, hint: `--file`},
		{name: "FIFO", prepare: `mkfifo "$dir/swapfile"`, why: `is a FIFO`, hint: `--file`},
		{name: "other owner", prepare: `: >"$dir/swapfile"; chown 1000 "$dir/swapfile"`, why: `belongs to user 1000`, hint: `--file`},
		{name: "hard link", prepare: `: >"$dir/swapfile"; ln "$dir/swapfile" "$dir/x"`, why: `has other names \(hard links\)`, hint: `--file`},
		{name: "somebody's file", prepare: `echo precious >"$dir/swapfile"`, why: `is there, and is no swapfile`, hint: `another file with --file, or move this one away`},
		{name: "somebody's large file", prepare: `head -c 100000 /dev/zero >"$dir/swapfile"`, why: `is there, and is no swapfile`, hint: `--file`},
		{name: "cut swapfile", prepare: `fallocate -l 8M "$dir/swapfile"; mkswap -q "$dir/swapfile"; truncate -s 4M "$dir/swapfile"`, why: `shorter than its swap header says`, hint: `--file`},
		{name: "somebody's file, to be removed", prepare: `echo precious >"$dir/swapfile"`, args: []string{"disable", "--file", "FILE"}, why: `is no swapfile`, hint: `--file`},
		{name: "in the way", prepare: `echo x >"$dir/x"; ln -s x "$dir/.swapfile.vmguard-new"`, why: `\.swapfile\.vmguard-new is in the way: it is a symbolic link`, hint: `move it away`},
		{name: "open directory", prepare: `chmod 777 "$dir"`, why: `others than root may write to DIR`, hint: `only root may write`},
		{name: "sticky directory", prepare: `chmod 1777 "$dir"`, why: `others than root may write to DIR`, hint: `only root may write`},
		{name: "somebody's directory", prepare: `chown 1000 "$dir"`, why: `DIR belongs to user 1000`, hint: `only root may write`},
		{name: "group's directory", prepare: `chgrp 1000 "$dir"; chmod g+w "$dir"`, why: `others than root may write to DIR`, hint: `only root may write`},
		{name: "no directory", args: []string{"enable", "--file", "DIR/none/swapfile", "--size", "8M"}, why: `DIR/none does not exist`, hint: `--file|directory`},
		{name: "relative", args: []string{"enable", "--file", "swapfile"}, code: 2, why: `is no absolute path`, hint: `/swapfile`},
		{name: "newline", args: []string{"enable", "--file", "FILE\nx"}, code: 2, why: `characters that fstab cannot hold`, hint: `/swapfile`},
		{name: "unclean", args: []string{"enable", "--file", "DIR/../swapfile"}, code: 2, why: `not the plain path`, hint: `write it as /`},
		{name: "tiny", args: []string{"enable", "--file", "FILE", "--size", "36K"}, code: 2, why: `36 KiB is too small`, hint: `40 KiB and more`},
		{name: "huge", args: []string{"enable", "--file", "FILE", "--size", "900T"}, code: 2, why: `more than a swap area can have`, hint: `up to 16 TiB`},
		{name: "no room", args: []string{"enable", "--file", "FILE", "--size", "1T"}, why: `no room for 1(\.0)? TiB in DIR: .* free, nothing would be left, and .* must stay free`, hint: `the largest that fits is --size \d+M`},
		{
			name: "small disk", prepare: `truncate -s 2G "$base/image"; mkfs.ext4 -q -F "$base/image"; mount -o loop "$base/image" "$dir"`,
			args: []string{"enable", "--file", "FILE", "--size", "1G"}, why: `no room for 1(\.0)? GiB in DIR: .* would be left, and 1(\.0)? GiB must stay free`, hint: `the largest that fits is --size \d+M`,
		},
		{name: "tmpfs", prepare: `mount -t tmpfs -o mode=755 tmpfs "$dir"`, why: `DIR is tmpfs, which is memory itself`, hint: `on ext4 or XFS`},
		{
			name: "overlay", prepare: `mkdir "$base/u" "$base/w"; mount -t overlay -o "lowerdir=$base/etc,upperdir=$base/u,workdir=$base/w" overlay "$dir"`,
			why: `DIR is overlay, as in a container`, hint: `on ext4 or XFS`,
		},
		{name: "read-only", prepare: `mount --bind "$dir" "$dir"; mount -o remount,bind,ro "$dir"`, why: `DIR is mounted read-only`, hint: `that can be written`},
		{name: "fstab symlink", prepare: `mv /etc/fstab /etc/real; ln -s real /etc/fstab`, why: `cannot make the swap permanent: /etc/fstab is a symbolic link to "real"`, hint: `--no-persist .* FILE none swap sw,nofail 0 0`},
		{name: "fstab bind mount", prepare: `mount --bind /etc/fstab /etc/fstab`, why: `/etc/fstab is a mount of its own`, hint: `--no-persist`},
		{name: "fstab immutable", prepare: `chattr +i /etc/fstab`, why: `protected against changes`, hint: `chattr -ia /etc/fstab`},
		{name: "fstab append-only", prepare: `chattr +a /etc/fstab`, why: `protected against changes`, hint: `chattr -ia /etc/fstab`},
		{name: "fstab directory", prepare: `rm /etc/fstab; mkdir /etc/fstab`, why: `/etc/fstab is not a regular file`, hint: `--no-persist`},
		{name: "/etc read-only", prepare: `mount -o remount,bind,ro /etc`, why: `/etc is mounted read-only`, hint: `--no-persist`},
		{name: "/etc in memory", prepare: `mount -t tmpfs tmpfs /etc; mkdir /etc/sysctl.d; : >/etc/fstab; : >/etc/os-release`, why: `/etc is on tmpfs`, hint: `cloud-init`},
		{
			name: "swappiness read-only", prepare: `mount -o remount,bind,ro /proc/sys/vm/swappiness`, args: []string{"enable", "--file", "FILE", "--size", "8M", "--swappiness", "9"},
			why: `read-only file system`, hint: `nothing is left of it`,
		},
		{
			name: "active under another name", prepare: `"$vmguard" swap enable --file "$dir/swapfile" --size 8M >/dev/null; mkdir "$base/alias"; mount --bind "$dir" "$base/alias"`,
			args: []string{"enable", "--file", "BASE/alias/swapfile", "--size", "8M"}, why: `BASE/alias/swapfile is active as swap under another name, FILE`, hint: `--file FILE`,
		},
		{
			name: "active under another name, to be removed", prepare: `"$vmguard" swap enable --file "$dir/swapfile" --size 8M >/dev/null; mkdir "$base/alias"; mount --bind "$dir" "$base/alias"`,
			args: []string{"disable", "--file", "BASE/alias/swapfile"}, why: `is active as swap under another name, FILE`, hint: `--file FILE`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, vmguard)
			fill := strings.NewReplacer("FILE", m.file("swapfile"), "DIR", m.dir, "BASE", m.base)
			m.do("env", "dir="+m.dir, "base="+m.base, "vmguard="+m.vmguard, "sh", "-euc", test.prepare)
			args := []string{"enable", "--file", m.file("swapfile"), "--size", "8M"}
			if test.args != nil {
				args = nil
				for _, a := range test.args {
					args = append(args, fill.Replace(a))
				}
			}
			first := m.state()
			r := m.swap(args...)
			code := 3
			if test.code != 0 {
				code = test.code
			}
			m.refused(r, code, fill.Replace(test.why), fill.Replace(test.hint))
			m.same(first, "refused")
		})
	}
}

// refused fails the test unless a run ended with that exit code, and an error and a hint that match.
func (m *machine) refused(r ran, code int, why, hint string) {
	m.t.Helper()
	words := strings.Join(strings.Fields(r.stderr), " ")
	if r.code != code || !regexp.MustCompile(`error: .*`+why+`.* hint: .*`+hint).MatchString(words) {
		m.t.Errorf("want exit code %d, %q and %q: %v", code, why, hint, r)
	}
}

// swapFstab writes into fstab files of every kind, and leaves them as they were.
func swapFstab(t *testing.T, vmguard string) {
	for _, test := range []struct {
		name, file string
		fstab      string // at first; LINE stands for vmguard's own line, FILE for the swapfile as fstab spells it
		want, left string // after enable, and after disable; empty for as at first
	}{
		{name: "missing", fstab: "MISSING", want: "LINE\n"},
		{name: "empty", want: "LINE\n"},
		{name: "no final newline", fstab: "proc /proc proc defaults 0 0", want: "LINE\nproc /proc proc defaults 0 0"},
		{name: "CRLF", fstab: "proc /proc proc defaults 0 0\r\n", want: "proc /proc proc defaults 0 0\r\nLINE\n"},
		{name: "comment at the end", fstab: "proc /proc proc defaults 0 0\n# FILE none swap sw 0 0\n", want: "proc /proc proc defaults 0 0\n# FILE none swap sw 0 0\nLINE\n"},
		{name: "spaces", file: "a swap file", fstab: "proc /proc proc defaults 0 0\n", want: "proc /proc proc defaults 0 0\nLINE\n"},
		{name: "odd characters", file: `ä"$x'*`, fstab: "\n", want: "\nLINE\n"},
		{name: "line is there", fstab: "FILE\tnone\tswap\tdefaults\t0\t0\nproc /proc proc defaults 0 0\n", want: "FILE\tnone\tswap\tdefaults\t0\t0\nproc /proc proc defaults 0 0\n", left: "proc /proc proc defaults 0 0\n"},
		{name: "noauto", fstab: "FILE none swap noauto 0 0\nproc /proc proc defaults 0 0\n", want: "LINE\nproc /proc proc defaults 0 0\n", left: "proc /proc proc defaults 0 0\n"},
		{name: "several lines", fstab: "FILE none swap sw 0 0\nproc /proc proc defaults 0 0\nFILE none swap sw,pri=3 0 0\n", want: "FILE none swap sw,nofail,pri=3 0 0\nproc /proc proc defaults 0 0\n", left: "proc /proc proc defaults 0 0\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, vmguard)
			file := m.file("swapfile")
			if test.file != "" {
				file = m.file(test.file)
			}
			spelt := strings.ReplaceAll(file, " ", `\040`)
			fill := strings.NewReplacer("LINE", spelt+" none swap sw,nofail 0 0", "FILE", spelt)
			if test.fstab == "MISSING" {
				m.do("rm", "/etc/fstab")
			} else {
				m.write("/etc/fstab", fill.Replace(test.fstab))
			}
			first := m.state()
			m.must("enable", "--file", file, "--size", "8M")
			if diff := cmp.Diff(fill.Replace(test.want), m.fstab()); diff != "" {
				t.Error(diff)
			}
			if got := m.do("findmnt", "--tab-file", "/etc/fstab", "--types", "swap", "--noheadings", "--raw", "--output", "SOURCE,FSTYPE"); !strings.Contains(got, " swap") {
				t.Errorf("findmnt reads %q", got)
			}
			enabled := m.state()
			m.must("enable", "--file", file, "--size", "8M")
			m.same(enabled, "enabled again")
			m.do("swapoff", file)
			m.do("swapon", "--all") // as at boot
			if len(m.areas()) != 1 {
				t.Errorf("after a boot: %v", m.areas())
			}
			m.must("disable", "--file", file)
			if test.left == "" {
				m.same(first, "disabled")
			} else if got := m.fstab(); got != test.left {
				t.Errorf("disabled: %q, want %q", got, test.left)
			}
		})
	}
}

// swapFstabByUUID finds a line that names the swapfile by the UUID in its header.
func swapFstabByUUID(t *testing.T, vmguard string) {
	m := newMachine(t, vmguard)
	file := m.file("swapfile")
	m.must("enable", "--file", file, "--size", "8M", "--no-persist")
	uuid := strings.TrimSpace(m.do("blkid", "-p", "-o", "value", "-s", "UUID", file))
	m.write("/etc/fstab", "# before\nUUID="+uuid+" none swap sw 0 0\n# after\n")
	m.must("enable", "--file", file)
	if got, want := m.fstab(), "# before\n"+file+" none swap sw,nofail 0 0\n# after\n"; got != want {
		t.Errorf("fstab is %q, want %q", got, want)
	}
}

// swapNeedsRights runs as somebody else, and as a root without CAP_SYS_ADMIN.
func swapNeedsRights(t *testing.T, vmguard string) {
	m := newMachine(t, vmguard)
	m.do("sh", "-euc", `: >/run/vmguard; mount --bind "$0" /run/vmguard; chmod 755 "$1"`, m.vmguard, m.base)
	first := m.state()
	file := m.file("swapfile")
	nobody := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/run/vmguard", "swap"}
	m.refused(m.try(m.inside(append(nobody, "enable", "--file", file, "--size", "8M")...)), 3, "changing swap needs root", "run: sudo vmguard swap enable --file "+file)
	m.refused(m.try(m.inside(append(nobody, "disable", "--file", file)...)), 3, "changing swap needs root", "run: sudo vmguard swap disable")
	if r := m.try(m.inside(append(nobody, "enable", "--file", file, "--size", "8M", "--dry-run")...)); r.code != 0 || !strings.Contains(r.stdout, "nothing has been changed") {
		t.Errorf("a dry run of nobody's: %v", r)
	}
	weak := []string{"setpriv", "--bounding-set=-sys_admin", "/run/vmguard", "swap"}
	m.refused(m.try(m.inside(append(weak, "enable", "--file", file, "--size", "8M")...)), 3, "operation not permitted.* CAP_SYS_ADMIN", "nothing is left of it")
	m.same(first, "refused")

	m.must("enable", "--file", file, "--size", "8M")
	enabled := m.state()
	m.refused(m.try(m.inside(append(weak, "disable", "--file", file)...)), 3, "operation not permitted", "nothing is left of it")
	m.same(enabled, "not disabled")
}

// TestSwapInAContainer runs in containers, which have no swap of their own, however much they may do.
func TestSwapInAContainer(t *testing.T) {
	needEngine(t)
	t.Setenv("CGO_ENABLED", "0") // the image has no libraries
	vmguard := build(t)
	enable, disable := "enable --file /state/swapfile --size 8M", "disable"
	for _, test := range []struct{ flags, args string }{
		{"", enable}, // without a /run
		{"--tmpfs /run", enable},
		{"--tmpfs /run", disable},
		{"--cap-add SYS_ADMIN --security-opt seccomp=unconfined", enable},
		{"--privileged", enable},
		{"--privileged --pid host --cgroupns host", disable},
	} {
		line := strings.Fields("run --rm --entrypoint /vmguard -v " + vmguard + ":/vmguard:ro " + test.flags + " vmguard-test-app swap " + test.args)
		cmd := exec.Command("docker", line...)
		out, err := cmd.CombinedOutput()
		const cannotRun = 125 // docker-run(1)
		if cmd.ProcessState.ExitCode() == cannotRun && strings.Contains(test.flags, "--privileged") {
			t.Logf("not tried, since no container has such rights here: %s", out)
			continue
		}
		if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "error: this is a container (docker): swap belongs to the VM") || !strings.Contains(string(out), "hint: run vmguard on the VM itself") {
			t.Errorf("docker %v: %v\n%s", line, err, out)
		}
	}
}

// swapInterrupted starts a second run beside one that writes, and then ends the first: nothing is left of either.
func swapInterrupted(t *testing.T, vmguard string) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, vmguard)
			first := m.state()
			file := m.file("swapfile")
			cmd := m.inside(m.vmguard, "swap", "enable", "--file", file, "--size", "4G", "--allocate", "write")
			wait := m.start(cmd)
			fresh := m.at(m.file(".swapfile.vmguard-new"))
			waitFor(t, "something written", func() bool {
				info, err := os.Stat(fresh)
				return err == nil && info.Size() > 0
			})
			pid := strconv.Itoa(cmd.Process.Pid)
			m.refused(m.swap("disable", "--file", file), 3, `another vmguard is changing this host \(pid `+pid+`\)`, "vmguard swap status")
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			m.refused(wait(), 130, "interrupted", "nothing is left of it")
			m.same(first, "interrupted")
		})
	}
}

// swapLocked finds the lock held, and the file of a run that died.
func swapLocked(t *testing.T, vmguard string) {
	m := newMachine(t, vmguard)
	m.write(lockFile, "4194000\n")
	lock, err := os.OpenFile(m.at(lockFile), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	first := m.state()
	file := m.file("swapfile")
	m.refused(m.swap("enable", "--file", file, "--size", "8M"), 3, `another vmguard is changing this host \(pid 4194000\)`, "wait until it is done")
	m.same(first, "refused")
	m.must("enable", "--file", file, "--size", "8M", "--dry-run")
	m.same(first, "a dry run")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	m.must("enable", "--file", file, "--size", "8M")
	if _, err := os.Stat(m.at(lockFile)); !os.IsNotExist(err) {
		t.Errorf("the lock's file is still there: %v", err)
	}
}

// swapWithoutAReader goes on when nobody reads what it prints any more, as in "vmguard swap enable | head -1".
func swapWithoutAReader(t *testing.T, vmguard string) {
	m := newMachine(t, vmguard)
	first := m.state()
	file := m.file("swapfile")
	for _, args := range [][]string{{"enable", "--file", file, "--size", "8M"}, {"disable", "--file", file}} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = reader.Close()
		cmd := m.inside(append([]string{m.vmguard, "swap"}, args...)...)
		cmd.Stdout = writer
		r := m.try(cmd)
		_ = writer.Close()
		if r.signal != 0 {
			t.Errorf("%v: ended by %v", args, r.signal)
		}
		if args[0] == "enable" {
			m.mustBeSwap(file, 8*mebi)
			m.sound(plainFstab, file, "enabled")
		}
	}
	m.same(first, "disabled")
}
