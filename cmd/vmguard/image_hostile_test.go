package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestHostileImages has vmguard doctor --root read images that were made to lead it out, hold it
// up or fill its memory. Strace tells what it touched: nothing outside of the image, and no
// device, FIFO or socket. Every place that it looks at is turned into each kind of trap.
func TestHostileImages(t *testing.T) {
	needRoot(t)
	needTools(t, "strace", "setpriv", "unshare", "mount")
	x := newImageTracer(t)
	places := x.learn(t)
	for _, trap := range traps() {
		t.Run(trap.name, func(t *testing.T) {
			t.Parallel()
			im := newHostile(t)
			for _, place := range places {
				trap.set(im, place)
			}
			got := x.look(t, im)
			for _, id := range trap.unread {
				if status := got.status(id); status != "unknown" && status != "fail" {
					t.Errorf("%s is %s: %s", id, status, summary(got.findings, id))
				}
			}
			for _, call := range got.calls {
				if !trap.regular && call.opens() && slices.Contains(places, im.inside(call.result)) {
					t.Errorf("a %s was opened: %s", trap.name, call.line)
				}
			}
		})
	}
	t.Run("policy", func(t *testing.T) { x.ownPolicy(t) })
	t.Run("folders", func(t *testing.T) { x.folders(t, places) })
	t.Run("crowded", func(t *testing.T) { x.crowded(t) })
	t.Run("mounted", func(t *testing.T) { x.mounted(t) })
	t.Run("as an ordinary user", func(t *testing.T) { x.unreadable(t) })
	t.Run("foreign names", func(t *testing.T) { x.foreignNames(t) })
	t.Run("a gibibyte of configuration", func(t *testing.T) { x.gibibyte(t) })
}

// hostile is an image in the making: its root, and a folder outside with the same files, which
// nothing may read.
type hostile struct {
	t             *testing.T
	root, outside string
}

// trap is what a place in an image can be turned into.
type trap struct {
	name    string
	set     func(im hostile, place string)
	regular bool     // it is, or leads to, what may be opened
	unread  []string // the checks that must then say that something cannot be read, or is wrong
}

// deciding are checks that hang on files which traps take the place of.
var deciding = []string{"daemon-json-valid", "journal-persistent", "swap-persistent"}

func traps() []trap {
	link := func(target func(im hostile, place string) string) func(hostile, string) {
		return func(im hostile, place string) { im.must(os.Symlink(target(im, place), im.free(place))) }
	}
	return []trap{
		{name: "link out, absolute", set: link(func(im hostile, place string) string { return im.outside + place })},
		{name: "link out, relative", set: link(func(im hostile, place string) string {
			return strings.Repeat("../", 40) + im.outside + place
		})},
		{name: "link out of a chain", set: func(im hostile, place string) {
			const chain = 12
			to := im.outside + place
			for i := range chain {
				name := fmt.Sprintf("%s.link%d", place, i)
				im.must(os.Symlink(to, im.root+name))
				to = name
			}
			im.must(os.Symlink(to, im.free(place)))
		}},
		{name: "loop", set: link(func(_ hostile, place string) string { return place }), unread: deciding},
		{name: "loop of two", unread: deciding, set: func(im hostile, place string) {
			im.must(os.Symlink(filepath.Base(place)+".other", im.free(place)))
			im.must(os.Symlink(place, im.root+place+".other"))
		}},
		{name: "long chain", unread: deciding, set: func(im hostile, place string) {
			to := im.free(place)
			for i := range 60 {
				im.must(os.Symlink(fmt.Sprintf("%s.%d", filepath.Base(place), i), to))
				to = fmt.Sprintf("%s%s.%d", im.root, place, i)
			}
			im.must(os.WriteFile(to, nil, 0o600))
		}},
		{name: "FIFO", unread: deciding, set: func(im hostile, place string) { im.must(syscall.Mkfifo(im.free(place), 0o666)) }},
		{name: "device", unread: deciding, set: func(im hostile, place string) {
			const zero = 1<<8 | 5 // /dev/zero, which never ends
			im.must(syscall.Mknod(im.free(place), syscall.S_IFCHR|0o666, zero))
		}},
		{name: "block device", unread: deciding, set: func(im hostile, place string) {
			const loop0 = 7 << 8
			im.must(syscall.Mknod(im.free(place), syscall.S_IFBLK|0o666, loop0))
		}},
		{name: "socket", unread: deciding, set: func(im hostile, place string) { im.socket(place) }},
		{name: "directory", regular: true, unread: deciding, set: func(im hostile, place string) { im.must(os.Mkdir(im.free(place), 0o755)) }},
		{name: "setuid file", regular: true, set: func(im hostile, place string) {
			name := im.free(place)
			im.must(os.WriteFile(name, nil, 0o600))
			im.must(syscall.Chmod(name, 0o7777))
		}},
		{name: "sparse file of a tebibyte", regular: true, unread: deciding, set: func(im hostile, place string) {
			name := im.free(place)
			im.must(os.WriteFile(name, nil, 0o600))
			im.must(os.Truncate(name, 1<<40))
		}},
	}
}

// newHostile makes an image, a small Debian with Docker, and the same once more outside of it.
func newHostile(t *testing.T) hostile {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "vmguard-test-image-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	im := hostile{t, filepath.Join(dir, "root"), filepath.Join(dir, "outside")}
	im.must(os.Chmod(dir, 0o755))
	for name, text := range debianImage {
		im.write(im.root+name, text)
		im.write(im.outside+name, text)
	}
	return im
}

