package host

import (
	"fmt"
	"strings"
	"testing"
)

// hybridMounts is of a virtual machine with v1 controllers beside an empty v2 tree.
const hybridMounts = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,resuid=65534
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
42 27 254:0 /var/lib/docker /var/lib/docker rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
`

func TestParseMounts(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []mount
		err  string
	}{
		"optional fields": {
			text: "42 27 254:0 /var/lib/docker /var/lib/docker rw shared:1 master:2 - ext4 /dev/vda rw,discard\n",
			want: []mount{{root: "/var/lib/docker", point: "/var/lib/docker", fsType: "ext4", opts: []string{"rw"}, super: []string{"rw", "discard"}}},
		},
		"escapes": {
			text: `1 2 0:1 /a\040-\040b /c\134d rw - fuse.x\040y none rw` + "\n",
			want: []mount{{root: "/a - b", point: `/c\d`, fsType: "fuse.x y", opts: []string{"rw"}, super: []string{"rw"}}},
		},
		"an odd line between": {
			text: "nonsense\n\n1 2 0:1 / /x rw - tmpfs none rw\n1 2 0:1 / /y rw tmpfs none rw\n",
			want: []mount{{root: "/", point: "/x", fsType: "tmpfs", opts: []string{"rw"}, super: []string{"rw"}}},
		},
		"empty":         {text: "", err: "empty"},
		"cut off":       {text: hybridMounts[:len(hybridMounts)-5], err: "cut off"},
		"nothing of it": {text: "nonsense\n", err: "no mount in it"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMounts([]byte(c.text))
			if refused(t, err, c.err) {
				return
			}
			equal(t, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", c.want))
		})
	}
}

func TestMountOf(t *testing.T) {
	mounts, err := parseMounts([]byte(hybridMounts + "50 27 0:9 / /data rw - xfs /dev/vdb rw\n51 50 0:9 / /data rw - btrfs /dev/vdc rw\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/": "ext4", "/home": "ext4", "/proc/1": "proc", "/sys/fs/cgroup/memory": "cgroup",
		"/data": "btrfs", "/data/x": "btrfs", "/database": "ext4",
	} {
		equal(t, mountOf(mounts, path).fsType, want)
	}
	equal(t, mountOf(nil, "/").fsType, "")
}

func TestReadOnlyMount(t *testing.T) {
	for options, want := range map[string]bool{
		"rw,relatime - ext4 /dev/vda rw,discard":                          false,
		"ro,relatime - ext4 /dev/vda rw,discard":                          true, // a bind mount
		"rw,relatime - ext4 /dev/vda ro,discard":                          true, // the filesystem, after an error
		"ro shared:1 - overlay composefs ro,lowerdir=/a,datadir+=/b":      true,
		"rw - overlay overlay rw,lowerdir=/ro,upperdir=/u,errors=remount": false,
		"rw,errors=remount-ro - ext4 /dev/vda rw,errors=remount-ro":       false,
	} {
		m, ok := parseMount("1 2 0:1 / / " + options)
		if !ok || m.readOnly() != want {
			t.Errorf("%s: %t, %t", options, m.readOnly(), ok)
		}
	}
	equal(t, mount{}.readOnly(), false)
}

// FuzzParseMounts holds that any mount point survives the kernel's escapes, with any
// number of optional fields.
func FuzzParseMounts(f *testing.F) {
	f.Add("/mnt/a b", 2)
	f.Add("/x - y", 0)
	f.Fuzz(func(t *testing.T, point string, optional int) {
		if point == "" {
			return
		}
		escaped := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(point)
		text := fmt.Sprintf("36 35 98:0 / %s rw %s- ext4 /dev/root rw\n", escaped, strings.Repeat("shared:1 ", int(uint(optional)%9)))
		got, err := parseMounts([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got[0].point, point)
		equal(t, got[0].fsType, "ext4")
	})
}
