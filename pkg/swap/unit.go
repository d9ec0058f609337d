package swap

import (
	"fmt"
	"strings"
)

// unitName gives the name of systemd's unit for a swapfile: its path, escaped as
// systemd-escape --path does (systemd.unit(5)).
func unitName(file string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_."
	var b strings.Builder
	for i, c := range []byte(strings.Trim(file, "/")) {
		switch {
		case c == '/':
			b.WriteByte('-')
		case strings.IndexByte(plain, c) >= 0 && (c != '.' || i > 0):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String() + ".swap"
}
