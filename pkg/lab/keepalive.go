package lab

import "time"

// lookEvery is how often the segments of a connection are counted. The path does not see keepalive
// otherwise: it carries no bytes.
const lookEvery = 5 * time.Millisecond

// segments are counters of what a connection's socket has received (struct tcp_info in
// include/uapi/linux/tcp.h).
type segments struct {
	all   uint32 // tcpi_segs_in
	data  uint32 // tcpi_data_segs_in: those with data
	acked uint64 // tcpi_bytes_acked: the bytes of ours that they acknowledged
}

// keepaliveSince tells whether a segment came that neither carries data nor acknowledges any: a
// keepalive probe. The acknowledgement of data may be 40 ms late; were it taken for activity, a connection
// would be idle for less time than its ends can know of.
func (s segments) keepaliveSince(before segments) bool {
	return s.all-before.all > s.data-before.data && s.acked == before.acked
}

// watchKeepalive looks for keepalive on all connections until the lab ends.
func (l *Lab) watchKeepalive() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-ticker.C:
		}
		for _, c := range l.open() {
			c.mu.Lock()
			c.look()
			c.mu.Unlock()
		}
	}
}

// look takes keepalive that has come since it last looked for activity at that time: it may have come
// right afterwards, and the idle time shall not be seen shorter than it is. c.mu must be held.
func (c *conn) look() {
	if c.over || c.expired {
		return
	}
	now := time.Now()
	seen, err := countSegments(c.tcp)
	if err != nil {
		return
	}
	if seen.keepaliveSince(c.segments) && c.looked.After(c.last) {
		c.last = c.looked
	}
	c.looked, c.segments = now, seen
}
