package probe

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rawTCPInfo builds a struct tcp_info of so many bytes.
func rawTCPInfo(size int) []byte {
	raw := make([]byte, 512)
	raw[0], raw[2], raw[4] = 1, 3, 2
	for at, n := range map[int]uint32{24: 5, 68: 21000, 100: 7, 148: 19500, 156: 9} {
		binary.NativeEndian.PutUint32(raw[at:], n)
	}
	binary.NativeEndian.PutUint64(raw[120:], 1<<40)
	return raw[:size]
}

func TestParseTCPInfo(t *testing.T) {
	t.Parallel()
	base := TCPInfo{State: "established", Retransmits: 3, Backoff: 2, Unacked: 5, RTT: 21 * time.Millisecond, TotalRetrans: 7}
	bytes, trip, segs := uint64(1<<40), 19500*time.Microsecond, uint32(9)
	whole := base
	whole.BytesAcked, whole.MinRTT, whole.DataSegsOut = &bytes, &trip, &segs
	halfWay := base
	halfWay.BytesAcked = &bytes
	for size, want := range map[int]*TCPInfo{0: nil, 103: nil, 104: &base, 127: &base, 128: &halfWay, 151: &halfWay, 160: &whole, 248: &whole, 512: &whole} {
		if diff := cmp.Diff(want, parseTCPInfo(rawTCPInfo(size))); diff != "" {
			t.Errorf("%d bytes: %s", size, diff)
		}
	}
	unmeasured := rawTCPInfo(248)
	binary.NativeEndian.PutUint32(unmeasured[148:], ^uint32(0))
	if got := parseTCPInfo(unmeasured); got.MinRTT != nil {
		t.Errorf("a round trip that was not measured is %v", *got.MinRTT)
	}
	for state, want := range map[byte]string{0: "unknown", 1: "established", 7: "close", 8: "close-wait", 11: "closing", 12: "unknown", 255: "unknown"} {
		if got := tcpState(state); got != want {
			t.Errorf("state %d is %s, want %s", state, got, want)
		}
	}
}

// FuzzParseTCPInfo holds that a longer structure, as a newer kernel gives it, says nothing else.
func FuzzParseTCPInfo(f *testing.F) {
	f.Add(rawTCPInfo(248))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := parseTCPInfo(raw)
		if (got == nil) != (len(raw) < 104) {
			t.Fatalf("%d bytes give %v", len(raw), got)
		}
		if len(raw) >= 160 {
			if diff := cmp.Diff(got, parseTCPInfo(append(raw[:len(raw):len(raw)], 1, 2, 3))); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
