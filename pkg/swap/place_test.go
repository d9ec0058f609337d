package swap

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
)

func TestCheckPath(t *testing.T) {
	t.Parallel()
	const plain = "accepted: an absolute path such as /swapfile"
	long := "/" + strings.Repeat("a", longestName)
	for file, want := range map[string]*Refusal{
		"/swapfile":            nil,
		"/mnt/data/swap.img":   nil,
		"/a b/it's #1 \\040":   nil,
		"/\u00e4\u202f":        nil,
		"/.swapfile":           nil,
		"/..swapfile":          nil,
		"/swapfile.vmguard":    nil,
		"/.vmguard-new":        nil,
		"/...vmguard-old":      nil,
		"/x.vmguard-new":       nil,
		long:                   nil,
		"/d/" + long[1:]:       nil,
		"":                     {"--file: no file is named", "is a shell variable empty?", true},
		"swapfile":             {`--file: "swapfile" is no absolute path`, plain, true},
		"~/swapfile":           {`--file: "~/swapfile" is no absolute path`, plain, true},
		"/a\nb":                {`--file: "/a\nb" has characters that fstab cannot hold`, plain, true},
		"/a\x1b[2Jb":           {`--file: "/a\x1b[2Jb" has characters that fstab cannot hold`, plain, true},
		"/a\u0085b":            {`--file: "/a\u0085b" has characters that fstab cannot hold`, plain, true},
		"/\xff":                {`--file: "/\xff" has characters that fstab cannot hold`, plain, true},
		"/":                    {`--file: "/" is a directory`, plain, true},
		"/var/..":              {`--file: "/var/.." is a directory`, plain, true},
		"/swapfile/":           {`--file: "/swapfile/" is not the plain path of a file`, "write it as /swapfile", true},
		"//swapfile":           {`--file: "//swapfile" is not the plain path of a file`, "write it as /swapfile", true},
		"/var/../s":            {`--file: "/var/../s" is not the plain path of a file`, "write it as /s", true},
		"/./s":                 {`--file: "/./s" is not the plain path of a file`, "write it as /s", true},
		long + "a":             {"--file: the file's name is longer than 200 bytes", plain, true},
		"/.a b.vmguard-new":    {`--file: "/.a b.vmguard-new" is a name under which vmguard keeps what it makes of a swapfile, and removes it`, "name the swapfile itself: --file '/a b'", true},
		"/d/.s.vmguard-old":    {`--file: "/d/.s.vmguard-old" is a name under which vmguard keeps what it makes of a swapfile, and removes it`, "name the swapfile itself: --file /d/s", true},
		"/d/..s.vmguard-old":   {`--file: "/d/..s.vmguard-old" is a name under which vmguard keeps what it makes of a swapfile, and removes it`, "name the swapfile itself: --file /d/.s", true},
		"/.vmguard-new.d/s/..": {`--file: "/.vmguard-new.d/s/.." is not the plain path of a file`, "write it as /.vmguard-new.d", true},
	} {
		err := CheckPath(file)
		if want == nil {
			if err != nil {
				t.Errorf("%q: %v", file, err)
			}
			continue
		}
		if diff := cmp.Diff(*want, refused(t, err)); diff != "" {
			t.Errorf("%q: %s", file, diff)
		}
	}
}

// checkAccepted tests what must be so of each path that is accepted.
func checkAccepted(t *testing.T, file string) {
	t.Helper()
	fresh, old := freshName(file), oldName(file)
	if path.Dir(fresh) != path.Dir(file) || path.Dir(old) != path.Dir(file) || fresh == old || fresh == file || old == file {
		t.Errorf("%q: beside it are %q and %q", file, fresh, old)
	}
	if OwnedBy(file) != file || OwnedBy(fresh) != file || OwnedBy(old) != file {
		t.Errorf("%q: owners are %q, %q, %q", file, OwnedBy(file), OwnedBy(fresh), OwnedBy(old))
	}
	if len(path.Base(fresh)) > 255 || len(path.Base(old)) > 255 {
		t.Errorf("%q: the names beside it are longer than NAME_MAX", file)
	}
	if CheckPath(fresh) == nil || CheckPath(old) == nil {
		t.Errorf("%q: the names beside it are accepted as swapfiles", file)
	}
	e := Entry{Path: file, Priority: 3}
	text := AddEntry([]byte("# fstab\n"), e)
	lines := ParseFstab(text)
	want := []FstabLine{{Number: 2, Spec: file, Options: []string{"sw", "nofail", "pri=3"}, NoFail: true, Priority: 3}}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("%q in fstab: %s", file, diff)
	}
}

