package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"syscall"
)

// The page sizes of machines that Linux runs on, in bytes, as far as libblkid looks for them.
const (
	leastPage = 4 << 10
	mostPage  = 64 << 10
)

// SwapHeader is what the first page of a swapfile says: union swap_header of the kernel's
// include/linux/swap.h. Package swap, which writes such headers, reads more of them.
type SwapHeader struct {
	// PageSize is that of the machine that the area is for, in bytes. A kernel with another one refuses it.
	PageSize uint64 `json:"pageSizeBytes"`
	// Signature is what stands at the end of the page: SWAPSPACE2, or one of an old version or a suspended system.
	Signature string `json:"signature"`
	// Valid tells that a kernel with that page size takes the area: of version 1, in this machine's byte order, not empty.
	Valid bool `json:"valid"`
	// Size is the length of the area, in bytes; 0 where it is not valid.
	Size uint64 `json:"sizeBytes,omitempty"`
	// Label is its name, at most 16 bytes; empty where it has none.
	Label string `json:"label,omitempty"`
}

// parseSwapHeader reads the first bytes of a swapfile; nil where there is no signature at
// the end of a first page of any size. The signatures are those of mm/swapfile.c and, for
// suspended systems, of kernel/power/swap.c and uswsusp.
func parseSwapHeader(data []byte) *SwapHeader {
	const version2, length = "SWAPSPACE2", 10
	for size := leastPage; size <= min(mostPage, len(data)); size *= 2 {
		end := data[size-length : size]
		for _, sign := range []string{version2, "SWAP-SPACE", "S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"} {
			if !bytes.HasPrefix(end, []byte(sign)) {
				continue
			}
			h := &SwapHeader{PageSize: uint64(size), Signature: sign}
			if sign == version2 {
				h.readVersion1(data)
			}
			return h
		}
	}
	return nil
}

// readVersion1 reads the fields behind the first 1,024 bytes, which are left to boot loaders.
func (h *SwapHeader) readVersion1(data []byte) {
	const version, lastPage, badPages, label, labelEnd, padding, badList = 1024, 1028, 1032, 1052, 1068, 1068 + 32*4, 1536
	const tuxOnIce = "\xed\xc3\x02\xe9\x98\x56\xe5\x0c" // begins an area in which a system is stored
	last := binary.NativeEndian.Uint32(data[lastPage:])
	listed := (h.PageSize - 10 - badList) / 4
	h.Valid = binary.NativeEndian.Uint32(data[version:]) == 1 && last > 0 &&
		uint64(binary.NativeEndian.Uint32(data[badPages:])) <= listed && !bytes.HasPrefix(data, []byte(tuxOnIce))
	if !h.Valid {
		return
	}
	h.Size = (uint64(last) + 1) * h.PageSize
	// As libblkid does: an area from before there were labels may hold anything there.
	if binary.NativeEndian.Uint64(data[padding:]) == 0 {
		name, _, _ := bytes.Cut(data[label:labelEnd], []byte{0})
		h.Label = string(name)
	}
}

// absent tells that a name leads nowhere: it is not there, or goes through what is no directory.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}
