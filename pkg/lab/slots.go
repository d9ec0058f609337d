package lab

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// slots counts the sessions of each address, as a mail server does that allows only so many.
type slots struct {
	most int           // sessions of one address
	keep time.Duration // for which a ghost is counted

	mu     sync.Mutex
	live   map[netip.Addr]int
	ghosts map[netip.Addr][]time.Time // when each is forgotten
}

func newSlots(most int, keep time.Duration) *slots {
	return &slots{most: most, keep: keep, live: map[netip.Addr]int{}, ghosts: map[netip.Addr][]time.Time{}}
}

// take counts one more session, unless there are as many as may be.
func (s *slots) take(peer netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ghosts[peer] = slices.DeleteFunc(s.ghosts[peer], func(until time.Time) bool { return !until.After(now) })
	if s.live[peer]+len(s.ghosts[peer]) >= s.most {
		return false
	}
	s.live[peer]++
	return true
}

// leave ends a session that was counted. One that was cut goes on being counted, as a ghost.
func (s *slots) leave(peer netip.Addr, cut bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[peer]--
	if cut {
		s.ghosts[peer] = append(s.ghosts[peer], now.Add(s.keep))
	}
}
