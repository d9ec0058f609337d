package probe

import "time"

// Recommend gives the interval of a heartbeat that keeps connections alive where idle ones live for the given time, found or survived; 5 minutes for 0, where nothing
// is known. It is 2 to 5 minutes where that is well under the limit, so that one heartbeat may be lost, else shorter, and a round number from a second up.
func Recommend(limit time.Duration) time.Duration {
	most := limit / 5 * 2
	intervals := []time.Duration{
		5 * time.Minute, 4 * time.Minute, 3 * time.Minute, 2 * time.Minute, 90 * time.Second, time.Minute, 45 * time.Second,
		30 * time.Second, 20 * time.Second, 15 * time.Second, 10 * time.Second, 5 * time.Second, 2 * time.Second, time.Second,
	}
	if limit <= 0 {
		return intervals[0]
	}
	for _, interval := range intervals {
		if interval <= most {
			return interval
		}
	}
	return max(most.Truncate(100*time.Millisecond), min(most, 100*time.Millisecond))
}
