package packet

import "fmt"

// ttlClue is what the comparison of a reset's TTL with that of the data packets gives. Neither same nor
// differs is set where it gives nothing.
type ttlClue struct {
	same, differs bool
	words         string // for a reader, where it differs
	text          string // the comparison in one clause
}

// compareTTL compares the TTL of a reset with that of the server's data packets.
func compareTTL(f Flow) ttlClue {
	if len(f.Data) == 0 {
		return ttlClue{text: "no data packet of the server was seen to compare it with"}
	}
	name := "TTL"
	if f.Reset.Src.Addr().Is6() {
		name = "hop limit"
	}
	reset, data := f.Reset.TTL, f.Data[0].TTL
	for _, p := range f.Data {
		// Then they take several ways, or come from several senders.
		if p.TTL != data {
			return ttlClue{text: fmt.Sprintf("the data packets differ in their %s themselves (%d, %d)", name, data, p.TTL)}
		}
	}
	if reset == data {
		return ttlClue{same: true, text: fmt.Sprintf("%s %d as the data packets", name, reset)}
	}
	clue := ttlClue{differs: true, words: "a different box", text: fmt.Sprintf("%s %d against %d of the data packets", name, reset, data)}
	resetHops, dataHops := initialTTL(reset)-int(reset), initialTTL(data)-int(data)
	switch {
	case initialTTL(reset) == initialTTL(data):
		if max(resetHops, dataHops) <= maxHops {
			clue.words += hops(dataHops - resetHops)
		}
	case resetHops == dataHops:
		// One machine may begin its own RSTs and an application's data at different values.
		clue.differs = false
		clue.text += fmt.Sprintf(", which is as many hops (%d) from different initial values", dataHops)
	default:
		clue.text += ", perhaps from different initial values"
	}
	return clue
}

// initialTTL gives the value that a TTL began with: the next of those in use (64: Linux, macOS, BSD;
// 128: Windows; 255: routers, Solaris).
func initialTTL(ttl uint8) int {
	for _, initial := range []int{64, 128} {
		if int(ttl) <= initial {
			return initial
		}
	}
	return 255
}

// hops spells by how many hops a sender is nearer than another, or farther where it is less than 0.
func hops(nearer int) string {
	way, n := "nearer", nearer
	if n < 0 {
		way, n = "farther", -n
	}
	if n == 1 {
		return ", about 1 hop " + way
	}
	return fmt.Sprintf(", about %d hops %s", n, way)
}
