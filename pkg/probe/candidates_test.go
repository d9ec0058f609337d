package probe

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestJudgeArms(t *testing.T) {
	const alive, dead, not = Alive, ResetOnUse, Refused
	for _, c := range []struct {
		silent, keepalive, nudged Kind
		want                      ArmsSay
	}{
		{dead, alive, alive, ArmsFlowTable},
		{dead, dead, alive, ArmsProxyOrServer},
		{dead, dead, dead, ArmsSessionCap},
		{dead, alive, dead, ArmsUnknown},
		{dead, not, alive, ArmsUnknown}, {dead, alive, not, ArmsUnknown}, {dead, dead, not, ArmsUnknown}, {dead, not, dead, ArmsUnknown}, {dead, not, not, ArmsUnknown},
		{not, alive, alive, ArmsUnknown}, {not, dead, alive, ArmsUnknown}, {not, dead, dead, ArmsUnknown}, {not, alive, dead, ArmsUnknown},
		{alive, alive, alive, ArmsNotReproduced}, {alive, dead, dead, ArmsNotReproduced}, {alive, not, not, ArmsNotReproduced}, {alive, dead, alive, ArmsNotReproduced},
	} {
		if got := JudgeArms(c.silent, c.keepalive, c.nudged); got != c.want {
			t.Errorf("JudgeArms(%s, %s, %s) = %s, want %s", c.silent, c.keepalive, c.nudged, got, c.want)
		}
	}
	// Every verdict is alive, dead, or nothing that was measured.
	for _, kind := range append(Kinds(), "", "new") {
		want := ArmsUnknown
		if kind.Dead() {
			want = ArmsFlowTable
		} else if kind == Alive {
			want = ArmsNotReproduced
		}
		if got := JudgeArms(kind, Alive, Alive); got != want {
			t.Errorf("a silent one that is %q: %s, want %s", kind, got, want)
		}
	}
}

// around is the question of a login over IMAP whose connections die between two idle times.
func around(low, high float64, change func(*Question)) Question {
	q := Question{
		Low: time.Duration(low * float64(time.Second)), High: time.Duration(high * float64(time.Second)),
		Protocol: "imap", LoggedIn: true,
	}
	if change != nil {
		change(&q)
	}
	return q
}

func ids(candidates []Candidate) string {
	var all []string
	for _, c := range candidates {
		all = append(all, c.ID)
	}
	return strings.Join(all, " ")
}

