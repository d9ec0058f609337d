package swap

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Label is the label of the swap areas that vmguard makes.
const Label = "vmguard"

// Where the header's parts stand: union swap_header in the kernel's include/linux/swap.h,
// struct swap_header_v1_2 in util-linux' include/swapheader.h. All offsets are bytes.
const (
	versionAt  = 1024 // before it is room for boot sectors and partition tables
	lastPageAt = 1028
	badPagesAt = 1032
	uuidAt     = 1036
	labelAt    = 1052
	paddingAt  = 1068 // 117 integers, then the list of bad pages
	badListAt  = 1536

	labelSize     = 16
	signatureSize = 10 // at the page's end
)

const (
	minPageSize = 4 << 10
	maxPageSize = 64 << 10
	minPages    = 10             // mkswap(8) makes no smaller area, and libblkid sees none
	maxPages    = math.MaxUint32 // the kernel counts the pages, not only their numbers, in 32 bits
)

const (
	signature    = "SWAPSPACE2"
	oldSignature = "SWAP-SPACE"
	// tuxOnIce begins the area in which TuxOnIce stored a system. It leaves the page's signature as it was.
	tuxOnIce = "\xed\xc3\x02\xe9\x98\x56\xe5\x0c"
)

// ErrNoHeader says that there is no swap header: less than a page, or no signature at the end of a first page
// of any size.
var ErrNoHeader = errors.New("no swap header")

// ErrHibernation says that a suspended system is stored in the area. Writing to it loses that system.
var ErrHibernation = errors.New("a hibernation image is stored in the swap area")

// ErrOldVersion says that the area is of version 0, which Linux has refused since 2.5.22 (mkswap(8)).
var ErrOldVersion = errors.New("swap area of version 0, which Linux no longer takes")

// Header is the header of a swap area of version 1.
type Header struct {
	// PageSize is the page size in bytes of the machine that the area is for. A kernel with another one
	// does not find the signature, and refuses the area.
	PageSize uint64
	// LastPage is the number of the last page: the area has LastPage+1 pages, and the first one is the header.
	LastPage uint32
	// BadPages counts the pages that are not to be used. The kernel refuses a file that has any.
	// Their list is not kept here.
	BadPages uint32
	// UUID in the order in which it is written; all zero where the area has none.
	UUID [16]byte
	// Label is what stands before the first zero byte of 16. mkswap(8) and swaplabel(8) write 15 bytes at most,
	// and libblkid reads 16.
	Label string
}

// NewHeader makes the header of an area of size bytes, rounded down to whole pages, for a machine with pages of
// pageSize bytes. It errs for a page size that is no power of two from 4 KiB to 64 KiB (libblkid looks for no
// other), for less than 10 pages (mkswap(8)) or more than 2^32-1 (mm/swapfile.c, read_swap_header), and for a label
// that is longer than 15 bytes or holds a zero byte.
func NewHeader(size, pageSize uint64, uuid [16]byte, label string) (Header, error) {
	if !isPageSize(pageSize) {
		return Header{}, fmt.Errorf("make swap header: a page size of %d bytes is not a power of two from %d to %d",
			pageSize, minPageSize, maxPageSize)
	}
	pages := size / pageSize
	switch {
	case pages < minPages:
		return Header{}, fmt.Errorf("make swap header: %d bytes are less than %d pages of %d bytes",
			size, minPages, pageSize)
	case pages > maxPages:
		return Header{}, fmt.Errorf("make swap header: %d bytes are more than %d pages of %d bytes",
			size, uint64(maxPages), pageSize)
	case len(label) >= labelSize:
		return Header{}, fmt.Errorf("make swap header: label %q is longer than %d bytes", label, labelSize-1)
	case strings.IndexByte(label, 0) >= 0:
		return Header{}, fmt.Errorf("make swap header: label %q holds a zero byte", label)
	}
	return Header{PageSize: pageSize, LastPage: uint32(pages - 1), UUID: uuid, Label: label}, nil
}

// Size is the length in bytes of the whole area, its header included.
func (h Header) Size() uint64 {
	return (uint64(h.LastPage) + 1) * h.PageSize
}

