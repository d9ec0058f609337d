package probe

import (
	"encoding/binary"
	"time"
)

// Offsets in struct tcp_info (include/uapi/linux/tcp.h), which only ever grows at its end.
const (
	offState        = 0
	offRetransmits  = 2
	offBackoff      = 4
	offUnacked      = 24
	offRTT          = 68 // microseconds
	offTotalRetrans = 100
	offBytesAcked   = 120 // from Linux 4.1
	offMinRTT       = 148 // microseconds; from Linux 4.6
	offDataSegsOut  = 156 // from Linux 4.6
)

// parseTCPInfo reads what getsockopt(TCP_INFO) filled in. It gives nil where that ends before the fields
// that every kernel since 2.6 has.
func parseTCPInfo(raw []byte) *TCPInfo {
	if len(raw) < offTotalRetrans+4 {
		return nil
	}
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(raw[at:]) }
	info := &TCPInfo{
		State:        tcpState(raw[offState]),
		Retransmits:  raw[offRetransmits],
		Backoff:      raw[offBackoff],
		Unacked:      u32(offUnacked),
		RTT:          time.Duration(u32(offRTT)) * time.Microsecond,
		TotalRetrans: u32(offTotalRetrans),
	}
	if len(raw) >= offBytesAcked+8 {
		n := binary.NativeEndian.Uint64(raw[offBytesAcked:])
		info.BytesAcked = &n
	}
	// The kernel has ~0 for a round trip that it has not measured yet.
	if len(raw) >= offMinRTT+4 && u32(offMinRTT) != ^uint32(0) {
		d := time.Duration(u32(offMinRTT)) * time.Microsecond
		info.MinRTT = &d
	}
	if len(raw) >= offDataSegsOut+4 {
		n := u32(offDataSegsOut)
		info.DataSegsOut = &n
	}
	return info
}

// tcpState names a state of include/net/tcp_states.h.
func tcpState(state uint8) string {
	names := []string{
		"", "established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2", "time-wait", "close", "close-wait", "last-ack", "listen", "closing",
	}
	if int(state) < len(names) && state > 0 {
		return names[state]
	}
	return "unknown"
}