// FuzzCheckPath: a path that is accepted stands in fstab and comes back from there, and its
// names beside it are its own alone.
func FuzzCheckPath(f *testing.F) {
	for _, file := range []string{
		"/swapfile", "", "/", "/a b", "/a\\040b", "/.s", "/..s.vmguard-new", "/.s.vmguard-old", "/...vmguard-new", "/#=\"x\"",
		"/d/.vmguard-old", "/a\tb", "/\xff", "UUID=1", "/s/", "/.\u00a0", "/." + strings.Repeat("y", longestName-1),
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if err := CheckPath(file); err != nil {
			refusal, ok := errors.AsType[*Refusal](err)
			if !ok || !refusal.Usage || refusal.Hint == "" || refusal.Why == "" {
				t.Errorf("%q: %#v", file, err)
			}
			return
		}
		checkAccepted(t, file)
	})
}

func TestOwnedBy(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/.swapfile.vmguard-new":                "/swapfile",
		"/a/.swapfile.vmguard-old":              "/a/swapfile",
		"/..swapfile.vmguard-old":               "/.swapfile",
		"/..swapfile.vmguard-new.vmguard-old":   "/.swapfile.vmguard-new",
		"/swapfile":                             "/swapfile",
		"/swapfile.vmguard-new":                 "/swapfile.vmguard-new",
		"/.swapfile.vmguard-before":             "/.swapfile.vmguard-before",
		"/.vmguard-new":                         "/.vmguard-new",
		"/..vmguard-new":                        "/..vmguard-new",
		"/...vmguard-new":                       "/...vmguard-new",
		"/.....vmguard-new":                     "/...",
		"/.swapfile.vmguard-new/deeper":         "/.swapfile.vmguard-new/deeper",
		"/.swapfile.vmguard-old/.f.vmguard-old": "/.swapfile.vmguard-old/f",
	} {
		if got := OwnedBy(name); got != want {
			t.Errorf("%s belongs to %s, want %s", name, got, want)
		}
	}
}

func TestUnsuitable(t *testing.T) {
	t.Parallel()
	for want, types := range map[string][]string{
		"": {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "minix", ""},
		"is overlay, as in a container or a live system: the kernel cannot swap to a file on it": {"overlay"},
		"is tmpfs, which is memory itself":                                               {"tmpfs"},
		"is ZFS, on which a swapfile does not work":                                      {"zfs"},
		"is bcachefs, on which a swapfile does not work":                                 {"bcachefs"},
		"is vfat, which cannot keep a file for root alone":                               {"vfat"},
		"is squashfs, which cannot be written":                                           {"squashfs"},
		"is proc, a view into the kernel":                                                {"proc"},
		"is fuse.sshfs: a program serves it, and must not wait for its own memory":       {"fuse.sshfs"},
		"is fuseblk: a program serves it, and must not wait for its own memory":          {"fuseblk"},
		"is nfs4, a shared or network filesystem: paging over it can stall the whole VM": {"nfs4"},
	} {
		for _, fs := range types {
			if got := Unsuitable(fs); got != want {
				t.Errorf("%q: %q, want %q", fs, got, want)
			}
		}
	}
	for _, fs := range []string{"ramfs", "aufs", "nfs", "cifs", "smb3", "9p", "virtiofs", "ceph", "exfat", "ntfs3", "erofs", "iso9660", "sysfs", "cgroup2"} {
		if why := Unsuitable(fs); !strings.HasPrefix(why, "is "+fs) {
			t.Errorf("%s: %q", fs, why)
		}
	}
}

// fileCase is something that stands under a name, and what is said of it.
type fileCase struct {
	change            func(*State)
	enable, disable   Refusal // the zero Refusal where it is none
	onlyWhereItIsMade bool    // the refusal is about the making of a file
}