func TestCandidates(t *testing.T) {
	table := builtinTable(t)
	for name, c := range map[string]struct {
		q    Question
		want string
	}{
		"600 s on Google Cloud, a flow table": {
			around(598, 603, func(q *Question) { q.Cloud, q.Kind, q.Arms = "google", ResetOnUse, ArmsFlowTable }),
			"gcp-vpc-conntrack gcp-internal-passthrough-nlb",
		},
		"600 s on Google Cloud, not known of what kind": {
			around(598, 603, func(q *Question) { q.Cloud = "google" }), "gcp-vpc-conntrack gcp-internal-passthrough-nlb nginx-stream",
		},
		"600 s closed on Google Cloud, by HTTP": {
			around(598, 603, func(q *Question) {
				q.Cloud, q.Kind, q.Protocol, q.LoggedIn = "google", Closed, "http", false
			}), "gcp-app-lb-regional nginx-stream gcp-app-lb-client", // the last by 610 s, which can be set to 600
		},
		"600 s, a proxy": {
			around(598, 603, func(q *Question) { q.Kind, q.Arms = Closed, ArmsProxyOrServer }), "nginx-stream",
		},
		"350 s on AWS": {
			around(340, 360, func(q *Question) { q.Cloud, q.Kind, q.Arms = "amazon", ResetOnUse, ArmsFlowTable }),
			"aws-nlb aws-nat-gateway aws-sg-conntrack-nitro-v6 aws-network-firewall aws-sg-conntrack",
		},
		"350 s elsewhere": {
			around(340, 360, func(q *Question) { q.Cloud, q.Kind = "hetzner", ResetOnUse }),
			"aws-nlb aws-nat-gateway aws-sg-conntrack-nitro-v6 aws-network-firewall",
		},
		"240 s on Azure, RST at the expiry": {
			around(239, 242, func(q *Question) { q.Cloud, q.Kind = "azure", ResetAtExpiry }), "azure-lb azure-nat-gateway",
		},
		"set to another time on its own cloud": {
			around(1799, 1802, func(q *Question) { q.Cloud, q.Kind, q.Arms = "azure", BlackHole, ArmsFlowTable }), "azure-lb azure-nat-gateway",
		},
		"set to another time elsewhere": {
			around(1795, 1797, func(q *Question) { q.Cloud, q.Kind, q.Arms = "google", BlackHole, ArmsFlowTable }), "gcp-internal-passthrough-nlb",
		},
		"30 min with a farewell": {
			around(1790, 1810, func(q *Question) { q.Kind = Bye }), "dovecot-auth exchange-imap imap-autologout",
		},
		"180 s before the login": {
			around(170, 190, func(q *Question) { q.LoggedIn, q.Kind = false, Bye }), "dovecot-preauth",
		},
		"180 s after the login": {around(170, 190, nil), ""},
		"900 s in a container":  {around(890, 910, func(q *Question) { q.Container = true }), "ipvs docker-swarm-vip"},
		"an hour, whatever is sent": {
			around(3590, 3610, func(q *Question) { q.Kind, q.Arms = Bye, ArmsSessionCap }), "gmail-oauth-session",
		},
		"45 s, a proxy":             {around(44, 46, func(q *Question) { q.Kind = Closed }), "haproxy"},
		"a time that no box has":    {around(97, 103, nil), ""},
		"over in the lab":           {around(2, 4, func(q *Question) { q.Kind, q.Arms = BlackHole, ArmsFlowTable }), ""},
		"not seen again":            {around(598, 603, func(q *Question) { q.Cloud, q.Arms = "google", ArmsNotReproduced }), ""},
		"alive":                     {around(598, 603, func(q *Question) { q.Kind = Alive }), ""},
		"no bracket":                {around(0, 0, nil), ""},
		"a bracket upside down":     {around(603, 598, nil), ""},
		"a bracket below nothing":   {around(-5, 603, nil), ""},
		"silence is no proxy's way": {around(598, 603, func(q *Question) { q.Kind, q.Arms = BlackHole, ArmsProxyOrServer }), "gcp-vpc-conntrack gcp-internal-passthrough-nlb"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ids(table.Candidates(c.q)); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestCandidateRules tries each rule on one box: for it, against it, and not known.
func TestCandidateRules(t *testing.T) {
	nat := Timeout{ID: "nat", Name: "NAT", Seconds: 600, MinSeconds: 60, MaxSeconds: 900, Where: "google", Box: BoxFlowTable, Ends: []Kind{BlackHole, ResetOnUse}, Needs: "a NAT on the way"}
	proxy := Timeout{ID: "proxy", Name: "Proxy", Seconds: 600, Box: BoxProxy, Ends: []Kind{Closed}}
	server := Timeout{ID: "server", Name: "Server", MinSeconds: 500, Box: BoxServer, Ends: []Kind{Bye}}
	session := Timeout{ID: "session", Name: "Session", Seconds: 600, Box: BoxSession, Ends: []Kind{Bye}}
	pod := Timeout{ID: "pod", Name: "Pod", Seconds: 600, Box: BoxFlowTable, Ends: []Kind{BlackHole}, Container: true}
	for name, c := range map[string]struct {
		box    Timeout
		change func(*Question)
		rank   int // 0 for out
		why    string
	}{
		"in the bracket":            {nat, nil, 100, "600 s fits the limit"},
		"just before":               {nat, func(q *Question) { q.Low, q.High = 605*time.Second, 620*time.Second }, 95, "600 s is near the limit"},
		"just after":                {nat, func(q *Question) { q.Low, q.High = 590*time.Second, 595*time.Second }, 95, "600 s is near the limit"},
		"before":                    {proxy, func(q *Question) { q.Low = 607 * time.Second }, 0, ""},
		"after":                     {proxy, func(q *Question) { q.High = 593 * time.Second }, 0, ""},
		"after, in range":           {nat, func(q *Question) { q.High, q.Cloud = 593*time.Second, "google" }, 65, "600 s by default, but it can be set to 60 to 900 s"},
		"after, in range, nowhere":  {nat, func(q *Question) { q.High = 593 * time.Second }, 0, ""},
		"above the range":           {nat, func(q *Question) { q.Low, q.High, q.Cloud = 910*time.Second, 920*time.Second, "google" }, 0, ""},
		"below the range":           {nat, func(q *Question) { q.Low, q.High, q.Cloud = 0, 57*time.Second, "google" }, 0, ""},
		"range only":                {server, nil, 60, "500 s or more"},
		"below the range only":      {server, func(q *Question) { q.Low, q.High = 0, 490*time.Second }, 0, ""},
		"kind fits":                 {nat, func(q *Question) { q.Kind = BlackHole }, 120, "it ends connections with silence, as was seen"},
		"kind does not":             {nat, func(q *Question) { q.Kind = ResetAtExpiry }, 60, "against it: it ends connections with silence or an RST on the next use, not with an RST at the expiry"},
		"kind is not known":         {nat, func(q *Question) { q.Kind = Unknown }, 100, ""},
		"a NAT that closes":         {nat, func(q *Question) { q.Kind = Closed }, 0, ""},
		"a NAT that takes leave":    {nat, func(q *Question) { q.Kind = Bye }, 0, ""},
		"a proxy that is silent":    {proxy, func(q *Question) { q.Kind = BlackHole }, 0, ""},
		"a proxy that takes leave":  {proxy, func(q *Question) { q.Kind = Bye }, 0, ""},
		"a proxy that resets":       {proxy, func(q *Question) { q.Kind = ResetOnUse }, 60, "not with an RST on the next use"},
		"a flow table by the arms":  {nat, func(q *Question) { q.Arms = ArmsFlowTable }, 130, "a flow table, as the arms say"},
		"no flow table by the arms": {nat, func(q *Question) { q.Arms = ArmsProxyOrServer }, 50, "against it: keepalive probes did not help"},
		"a flow table is no cap":    {nat, func(q *Question) { q.Arms = ArmsSessionCap }, 0, ""},
		"the arms do not know":      {nat, func(q *Question) { q.Arms = ArmsUnknown }, 100, ""},
		"a proxy by the arms":       {proxy, func(q *Question) { q.Arms = ArmsProxyOrServer }, 130, "a proxy, as the arms say"},
		"no proxy by the arms":      {proxy, func(q *Question) { q.Arms = ArmsFlowTable }, 0, ""},
		"a proxy is no cap":         {proxy, func(q *Question) { q.Arms = ArmsSessionCap }, 0, ""},
		"a server by the arms":      {server, func(q *Question) { q.Arms = ArmsProxyOrServer }, 90, "a server, as the arms say"},
		"no server by the arms":     {server, func(q *Question) { q.Arms = ArmsFlowTable }, 0, ""},
		"a cap by the arms":         {session, func(q *Question) { q.Arms = ArmsSessionCap }, 130, "a cap on the session's age, as the arms say"},
		"no cap by the arms":        {session, func(q *Question) { q.Arms = ArmsProxyOrServer }, 0, ""},
		"a cap without arms":        {session, nil, 80, "it counts the session's age"},
		"this cloud":                {nat, func(q *Question) { q.Cloud = "google" }, 125, "this VM runs on Google Cloud"},
		"another cloud":             {nat, func(q *Question) { q.Cloud = "hetzner" }, 70, "against it: this VM does not run on Google Cloud, so it would have to be at the far end"},
		"anywhere":                  {proxy, func(q *Question) { q.Cloud = "google" }, 100, ""},
		"a container's":             {pod, func(q *Question) { q.Container = true }, 110, "the connection came from a container"},
		"not a container's":         {pod, nil, 70, "against it: the connection did not come from a container"},
		"what it needs":             {nat, nil, 100, "needs a NAT on the way"},
	} {
		t.Run(name, func(t *testing.T) {
			q := around(590, 620, c.change)
			got := Timeouts{c.box}.Candidates(q)
			if c.rank == 0 {
				if len(got) != 0 {
					t.Fatalf("a candidate, rank %d: %q", got[0].rank, got[0].Why)
				}
				return
			}
			if len(got) != 1 {
				t.Fatal("no candidate")
			}
			if got[0].rank != c.rank {
				t.Errorf("rank %d, want %d: %q", got[0].rank, c.rank, got[0].Why)
			}
			if !strings.Contains(strings.Join(got[0].Why, "\n"), c.why) {
				t.Errorf("why: %q, want %q", got[0].Why, c.why)
			}
		})
	}
}

func TestCandidatesThatTooMuchSpeaksAgainst(t *testing.T) {
	far := Timeouts{{ID: "x", Name: "X", Seconds: 600, Where: "google", Box: BoxFlowTable, Ends: []Kind{BlackHole}, Container: true}}
	q := around(590, 620, func(q *Question) { q.Cloud, q.Kind = "amazon", ResetAtExpiry })
	if got := far.Candidates(q); len(got) != 0 { // 100 - 40 - 30 - 30
		t.Errorf("%+v", got)
	}
	q.Kind = BlackHole
	if got := far.Candidates(q); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestCandidateInFull(t *testing.T) {
	got := builtinTable(t).Candidates(around(598, 603, func(q *Question) { q.Cloud, q.Kind, q.Arms = "google", ResetOnUse, ArmsFlowTable }))[0]
	got.rank = 0
	want := Candidate{
		ID: "gcp-vpc-conntrack", Name: "Google Cloud VPC firewall, connection tracking", Seconds: 600, Why: []string{
			"600 s fits the limit that was found",
			"it ends connections with an RST on the next use, as was seen",
			"a flow table, as the arms say",
			"this VM runs on Google Cloud",
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Candidate{})); diff != "" {
		t.Error(diff)
	}
}

// FuzzCandidates holds that candidates are of the table, no more than five, each once and with a reason, and that none is named for a bracket that it cannot have made.
func FuzzCandidates(f *testing.F) {
	f.Add(int64(598*time.Second), int64(603*time.Second), "reset-on-use", "flow-table", "google", "imap", true, false)
	f.Add(int64(0), int64(time.Hour), "", "", "", "http", false, true)
	table := builtinTable(f)
	f.Fuzz(func(t *testing.T, low, high int64, kind, arms, cloud, protocol string, loggedIn, container bool) {
		q := Question{time.Duration(low), time.Duration(high), Kind(kind), ArmsSay(arms), cloud, protocol, loggedIn, container}
		got := table.Candidates(q)
		if len(got) > mostCandidates {
			t.Fatalf("%d candidates", len(got))
		}
		for i, c := range got {
			at := table.index(c.ID)
			if at < 0 || len(c.Why) == 0 || slices.ContainsFunc(got[:i], func(other Candidate) bool { return other.ID == c.ID || other.rank < c.rank }) {
				t.Fatalf("%+v of %+v", c, got)
			}
			entry := table[at]
			fastest, slowest := entry.Default(), entry.Default()
			if entry.MinSeconds > 0 {
				fastest, slowest = time.Duration(entry.MinSeconds)*time.Second, time.Duration(entry.MaxSeconds)*time.Second
			}
			if q.High+tolerance(max(q.High, fastest)) < fastest || slowest > 0 && q.Low-tolerance(slowest) > slowest {
				t.Fatalf("%s cannot have made %v to %v", c.ID, q.Low, q.High)
			}
		}
	})
}
