package oom

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ReadBootClock reads the running system's clocks (clock_gettime(2)) and its boot's ID. What
// cannot be read is left empty, and the error says why.
func ReadBootClock() (BootClock, error) {
	var c BootClock
	var wall, boot, running unix.Timespec
	for id, at := range map[int32]*unix.Timespec{
		unix.CLOCK_REALTIME: &wall, unix.CLOCK_BOOTTIME: &boot, unix.CLOCK_MONOTONIC: &running,
	} {
		if err := unix.ClockGettime(id, at); err != nil {
			return c, fmt.Errorf("read clock %d: %w", id, err)
		}
	}
	c.Start = time.Unix(wall.Unix()).Add(-time.Duration(boot.Nano()))
	// They are read one after the other, which is no suspend.
	const apart = 10 * time.Millisecond
	if suspended := time.Duration(boot.Nano() - running.Nano()); suspended > apart {
		c.Suspended = suspended
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return c, err
	}
	if text := strings.ReplaceAll(strings.TrimSpace(string(id)), "-", ""); isBootID(text) {
		c.Boot = text
	}
	return c, nil
}
