package human

import (
	"math"
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 2 << 30: "2.0 GiB",
		184 << 20: "184 MiB", 999 << 20: "999 MiB", 1000 << 20: "1.0 GiB", 23 << 30: "23 GiB",
		math.MaxUint64: "16 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 850 * time.Millisecond: "850 ms", 21 * time.Second: "21 s", 119 * time.Second: "119 s",
		2 * time.Minute: "2 min", 14*time.Minute + 59*time.Second: "14 min", 119 * time.Minute: "119 min",
		5 * time.Hour: "5 h", 48 * time.Hour: "2 days", -time.Minute: "-60 s", math.MinInt64: "-106751 days",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
	if got := Ago(-time.Hour); got != "just now" {
		t.Errorf("Ago of the future = %q", got)
	}
}

func TestPercentCountList(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Percent(1, 0), "0 %"}, {Percent(9, 100), "9 %"}, {Percent(2, 3), "67 %"},
		{Count(1, "kill"), "1 kill"}, {Count(0, "kill"), "0 kills"}, {Count(3, "kill"), "3 kills"},
		{List(nil, 2), ""}, {List([]string{"a", "b"}, 2), "a, b"}, {List([]string{"a", "b", "c", "d"}, 2), "a, b and 2 more"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
