package host

import "testing"

func TestUnmounted(t *testing.T) {
	for name, tt := range map[string]struct {
		files files
		want  []UnmountedPart
	}{
		"empty directories":    {files{"etc/fstab": "# parts\nUUID=1 / ext4 defaults 0 1\nUUID=2 /var ext4 defaults 0 2\n/dev/sda3\t/usr/\txfs\tro\n", "var/": "", "usr/": ""}, []UnmountedPart{{"/var", 3}, {"/usr", 4}}},
		"absent":               {files{"etc/fstab": "UUID=2 /var/log ext4 defaults 0 2\n"}, []UnmountedPart{{"/var/log", 1}}},
		"a fresh file system":  {files{"etc/fstab": "UUID=2 /var ext4 defaults 0 2\n", "var/lost+found/": ""}, []UnmountedPart{{"/var", 1}}},
		"mounted":              {files{"etc/fstab": "UUID=2 /var ext4 defaults 0 2\n", "var/lib/": ""}, nil},
		"in memory":            {files{"etc/fstab": "tmpfs /var/log tmpfs size=10m\n", "var/log/": ""}, nil},
		"not at boot, or bind": {files{"etc/fstab": "UUID=2 /var ext4 noauto 0 2\n/data/log /var/log none bind\n/x /usr ext4 ro,bind\n"}, nil},
		"not looked at":        {files{"etc/fstab": "UUID=2 /home ext4 defaults\nUUID=3 /boot/efi vfat umask=0077\n"}, nil},
		"no fstab":             {files{"etc/": ""}, nil},
		"a file in its place":  {files{"etc/fstab": "UUID=2 /var ext4 defaults\n", "var": "x"}, []UnmountedPart{{"/var", 1}}},
	} {
		t.Run(name, func(t *testing.T) { equal(t, Unmounted(tree(t, tt.files)), tt.want) })
	}
}

// FuzzFstabParts: each line that is given mounts one of the directories that were asked for, and stands where it says.
func FuzzFstabParts(f *testing.F) {
	f.Add([]byte("UUID=2 /var ext4 defaults 0 2\n\n/dev/a /usr// ext4\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 1
		for _, c := range data {
			if c == '\n' {
				lines++
			}
		}
		last := 0
		for _, part := range fstabParts(data) {
			if part.Line <= last || part.Line > lines {
				t.Fatalf("line %d after %d, of %d", part.Line, last, lines)
			}
			last = part.Line
			switch part.Dir {
			case "/usr", "/var", "/var/log", "/var/lib":
			default:
				t.Fatalf("%q", part.Dir)
			}
		}
	})
}
