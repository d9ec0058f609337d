package oom

import "time"

// ValidBoot errs where boot is none of "0", "-1", "-2" ..., AllBoots and the empty string.
func ValidBoot(boot string) error {
	return JournalOptions{Boot: boot}.check()
}

// span is one boot: its ID, and its time by the wall clock. Empty is what is not known;
// an end that is zero has not come.
type span struct {
	all      bool // any boot
	id       string
	from, to time.Time
}

// spanOf gives the boot that is asked for. It gives false where nothing is known of it.
func spanOf(boot string, boots []Boot, clock BootClock) (span, bool) {
	index, err := JournalOptions{Boot: boot}.bootIndex()
	switch {
	case err != nil:
		return span{}, false
	case index > 0:
		return span{all: true}, true
	case index == 0 && clock != (BootClock{}):
		return span{id: clock.Boot, from: clock.Start}, true
	}
	var s span
	for _, b := range boots {
		switch b.Index {
		case index:
			s.id, s.from = b.ID, b.First
		case index + 1:
			s.to = b.First
		}
	}
	return s, s.id != ""
}

// choose gives the kills of one boot that were not before since. A kill whose boot is not
// known counts by the wall clock; unknown is how many were left out since that is not
// known either. A kill of an unknown time is not left out for since.
func choose(log Log, s span, known bool, since time.Time) (chosen Log, unknown int) {
	chosen = log
	chosen.Kills = []Kill{}
	for _, kill := range log.Kills {
		if !since.IsZero() && !kill.At.IsZero() && kill.At.Before(since) {
			continue
		}
		in, sure := s.holds(kill)
		switch {
		case !known || !sure:
			unknown++
		case in:
			chosen.Kills = append(chosen.Kills, kill)
		}
	}
	return chosen, unknown
}

// holds tells whether a kill is of the boot; sure is false where the log does not say.
func (s span) holds(kill Kill) (in, sure bool) {
	switch {
	case s.all:
		return true, true
	case kill.Boot != "" && s.id != "":
		return kill.Boot == s.id, true
	case kill.At.IsZero() || s.from.IsZero():
		return false, false
	}
	return !kill.At.Before(s.from) && (s.to.IsZero() || kill.At.Before(s.to)), true
}
