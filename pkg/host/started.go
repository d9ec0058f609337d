package host

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"

	"vmguard/pkg/rootfs"
)

// readStart gives when a process started at the latest: the kernel gives the time of
// boot in whole seconds only. It is as right as the clock: where that was set since
// boot, what the clock said at the start may have been another time.
func readStart(tree *rootfs.FS, pid int) (time.Time, error) {
	const stat = "/proc/stat"
	data, err := tree.ReadFile(stat, smallFile)
	if err != nil {
		return time.Time{}, err
	}
	boot, err := keyed(data, "btime")
	if err != nil {
		return time.Time{}, err
	}
	seconds, ok := boot["btime"]
	if !ok || seconds > math.MaxInt32*4 { // some year beyond 2200
		return time.Time{}, errors.New(stat + ": no time of boot")
	}
	if data, err = tree.ReadFile(procFile(pid, "stat"), smallFile); err != nil {
		return time.Time{}, err
	}
	after, err := parseStartTime(data)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(int64(seconds)+1, 0).Add(after), nil
}

// parseStartTime gives how long after boot a process started, to 10 ms, from the text of
// /proc/PID/stat: its 22nd field, in ticks of which Linux counts 100 a second on all
// architectures that Docker runs on (proc_pid_stat(5)). The second field is the
// process's name in parentheses, which may hold blanks and parentheses itself.
func parseStartTime(data []byte) (time.Duration, error) {
	const (
		tick      = 10 * time.Millisecond
		startTime = 22 - 3 // counted from the third field, the first behind the name
	)
	if !bytes.HasSuffix(data, []byte("\n")) {
		return 0, errTruncated
	}
	end := bytes.LastIndexByte(data, ')')
	fields := bytes.Fields(data[end+1:])
	if end < 0 || len(fields) <= startTime {
		return 0, errors.New("no start time in it")
	}
	ticks, err := strconv.ParseUint(string(fields[startTime]), 10, 64)
	if err != nil || ticks > uint64(math.MaxInt64/tick) {
		return 0, badNumber(string(fields[startTime]))
	}
	return time.Duration(ticks) * tick, nil
}
