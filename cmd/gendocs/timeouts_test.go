package main

import (
	"strings"
	"testing"

	"vmguard/pkg/probe"
)

// TestTimeoutsExample holds that the example is taken as it stands, and does what the page says.
func TestTimeoutsExample(t *testing.T) {
	table, err := probe.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	more, err := table.Extend(strings.NewReader(timeoutsExample))
	if err != nil {
		t.Fatal(err)
	}
	if len(more) != len(table)+1 {
		t.Errorf("%d entries, want one more than %d", len(more), len(table))
	}
	if !strings.Contains(string(timeoutsPage(table)), timeoutsExample) {
		t.Error("the page lacks the example")
	}
	for _, kind := range probe.Kinds() {
		if explained := strings.Contains(timeoutsText, "**"+string(kind)+"**"); explained != kind.Dead() {
			t.Errorf("%s is explained: %v", kind, explained)
		}
	}
	for _, box := range probe.Boxes() {
		if !strings.Contains(timeoutsText, "**"+string(box)+"**") {
			t.Errorf("%s is not explained", box)
		}
	}
}

// TestTimeoutsTable holds that every box has one row with a cell for each column.
func TestTimeoutsTable(t *testing.T) {
	table := probe.Timeouts{
		{ID: "a", Name: "A | B", Seconds: 5, Box: probe.BoxProxy, Ends: []probe.Kind{probe.Closed, probe.Bye}, Protocols: []string{"imap"}, Login: probe.AfterLogin},
		{ID: "b", Name: "B", Seconds: 5, MinSeconds: 1, MaxSeconds: 9, Box: probe.BoxServer, Container: true, Source: "snake_case"},
		{ID: "c", Name: "C", MinSeconds: 1, Box: probe.BoxSession, Pool: true},
	}
	page := string(timeoutsPage(table))
	for _, row := range []string{
		"| A \\| B<br>`a` | 5 | proxy | closed, bye | imap, after login |  |  |\n",
		"| B<br>`b` | 5 (1 to 9) | server |  | containers |  | snake\\_case |\n",
		"| C<br>`c` | 1 or more | session |  | the servers behind it |  |  |\n",
	} {
		if !strings.Contains(page, row) {
			t.Errorf("no row %q in\n%s", row, page)
		}
	}
}