// UUIDString is the UUID as blkid(8) and fstab(5) write it: 8-4-4-4-12 digits, in lower case.
func (h Header) UUIDString() string {
	digits := hex.EncodeToString(h.UUID[:])
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// Encode gives the area's first page, in the byte order of this machine. Of a label it takes the first 16 bytes.
// A page size that NewHeader would refuse gives nil.
func (h Header) Encode() []byte {
	if !isPageSize(h.PageSize) {
		return nil
	}
	page := make([]byte, h.PageSize)
	binary.NativeEndian.PutUint32(page[versionAt:], 1)
	binary.NativeEndian.PutUint32(page[lastPageAt:], h.LastPage)
	binary.NativeEndian.PutUint32(page[badPagesAt:], h.BadPages)
	copy(page[uuidAt:labelAt], h.UUID[:])
	copy(page[labelAt:paddingAt], h.Label)
	copy(page[len(page)-signatureSize:], signature)
	return page
}

// ParseHeader finds the header in the first bytes of a swap area; 64 KiB of them hold the header of any machine.
// Of several signatures, as after a mkswap for a smaller page size, the one of the smallest page counts, as for
// libblkid (util-linux' libblkid/src/superblocks/swap.c).
//
// It errs with ErrNoHeader, ErrHibernation or ErrOldVersion. Any other error means a header that nobody should rely
// on: of another version, without pages, with more bad pages than it can list, or in the other byte order, which the
// kernel would take (mm/swapfile.c, read_swap_header), but no machine of this kind writes.
func ParseHeader(data []byte) (Header, error) {
	pageSize, found := findSignature(data)
	switch {
	case len(data) < minPageSize:
		return Header{}, ErrNoHeader
	case bytes.HasPrefix(data, []byte(tuxOnIce)):
		return Header{}, ErrHibernation
	case pageSize == 0:
		return Header{}, ErrNoHeader
	case found == oldSignature:
		return Header{}, ErrOldVersion
	case found != signature:
		return Header{}, ErrHibernation
	}

	const swapped = 1 << 24 // 1 in the other byte order
	version := binary.NativeEndian.Uint32(data[versionAt:])
	h := Header{
		PageSize: pageSize,
		LastPage: binary.NativeEndian.Uint32(data[lastPageAt:]),
		BadPages: binary.NativeEndian.Uint32(data[badPagesAt:]),
	}
	listed := (pageSize - signatureSize - badListAt) / 4
	switch {
	case version == swapped:
		return Header{}, errors.New("parse swap header: written by a machine of the other byte order")
	case version != 1:
		return Header{}, fmt.Errorf("parse swap header: version %d is not known", version)
	case h.LastPage == 0:
		return Header{}, errors.New("parse swap header: the last page is 0: an area without pages")
	case uint64(h.BadPages) > listed:
		return Header{}, fmt.Errorf("parse swap header: %d bad pages, where %d can be listed", h.BadPages, listed)
	}
	if hasLabels(data) {
		copy(h.UUID[:], data[uuidAt:labelAt])
		label, _, _ := bytes.Cut(data[labelAt:paddingAt], []byte{0})
		h.Label = string(label)
	}
	return h, nil
}

// hasLabels tells whether UUID and label are what they seem. They came later than version 1, and an area
// from before may hold anything there; libblkid believes them where these two integers of the padding are 0.
func hasLabels(data []byte) bool {
	const first = paddingAt + 32*4
	return binary.NativeEndian.Uint64(data[first:]) == 0
}

// findSignature gives the smallest page size at whose end a known signature stands, and that signature.
// The size is 0 where there is none.
func findSignature(data []byte) (uint64, string) {
	for size := uint64(minPageSize); size <= maxPageSize && size <= uint64(len(data)); size *= 2 {
		for _, s := range signatures() {
			if bytes.HasPrefix(data[size-signatureSize:size], []byte(s)) {
				return size, s
			}
		}
	}
	return 0, ""
}

// signatures are those of swap areas: the two versions, and what suspending to disk puts in their place,
// by the kernel (kernel/power/swap.c) or a program (uswsusp).
func signatures() []string {
	return []string{signature, oldSignature, "S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"}
}

func isPageSize(size uint64) bool {
	return size >= minPageSize && size <= maxPageSize && size&(size-1) == 0
}
