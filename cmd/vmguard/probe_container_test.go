package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// probeFromContainer measures from inside a container, through Docker's NAT and this machine, to nginx on
// the network's server. For that the server gets one more link, which leads here.
func probeFromContainer(t *testing.T, nw *network) []experiment {
	t.Helper()
	if err := exec.Command("docker", "version").Run(); err != nil {
		return []experiment{{"from a container", func() ran { return ran{} }, func(t *testing.T, _ ran) {
			t.Helper()
			t.Skipf("no Docker engine answers: %v", err)
		}}}
	}
	command(t, "../../testdata/app/build-image", "app")
	here, there := linkHere(t, nw)
	name := fmt.Sprintf("vmguard-test-p-%d", os.Getpid())
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", name).Run() })
	// It ends by itself, should the test be killed.
	dockerCLI(t, "run", "-d", "--rm", "--name", name, "--entrypoint", "/bin/sh", "vmguard-test-app", "-c", "exec sleep 600")
	inside := strings.TrimSpace(dockerCLI(t, "inspect", "-f", "{{.NetworkSettings.IPAddress}}", name))

	target := netip.AddrPortFrom(there, nginxPort).String()
	probe := append([]string{"probe", "imap", target, "--plain", "--container", name}, ladder()...)
	return []experiment{{"from a container", start(t, exec.CommandContext(t.Context(), nw.vmguard, probe...)), func(t *testing.T, r ran) {
		t.Helper()
		forgets("closed", expiry, nginxLazy, "proxy-or-server")(t, r)
		report := reported(t, r, 0)
		for _, one := range report.Rungs {
			if one.Trace.Local.Addr().String() != inside {
				t.Errorf("the connection came from %v, want the container's address %s", one.Trace.Local, inside)
			}
		}
		if report.Container != name {
			t.Errorf("the report names container %q", report.Container)
		}
		if log := string(readFile(t, filepath.Join(nw.dir, "nginx.log"))); !strings.Contains(log, "client "+here.String()) {
			t.Errorf("nginx has not seen %v, as which Docker masquerades the container:\n%s", here, log)
		}
	}}}
}

// linkHere joins the server to this machine by a veth pair, which goes with the server, and gives the
// addresses of both ends.
func linkHere(t *testing.T, nw *network) (here, there netip.Addr) {
	t.Helper()
	pid := os.Getpid() // so that two test runs on one machine do not meet
	net := []byte{10, 99, byte(pid >> 6), byte(pid << 2)}
	here = netip.AddrFrom4([4]byte{net[0], net[1], net[2], net[3] + 1})
	there = here.Next()
	name := fmt.Sprintf("vmg-t-%d", pid)
	nw.server.sh(`
ip link add here type veth peer name "$1" netns "$2"
ip link set here addrgenmode none up
ip address add "$3/30" dev here`, name, strconv.Itoa(pid), there.String())
	command(t, "ip", "link", "set", name, "up")
	command(t, "ip", "address", "add", here.String()+"/30", "dev", name)
	return here, there
}
