package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/rootfs"
)

// Container is the engine's account of a container, joined with what the kernel
// says of it. The kernel's part is read by PID, and only where that process's
// cgroup carries the container's ID: an engine may run elsewhere, and PIDs are reused.
type Container struct {
	docker.Container
	Memory    Fact[ContainerMemory] `json:"memory"`
	Process   Fact[Process]         `json:"process"`
	Keepalive Fact[Keepalive]       `json:"keepalive"`
}

// Running tells whether the container has processes.
func (c Container) Running() bool {
	return c.State == "running" || c.State == "paused"
}

// without is the container with all of the kernel's part missing for one reason.
func (c Container) without(why string) Container {
	c.Memory = Missing[ContainerMemory](why)
	c.Process = Missing[Process](why)
	c.Keepalive = Missing[Keepalive](why)
	return c
}

// joiner reads the kernel's part of containers.
type joiner struct {
	tree      *rootfs.FS
	cgroup    func() Fact[Cgroup]
	keepalive func(ctx context.Context, pid int) (Keepalive, error)
	host      func() Fact[Keepalive]
}

// join adds the kernel's part to one container.
func (j joiner) join(ctx context.Context, c Container) Container {
	switch {
	case !c.Running():
		return c.without("not running")
	case c.PID <= 0:
		return c.without("the engine gave no process of it")
	}
	cgroups, err := j.ownCgroups(c)
	if err != nil {
		return c.without(err.Error())
	}
	c.Memory = readContainerMemory(j.tree, j.cgroup(), cgroups, c.ID)
	c.Process = readProcess(j.tree, c.PID, c.Container)
	c.Keepalive = j.readKeepalive(ctx, c)
	// Its process may have ended in between, and another taken its number.
	if _, err := j.ownCgroups(c); err != nil {
		return c.without("it ended while it was looked at")
	}
	return c
}

// ownCgroups reads /proc/PID/cgroup, and errs where that does not name the container.
func (j joiner) ownCgroups(c Container) (string, error) {
	name := procFile(c.PID, "cgroup")
	cgroups, err := word(j.tree, name)
	switch {
	case gone(err):
		return "", fmt.Errorf("process %d is not on this host (the engine runs elsewhere, or the container has just ended)", c.PID)
	case err != nil:
		return "", errors.New(unread(name, err))
	case c.ID == "" || !strings.Contains(cgroups, c.ID):
		return "", fmt.Errorf("process %d does not belong to this container (the engine runs elsewhere, or the PID was reused)", c.PID)
	}
	return cgroups, nil
}

// readKeepalive reads the settings that count for the container's sockets: those of
// the host where it shares the host's network, else those of its own network namespace.
func (j joiner) readKeepalive(ctx context.Context, c Container) Fact[Keepalive] {
	if c.NetworkMode == "host" {
		return j.host()
	}
	if j.keepalive == nil {
		return Missing[Keepalive]("network namespaces can only be entered on the running host")
	}
	k, err := j.keepalive(ctx, c.PID)
	if err != nil {
		return Missing[Keepalive](err.Error())
	}
	return Known(k, fmt.Sprintf("/proc/sys/net/ipv4 in the network namespace of process %d", c.PID))
}

// Keepalive is the TCP keepalive setting of a network namespace (tcp(7)). It only
// works for sockets that switch SO_KEEPALIVE on.
type Keepalive struct {
	Time     time.Duration `json:"timeNanoseconds"` // idle time before the first probe
	Interval time.Duration `json:"intervalNanoseconds"`
	Probes   int           `json:"probes"`
}

// hostKeepalive makes the settings of sysctls that were read.
func hostKeepalive(sysctl func(string) Fact[int64]) Fact[Keepalive] {
	var values [3]int64
	for i, name := range []string{"time", "intvl", "probes"} {
		f := sysctl("net.ipv4.tcp_keepalive_" + name)
		if !f.Known() {
			return Missing[Keepalive](f.Why())
		}
		values[i] = f.Value
	}
	k, err := keepalive(values)
	if err != nil {
		return Missing[Keepalive](err.Error())
	}
	return Known(k, "/proc/sys/net/ipv4")
}

// keepalive makes settings of tcp_keepalive_time, _intvl and _probes. The kernel keeps
// the first two, in seconds, within 16 bits.
func keepalive(values [3]int64) (Keepalive, error) {
	for _, v := range values {
		if v < 0 || v > 1<<31-1 {
			return Keepalive{}, fmt.Errorf("keepalive settings %d are out of range", values)
		}
	}
	return Keepalive{
		Time:     time.Duration(values[0]) * time.Second,
		Interval: time.Duration(values[1]) * time.Second,
		Probes:   int(values[2]),
	}, nil
}
