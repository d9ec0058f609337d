package check

import (
	"fmt"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// sysctlValue is the value of a sysctl that the host runs with, or, in an image, will boot with.
type sysctlValue struct {
	host.Fact[int64]
	name string
	file string // that sets it; empty on a running host, and for the kernel's default
	line int
	// unset tells that it is the kernel's default, since no file sets it.
	unset bool
}

// sysctlOf gives the value of a sysctl; otherwise is the kernel's default.
func sysctlOf(f *host.Facts, name string, otherwise int64) sysctlValue {
	if !f.Image {
		return sysctlValue{Fact: f.Sysctl(name), name: name}
	}
	if !f.SysctlConf.Known() {
		return sysctlValue{Fact: host.Missing[int64](f.SysctlConf.Why()), name: name}
	}
	set, ok := f.BootSysctl(name)
	if !ok {
		return sysctlValue{Fact: host.Known(otherwise, "the kernel's default, which "+f.SysctlConf.Source+" leaves alone"), name: name, unset: true}
	}
	value := sysctlValue{name: name, file: set.File, line: set.Line}
	first, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(set.Value), "\t", " "), " ")
	n, ok := kernelInt(first) // the kernel passes over what follows the space, such as a comment
	if !ok {
		value.Fact = host.Missing[int64](fmt.Sprintf("%s sets it to %.40q, which is no number", set.File, set.Value))
		return value
	}
	value.Fact = host.Known(n, set.File)
	return value
}

// seen is the value as evidence, and what it should be.
func (v sysctlValue) seen(want string) finding.Evidence {
	number := strconv.FormatInt(v.Value, 10)
	switch {
	case v.file != "":
		return inFile(v.file, v.line, v.name+" = "+number, want)
	case v.unset: // the source does not say which
		return wanted(v.Source, v.name+" = "+number, want)
	}
	return wanted(v.Source, number, want)
}

// kernelInt reads a number as the kernel does: with a 0 before it octal, with 0x hexadecimal
// (kernel/sysctl.c, proc_get_long).
func kernelInt(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.ContainsAny(digits, "_bBoO+-") && !strings.HasPrefix(digits, "0x") || strings.Contains(digits, "_") {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return n, err == nil
}

// swapAtBoot tells whether an image sets up swap for boot, or why that cannot be told.
func swapAtBoot(f *host.Facts) (some bool, why string) {
	for _, line := range f.Fstab.Value {
		some = some || !line.NoAuto
	}
	for _, unit := range f.Units.Value {
		some = some || unit.Enabled
	}
	switch {
	case some || f.ZramConf.Value:
		return true, ""
	case !f.Fstab.Known():
		return false, f.Fstab.Why()
	case !f.Units.Known():
		return false, f.Units.Why()
	default:
		return false, f.ZramConf.Why()
	}
}
