package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// got is when the journal got the records of tests.
func got() time.Time { return time.Date(2026, 11, 25, 23, 4, 30, 0, time.UTC) }

// object is a record as journalctl -o json writes it.
func object(t *testing.T, unit, transport, message string) string {
	t.Helper()
	data, err := json.Marshal(map[string]string{
		"__REALTIME_TIMESTAMP": fmt.Sprint(got().UnixMicro()), "_SYSTEMD_UNIT": unit, "_TRANSPORT": transport, "MESSAGE": message,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEngineArgs(t *testing.T) {
	units := []string{"_TRANSPORT=stdout", "_SYSTEMD_UNIT=docker.service", "_SYSTEMD_UNIT=containerd.service", "_SYSTEMD_UNIT=podman.service"}
	if diff := cmp.Diff(append([]string{"--output=json", "--reverse"}, units...), engineArgs(time.Time{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(append([]string{"--output=json", "--reverse", "--since=@1764000000"}, units...), engineArgs(time.Unix(1764000000, 999))); diff != "" {
		t.Error(diff)
	}
}

func TestGather(t *testing.T) {
	stamped := time.Date(2026, 11, 25, 23, 4, 14, 283856606, time.UTC)
	tests := []struct {
		name, unit, transport, message string
		want                           *EngineLine
	}{
		{"a grace time", "docker.service", "stdout", forced, &EngineLine{stamped, "docker.service", "Container failed to exit within 2s of signal 15 - using the force"}},
		{"without a stamp", "containerd.service", "stdout", "level=info msg=gone id=" + id, &EngineLine{got(), "containerd.service", "gone"}},
		{"of another form", "docker.service", "stdout", colourless, &EngineLine{got(), "docker.service", colourless}},
		{"another container's", "docker.service", "stdout", strings.ReplaceAll(forced, id, strings.Repeat("a", 64)), nil},
		{"of another form, a longer ID", "docker.service", "stdout", colourless + id + "0" + " " + id + "0", &EngineLine{got(), "docker.service", colourless + id + "0" + " " + id + "0"}},
		{"in a path", "docker.service", "stdout", loop, nil},
		{"for debugging", "docker.service", "stdout", debugging, nil},
		{"a container's output", "docker.service", "journal", forced, nil},
		{"another unit's", "web.service", "stdout", forced, nil},
		{"of no unit", "", "stdout", forced, nil},
	}
	for _, tt := range tests {
		log, err := gather(strings.NewReader(object(t, tt.unit, tt.transport, tt.message)+"\n"), id)
		var want []EngineLine
		if tt.want != nil {
			want = []EngineLine{*tt.want}
		}
		if diff := cmp.Diff(want, log.Lines); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
	log, err := gather(strings.NewReader(object(t, "docker.service", "stdout", forced)), "")
	if err != nil || len(log.Lines) != 0 || !cmp.Equal(log.Units, []string{"docker.service"}) {
		t.Errorf("no container: %+v, %v", log, err)
	}
}

// TestGatherIsBounded keeps the newest lines, and passes over records that are too long or
// cut off, without losing the next.
func TestGatherIsBounded(t *testing.T) {
	line := object(t, "docker.service", "stdout", forced) + "\n"
	log, err := gather(strings.NewReader(strings.Repeat(line, mostLines)), id)
	if err != nil || len(log.Lines) != mostLines {
		t.Errorf("as many as are kept: %d, %v", len(log.Lines), err)
	}
	log, err = gather(strings.NewReader(strings.Repeat(line, mostLines+1)), id)
	if !errors.Is(err, errEnough) || len(log.Lines) != mostLines {
		t.Errorf("one more: %d, %v", len(log.Lines), err)
	}
	long := object(t, "docker.service", "stdout", forced+strings.Repeat(" x", maxRecord)) + "\n"
	log, err = gather(strings.NewReader(long+"\n"+line[:50]+"\n"+line), id)
	if err != nil || len(log.Lines) != 1 {
		t.Errorf("around broken records: %d, %v", len(log.Lines), err)
	}
	broken := errors.New("broken")
	log, err = gather(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(line))), id)
	if !errors.Is(err, iotest.ErrTimeout) || len(log.Lines) != 0 {
		t.Errorf("broken at once: %+v, %v", log, err)
	}
	log, err = gather(iotest.DataErrReader(strings.NewReader(line)), id)
	if err != nil || len(log.Lines) != 1 {
		t.Errorf("with the end: %+v, %v", log, err)
	}
	if _, err = gather(iotest.ErrReader(broken), id); !errors.Is(err, broken) {
		t.Errorf("broken: %v", err)
	}
}

// TestEngineLogEnds holds that what was read until the context ended comes with its cause.
func TestEngineLogEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	running := filepath.Join(t.TempDir(), "running")
	path := program(t, `case "$*" in *--lines=1*) exit;; esac
cat <<'EOF'
`+object(t, "docker.service", "stdout", forced)+`
EOF
mkdir `+running+`; exec sleep 1000
`)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	type result struct {
		log EngineLog
		err error
	}
	ended := make(chan result, 1)
	go func() {
		log, err := Source{Program: path}.EngineLog(ctx, id, time.Time{})
		ended <- result{log, err}
	}()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(running); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the program does not start")
		}
	}
	cancel(enough)
	if r := <-ended; !errors.Is(r.err, enough) || len(r.log.Lines) != 1 {
		t.Errorf("%+v, %v", r.log, r.err)
	}
}
