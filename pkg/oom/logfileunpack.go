package oom

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxUnpacked bounds what one gzipped file of a host may unpack to: rotated logs are
// rarely larger, and a few MiB of gzip can hold many GiB of nothing.
const maxUnpacked = 4 << 30

// unlimited is for what the user named.
const unlimited = 1<<63 - 1

var (
	// ErrPacked says that a log is compressed in a form other than gzip.
	ErrPacked = errors.New("compressed in a form that is not read: unpack it first")

	errBomb = errors.New("unpacks to more than is read")
)

// packed are the first bytes of the forms of compression that are told apart from text.
func packed() map[string]string {
	return map[string]string{
		"xz":    "\xfd7zXZ\x00",
		"bzip2": "BZh",
		"zstd":  "\x28\xb5\x2f\xfd",
		"lz4":   "\x04\x22\x4d\x18",
		"lzop":  "\x89LZO\x00",
		"zip":   "PK\x03\x04",
	}
}

// unpacked reads a log, unpacking it where its first bytes are those of gzip (RFC 1952);
// its name says nothing. What cannot be unpacked to the end ends there: Read gives io.EOF
// and damage the reason, so that what came before counts.
type unpacked struct {
	from   io.Reader
	gzip   bool
	left   int64 // bytes that may still be given
	damage error
}

// unpack looks at the first bytes of r. It errs with ErrPacked for another form of
// compression, and with what reading errs with.
func unpack(r io.Reader, limit int64) (*unpacked, error) {
	const magic = 6 // the longest of packed
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(magic)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for form, begin := range packed() {
		if bytes.HasPrefix(head, []byte(begin)) {
			return nil, fmt.Errorf("%s: %w", form, ErrPacked)
		}
	}
	u := &unpacked{from: buffered, left: limit}
	if !bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		return u, nil
	}
	u.gzip = true
	unzip, err := gzip.NewReader(buffered)
	switch {
	case err == nil:
		u.from = unzip
	case damaged(err): // cut off within its heading
		u.damage = err
	default:
		return nil, err
	}
	return u, nil
}

// Read gives the log's text.
func (u *unpacked) Read(buf []byte) (int, error) {
	switch {
	case !u.gzip:
		return u.from.Read(buf)
	case u.damage != nil:
		return 0, io.EOF
	case u.left <= 0:
		u.damage = errBomb
		return 0, io.EOF
	}
	n, err := u.from.Read(buf[:min(int64(len(buf)), u.left)])
	u.left -= int64(n)
	if damaged(err) {
		u.damage, err = err, io.EOF
	}
	return n, err
}

// damaged tells a fault of the packed text from one of reading it.
func damaged(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}
