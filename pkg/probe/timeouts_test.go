package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func builtinTable(t testing.TB) Timeouts {
	t.Helper()
	table, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestBuiltin(t *testing.T) {
	table := builtinTable(t)
	// What several vendors document, by hand: a slip of the pen in the table shows here.
	for id, want := range map[string]int{
		"gcp-vpc-conntrack": 600, "gcp-app-lb-client": 610, "gcp-cloud-nat": 1200, "aws-nlb": 350, "aws-nat-gateway": 350, "aws-alb": 60,
		"aws-sg-conntrack": 432000, "azure-lb": 240, "azure-nat-gateway": 240, "cloudflare-client": 400, "oci-lb-client": 65, "nginx-http": 75,
		"nginx-stream": 600, "haproxy": 0, "envoy-tcp": 3600, "caddy-server": 300, "linux-conntrack": 432000, "ipvs": 900, "imap-autologout": 0,
		"dovecot-preauth": 180, "dovecot-auth": 1800, "exchange-imap": 1800, "gmail-session": 86400,
	} {
		i := table.index(id)
		if i < 0 {
			t.Errorf("%s is not in the table", id)
		} else if table[i].Seconds != want {
			t.Errorf("%s: %d s, want %d s", id, table[i].Seconds, want)
		}
	}
	for _, entry := range table {
		if entry.Source == "" || entry.Configurable == "" {
			t.Errorf("%s: no source, or not said whether it can be set", entry.ID)
		}
		if strings.HasPrefix(entry.Needs, "needs") || strings.HasSuffix(entry.Needs, ".") {
			t.Errorf("%s: %q does not read well after \"needs\"", entry.ID, entry.Needs)
		}
	}
}

func TestExtend(t *testing.T) {
	table := builtinTable(t)
	before := slices.Clone(table)
	more, err := table.Extend(strings.NewReader(`[
		{"id": "office-firewall", "name": "the office's firewall", "seconds": 1500, "box": "flow-table", "ends": ["black-hole"], "source": "its handbook"},
		{"id": "aws-nlb", "name": "our NLB", "seconds": 900, "where": "amazon", "box": "flow-table", "ends": ["reset-on-use"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	if len(more) != len(table)+1 || more[table.index("aws-nlb")].Seconds != 900 || more[len(table)].ID != "office-firewall" {
		t.Errorf("extended table: %v", more)
	}
	if diff := cmp.Diff(before, table); diff != "" {
		t.Errorf("the table itself was changed: %s", diff)
	}
	if same, err := table.Extend(strings.NewReader(" [] ")); err != nil || len(same) != len(table) {
		t.Errorf("no entries: %d of %d, %v", len(same), len(table), err)
	}
}

func TestExtendRefuses(t *testing.T) {
	entry := func(changed string) string {
		fields := map[string]json.RawMessage{
			"id": []byte(`"x"`), "name": []byte(`"X"`), "seconds": []byte(`5`), "box": []byte(`"proxy"`), "ends": []byte(`["closed"]`),
		}
		if err := json.Unmarshal([]byte(changed), &fields); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if _, err := (Timeouts{}).Extend(strings.NewReader("[" + entry(`{}`) + "]")); err != nil {
		t.Fatalf("the entry that is changed below: %v", err)
	}
	for name, c := range map[string]struct{ table, want string }{
		"nothing":            {"", "no list of entries: EOF"},
		"no JSON":            {"timeouts: []", "no list of entries"},
		"no list":            {entry(`{}`), "no list of entries"},
		"two lists":          {"[] []", "something follows"},
		"too large":          {"[" + strings.Repeat(" ", maxTable) + "]", "more than 1 MiB"},
		"too many":           {"[" + strings.Repeat("{},", maxEntries) + "{}]", "more than 1000 entries"},
		"unknown key":        {"[" + entry(`{"sekonds": 5}`) + "]", `entry 1 (x): json: unknown field "sekonds"`},
		"twice":              {"[" + entry(`{}`) + "," + entry(`{}`) + "]", "entry 2 (x): the id is there twice"},
		"no id":              {"[" + entry(`{"id": ""}`) + "]", "entry 1 (no proper id): id: wanted"},
		"bad id":             {"[" + entry(`{"id": "X Y"}`) + "]", "entry 1 (no proper id): id: wanted"},
		"no name":            {"[" + entry(`{"name": ""}`) + "]", "entry 1 (x): name: missing"},
		"long name":          {"[" + entry(`{"name": "`+strings.Repeat("n", maxText+1)+`"}`) + "]", "entry 1 (x): a text is longer"},
		"control characters": {"[" + entry(`{"name": "a\u001bb"}`) + "]", "entry 1 (x): a text is longer than 300 bytes or has control"},
		"bad place":          {"[" + entry(`{"where": "Google Cloud"}`) + "]", "entry 1 (x): where"},
		"bad box":            {"[" + entry(`{"box": "router"}`) + "]", "entry 1 (x): box: wanted one of [flow-table proxy server session]"},
		"bad login":          {"[" + entry(`{"login": "during"}`) + "]", "entry 1 (x): login"},
		"bad protocol":       {"[" + entry(`{"protocols": ["smtp"]}`) + "]", "entry 1 (x): protocols"},
		"no ends":            {"[" + entry(`{"ends": []}`) + "]", "entry 1 (x): ends: missing"},
		"bad kind":           {"[" + entry(`{"ends": ["exploded"]}`) + "]", "entry 1 (x): ends: a kind"},
		"lively kind":        {"[" + entry(`{"ends": ["alive"]}`) + "]", "entry 1 (x): ends: a kind"},
		"no seconds":         {"[" + entry(`{"seconds": 0}`) + "]", "entry 1 (x): seconds: wanted seconds"},
		"negative":           {"[" + entry(`{"seconds": -5}`) + "]", "entry 1 (x): seconds: wanted 1 to"},
		"absurd":             {"[" + entry(`{"seconds": 99999999}`) + "]", "entry 1 (x): seconds: wanted 1 to"},
		"no number":          {"[" + entry(`{"seconds": "5"}`) + "]", "entry 1 (x): json"},
		"a half":             {"[" + entry(`{"seconds": 2.5}`) + "]", "entry 1 (x): json"},
		"upside down":        {"[" + entry(`{"minSeconds": 9, "maxSeconds": 3}`) + "]", "minSeconds is above maxSeconds"},
		"half a range":       {"[" + entry(`{"maxSeconds": 9}`) + "]", "maxSeconds without minSeconds"},
		"default outside":    {"[" + entry(`{"minSeconds": 6, "maxSeconds": 9}`) + "]", "the default is outside"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := (Timeouts{}).Extend(strings.NewReader(c.table))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("gave %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
	broken := errors.New("broken disk")
	if _, err := (Timeouts{}).Extend(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

func TestFor(t *testing.T) {
	table := Timeouts{
		{ID: "any"}, {ID: "imap", Protocols: []string{"imap"}}, {ID: "http", Protocols: []string{"http"}}, {ID: "pool", Pool: true},
		{ID: "before", Login: BeforeLogin}, {ID: "after", Login: AfterLogin},
	}
	for _, c := range []struct {
		protocol string
		loggedIn bool
		want     []string
	}{
		{"imap", true, []string{"any", "imap", "after"}},
		{"imap", false, []string{"any", "imap", "before"}},
		{"http", false, []string{"any", "http", "before"}},
		{"", true, []string{"any", "after"}},
	} {
		var got []string
		for _, entry := range table.For(c.protocol, c.loggedIn) {
			got = append(got, entry.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("For(%q, %v): %s", c.protocol, c.loggedIn, diff)
		}
	}
}

// FuzzExtend holds that a table that is taken is sound, holds everything of both tables, and is the same when it is written and read again.
func FuzzExtend(f *testing.F) {
	f.Add([]byte(`[{"id": "x", "name": "X", "seconds": 5, "box": "proxy", "ends": ["closed"]}]`))
	f.Add([]byte(`[{"id": "aws-nlb", "name": "X", "minSeconds": 5, "box": "server", "ends": ["bye", "closed"], "login": "after"}]`))
	f.Add(builtin)
	table := builtinTable(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := table.Extend(bytes.NewReader(data))
		if err != nil {
			if got != nil {
				t.Fatalf("a table beside the error %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, entry := range got {
			if err := entry.check(); err != nil || seen[entry.ID] {
				t.Fatalf("unsound, or twice: %+v: %v", entry, err)
			}
			seen[entry.ID] = true
			if slowest := max(entry.Default(), time.Duration(entry.MaxSeconds)*time.Second); slowest < 0 || slowest > maxSeconds*time.Second {
				t.Fatalf("%s: %v", entry.ID, slowest)
			}
		}
		for _, entry := range table {
			if !seen[entry.ID] {
				t.Fatalf("%s is lost", entry.ID)
			}
		}
		written, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := (Timeouts{}).Extend(bytes.NewReader(written))
		if err != nil && len(written) <= maxTable && len(got) <= maxEntries {
			t.Fatalf("read again: %v", err)
		}
		if err == nil && fmt.Sprint(again) != fmt.Sprint(got) {
			t.Fatalf("read again:\n%v\nwas\n%v", again, got)
		}
	})
}
