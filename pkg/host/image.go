package host

import (
	"context"
	"path"
	"strings"
	"time"
)

// CollectImage takes a snapshot of an image: a file tree of a host that does not run
// (rootfs.OpenImage). What an image cannot tell stays not collected, and Facts.Image is
// set. Reading is bounded as in Collect.
func CollectImage(ctx context.Context, s Source) *Facts {
	now := s.Now
	if now == nil {
		now = time.Now
	}
	facts := &Facts{CollectedAt: now().UTC(), Image: true}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.FS = s.FS.Within(ctx)
	sh := newShared(s)
	list := append(swapConfReadings(s, sh), bootReadings(s, sh)...)
	list = append(list, bakedSwapReading(s, sh), kernelConfigReading(s),
		fact(fileLimit, func(f *Facts) *Fact[bool] { return &f.SwapOff },
			func(context.Context) Fact[bool] { return readSwapOff(s.FS) }),
		fact(fileLimit, func(f *Facts) *Fact[bool] { return &f.DockerInstalled },
			func(context.Context) Fact[bool] { return readDockerInstalled(s, noDaemons()) }),
		fact(fileLimit, func(f *Facts) *Fact[System] { return &f.System },
			func(context.Context) Fact[System] { return readImageSystem(s) }),
		fact(fileLimit, func(f *Facts) *Fact[DaemonConfig] { return &f.DaemonConfig },
			func(context.Context) Fact[DaemonConfig] {
				return withEntries(s.FS, readDaemonConfig(s.FS, noDaemons(), sh.units))
			}))
	gather(ctx, facts, list)
	return facts
}

// noDaemons are the running daemons of an image.
func noDaemons() Fact[[]Daemon] { return Known([]Daemon{}, "an image, in which no process runs") }

// bootReadings lists what is set up for the next boot, and the files that the user named.
func bootReadings(s Source, sh shared) []reading {
	var list []reading
	for _, family := range [][]reading{
		sysctlConfReadings(s), kernelReadings(s), serviceReadings(s, sh), daemonFileReadings(s, sh),
		cloudInitReadings(s, sh), caddyReadings(s), composeReadings(s),
	} {
		list = append(list, family...)
	}
	return list
}

// readImageSystem tells what the image would be as a machine: its system and its name.
func readImageSystem(s Source) Fact[System] {
	sys := System{OS: readOS(s.FS)}
	sys.Hostname, _ = word(s.FS, "/etc/hostname")
	if sys == (System{}) {
		return Missing[System]("neither /etc/os-release nor /etc/hostname can be read: is this the root of a system?")
	}
	sys.Root = s.Root
	return Known(sys, "/etc")
}

// underRoot gives the path inside a tree of a file that the user named from outside it;
// false where the file lies elsewhere.
func underRoot(root, file string) (string, bool) {
	root, file = path.Clean(root), path.Clean(file)
	if root == "/" {
		return file, true
	}
	rest, ok := strings.CutPrefix(file, root+"/")
	return "/" + rest, ok
}
