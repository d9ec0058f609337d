package probe

import (
	"net/netip"
	"syscall"
	"time"

	"vmguard/pkg/packet"
)

// Arm is what keeps a connection alive while it is idle.
type Arm string

// The three arms of an experiment, by which kinds of boxes are told apart.
const (
	Silent    Arm = "silent"        // nothing: what a ladder's rungs are
	Keepalive Arm = "tcp-keepalive" // the kernel's keepalive probes, which carry no data
	Nudged    Arm = "heartbeat"     // a request of the protocol at regular intervals
)

// Phase is how far a connection came.
type Phase string

// The phases of a connection, in order.
const (
	PhaseDial  Phase = "dial"  // TCP's handshake
	PhaseTLS   Phase = "tls"   // TLS's handshake, at once or by STARTTLS
	PhaseGreet Phase = "greet" // the server's greeting
	PhaseOpen  Phase = "open"  // login
	PhaseIdle  Phase = "idle"
	PhaseNudge Phase = "nudge" // the request after the idle time
	PhaseDone  Phase = "done"  // answered
)

// Trace is what happened to one connection, as far as it was seen. It holds no verdict.
type Trace struct {
	Arm Arm `json:"arm"`
	// Idle is how long the connection was to be idle.
	Idle time.Duration `json:"idleNanoseconds"`
	// Every is the interval of the keepalive probes or of the heartbeat; 0 for Silent.
	Every time.Duration `json:"everyNanoseconds,omitempty"`

	Local  netip.AddrPort `json:"local,omitzero"`
	Remote netip.AddrPort `json:"remote,omitzero"`

	// Phase is the one in which it ended.
	Phase Phase `json:"phase"`
	// End is how it ended; its zero value for a request that was answered.
	End End `json:"end,omitzero"`

	// Quiet is for how long nothing had been sent or received when the request was written, or when the
	// end came: by this side's clock, so no longer than any box on the way saw it.
	Quiet time.Duration `json:"quietNanoseconds"`
	// Longest is the longest that a box on the way can have seen the connection quiet: from before this
	// side's last sending to the moment at which the end was seen. 0 for one that was answered.
	Longest time.Duration `json:"longestNanoseconds,omitempty"`
	// Took is the time from the writing of the request to its answer, or to the end; 0 where none was written.
	Took time.Duration `json:"tookNanoseconds,omitempty"`
	// Ended is the moment at which the end was seen; its zero value for a request that was answered.
	Ended time.Time `json:"ended,omitzero"`
	// Sent tells that the request left: the kernel sent at least one segment with data of it.
	Sent bool `json:"sent"`
	// Beats counts the heartbeats that were answered.
	Beats int `json:"beats,omitempty"`

	// Drift is the most by which a heartbeat came later than its moment.
	Drift time.Duration `json:"driftNanoseconds,omitempty"`

	// Pushed counts the bytes that came unasked while idle, and PushedText is the beginning of what they said.
	Pushed     uint64 `json:"pushedBytes,omitempty"`
	PushedText string `json:"pushedText,omitempty"`

	// KeepaliveOff tells that the socket itself said that SO_KEEPALIVE is off; nil where it was not asked.
	KeepaliveOff *bool `json:"keepaliveOff,omitempty"`
	// TCP is what the kernel knew of the connection when it ended; nil where it could not be asked.
	TCP *TCPInfo `json:"tcp,omitempty"`
	// Reset is the packet evidence on the RST that ended it; nil where no packets were seen.
	Reset *packet.Evidence `json:"reset,omitempty"`
	// Control is what became of a fresh connection that was opened right after the end.
	Control Control `json:"control,omitempty"`
	// Suspended is for how long the machine slept between the connection's beginning and its end.
	Suspended time.Duration `json:"suspendedNanoseconds,omitempty"`
}

// End is how a connection ended. At most one of its causes is set; none where it did not end.
type End struct {
	// Errno is the system call's error, such as ECONNRESET; 0 for none.
	Errno syscall.Errno `json:"-"`
	// ErrnoName is its name.
	ErrnoName string `json:"errno,omitempty"`
	// EOF tells that the other side closed: its FIN was read.
	EOF bool `json:"eof,omitempty"`
	// CloseNotify tells that TLS's close_notify came before the FIN; only where TLS is spoken.
	CloseNotify bool `json:"closeNotify,omitempty"`
	// Timeout tells that the time for an answer passed.
	Timeout bool `json:"timeout,omitempty"`
	// Said is what the server said instead.
	Said *Said `json:"said,omitempty"`
	// Canceled tells that the user ended the run.
	Canceled bool `json:"canceled,omitempty"`
	// Text is the error in words, where there was one.
	Text string `json:"text,omitempty"`
}

// Happened tells whether anything ended the connection.
func (e End) Happened() bool {
	return e.Errno != 0 || e.EOF || e.Timeout || e.Said != nil || e.Canceled || e.Text != ""
}

// Control is the outcome of a control connection.
type Control string

// The outcomes of a control connection.
const (
	ControlNone    Control = ""        // none was opened
	ControlOK      Control = "ok"      // it was greeted, or told that there are too many: the server is there
	ControlRefused Control = "refused" // it was cut before its greeting, while other connections of the run lived on
	ControlFailed  Control = "failed"  // it failed as well
)

// TCPInfo is what the kernel tells of a connection (struct tcp_info in include/uapi/linux/tcp.h). Fields
// that an older kernel does not know are nil.
type TCPInfo struct {
	// State is the kernel's name of the connection's state: "established", "close", "close-wait".
	State string `json:"state"`
	// Unacked counts the segments that were sent and are not acknowledged.
	Unacked uint32 `json:"unacked"`
	// Retransmits counts the timeouts of the segment that is sent again now; it returns to 0 with an acknowledgement.
	Retransmits uint8 `json:"retransmits"`
	// Backoff is the binary logarithm of the factor by which the retransmission timeout has grown.
	Backoff uint8 `json:"backoff"`
	// RTT is the smoothed round-trip time.
	RTT time.Duration `json:"rttNanoseconds"`
	// MinRTT is the smallest round-trip time seen.
	MinRTT *time.Duration `json:"minRttNanoseconds,omitempty"`
	// DataSegsOut counts the segments with data that were sent, those sent again included.
	DataSegsOut *uint32 `json:"dataSegsOut,omitempty"`
	// TotalRetrans counts the segments that were sent again in the connection's life.
	TotalRetrans uint32 `json:"totalRetrans"`
	// BytesAcked counts the bytes that the other side acknowledged.
	BytesAcked *uint64 `json:"bytesAcked,omitempty"`
}
