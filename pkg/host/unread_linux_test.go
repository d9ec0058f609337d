package host

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// asUser runs fn without root's rights over files: setfsuid(2) concerns the calling thread
// alone, which ends with fn.
func asUser(t *testing.T, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked, so that the thread ends with the goroutine
		if os.Getuid() == 0 {
			if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
				t.Errorf("setfsuid: %v", errno)
				return
			}
		}
		fn()
	}()
	<-done
}

// TestClosedToUsers holds that what an ordinary user cannot read is not taken for nothing.
func TestClosedToUsers(t *testing.T) {
	const (
		system = "etc/systemd/system/"
		shop   = system + "shop.service"
	)
	host := files{
		unitFile: someUnit + "[Service]\nEnvironmentFile=-/etc/default/docker\n", "etc/default/docker": "X=y\n",
		system + "docker.service.d/x.conf":              "[Service]\n",
		"usr/lib/systemd/system/a.target.wants/b.mount": "-> ../b.mount",
		"etc/systemd/journald.conf":                     "[Journal]\n",
		"etc/systemd/journald.conf.d/x.conf":            "[Journal]\nStorage=volatile\n",
		shop:                                            "[Unit]\nWants=docker.service\n",
		system + "multi-user.target.wants/shop.service": "-> ../shop.service",
		"etc/init.d/earlyoom":                           "#!", "etc/rc2.d/S01earlyoom": "-> ../init.d/earlyoom",
		"etc/machine-id": "uninitialized\n",
	}
	const all = "services, journal, daemon.json"
	for name, unknown := range map[string]string{
		"": "", system: all, "usr/lib/systemd/system/a.target.wants": "services, daemon.json",
		system + "docker.service.d": "services, daemon.json", system + "docker.service.d/x.conf": "services, daemon.json",
		"etc/default/docker": "daemon.json", unitFile: "services, daemon.json", shop: "services",
		"etc/systemd/journald.conf": "journal", "etc/systemd/journald.conf.d": "journal", "etc/systemd/journald.conf.d/x.conf": "journal",
		"etc/rc2.d": "services", "etc/machine-id": "services", "etc/systemd": all,
	} {
		fs := tree(t, host)
		if err := filepath.WalkDir(fs.Dir(), func(path string, _ os.DirEntry, err error) error {
			if info, statErr := os.Stat(path); err == nil && statErr == nil {
				err = os.Chmod(path, info.Mode().Perm()|0o055)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if name != "" {
			if err := os.Chmod(filepath.Join(fs.Dir(), name), 0); err != nil {
				t.Fatal(err)
			}
		}
		asUser(t, func() {
			got := ""
			for _, f := range []struct{ name, why string }{
				{"services", servicesOf(fs, false).Why()}, {"journal", readJournald(fs).Why()}, {"daemon.json", daemonFileOf(fs).Why()},
			} {
				switch {
				case f.why == "":
				case f.why[:7] != "reading":
					t.Errorf("%s: %s: %s", name, f.name, f.why)
				case got != "":
					got += ", " + f.name
				default:
					got = f.name
				}
			}
			if got != unknown {
				t.Errorf("%q closed: unknown are %q, want %q", name, got, unknown)
			}
		})
		if name != "" { // so that it can be removed
			if err := os.Chmod(filepath.Join(fs.Dir(), name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}