func fileCases() map[string]fileCase {
	const another = "name another file with --file, or move this one away"
	const elsewhere = "name a file on another disk with --file, such as one on ext4 or XFS"
	problem := func(what string) fileCase {
		r := Refusal{Why: "/a b " + what + ": vmguard does not touch it", Hint: "name another file with --file"}
		off := Refusal{Why: r.Why, Hint: "to switch it off all the same, if it is swap: sudo swapoff '/a b'"}
		return fileCase{change: func(s *State) { s.Main = File{Path: "/a b", Exists: true, Problem: what} }, enable: r, disable: off}
	}
	both := func(why, hint string, change func(*State)) fileCase {
		return fileCase{change: change, enable: Refusal{Why: why, Hint: hint}, disable: Refusal{Why: why, Hint: hint}}
	}
	header := func(err error) func(*State) {
		return func(s *State) { s.Main = File{Path: "/a b", Exists: true, Size: gib, HeaderErr: err} }
	}
	made := func(why, hint string, change func(*State)) fileCase {
		return fileCase{change: change, enable: Refusal{Why: why, Hint: hint}, onlyWhereItIsMade: true}
	}
	fs := func(name, why string) fileCase {
		return made("the filesystem of / "+why, elsewhere, func(s *State) { s.Disk.Value.FS = name })
	}
	return map[string]fileCase{
		"link":      problem("is a symbolic link"),
		"directory": problem("is a directory"),
		"device":    problem("is a device"),
		"FIFO":      problem("is a FIFO or a socket"),
		"owner":     problem("belongs to user 1000"),
		"hard link": problem("has other names (hard links)"),
		"other name": both("/a b is active as swap under another name, /mnt/it's", `name it so: --file '/mnt/it'\''s'`, func(s *State) {
			s.Main = area(s.Main, gib)
			s.activate(&s.Main, 0, -2)
			s.Main.ActiveAs = "/mnt/it's"
		}),
		"unread": both("cannot read /a b: input/output error", "", func(s *State) { s.Main = File{Path: "/a b", Exists: true, Unread: "input/output error"} }),
		"hibernated": both("/a b holds a hibernated system, which would be lost",
			"boot that system, which wakes it up; if nobody wants it any more: sudo mkswap '/a b', and again", header(ErrHibernation)),
		"no header":  both("/a b is there, and is no swapfile (no swap header)", another, header(ErrNoHeader)),
		"old header": both("/a b is there, and is no swapfile (swap area of version 0, which Linux no longer takes)", another, header(ErrOldVersion)),
		"cut off": both("/a b is shorter than its swap header says: it has been cut off", another, func(s *State) {
			s.Main = area(s.Main, gib)
			s.Main.Size--
		}),
		"page size": {
			change: func(s *State) {
				s.Main = area(s.Main, gib)
				s.Main.Header.PageSize, s.Main.Size = maxPageSize, 16*gib
			},
			enable: Refusal{Why: "/a b was made for a machine with pages of 64 KiB", Hint: another},
		},
		"bad pages": {
			change: func(s *State) {
				s.Main = area(s.Main, gib)
				s.Main.Header.BadPages = 1
			},
			enable: Refusal{Why: "/a b has a list of bad pages, which the kernel does not accept in a file", Hint: another},
		},
		"in the way": both("/.a b.vmguard-new is in the way: it is a directory", "move it away", func(s *State) {
			s.Fresh.Exists, s.Fresh.Problem = true, "is a directory"
		}),
		"in the way, active": both("/.a b.vmguard-old is in the way: it is active as /x y", "sudo swapoff '/x y', and again", func(s *State) {
			s.Old = area(s.Old, gib)
			s.Old.ActiveAs = "/x y"
		}),
		"container": both("this is a container (docker): swap belongs to the VM that it runs on", "run vmguard on the VM itself", func(s *State) {
			s.Facts.System.Value.Container = "docker"
		}),
		"system": both("cannot tell what system this is: /proc is not mounted", "", func(s *State) {
			s.Facts.System = host.Missing[host.System]("/proc is not mounted")
		}),
		"page size unknown": both("cannot tell the page size of this system", "", func(s *State) { s.Facts.System.Value.PageSize = 0 }),
		"disk": made("cannot tell what filesystem / is on: no such mount", "", func(s *State) {
			s.Disk = host.Missing[host.Disk]("no such mount")
		}),
		"read-only": made("the filesystem of / is mounted read-only",
			"name a file on a disk that can be written with --file, such as /var/swapfile", func(s *State) { s.Disk.Value.ReadOnly = true }),
		"directory of others": made("others than root may write to /, and so on",
			"name a file in a directory that only root may write to, such as /swapfile", func(s *State) { s.DirProblem = "others than root may write to /, and so on" }),
		"overlay":  fs("overlay", "is overlay, as in a container or a live system: the kernel cannot swap to a file on it"),
		"tmpfs":    fs("tmpfs", "is tmpfs, which is memory itself"),
		"zfs":      fs("zfs", "is ZFS, on which a swapfile does not work"),
		"nfs":      fs("nfs", "is nfs, a shared or network filesystem: paging over it can stall the whole VM"),
		"fuse":     fs("fuse.s3fs", "is fuse.s3fs: a program serves it, and must not wait for its own memory"),
		"vfat":     fs("vfat", "is vfat, which cannot keep a file for root alone"),
		"squashfs": fs("squashfs", "is squashfs, which cannot be written"),
	}
}

// TestFilesRefused: what vmguard does not touch, and where it makes no file. What is only
// about the making of a file does not hinder one that is there, nor its end.
func TestFilesRefused(t *testing.T) {
	t.Parallel()
	for name, c := range fileCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := func(what string, err error, want Refusal) {
				t.Helper()
				if want == (Refusal{}) {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
					return
				}
				if diff := cmp.Diff(want, refused(t, err)); diff != "" {
					t.Errorf("%s: %s", what, diff)
				}
			}
			s := bareState("/a b")
			c.change(&s)
			for _, bytes := range []uint64{0, 2 * gib} {
				_, err := PlanEnable(s, want(bytes, byName))
				check("enable", err, c.enable)
			}
			_, err := PlanDisable(s, DisableRequest{FileNamed: true})
			check("disable", err, c.disable)
			if c.onlyWhereItIsMade {
				s := running("/a b")
				c.change(&s)
				_, err := PlanEnable(s, want(0, byName))
				check("enable of one that is there", err, Refusal{})
				_, err = PlanEnable(s, want(gib, byName))
				check("resize", err, c.enable)
			}
		})
	}
}
