package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/rootfs"
)

// imageTree is an image in a directory: its own files, and at /usr those of this machine
// while commands run in it.
type imageTree struct{ dir string }

// newImageTree writes an image. A content that starts with "-> " makes a link, and files in
// a bin directory are executable.
func newImageTree(t *testing.T, files map[string]string) imageTree {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	base := map[string]string{"bin": "-> usr/bin", "sbin": "-> usr/sbin", "lib": "-> usr/lib", "lib64": "-> usr/lib64",
		"etc/hostname": "image\n", "etc/systemd/system/x.target": "", "usr/sbin/swapon": "", "usr/bin/dockerd": "", "tmp/x": "", "dev/null": ""}
	for _, list := range []map[string]string{base, files} {
		for name, content := range list {
			file, mode := filepath.Join(dir, name), os.FileMode(0o644)
			if strings.Contains(name, "bin/") {
				mode = 0o755
			}
			must(t, os.MkdirAll(filepath.Dir(file), 0o755))
			if target, ok := strings.CutPrefix(content, "-> "); ok {
				must(t, os.Symlink(target, file))
			} else {
				must(t, os.WriteFile(file, []byte(content), mode))
			}
		}
	}
	return imageTree{dir}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mkswap makes a real swapfile in the image.
func (i imageTree) mkswap(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join(i.dir, name)
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, slices.Repeat([]byte("old memory"), 100_000), 0o644))
	must(t, os.Truncate(file, 1<<20))
	out, err := exec.Command("dd", "if=/dev/zero", "of="+file, "bs=1M", "count=1", "conv=notrunc").CombinedOutput()
	if err == nil {
		out, err = exec.Command("mkswap", file).CombinedOutput()
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// typed runs a command in the image, as root and with / the image.
func (i imageTree) typed(t *testing.T, line string) {
	t.Helper()
	const script = `mount --bind /usr "$0/usr" && exec chroot "$0" /bin/sh -c "$1"`
	if out, err := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", script, i.dir, line).CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v: %s", line, err, out)
	}
}

// judge gives what a check says of the image, and failed what it finds wrong with it.
func (i imageTree) judge(t *testing.T, id string) finding.Report {
	t.Helper()
	fs, err := rootfs.OpenImage(i.dir)
	must(t, err)
	c, err := Find(id)
	must(t, err)
	defer func() { must(t, fs.Close()) }()
	return Run([]Check{c}, host.CollectImage(t.Context(), host.Source{FS: fs}), DefaultPolicy(checkedAt))
}

func (i imageTree) failed(t *testing.T, id string) finding.Report {
	t.Helper()
	return slices.DeleteFunc(i.judge(t, id), func(f finding.Finding) bool { return f.Status != finding.Fail })
}

const distroModules = "cloud_init_modules: [bootcmd, mounts]\n"

