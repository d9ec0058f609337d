package host

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func TestReadSystem(t *testing.T) {
	machine := files{
		"proc/sys/kernel/hostname":  "vm\n",
		"proc/sys/kernel/osrelease": "6.18.44\n",
		"proc/sys/kernel/arch":      "x86_64\n",
		"proc/uptime":               "1401.40 1667.92\n",
		"proc/cpuinfo":              "flags\t: fpu hypervisor\n",
		"etc/os-release":            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n",
	}
	read := func(f files, s Source) Fact[System] {
		fs := tree(t, f)
		d, err := readDMI(fs)
		return readSystem(fs, s, d, err)
	}
	equal(t, read(machine, Source{Root: true}), Known(System{
		Hostname: "vm", OS: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.18.44", Arch: "x86_64",
		Uptime: 1401400 * time.Millisecond, Awake: 1401400 * time.Millisecond, PageSize: 4096, Root: true, Virtualisation: "vm",
	}, "/proc"))
	least := files{"proc/sys/kernel/osrelease": "6.0\n", "proc/uptime": "1.00 2.00\n"}
	equal(t, read(least, Source{}), Known(System{Kernel: "6.0", Uptime: time.Second, Awake: time.Second}, "/proc"))
	for dir, want := range map[string]bool{"run/systemd/system/": true, "run/systemd/system": false, "run/systemd/private/": false} {
		equal(t, read(files{"proc/sys/kernel/osrelease": "6.0\n", "proc/uptime": "1.00 2.00\n", dir: ""}, Source{}).Value.Systemd, want)
	}
	if live := read(least, Source{Live: true}).Value; live.Arch == "" || live.PageSize == 0 {
		t.Errorf("the running host's own: %+v", live)
	}
	missing(t, read(files{"proc/uptime": "1.00 2.00\n"}, Source{}), "/proc/sys/kernel/osrelease does not exist")
	missing(t, read(files{"proc/sys/kernel/osrelease": "6.0\n"}, Source{}), "/proc/uptime does not exist")
}

func TestAwake(t *testing.T) {
	for told, want := range map[time.Duration]time.Duration{
		time.Minute:   time.Minute, // the rest was spent in suspend
		time.Hour + 1: time.Hour,   // the uptime was read before, in hundredths
		0:             time.Hour,   // it cannot tell
		-time.Second:  time.Hour,
	} {
		equal(t, awake(Source{Awake: func() time.Duration { return told }}, time.Hour), want)
	}
	equal(t, awake(Source{}, time.Hour), time.Hour)
}

func TestParseUptime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1401.40 1667.92\n":  1401400 * time.Millisecond,
		"0.00 0.00\n":        0,
		"31536000.00 1.00\n": 365 * 24 * time.Hour,
	} {
		got, err := parseUptime([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		equal(t, got, want)
	}
	for _, text := range []string{"", "\n", "1401.40\n", "1401.40 16", "-1 0\n", "x 0\n", "NaN 0\n", "Inf 0\n", "1e300 0\n", "1 2 3\n"} {
		if got, err := parseUptime([]byte(text)); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}

// FuzzParseUptime holds that a time survives the kernel's two decimals.
func FuzzParseUptime(f *testing.F) {
	f.Add(uint32(1401), uint8(40))
	f.Fuzz(func(t *testing.T, seconds uint32, hundredths uint8) {
		hundredths %= 100
		got, err := parseUptime(fmt.Appendf(nil, "%d.%02d 0.00\n", seconds, hundredths))
		want := time.Duration(seconds)*time.Second + time.Duration(hundredths)*10*time.Millisecond
		if err != nil || math.Abs(float64(got-want)) > float64(time.Millisecond) {
			t.Fatalf("%v instead of %v, %v", got, want, err)
		}
	})
}

func TestParseOSRelease(t *testing.T) {
	for text, want := range map[string]string{
		"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian\"\n": "Debian GNU/Linux 12 (bookworm)",
		"NAME=Alpine\nPRETTY_NAME='Alpine Linux v3.20'\r\n":                 "Alpine Linux v3.20",
		"NAME=Plain\n":                   "Plain",
		`PRETTY_NAME="a \"b\" \$c \\ d"`: `a "b" $c \ d`,
		"PRETTY_NAME=\"open\n":           `"open`,
		"PRETTY_NAME=\"\n":               `"`,
		"#PRETTY_NAME=x\n":               "",
		"":                               "",
	} {
		equal(t, parseOSRelease([]byte(text)), want)
	}
	equal(t, readOS(tree(t, files{"etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": "NAME=x\n"})), "x")
	equal(t, readOS(tree(t, files{"usr/lib/os-release": "NAME=y\n"})), "y")
	equal(t, readOS(tree(t)), "")
}

// FuzzParseOSRelease holds that a name survives the quotes that os-release(5) asks for.
func FuzzParseOSRelease(f *testing.F) {
	f.Add(`Debian "12" $x`)
	f.Fuzz(func(t *testing.T, name string) {
		quoted := ""
		for _, r := range []byte(name) {
			switch r {
			case '\n', '\r':
				return
			case '"', '$', '\\', '`':
				quoted += `\`
			}
			quoted += string([]byte{r})
		}
		if name == "" {
			return
		}
		equal(t, parseOSRelease([]byte("ID=x\nPRETTY_NAME=\""+quoted+"\"\nNAME=z\n")), name)
	})
}

func TestMachine(t *testing.T) {
	equal(t, machine("amd64"), "x86_64")
	equal(t, machine("arm64"), "aarch64")
	equal(t, machine("mips"), "")
}
