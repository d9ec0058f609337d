package probe

import (
	"testing"
	"time"
)

func TestRecommend(t *testing.T) {
	for limit, want := range map[time.Duration]time.Duration{
		0: 5 * time.Minute, -time.Second: 5 * time.Minute, // no limit is known
		24 * time.Hour: 5 * time.Minute, 30 * time.Minute: 5 * time.Minute,
		600 * time.Second: 4 * time.Minute, 450 * time.Second: 3 * time.Minute, 350 * time.Second: 2 * time.Minute, 300 * time.Second: 2 * time.Minute,
		240 * time.Second: 90 * time.Second, 180 * time.Second: time.Minute, 60 * time.Second: 20 * time.Second, 30 * time.Second: 10 * time.Second,
		4 * time.Second: time.Second, 2 * time.Second: 800 * time.Millisecond, 100 * time.Millisecond: 40 * time.Millisecond,
	} {
		if got := Recommend(limit); got != want {
			t.Errorf("Recommend(%v) = %v, want %v", limit, got, want)
		}
	}
}

// TestRecommendStaysUnderTheLimit holds that an interval is never 0, fits the limit two and a half times, and does not shrink as the limit grows.
func TestRecommendStaysUnderTheLimit(t *testing.T) {
	last := time.Duration(0)
	for limit := 50 * time.Millisecond; limit < 2*time.Hour; limit += limit / 50 {
		got := Recommend(limit)
		if got <= 0 || got > limit*2/5 || got > 5*time.Minute || got < last {
			t.Fatalf("Recommend(%v) = %v after %v", limit, got, last)
		}
		last = got
	}
}
