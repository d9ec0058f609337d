//go:build !linux

package host

import "errors"

// LiveSource gives the sources of the running host, which must run Linux.
func LiveSource() (Source, error) {
	return Source{}, errors.New("read this host: only Linux hosts can be looked at")
}
