package host

import "testing"

func TestResolveSpec(t *testing.T) {
	host := tree(t, files{
		"dev/dm-1":                     "",
		"swapfile":                     "",
		"swap":                         "-> data/swapfile",
		"data/swapfile":                "",
		"loop":                         "-> loop",
		"dev/disk/by-uuid/0a1b-ff":     "-> ../../dm-1",
		`dev/disk/by-label/my\x20swap`: "-> ../../dm-1",
		"dev/disk/by-label/dangling":   "-> ../../sdz9",
		"dev/mapper/vg-swap":           "-> ../dm-1",
	})
	there := func(source string) Fact[bool] { return Known(true, source) }
	absent := func(source string) Fact[bool] { return Known(false, source) }
	for spec, c := range map[string]struct {
		live   bool
		target string
		exists Fact[bool]
	}{
		"/swapfile":           {target: "/swapfile", exists: there("/swapfile")},
		"/swap":               {target: "/data/swapfile", exists: there("/swap")},
		"/gone":               {exists: absent("/gone")},
		"/swapfile/x":         {exists: absent("/swapfile/x")},
		"/dev/mapper/vg-swap": {live: true, target: "/dev/dm-1", exists: there("/dev/mapper/vg-swap")},
		"/dev/sda2":           {live: true, exists: absent("/dev/sda2")},
		"/dev/sdb2":           {exists: Missing[bool]("devices can only be looked up on the running host")},
		"UUID=0a1b-ff":        {target: "/dev/dm-1", exists: there("/dev/disk/by-uuid/0a1b-ff")},
		"UUID=0A1B-FF":        {target: "/dev/dm-1", exists: there("/dev/disk/by-uuid/0a1b-ff")},
		"UUID=":               {exists: absent("/dev/disk/by-uuid")},
		"UUID=..":             {exists: absent("/dev/disk/by-uuid")},
		"UUID=../by-label":    {exists: absent("/dev/disk/by-uuid")},
		"UUID=dead":           {exists: absent("/dev/disk/by-uuid")},
		"LABEL=my swap":       {target: "/dev/dm-1", exists: there(`/dev/disk/by-label/my\x20swap`)},
		"LABEL=dangling":      {exists: absent("/dev/disk/by-label")},
		"PARTUUID=1":          {exists: Missing[bool]("/dev/disk/by-partuuid does not exist")},
		"ID=x":                {exists: Missing[bool](`"ID=x" is no path and no tag that can be looked up`)},
		"":                    {exists: Missing[bool](`"" is no path and no tag that can be looked up`)},
	} {
		t.Run(spec, func(t *testing.T) {
			target, exists := resolveSpec(host, spec, c.live)
			equal(t, target, c.target)
			equal(t, exists, c.exists)
		})
	}
	_, exists := resolveSpec(host, "/loop", true)
	missing(t, exists, "too many")
}

// FuzzEscapeUdev holds that a label survives the way into udev's link and back.
func FuzzEscapeUdev(f *testing.F) {
	f.Add("my swap/\\x41")
	f.Fuzz(func(t *testing.T, label string) {
		if got := unescapeUdev(escapeUdev(label)); got != label {
			t.Fatalf("%q became %q", label, got)
		}
	})
}
