package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// learn gives the places that doctor looks at in an image: those with nothing looked at below them.
func (x imageTracer) learn(t *testing.T) []string {
	t.Helper()
	im := newHostile(t)
	seen := make(map[string]bool)
	for _, call := range x.look(t, im).calls {
		if dir, ok := strings.CutPrefix(call.dir, im.root); ok && call.path != "" && call.path != "." {
			seen[dir+"/"+call.path] = true
		}
	}
	var places []string
	for place := range seen {
		if !slices.ContainsFunc(keys(seen), func(other string) bool { return strings.HasPrefix(other, place+"/") }) {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	places = slices.DeleteFunc(places, func(place string) bool { return place == imagePolicy })
	if !slices.Contains(places, "/etc/fstab") || !slices.Contains(places, "/etc/docker/daemon.json") || len(places) < 15 {
		t.Fatalf("only %d places: %v", len(places), places)
	}
	return places
}

// imagePolicy is an image's own policy. Where it cannot be read nothing is judged.
const imagePolicy = "/etc/vmguard/policy.yaml"

// ownPolicy has an image whose policy is a trap.
func (x imageTracer) ownPolicy(t *testing.T) {
	for _, trap := range traps() {
		t.Run(trap.name, func(t *testing.T) {
			t.Parallel()
			im := newHostile(t)
			trap.set(im, imagePolicy)
			got := x.trace(t, nil, []string{x.vmguard, "doctor", "--root", im.root, "-o", "json"})
			if got.code != 3 && (len(trap.unread) > 0 || got.code > 1) {
				t.Errorf("exit code %d: %s", got.code, got.stderr)
			}
			for _, call := range got.calls {
				if why := call.strays(im.root); why != "" {
					t.Errorf("%s: %s", why, call.line)
				}
			}
		})
	}
}

func keys(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for key := range set {
		list = append(list, key)
	}
	return list
}

// folders replaces the folders of the places by links to the same folders outside, and by
// files, a level at a time.
func (x imageTracer) folders(t *testing.T, places []string) {
	for _, trap := range traps() {
		if trap.regular || strings.Contains(trap.name, "chain") {
			continue
		}
		for level := 1; level <= 4; level++ {
			t.Run(trap.name+" at level "+strconv.Itoa(level), func(t *testing.T) {
				t.Parallel()
				im := newHostile(t)
				done := make(map[string]bool)
				for _, place := range places {
					parts := strings.Split(place, "/")
					if len(parts) <= level+1 {
						continue
					}
					if folder := strings.Join(parts[:level+1], "/"); !done[folder] {
						done[folder] = true
						trap.set(im, folder)
					}
				}
				x.look(t, im)
			})
		}
	}
}

// crowd is how many files the folders of crowded hold of each kind.
const crowd = 100_000

// crowded fills the folders that are listed, by links inside the image to one folder, and
// makes a long way through folders and links.
func (x imageTracer) crowded(t *testing.T) {
	im := newHostile(t)
	many := filepath.Join(im.root, "many")
	im.must(os.Mkdir(many, 0o755))
	for _, kind := range []struct {
		ending, text string
		number       int
	}{{"conf", "vm.swappiness=10\n", crowd}, {"cfg", "swap: {size: 1}\n", crowd / 5}, {"swap", "[Swap]\nWhat=/swapfile\n", crowd / 5}} {
		const links = 50_000 // ext4 takes 65,000 of one file
		var file string
		for i := range kind.number {
			name := filepath.Join(many, strconv.Itoa(i)+"."+kind.ending)
			if i%links == 0 {
				file = name
				im.write(file, kind.text)
				continue
			}
			im.must(os.Link(file, name))
		}
	}
	for _, dir := range []string{
		"/etc/sysctl.d", "/usr/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/etc/modules-load.d", "/etc/systemd/journald.conf.d", "/etc/cloud/cloud.cfg.d",
		"/etc/systemd/system", "/usr/lib/systemd/system", "/etc/default/grub.d", "/etc/systemd/zram-generator.conf.d", "/usr/lib/modules", "/boot",
		"/var/lib/cloud/seed", "/etc/systemd/system-preset",
	} {
		im.must(os.Symlink("/many", im.free(dir)))
	}
	deep := im.root + "/deep"
	for range 150 {
		deep += "/deeper"
	}
	im.must(os.MkdirAll(deep, 0o755))
	im.must(os.Symlink(strings.Repeat("deep/../", 300)+strings.TrimPrefix(deep, im.root+"/")+"/daemon.json", im.free("/etc/docker/daemon.json")))
	x.look(t, im)
}

// mounted has the kernel's file systems in the image, as a chroot has, and files that lead to them.
func (x imageTracer) mounted(t *testing.T) {
	im := newHostile(t)
	for _, dir := range []string{"proc", "sys", "dev", "run"} {
		im.must(os.Mkdir(filepath.Join(im.root, dir), 0o755))
	}
	im.must(os.Symlink("/proc/self/mounts", im.free("/etc/fstab")))
	im.must(os.Symlink("../proc/1/environ", im.free("/etc/hostname")))
	im.must(os.Symlink("/dev/zero", im.free("/etc/docker/daemon.json")))
	const mount = `for dir in proc sys dev run; do mount --rbind "/$dir" "$0/$dir"; done; exec "$@"`
	script := filepath.Join(filepath.Dir(im.root), "mount")
	im.write(script, "#!/bin/sh\nset -e\nset -- \""+im.root+"\" \"$@\"\nroot=$1\nshift\n"+strings.ReplaceAll(mount, "$0", "$root")+"\n")
	im.must(os.Chmod(script, 0o755))
	got := x.look(t, im, "unshare", "--mount", "--propagation", "private", script)
	for _, call := range got.calls {
		for _, dir := range []string{"/proc", "/sys", "/dev", "/run"} {
			if at := im.root + dir; strings.HasPrefix(call.dir+"/", at+"/") || strings.HasPrefix(call.result+"/", at+"/") {
				t.Errorf("the builder's own %s is looked at: %s", dir, call.line)
			}
		}
	}
}

// unreadable is what an ordinary user gets of an image that only root may read.
func (x imageTracer) unreadable(t *testing.T) {
	im := newHostile(t)
	for _, name := range []string{"/etc/docker", "/etc/fstab", "/etc/systemd", "/etc/sysctl.d", "/etc/cloud", "/var/log", "/usr/lib/systemd/system"} {
		im.must(os.Chmod(im.root+name, 0))
	}
	got := x.look(t, im, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
	for _, id := range deciding {
		if status := got.status(id); status != "unknown" && status != "fail" {
			t.Errorf("%s is %s", id, status)
		}
		if why := summary(got.findings, id); !strings.Contains(why, "needs root") && !strings.Contains(why, "permission denied") {
			t.Errorf("%s does not say that rights are missing: %s", id, why)
		}
	}
}

func summary(findings []finding, id string) string {
	i := slices.IndexFunc(findings, func(f finding) bool { return f.ID == id })
	if i < 0 {
		return ""
	}
	return findings[i].Summary
}

// foreignNames has files with names that are not fit for a terminal.
func (x imageTracer) foreignNames(t *testing.T) {
	im := newHostile(t)
	for _, name := range []string{"a\nb", "\x1b[31mred\x1b]0;title\a", "\xff\xfe", `"><script>`, "%0A::error::x", "::error file=x::y", "\u202egnp", strings.Repeat("x", 250)} {
		if len(name) > 249 {
			name = name[:249]
		}
		im.write(im.root+"/etc/sysctl.d/"+name+".conf", "net.netfilter.nf_conntrack_max = "+name+"\nvm.swappiness = "+name+"\n")
		im.write(im.root+"/etc/systemd/system/"+name+".swap", "[Swap]\nWhat=/"+name+"\n")
		im.write(im.root+"/etc/cloud/cloud.cfg.d/"+name+".cfg", "swap: {filename: \""+name+"\", size: 1}\n")
		im.write(im.root+"/var/"+name, strings.Repeat("\x00", 4086)+"SWAPSPACE2")
	}
	im.write(im.root+"/etc/fstab", "/\x1b[2Jx none swap sw 0 0\n/a\u009b1m none swap sw 0 0\n")
	im.write(im.root+"/etc/hostname", "\x1b[31mname\n")
	im.write(im.root+"/etc/os-release", "ID=debian\nPRETTY_NAME=\"\x1b]0;owned\a\"\n")
	x.look(t, im)
	text, code := execute(t, x.vmguard, "doctor", "--root", im.root, "--all", "--verbose")
	if code > 1 || len(text) < 200 {
		t.Fatalf("exit code %d: %s", code, text)
	}
	for _, r := range text {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\ufffd' && !strings.Contains(text, "\ufffd") {
			t.Fatalf("%U reaches the terminal: %q", r, text)
		}
	}
}

// gibibyte has a configuration of a gibibyte that looks like one from its beginning to its end.
func (x imageTracer) gibibyte(t *testing.T) {
	im := newHostile(t)
	name := im.free("/etc/docker/daemon.json")
	file, err := os.Create(name)
	im.must(err)
	defer file.Close()
	label := strings.Repeat(`"a=b", `, 1<<20/7)
	_, err = file.WriteString(`{"labels": [`)
	im.must(err)
	for range 1 << 10 {
		_, err = file.WriteString(label)
		im.must(err)
	}
	_, err = file.WriteString(`"end"]}`)
	im.must(err)
	for _, other := range []string{"/etc/fstab", "/etc/cloud/cloud.cfg", "/etc/sysctl.d/99-vm.conf", "/etc/systemd/journald.conf"} {
		im.must(os.Remove(im.root + other))
		im.must(syscall.Link(name, im.root+other))
	}
	got := x.look(t, im)
	for _, id := range deciding {
		if status := got.status(id); status == "pass" {
			t.Errorf("%s passes", id)
		}
	}
	for _, call := range got.calls {
		if call.name == "lseek" {
			t.Errorf("%s", call.line)
		}
	}
}
