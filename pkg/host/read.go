package host

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"vmguard/pkg/rootfs"
)

// smallFile bounds what is read of a file that holds a few lines.
const smallFile = 1 << 20

// errTruncated says that a file of the kernel does not end with a newline. They all
// do, so its last line was cut and its last number cannot be believed.
var errTruncated = errors.New("the last line is cut off")

// errEmpty says that a file that should hold something holds nothing.
var errEmpty = errors.New("empty")

// parsed reads a file and makes a fact of what parse finds in it.
func parsed[T any](tree *rootfs.FS, name string, parse func([]byte) (T, error)) Fact[T] {
	data, err := tree.ReadFile(name, smallFile)
	if err != nil {
		return Missing[T](unread(name, err))
	}
	value, err := parse(data)
	if err != nil {
		return Missing[T](name + ": " + err.Error())
	}
	return Known(value, name)
}

// unread says in plain words why a file could not be read.
func unread(name string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name + " does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "reading " + name + " needs root"
	case errors.Is(err, rootfs.ErrTooLarge):
		return name + " is larger than expected, and was not read"
	case errors.Is(err, errTooMuch):
		return name + " was not read: there are too many such files, or they are too large"
	case errors.Is(err, rootfs.ErrTooMany):
		return name + " holds too many names, and was not looked through"
	default:
		return err.Error()
	}
}

// word reads a file that holds one line, such as those of /proc/sys and /sys/class.
func word(tree *rootfs.FS, name string) (string, error) {
	data, err := tree.ReadFile(name, smallFile)
	if err != nil {
		return "", err
	}
	return strings.TrimFunc(string(data), func(r rune) bool { return unicode.IsSpace(r) || r == 0 }), nil
}

// number reads a file that holds one unsigned number.
func number(tree *rootfs.FS, name string) (uint64, error) {
	s, err := word(tree, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, badNumber(s))
	}
	return n, nil
}

// kernelLines splits a file of the kernel into lines, and errs where it is empty or cut off.
func kernelLines(data []byte) ([]string, error) {
	text := string(data)
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errEmpty
	case !strings.HasSuffix(text, "\n"):
		return nil, errTruncated
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}

// keyed parses lines of "name number", as in /proc/vmstat and a cgroup's memory.stat,
// and keeps the wanted names. Lines of other names are not looked at.
func keyed(data []byte, wanted ...string) (map[string]uint64, error) {
	lines, err := kernelLines(data)
	if err != nil {
		return nil, err
	}
	found := make(map[string]uint64, len(wanted))
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, " ")
		if !slices.Contains(wanted, name) {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, badNumber(rest))
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("%s stands there twice", name)
		}
		found[name] = n
	}
	return found, nil
}

// kibibytes turns kB, as the kernel calls 1,024 bytes, into bytes.
func kibibytes(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > 1<<54-1 {
		return 0, badNumber(s)
	}
	return n << 10, nil
}

// unescapeOctal undoes the \040 for a space, \011, \012 and \134 that the kernel
// (seq_path) and fstab(5) write in paths.
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// badNumber says that a text is no number of the kind that was expected.
func badNumber(s string) error {
	const enough = 40
	if len(s) > enough {
		s = s[:enough] + "..."
	}
	return fmt.Errorf("%q is no number that can stand here", s)
}

func ptr[T any](v T) *T { return &v }

// exists tells whether there is a file of that name.
func exists(tree *rootfs.FS, name string) Fact[bool] {
	_, err := tree.Stat(name)
	switch {
	case err == nil:
		return Known(true, name)
	case errors.Is(err, fs.ErrNotExist):
		return Known(false, name)
	default:
		return Missing[bool](unread(name, err))
	}
}
