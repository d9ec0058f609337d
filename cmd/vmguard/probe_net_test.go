package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The addresses in a network. Its namespaces belong to one test, so that every network may have the same ones.
const (
	clientIP  = "10.98.1.2"
	serverIP  = "10.98.2.2"
	serverIP6 = "fd98:2::2"
)

// network is what one test measures through: a client, a router and a server, each in a network namespace of its own.
type network struct {
	t                      *testing.T
	vmguard                string
	dir                    string // for what the servers need; others than root may enter it
	client, router, server *node
}

// router says what the router does with the connections that pass it.
type router struct {
	rules       string // testdata/probe/RULES.nft; "" for one that tracks nothing
	established int    // after so many seconds of idleness it forgets a connection
	loose       bool   // it adopts connections whose beginning it has not seen
}

// The wiring: a line of veth pairs, each named for where it leads.
const (
	wireClient = `
ip link set lo up
ip link add router type veth peer name client netns "$1"
ip link set router addrgenmode none up
ip address add 10.98.1.2/24 dev router
ip address add fd98:1::2/64 dev router nodad`
	wireServer = `
ip link set lo up
ip link add router type veth peer name server netns "$1"
ip link set router addrgenmode none up
ip address add 10.98.2.2/24 dev router
ip address add fd98:2::2/64 dev router nodad`
	wireRouter = `
ip link set client addrgenmode none up
ip link set server addrgenmode none up
ip address add 10.98.1.1/24 dev client
ip address add fd98:1::1/64 dev client nodad
ip address add 10.98.2.1/24 dev server
ip address add fd98:2::1/64 dev server nodad
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding`
	routeAll = `
ip route add default via "$1"
ip route add default via "$2"`
)

// newNetwork builds a network. Nothing of it outlives the test, or the test's process.
func newNetwork(t *testing.T, vmguard string, r router) *network {
	t.Helper()
	needNetwork(t)
	dir, err := os.MkdirTemp("", "vmguard-test-net-") // short: sockets have their paths in it
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	nw := &network{t: t, vmguard: vmguard, dir: dir, client: newNode(t, ""), router: newNode(t, ""), server: newNode(t, dir)}
	nw.client.sh(wireClient, strconv.Itoa(nw.router.pid))
	nw.server.sh(wireServer, strconv.Itoa(nw.router.pid))
	nw.router.sh(wireRouter)
	nw.client.sh(routeAll, "10.98.1.1", "fd98:1::1")
	nw.server.sh(routeAll, "10.98.2.1", "fd98:2::1")
	if r.rules != "" {
		nw.track(r)
	}
	return nw
}

// needNetwork skips where namespaces cannot be made, or a tool is missing.
func needNetwork(t *testing.T) {
	t.Helper()
	needRoot(t)
	needTools(t, "ip", "nft", "unshare", "nsenter")
}

func needTools(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v: scripts/setup installs it", err)
		}
	}
}

// track makes the router keep a table of connections, and looks whether it really does.
func (nw *network) track(r router) {
	nw.t.Helper()
	loose := 0
	if r.loose {
		loose = 1
	}
	nw.router.sh(`
cd /proc/sys/net/netfilter
echo "$1" >nf_conntrack_tcp_timeout_established
echo "$2" >nf_conntrack_tcp_loose
nft --file "$3"`, strconv.Itoa(r.established), strconv.Itoa(loose), testdata(nw.t, r.rules+".nft"))
	got := nw.router.sh("nft list ruleset")
	for _, want := range map[string][]string{
		"reset": {"ct state established,related accept", "reject with tcp reset", "masquerade"},
		"drop":  {"ct state established,related accept", "meta l4proto tcp drop", "masquerade"},
		"nat":   {"masquerade"},
	}[r.rules] {
		if !strings.Contains(got, want) {
			nw.t.Fatalf("the ruleset has no %q:\n%s", want, got)
		}
	}
}

// probe runs vmguard probe on the client to its end.
func (nw *network) probe(args ...string) ran {
	nw.t.Helper()
	return nw.startProbe(args...)()
}

