package host

import (
	"slices"
	"strings"
)

// sysctlLine is one line of a file in sysctl.d that says something.
type sysctlLine struct {
	SysctlSetting
	// excludes tells that the line has no value, and excepts the name from patterns.
	excludes bool
}

// parseSysctlConf parses a file of sysctl.d(5). Lines that are no assignment, and names
// that lead out of /proc/sys, set nothing.
func parseSysctlConf(data []byte, file string) []sysctlLine {
	var list []sysctlLine
	number := 0
	for text := range strings.SplitSeq(string(data), "\n") {
		if number++; len(list) > maxSysctlLines {
			break
		}
		text = strings.Trim(text, " \t\r")
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		name, value, assigned := strings.Cut(text, "=")
		name, dashed := strings.CutPrefix(name, "-")
		if !assigned && !dashed {
			continue
		}
		name, ok := sysctlName(strings.Trim(name, " \t\r"))
		if !ok {
			continue
		}
		list = append(list, sysctlLine{
			SysctlSetting: SysctlSetting{Name: name, Value: strings.Trim(value, " \t\r"), File: file, Line: number},
			excludes:      !assigned,
		})
	}
	return list
}

// sysctlName gives the dotted name of a key. Where the first separator in it is a slash,
// it is a path below /proc/sys; where it is a dot, dots and slashes are the other way
// round (sysctl.d(5)). It is false for what is no path below /proc/sys.
func sysctlName(key string) (string, bool) {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		key = swapSeparators(key)
	}
	var parts []string
	for part := range strings.SplitSeq(key, "/") {
		switch part {
		case "", ".":
		case "..":
			return "", false
		default:
			parts = append(parts, part)
		}
	}
	return swapSeparators(strings.Join(parts, "/")), len(parts) > 0
}

// swapSeparators turns a dotted name into a path below /proc/sys, and back.
func swapSeparators(name string) string {
	b := []byte(name)
	for i, c := range b {
		switch c {
		case '.':
			b[i] = '/'
		case '/':
			b[i] = '.'
		}
	}
	return string(b)
}

// mergedSysctls is what several files say together.
type mergedSysctls struct {
	list  []sysctlLine
	lines int            // that were read
	index map[string]int // of a name in the list
}

// maxSysctlLines bounds how many lines of all files are taken, those that others override among them.
const maxSysctlLines = 2 * maxSysctlSettings

// mergeSysctls lets a later assignment win. One that changes the value also takes the
// later place in the order of application; one that repeats it does not.
func mergeSysctls(files []dropIn) mergedSysctls {
	m := mergedSysctls{index: map[string]int{}}
	for _, file := range files {
		lines := parseSysctlConf(file.data, file.path)
		if m.lines += len(lines); m.lines > maxSysctlLines {
			return m
		}
		for _, line := range lines {
			i, again := m.index[line.Name]
			if again && m.list[i].Value == line.Value && m.list[i].excludes == line.excludes {
				m.list[i] = line
				continue
			}
			if again {
				m.list[i].Name = "" // its place is given up
			}
			m.index[line.Name] = len(m.list)
			m.list = append(m.list, line)
		}
	}
	m.list = slices.DeleteFunc(m.list, func(l sysctlLine) bool { return l.Name == "" })
	return m
}

func (m mergedSysctls) settings() []SysctlSetting {
	list := []SysctlSetting{}
	for _, line := range m.list {
		if !line.excludes {
			list = append(list, line.SysctlSetting)
		}
	}
	return list
}

func (m mergedSysctls) excluded() []string {
	var list []string
	for _, line := range m.list {
		if line.excludes {
			list = append(list, line.Name)
		}
	}
	return list
}
