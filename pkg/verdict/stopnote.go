package verdict

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stopNote is the engine's own note that a container did not end on its stop signal.
type stopNote struct {
	wait         time.Duration // the grace time that ran out; 0 for docker stop -t 0
	source, text string
}

// parseStopNote reads that note (moby: daemon/stop.go). Since 20.10 it is "Container failed
// to exit within 10s of signal 15 - using the force"; before, the container's ID stood
// behind the first word, and the time was "10 seconds". A docker kill that takes long is
// noted by "... within 10s of kill - trying direct SIGKILL", which is another thing.
func parseStopNote(text string) (wait time.Duration, ok bool) {
	before, rest, found := strings.Cut(text, "failed to exit within ")
	span, _, signalled := strings.Cut(rest, " of signal ")
	if !found || !signalled || !strings.HasPrefix(before, "Container ") {
		return 0, false
	}
	if number, old := strings.CutSuffix(span, " seconds"); old {
		n, err := strconv.ParseInt(number, 10, 32)
		return time.Duration(n) * time.Second, err == nil && n >= 0
	}
	wait, err := time.ParseDuration(span)
	return wait, err == nil && wait >= 0
}

// stopNote finds that note about the end of this life.
func (c inquest) stopNote() (stopNote, bool) {
	if !c.in.Journal.Known() {
		return stopNote{}, false
	}
	for _, l := range slices.Backward(c.in.Journal.Value) {
		wait, ok := parseStopNote(l.Text)
		before := c.life.died.Sub(l.At)
		if ok && !l.At.IsZero() && before <= killBefore && before >= -killAfter && !l.At.Before(c.life.started) {
			return stopNote{wait, cmp.Or(l.Source, c.in.Journal.Source), clip(l.Text)}, true
		}
	}
	return stopNote{}, false
}

// stopByNote judges an end by SIGKILL by the engine's note alone.
func (c inquest) stopByNote(n stopNote) Verdict {
	if n.wait == 0 {
		return noTime(n.source, n.text)
	}
	v := c.stopTimeout("killed at the end of its grace time, as the engine's log says")
	v.Evidence = nil
	v.evidence(n.source, n.text)
	return v
}

// noTime is the verdict on a docker stop without a grace time.
func noTime(source, text string) Verdict {
	v := Verdict{Kind: KilledBySomeone, Confidence: Certain, Summary: "killed by docker stop that gave it no time to end by itself"}
	v.evidence(source, text)
	v.remedy("give it time: docker stop -t 30, --stop-timeout, or stop_grace_period in the compose file", "")
	return v
}
