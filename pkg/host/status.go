package host

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// status is what vmguard needs of /proc/PID/status (proc_pid_status(5)).
type status struct {
	name string
	ppid int
	// nspid is the PID in each namespace from the reader's inwards; empty before Linux 4.1.
	nspid                  []int
	sigCgt, sigIgn, sigBlk uint64
}

// parseStatus parses /proc/PID/status. It errs where a field is absent or no number;
// only NSpid may be absent.
func parseStatus(data []byte) (status, error) {
	lines, err := kernelLines(data)
	if err != nil {
		return status{}, err
	}
	var s status
	fields := map[string]func(string) error{
		"Name":   func(v string) error { s.name = unescapeComm(v); return nil },
		"PPid":   decimal(&s.ppid),
		"SigCgt": mask(&s.sigCgt),
		"SigIgn": mask(&s.sigIgn),
		"SigBlk": mask(&s.sigBlk),
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		if name == "NSpid" {
			if s.nspid, err = decimals(value); err != nil {
				return status{}, fmt.Errorf("NSpid: %w", err)
			}
		}
		parse, ok := fields[name]
		if !ok {
			continue
		}
		delete(fields, name)
		if err := parse(strings.TrimPrefix(value, "\t")); err != nil {
			return status{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(fields) > 0 {
		return status{}, errors.New("not all of Name, PPid and the signal masks are there")
	}
	return s, nil
}

func decimal(to *int) func(string) error {
	return func(v string) (err error) {
		if *to, err = strconv.Atoi(v); err != nil {
			return badNumber(v)
		}
		return nil
	}
}

func mask(to *uint64) func(string) error {
	return func(v string) (err error) {
		if *to, err = strconv.ParseUint(v, 16, 64); err != nil {
			return badNumber(v)
		}
		return nil
	}
}

func decimals(text string) ([]int, error) {
	var list []int
	for field := range strings.FieldsSeq(text) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, badNumber(field)
		}
		list = append(list, n)
	}
	return list, nil
}

// unescapeComm undoes the \n and \\ that the kernel writes in a process's name here.
func unescapeComm(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\\`, `\`).Replace(s)
}