// startProbe starts vmguard probe on the client; the function that it gives waits for its end.
func (nw *network) startProbe(args ...string) (wait func() ran) {
	nw.t.Helper()
	return start(nw.t, nw.client.command(append([]string{nw.vmguard, "probe"}, args...)...))
}

// testdata gives the whole path of a file in testdata/probe.
func testdata(t *testing.T, name string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", "testdata", "probe", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// node is a machine of a network: a process that holds a network namespace and a PID namespace. When it ends
// the kernel ends both, and with them the node's links and every process in it.
type node struct {
	t       *testing.T
	pid     int               // of the process, by which others find the namespaces
	servers []<-chan struct{} // closed when one has ended
}

// holdNode makes the namespaces and says which process holds them: the PID in its own stat is the one that
// others know it by, since it still sees their /proc. Whatever became of the test, it ends when its input
// does, and then nothing writes to the directory any more.
const holdNode = `
unshare --net --pid --fork --kill-child sh -euc '
	read -r pid rest </proc/self/stat
	echo "$pid"
	exec cat >/dev/null'
rm -rf "$1"
`

// newNode starts the process, which lives until the test closes its input or dies. The directory goes with it.
func newNode(t *testing.T, dir string) *node {
	t.Helper()
	cmd := exec.Command("sh", "-euc", holdNode, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C must not end it before the test has ended
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t}
	t.Cleanup(func() {
		_ = in.Close() // it may have ended by itself, which Wait says
		if err := cmd.Wait(); err != nil {
			t.Errorf("a node's end: %v", err)
		}
		for _, ended := range n.servers {
			<-ended
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("a node does not start: %v", err)
	}
	if n.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	return n
}

// command makes a command that runs in the node's network namespace.
func (n *node) command(args ...string) *exec.Cmd {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Minute)
	n.t.Cleanup(cancel)
	return exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(n.pid), "--net", "--"}, args...)...)
}

// sh runs a shell script in the node's network namespace, which must succeed, and gives what it printed.
func (n *node) sh(script string, args ...string) string {
	n.t.Helper()
	out, err := n.command(append([]string{"sh", "-euc", script, "sh"}, args...)...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s %v: %v\n%s", script, args, err, out)
	}
	return string(out)
}

// serve starts a server on the node, in the foreground, and waits until it listens on the port. It ends with the node.
func (n *node) serve(port int, args ...string) {
	n.t.Helper()
	cmd := exec.Command("nsenter", append([]string{"--target", strconv.Itoa(n.pid), "--net", "--pid", "--"}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // in the end it is killed
		close(ended)
	}()
	n.servers = append(n.servers, ended)
	waitFor(n.t, args[0]+" listens", func() bool {
		select {
		case <-ended:
			n.t.Fatalf("%v: %v\n%s", args, cmd.ProcessState, said.String())
		default:
		}
		return n.sockets(port, listening) > 0
	})
}

// States of a TCP socket, as /proc/net/tcp spells them (include/net/tcp_states.h).
const (
	established = "01"
	listening   = "0A"
)

// sockets counts the node's TCP sockets that have a local port and a state.
func (n *node) sockets(port int, state string) int {
	n.t.Helper()
	count := 0
	for _, file := range []string{"tcp", "tcp6"} {
		for line := range strings.Lines(string(readFile(n.t, fmt.Sprintf("/proc/%d/net/%s", n.pid, file)))) {
			// "0: 0202620A:008F 00000000:0000 0A ..."
			fields := strings.Fields(line)
			if strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) && fields[3] == state {
				count++
			}
		}
	}
	return count
}

// start starts a prepared command; the function that it gives waits for its end. The exit code is -1 for one
// that had to be killed.
func start(t *testing.T, cmd *exec.Cmd) (wait func() ran) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return func() ran {
		t.Helper()
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			t.Errorf("%v: %v", cmd.Args, err)
		}
		return ran{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	}
}