// debianImage has a file in each folder that is looked into, so that folders are told from files.
var debianImage = map[string]string{
	"/etc/os-release":                                            "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
	"/etc/hostname":                                              "image\n",
	"/etc/machine-id":                                            "",
	"/etc/passwd":                                                "root:x:0:0:root:/root:/bin/sh\n",
	"/etc/fstab":                                                 "/dev/vda / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n",
	"/etc/docker/daemon.json":                                    "{\"live-restore\": true}\n",
	"/etc/default/docker":                                        "DOCKER_OPTS=\"\"\n",
	"/etc/default/grub":                                          "GRUB_CMDLINE_LINUX=\"swapaccount=1\"\n",
	"/etc/default/grub.d/50-cloud.cfg":                           "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n",
	"/etc/sysctl.conf":                                           "vm.swappiness=10\n",
	"/etc/sysctl.d/99-vm.conf":                                   "vm.swappiness=10\n",
	"/usr/lib/sysctl.d/50-default.conf":                          "kernel.sysrq=16\n",
	"/usr/local/lib/sysctl.d/60-local.conf":                      "vm.panic_on_oom=0\n",
	"/etc/modules":                                               "loop\n",
	"/etc/modules-load.d/own.conf":                               "nf_conntrack\n",
	"/usr/lib/modules-load.d/fuse.conf":                          "fuse\n",
	"/usr/local/lib/modules-load.d/own.conf":                     "fuse\n",
	"/etc/systemd/journald.conf":                                 "[Journal]\nStorage=auto\n",
	"/etc/systemd/journald.conf.d/own.conf":                      "[Journal]\nStorage=persistent\n",
	"/usr/lib/systemd/journald.conf.d/a.conf":                    "[Journal]\nCompress=yes\n",
	"/usr/lib/systemd/systemd-journald":                          "",
	"/usr/lib/systemd/systemd-sysctl":                            "",
	"/usr/lib/systemd/system/systemd-journald.service":           "[Service]\nExecStart=/usr/lib/systemd/systemd-journald\n",
	"/usr/lib/systemd/system/docker.service":                     "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n[Install]\nWantedBy=multi-user.target\n",
	"/usr/lib/systemd/system/docker.service.d/own.conf":          "[Service]\nEnvironment=A=b\n",
	"/etc/systemd/system/docker.service.d/own.conf":              "[Service]\nEnvironment=A=b\n",
	"/etc/systemd/system/multi-user.target.wants/docker.service": "",
	"/etc/systemd/system/dev-vdb.swap":                           "[Swap]\nWhat=/dev/vdb\n",
	"/etc/systemd/zram-generator.conf":                           "[zram0]\n",
	"/etc/systemd/zram-generator.conf.d/own.conf":                "[zram0]\n",
	"/usr/bin/dockerd":                                           "",
	"/usr/bin/cloud-init":                                        "",
	"/etc/cloud/cloud.cfg":                                       "cloud_init_modules: [mounts]\n",
	"/etc/cloud/cloud.cfg.d/05_logging.cfg":                      "swap: {filename: /swapfile, size: 1073741824}\n",
	"/var/lib/cloud/seed/nocloud/user-data":                      "#cloud-config\nswap: {size: 1G}\n",
	"/etc/waagent.conf":                                          "ResourceDisk.EnableSwap=n\n",
	"/etc/caddy/Caddyfile":                                       "{\n\tservers {\n\t\ttimeouts {\n\t\t\tidle 2m\n\t\t}\n\t}\n}\n",
	"/etc/vmguard/policy.yaml":                                   "profile: golden-image\n",
	"/var/log/journal/README":                                    "",
	"/usr/lib/modules/6.1.0-18-amd64/modules.builtin":            "kernel/fs/ext4/ext4.ko\n",
	"/boot/config-6.1.0-18-amd64":                                "CONFIG_MEMCG=y\n",
	"/boot/grub/grub.cfg":                                        "linux /vmlinuz root=/dev/vda quiet\n",
	"/swapfile":                                                  "",
	"/swap/swapfile":                                             "",
	"/var/swapfile":                                              "",
}

// free gives the path of a place at which nothing stands, in a folder that does.
func (im hostile) free(place string) string {
	im.t.Helper()
	name := im.root + place
	im.must(os.MkdirAll(filepath.Dir(name), 0o755))
	im.must(os.RemoveAll(name))
	return name
}

// inside gives a path as the image knows it; empty for one outside.
func (im hostile) inside(path string) string {
	if rest, ok := strings.CutPrefix(path, im.root); ok {
		return rest
	}
	return ""
}

// socket makes a socket by a short name, since an address holds no more than 108 bytes.
func (im hostile) socket(place string) {
	im.t.Helper()
	name := im.free(place)
	short := filepath.Join(filepath.Dir(im.root), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short})
	im.must(err)
	l.SetUnlinkOnClose(false)
	im.must(l.Close())
	im.must(os.Rename(short, name))
}

func (im hostile) write(name, text string) {
	im.t.Helper()
	im.must(os.MkdirAll(filepath.Dir(name), 0o755))
	im.must(os.WriteFile(name, []byte(text), 0o644))
}

func (im hostile) must(err error) {
	im.t.Helper()
	if err != nil && !errors.Is(err, fs.ErrExist) {
		im.t.Fatal(err)
	}
}