// TestImageSwapRemediesAreTyped types what is printed into an image of each kind, and finds
// nothing wrong any more, and swap at the first boot.
func TestImageSwapRemediesAreTyped(t *testing.T) {
	cloudInit := map[string]string{"usr/bin/cloud-init": "", "etc/cloud/cloud.cfg": distroModules}
	with := func(list ...map[string]string) map[string]string {
		all := map[string]string{}
		for _, files := range list {
			for name, content := range files {
				all[name] = content
			}
		}
		return all
	}
	const fstab = "# <fs> <mp> <type>\nLABEL=root / ext4 defaults 0 1\n"
	for name, tt := range map[string]struct {
		files   map[string]string
		swaps   []string
		id      string
		fails   int
		want    string // a file whose content is looked at afterwards
		content string
	}{
		"none, cloud-init": {cloudInit, nil, "swap-enabled", 1, "etc/cloud/cloud.cfg.d/99-vmguard-swap.cfg",
			"#cloud-config\nswap:\n  filename: /swapfile\n  size: 2G\n"},
		"none, cloud-init, switched off by size": {with(cloudInit, map[string]string{"etc/cloud/cloud.cfg.d/10.cfg": "swap: {size: 0}\n"}), nil, "swap-enabled", 1, "", ""},
		"none, cloud-init that is off":           {with(cloudInit, map[string]string{"etc/cloud/cloud-init.disabled": ""}), nil, "swap-enabled", 1, "", ""},
		"none, units":                            {nil, nil, "swap-enabled", 1, "", ""},
		"none, units and vmguard":                {map[string]string{"usr/local/bin/vmguard": ""}, nil, "swap-enabled", 1, "", ""},
		"baked in, cloud-init": {with(cloudInit, map[string]string{"etc/fstab": fstab + "/swapfile none swap sw 0 0\n# end\n"}), []string{"swapfile"}, "swap-baked-in", 1,
			"etc/fstab", fstab + "# end\n"},
		"baked in twice, units": {map[string]string{"etc/fstab": fstab + "/a.b none swap sw\n/swap.img\tnone\tswap\tsw\n  /axb none swap sw\n"}, []string{"swap.img", "a.b"}, "swap-baked-in", 2,
			"etc/fstab", fstab + "  /axb none swap sw\n"},
		"a hostile name": {map[string]string{"etc/fstab": `/it's\040a#[swap]\134file.*$(reboot) none swap sw` + "\n" + `/it's\040a#[swap]\134fileX none swap noauto` + "\n"}, []string{`it's a#[swap]\file.*$(reboot)`}, "swap-baked-in", 1,
			"etc/fstab", `/it's\040a#[swap]\134fileX none swap noauto` + "\n"},
		"a unit": {map[string]string{"etc/systemd/system/var-s.swap": "[Swap]\nWhat=/var/s\n", "etc/systemd/system/swap.target.wants/var-s.swap": "-> ../var-s.swap"}, []string{"var/s"}, "swap-baked-in", 1, "", ""},
		"a unit of a package": {with(cloudInit, map[string]string{"usr/lib/systemd/system/s.swap": "[Swap]\nWhat=/s\n", "etc/systemd/system/swap.target.wants/s.swap": "-> /usr/lib/systemd/system/s.swap"}),
			[]string{"s"}, "swap-baked-in", 1, "", ""},
		"listed and gone": {with(cloudInit, map[string]string{"etc/fstab": "/swapfile none swap sw\n"}), nil, "swap-persistent", 1, "etc/fstab", ""},
		"no swapfile":     {map[string]string{"swapfile": strings.Repeat("x", 1<<16), "etc/fstab": "/swapfile none swap sw\n"}, nil, "swap-persistent", 1, "etc/fstab", ""},
		"listed twice": {map[string]string{"etc/fstab": "/swapfile none swap sw\n/x /x auto\n/swapfile swap swap sw\n\t/swapfile\tnone  swap"}, []string{"swapfile"}, "swap-persistent", 1,
			"etc/fstab", "/swapfile none swap sw\n/x /x auto\n"},
		"too open": {nil, []string{"swapfile"}, "swap-permissions", 1, "", ""},
		"two swaps": {with(cloudInit, map[string]string{"etc/fstab": "/swapfile none swap sw\n", "etc/cloud/cloud.cfg.d/10.cfg": "swap: {size: 1G}\n"}), []string{"swapfile"}, "cloud-init-swap", 1,
			"etc/fstab", ""},
		"two swaps, one a partition": {with(cloudInit, map[string]string{"etc/fstab": "/dev/vdb none swap sw\n", "etc/cloud/cloud.cfg.d/10.cfg": "swap: {size: 1G}\n"}), nil, "cloud-init-swap", 1,
			"etc/cloud/cloud.cfg.d/99-vmguard-swap.cfg", "#cloud-config\nswap:\n  size: 0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			image := newImageTree(t, tt.files)
			for _, s := range tt.swaps {
				image.mkswap(t, s)
			}
			found := image.failed(t, tt.id)
			if len(found) != tt.fails {
				t.Fatalf("want %d failures, got %+v", tt.fails, image.judge(t, tt.id))
			}
			for _, f := range found {
				if f.Remedy == nil || f.Remedy.Command == "" || !strings.HasPrefix(f.Remedy.Text, "in the image: ") && !strings.HasSuffix(f.Remedy.Text, "in the image") {
					t.Fatalf("no command for the image: %+v", f.Remedy)
				}
				image.typed(t, f.Remedy.Command)
				image.typed(t, f.Remedy.Command) // a second time changes nothing
			}
			if left := image.failed(t, tt.id); len(left) > 0 {
				t.Errorf("after %s\nthere is still: %+v", found[0].Remedy.Command, left)
			}
			if tt.id == "swap-enabled" || tt.id == "swap-baked-in" {
				if got := image.judge(t, "swap-enabled"); got[0].Status != finding.Pass {
					t.Errorf("after %s\nthere is no swap: %+v", found[0].Remedy.Command, got)
				}
			}
			if tt.want != "" {
				text, err := os.ReadFile(filepath.Join(image.dir, tt.want))
				must(t, err)
				if string(text) != tt.content {
					t.Errorf("%s holds\n%s, want\n%s", tt.want, text, tt.content)
				}
			}
		})
	}
}

