package report

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/lab"
	"vmguard/pkg/probe"
)

func serving(t *testing.T, mode lab.TLSMode) Lab {
	t.Helper()
	s, err := lab.Find("reset-at-expiry")
	if err != nil {
		t.Fatal(err)
	}
	return Lab{
		Scenario: s, Idle: 1500 * time.Millisecond,
		Addr: "127.0.0.1:1143", User: "lab", Password: "K3Y", TLS: mode,
	}
}

func TestLabText(t *testing.T) {
	t.Parallel()
	certified, saved := serving(t, lab.ImplicitTLS), serving(t, lab.StartTLS)
	certified.CA = []byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
	saved.CA, saved.CAFile = certified.CA, "/tmp/ca\x1b[2J.pem"
	for _, test := range []struct {
		lab   Lab
		style Style
		want  string
	}{
		{serving(t, lab.Plain), Style{Wide: true, Width: 100}, `
scenario reset-at-expiry: a reset is sent when the limit is reached (after 1.5 s)
  address   127.0.0.1:1143 (no TLS)
  user      lab
  password  K3Y
serving until Ctrl-C
`},
		{certified, Style{Width: 60}, `
scenario reset-at-expiry: a reset is sent when the limit
  is reached (after 1.5 s)
  address   127.0.0.1:1143 (TLS from the beginning)
  user      lab
  password  K3Y
the authority to trust (--ca-out writes it to a file):
-----BEGIN CERTIFICATE-----
AA==
-----END CERTIFICATE-----
serving until Ctrl-C
`},
		{saved, Style{Width: 100, Color: true}, `
scenario reset-at-expiry: a reset is sent when the limit is reached (after 1.5 s)
  ` + "\x1b[1maddress  \x1b[22m" + ` 127.0.0.1:1143 (TLS by STARTTLS)
  ` + "\x1b[1muser     \x1b[22m" + ` lab
  ` + "\x1b[1mpassword \x1b[22m" + ` K3Y
  the authority to trust is in /tmp/ca?[2J.pem
serving until Ctrl-C
`},
	} {
		var got bytes.Buffer
		if err := LabText(&got, test.lab, test.style); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, "\n"+got.String()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestLabEventText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 14, 11, 29, 7e6, time.UTC)
	for want, e := range map[string]lab.Event{
		"14:11:29.007  #3 127.0.0.1:40312: idle 4 s: reset sent\n": {Time: at, Conn: 3, Peer: netip.MustParseAddrPort("127.0.0.1:40312"), Text: "idle 4 s: reset sent"},
		"14:11:29.007  gone\n":    {Time: at, Text: "gone"},
		"14:11:29.007  a?[2J b\n": {Time: at, Text: "a\x1b[2J\nb"},
	} {
		var got bytes.Buffer
		if err := LabEventText(&got, e, true); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("got %q, want %q", got.String(), want)
		}
	}
}

func TestScenariosText(t *testing.T) {
	t.Parallel()
	scenarios := []lab.Scenario{
		{Name: "reset-at-expiry", Want: probe.ResetAtExpiry, Title: "a reset is sent when the limit is reached"},
		{Name: "none", Want: probe.Alive, Title: "no limit: idle connections live, for as long as anybody has the patience to look at them"},
	}
	for _, test := range []struct {
		style Style
		want  string
	}{
		{Style{Width: 80, Color: true}, "\n\x1b[1mSCENARIO\x1b[22m         \x1b[1mVERDICT\x1b[22m          \x1b[1mWHAT HAPPENS\x1b[22m" + `
reset-at-expiry  reset-at-expiry  a reset is sent when the limit is reached
none             alive            no limit: idle connections live, for as long
                                  as anybody has the patience to look at them
`},
		{Style{Width: 60}, `
SCENARIO         VERDICT
reset-at-expiry  reset-at-expiry
  a reset is sent when the limit is reached
none             alive
  no limit: idle connections live, for as long as anybody
  has the patience to look at them
`},
	} {
		var got bytes.Buffer
		if err := ScenariosText(&got, scenarios, test.style); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, "\n"+got.String()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// The real list fits where it is read, and says everything.
func TestScenariosTextFits(t *testing.T) {
	t.Parallel()
	for _, width := range []int{60, 80, 100} {
		var got bytes.Buffer
		if err := ScenariosText(&got, lab.Scenarios(), Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		words := strings.Join(strings.Fields(got.String()), " ")
		for _, s := range lab.Scenarios() {
			if want := s.Name + " " + string(s.Want) + " " + s.Title; !strings.Contains(words, want) {
				t.Errorf("width %d: no %q", width, want)
			}
		}
		for line := range strings.Lines(got.String()) {
			if len(line) > width+1 {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestScenariosJSON(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	if err := ScenariosJSON(&got, []lab.Scenario{{Name: "a", Title: "b", Want: probe.Bye, Keepalive: probe.Closed, Heartbeat: probe.Alive, NeedsTLS: true}}); err != nil {
		t.Fatal(err)
	}
	want := `{
  "schemaVersion": 1,
  "kind": "ScenarioList",
  "data": {
    "scenarios": [
      {
        "name": "a",
        "title": "b",
        "verdict": "bye",
        "verdictWithKeepalive": "closed",
        "verdictWithHeartbeat": "alive",
        "needsTLS": true,
        "linuxOnly": false
      }
    ]
  }
}
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLabTellsWriteErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		LabText(fullDisk{}, serving(t, lab.Plain), Style{Width: 100}), LabEventText(fullDisk{}, lab.Event{}, true),
		ScenariosText(fullDisk{}, lab.Scenarios(), Style{Width: 100}), ScenariosJSON(fullDisk{}, lab.Scenarios()),
	} {
		if err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("got %v", err)
		}
	}
}
