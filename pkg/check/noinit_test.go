package check

import (
	"strings"
	"testing"

	"vmguard/pkg/caddy"
	"vmguard/pkg/host"
)

// TestCommandsWithoutSystemd holds what is said where systemd is installed and is not the init.
func TestCommandsWithoutSystemd(t *testing.T) {
	f := healthy()
	unit := host.SwapUnit{Name: "a.swap", What: "LABEL=s", Target: "/dev/vdb"}
	file := host.Caddyfile{Path: "/etc/caddy/Caddyfile"}
	for _, systemd := range []bool{true, false} {
		f.System.Value.Systemd = systemd
		start, reload := "sudo systemctl start a.swap", " && sudo systemctl reload caddy"
		if !systemd {
			start, reload = "sudo swapon /dev/vdb", " && sudo caddy reload --config /etc/caddy/Caddyfile"
		}
		if got := startUnit(f, unit); got != start {
			t.Errorf("systemd %t: %s, want %s", systemd, got, start)
		}
		if got := idleRemedy(f, file, caddy.Timeout{}, 60e9).Command; !strings.HasSuffix(got, reload) {
			t.Errorf("systemd %t: %s, want %s", systemd, got, reload)
		}
	}
	f.System.Value.Systemd = false
	unit.Target = ""
	if got := startUnit(f, unit); got != "sudo swapon LABEL=s" {
		t.Error(got)
	}
}

// TestUnitForSwapIsExplained holds what is said about the unit where vmguard is in the image, and where not.
func TestUnitForSwapIsExplained(t *testing.T) {
	f := &host.Facts{Image: true, CloudInit: host.Known(host.CloudInit{}, "/etc/cloud"), Units: host.Known([]host.SwapUnit{}, "systemd's unit directories")}
	const more = " at each: a swapfile of 2 GiB, not on btrfs (put vmguard into the image first, and the unit runs it instead)"
	if got := makeAtBoot(f, "").Text; !strings.HasSuffix(got, more) {
		t.Error(got)
	}
	f.CloudInit.Value.VMGuard = "/usr/bin/vmguard"
	if got := makeAtBoot(f, "").Text; !strings.HasSuffix(got, " at each") {
		t.Error(got)
	}
	f.Units.Source = "systemd's unit directories (absent)"
	if got := makeAtBoot(f, ""); !f.NoUnitDirs() || got.Command != "" || !strings.Contains(got.Text, "there is no systemd here") {
		t.Errorf("%+v", got)
	}
}