// TestDropLinesLeavesAChangedFileAlone types a command that was printed for another fstab.
func TestDropLinesLeavesAChangedFileAlone(t *testing.T) {
	image := newImageTree(t, map[string]string{"etc/fstab": "/other none swap sw\n/swapfile none swap sw\n/swapfile /mnt ext4 loop\n"})
	image.typed(t, dropLines([]host.FstabSwap{{Line: 1, Spec: "/swapfile"}, {Line: 3, Spec: "/swapfile"}}, true))
	text, err := os.ReadFile(filepath.Join(image.dir, "etc", "fstab"))
	must(t, err)
	if string(text) != "/other none swap sw\n/swapfile none swap sw\n/swapfile /mnt ext4 loop\n" {
		t.Errorf("%s", text)
	}
}

// TestTwoSwapsLeaveOne types what all checks print of an image with two swaps: one is left,
// whichever comes first.
func TestTwoSwapsLeaveOne(t *testing.T) {
	for name, ids := range map[string][]string{"cloud-init's first": {"cloud-init-swap", "swap-baked-in"}, "the image's first": {"swap-baked-in", "cloud-init-swap"}} {
		t.Run(name, func(t *testing.T) {
			image := newImageTree(t, map[string]string{"usr/bin/cloud-init": "", "etc/cloud/cloud.cfg": distroModules, "etc/cloud/cloud.cfg.d/10.cfg": "swap: {size: 1G}\n",
				"etc/fstab": "/swapfile none swap sw\n/s none swap sw\n"})
			image.mkswap(t, "swapfile")
			image.mkswap(t, "s")
			var commands []string
			for _, id := range ids {
				for _, f := range image.failed(t, id) {
					commands = append(commands, f.Remedy.Command)
				}
			}
			if len(commands) != 3 {
				t.Fatalf("want three commands, got %q", commands)
			}
			for _, command := range commands {
				image.typed(t, command)
			}
			for _, id := range []string{"cloud-init-swap", "swap-baked-in", "swap-enabled"} {
				if got := image.judge(t, id); got[0].Status != finding.Pass {
					t.Errorf("after %q: %+v", commands, got)
				}
			}
		})
	}
}

// TestManyAlikeAreJudgedOnce has what a small fstab can hold: without that, each of the lines
// would be judged by all the others, and its command would name them all.
func TestManyAlikeAreJudgedOnce(t *testing.T) {
	f := healthy()
	swapImage(f)
	for range 200 {
		listing("/x", "")(f)
		f.Units.Value = append(f.Units.Value, host.SwapUnit{Name: "x.swap", Path: "/etc/systemd/system/x.swap", What: "/x", Enabled: true})
	}
	got := judgeImagePersistent(f)
	if len(got) != 2 { // that it is there twice, and that it is gone
		t.Fatalf("%d findings", len(got))
	}
	if n := strings.Count(got[1].Remedy.Command, " -e "); n != 1 {
		t.Errorf("the command takes the lines out %d times", n)
	}
}
