package verdict_test

import (
	"strings"
	"testing"

	"vmguard/pkg/host"
	"vmguard/pkg/verdict"
)

// remedies are the remedies of the newest death, with their commands, in one text.
func remedies(in verdict.Input) string {
	var b strings.Builder
	for _, r := range verdict.Judge(in).Deaths[0].Verdict.Remedies {
		b.WriteString(r.Text + " | " + r.Command + "\n")
	}
	return b.String()
}

func TestRemedies(t *testing.T) {
	t.Parallel()
	hit := kernel(kill(448, own))
	c := limited(dead(137, 447, ownLimitEvents()...), 32)
	set := func(change func(*host.Container)) host.Container {
		changed := c
		change(&changed)
		return changed
	}
	small := known(limited(c, 1500), kernel(kill(448, own)))
	small.Container.Limits.Memory = 1500 * mib
	small.Kernel.Value.Kills[0].Limit = nil
	tight := known(limited(c, 1024), kernel(kill(448, own)))
	tight.Kernel.Value.Kills[0].Limit = nil
	tight.Memory.Value.Available = 100 * mib
	deaf := dead(137, 10_050, ev(0, "start"), ev(1000, "kill", 15), ev(11_010, "kill", 9), ev(11_040, "die", 137), ev(11_110, "stop"))
	shell := deaf
	shell.Program, shell.ShellForm = "sh", true
	on := true
	node := deaf
	node.Program, node.Init = "node", &on
	for _, test := range []struct {
		name       string
		in         verdict.Input
		want, lack string
	}{
		{"the limit, in steps", known(c, hit), "raise the limit to 64 MiB: its peak was all of the present 32 MiB", "swap enable"},
		{"as a command", known(c, hit), "docker update --memory 64m --memory-swap 64m app", ""},
		{"the swap share is kept", known(set(func(c *host.Container) { c.Limits.MemorySwap = 64 * mib }), hit), "--memory 64m --memory-swap 96m app", ""},
		{"swap without limit", known(set(func(c *host.Container) { c.Limits.MemorySwap = -1 }), hit), "--memory-swap -1 app", ""},
		{"a name for the shell", known(set(func(c *host.Container) { c.Name = "a; reboot" }), hit), "'a; reboot'", ""},
		{"made by another", known(set(func(c *host.Container) { c.ManagedBy = "swarm" }), hit), "where swarm is told how to run it", "docker update"},
		{"made by compose", known(set(func(c *host.Container) { c.ComposeProject = "shop" }), hit), "write the same into the compose file", ""},
		{"a child, by an event alone", known(limited(dead(1, 150, ev(0, "start"), ev(168, "oom"), ev(204, "die", 1)), 32), noKernel()), "half as much again as the present 32 MiB", "peak"},
		{"the engine's word alone", known(flagged(c), noKernel()), "half as much again as the present 32 MiB", "peak"},
		{"a limit that it set inside", known(c, kernel(kill(448, own+"/nginx"))), "half as much again as the present 32 MiB", "peak"},
		{"raised since", known(limited(c, 64), hit), "its limit was raised to 64 MiB since", "docker update"},
		{"taken away since", known(limited(c, 0), hit), "its limit was taken away since", "docker update"},
		{"Node's heap", known(set(func(c *host.Container) { c.Program = "node" }), hit), "NODE_OPTIONS=--max-old-space-size=24 ", ""},
		{"the JVM's heap", known(set(func(c *host.Container) { c.Program = "java" }), hit), "-XX:MaxRAMPercentage=75", ""},
		{"no heap of an unknown program", known(c, hit), "raise the limit", "NODE_OPTIONS"},
		{"no room on the VM", small, "has no room for a higher one", "docker update"},
		{"less available than it would get", tight, "add swap or RAM as well", ""},
		{"and no swap", tight, "sudo vmguard swap enable", ""},
		{"the host", known(limited(c, 0), kernel(kill(448, ""))), "sudo vmguard swap enable", "docker update"},
		{"a parent", known(c, kernel(kill(448, "/webshop"))), "raise the limit of /webshop", "docker update"},
		{"deaf", known(deaf, kernel()), "catch SIGTERM in the program", "exec form"},
		{"deaf, longer", known(deaf, kernel()), "longer than 10 s: --stop-timeout", ""},
		{"deaf, --init", known(deaf, kernel()), "--init", ""},
		{"deaf shell", known(shell, kernel()), "write CMD as a JSON array", ""},
		{"deaf Node with --init", known(node, kernel()), "process.on('SIGTERM'", "--init"},
	} {
		got := remedies(test.in)
		if !strings.Contains(got, test.want) || test.lack != "" && strings.Contains(got, test.lack) {
			t.Errorf("%s: got %q, want %q, without %q", test.name, got, test.want, test.lack)
		}
	}
}

// TestSwapIsNotProposedTwice leaves a host alone that has swap, or of which that is not known.
func TestSwapIsNotProposedTwice(t *testing.T) {
	t.Parallel()
	in := known(dead(137, 447, ownLimitEvents()...), kernel(kill(448, "")))
	in.Swaps = host.Known([]host.SwapArea{{}}, "/proc/swaps")
	missing := in
	missing.Swaps = host.Missing[[]host.SwapArea]("denied")
	if got := remedies(in) + remedies(missing); strings.Contains(got, "swap enable") {
		t.Errorf("got %q", got)
	}
}
