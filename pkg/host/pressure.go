package host

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vmguard/pkg/rootfs"
)

// Pressures is pressure stall information, each resource a fact of its own
// (Documentation/accounting/psi.rst).
type Pressures struct {
	Memory Fact[Pressure] `json:"memory"`
	CPU    Fact[Pressure] `json:"cpu"`
	IO     Fact[Pressure] `json:"io"`
}

// Pressure is one resource's stall shares. Full is nil where the kernel has no such line (CPU before 5.13).
type Pressure struct {
	Some Stall  `json:"some"`
	Full *Stall `json:"full,omitempty"`
}

// Stall is the share of time, in percent, in which tasks waited for the resource,
// averaged over the last 10, 60 and 300 seconds, and the total since boot.
type Stall struct {
	Avg10  float64       `json:"avg10"`
	Avg60  float64       `json:"avg60"`
	Avg300 float64       `json:"avg300"`
	Total  time.Duration `json:"totalNanoseconds"`
}

// readPressure reads one of /proc/pressure/{memory,cpu,io}. Kernels with PSI switched
// off either leave the files out or refuse each read with EOPNOTSUPP (kernel/sched/psi.c).
func readPressure(tree *rootfs.FS, resource string) Fact[Pressure] {
	const dir = "/proc/pressure"
	name := dir + "/" + resource
	data, err := tree.ReadFile(name, smallFile)
	switch {
	case errors.Is(err, syscall.EOPNOTSUPP):
		return Missing[Pressure]("pressure stall information is switched off (boot with psi=1)")
	case errors.Is(err, fs.ErrNotExist):
		return Missing[Pressure]("the kernel has no " + dir + ": built without PSI, switched off at boot (psi=1 switches it on), or older than 4.20")
	case err != nil:
		return Missing[Pressure](unread(name, err))
	}
	p, err := parsePressure(data)
	if err != nil {
		return Missing[Pressure](name + ": " + err.Error())
	}
	return Known(p, name)
}

// parsePressure parses a file of /proc/pressure. It errs where the "some" line is
// absent, a line is cut off, or a share is none of 0 to 100 percent.
func parsePressure(data []byte) (Pressure, error) {
	lines, err := kernelLines(data)
	if err != nil {
		return Pressure{}, err
	}
	var some, full *Stall
	for _, line := range lines {
		kind, rest, _ := strings.Cut(line, " ")
		var to **Stall
		switch kind {
		case "some":
			to = &some
		case "full":
			to = &full
		default:
			continue
		}
		stall, err := parseStall(rest)
		if err != nil {
			return Pressure{}, fmt.Errorf("%s: %w", kind, err)
		}
		*to = &stall
	}
	if some == nil {
		return Pressure{}, errors.New(`no "some" line`)
	}
	return Pressure{Some: *some, Full: full}, nil
}

// parseStall parses "avg10=0.00 avg60=0.00 avg300=0.00 total=0", total in microseconds.
func parseStall(text string) (Stall, error) {
	var s Stall
	averages := map[string]*float64{"avg10": &s.Avg10, "avg60": &s.Avg60, "avg300": &s.Avg300}
	seen := map[string]bool{}
	for field := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(field, "=")
		seen[name] = true
		if average, ok := averages[name]; ok {
			share, err := strconv.ParseFloat(value, 64)
			if err != nil || !(share >= 0 && share <= 100) {
				return Stall{}, fmt.Errorf("%s: %w", name, badNumber(value))
			}
			*average = share
		}
		if name == "total" {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil || n > math.MaxInt64/uint64(time.Microsecond) {
				return Stall{}, fmt.Errorf("%s: %w", name, badNumber(value))
			}
			s.Total = time.Duration(n) * time.Microsecond
		}
	}
	for _, name := range []string{"avg10", "avg60", "avg300", "total"} {
		if !seen[name] {
			return Stall{}, fmt.Errorf("no %s", name)
		}
	}
	return s, nil
}
