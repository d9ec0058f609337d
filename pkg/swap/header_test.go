package swap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// littleEndian skips a test of recorded bytes on a machine that would write others.
func littleEndian(t *testing.T) {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skipf("needs a little-endian machine: the bytes were recorded on one")
	}
}

// testUUID has no two equal bytes, so that none can stand in another's place.
func testUUID() [16]byte {
	return [16]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}
}

const testUUIDString = "01234567-89ab-cdef-fedc-ba9876543210"

// recordedPage is the first page of what util-linux 2.38.1 made of a 1 MiB file on x86-64:
// mkswap -U 01234567-89ab-cdef-fedc-ba9876543210 -L vmguard FILE.
func recordedPage() []byte {
	page := make([]byte, 4096)
	copy(page[1024:], ""+
		"\x01\x00\x00\x00"+
		"\xff\x00\x00\x00"+
		"\x00\x00\x00\x00"+
		"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10"+
		"vmguard\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copy(page[4086:], "SWAPSPACE2")
	return page
}

func TestHeaderAsMkswap(t *testing.T) {
	t.Parallel()
	littleEndian(t)
	want := Header{PageSize: 4096, LastPage: 255, UUID: testUUID(), Label: "vmguard"}

	made, err := NewHeader(1<<20, 4096, testUUID(), Label)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("NewHeader (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(recordedPage(), made.Encode()); diff != "" {
		t.Errorf("Encode (-want +got):\n%s", diff)
	}
	read, err := ParseHeader(recordedPage())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, read); diff != "" {
		t.Errorf("ParseHeader (-want +got):\n%s", diff)
	}
	if got := read.UUIDString(); got != testUUIDString {
		t.Errorf("UUID %s, want %s", got, testUUIDString)
	}
	if got := read.Size(); got != 1<<20 {
		t.Errorf("size %d, want 1 MiB", got)
	}
}

func TestNewHeader(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		size, pageSize uint64
		label          string
		lastPage       uint32
		err            string // a part of it; empty: none
	}{
		"ten pages":               {40960, 4096, "", 9, ""},
		"a byte less":             {40959, 4096, "", 0, "less than 10 pages of 4096 bytes"},
		"nothing":                 {0, 4096, "", 0, "less than 10 pages"},
		"rounded down":            {1<<20 + 4095, 4096, "", 255, ""},
		"ten pages of 64 KiB":     {655360, 65536, "", 9, ""},
		"too few pages of 64 KiB": {655359, 65536, "", 0, "less than 10 pages of 65536 bytes"},
		"as many as there can be": {math.MaxUint32 * 4096, 4096, "", math.MaxUint32 - 1, ""},
		"one more":                {1 << 32 * 4096, 4096, "", 0, "more than 4294967295 pages"},
		"all bytes that there are, in small pages": {math.MaxUint64, 4096, "", 0, "more than 4294967295 pages"},
		"all bytes that there are, in large pages": {math.MaxUint64, 65536, "", 0, "more than 4294967295 pages"},
		"page size nothing":                        {1 << 20, 0, "", 0, "page size of 0 bytes"},
		"page size too small":                      {1 << 20, 2048, "", 0, "page size of 2048 bytes"},
		"page size too large":                      {1 << 24, 1 << 17, "", 0, "page size of 131072 bytes"},
		"page size between":                        {1 << 20, 4097, "", 0, "not a power of two from 4096 to 65536"},
		"page size three times 4096":               {1 << 20, 12288, "", 0, "page size of 12288 bytes"},
		"longest label":                            {1 << 20, 4096, "0123456789abcde", 255, ""},
		"label too long":                           {1 << 20, 4096, "0123456789abcdef", 0, "longer than 15 bytes"},
		"label too long in bytes":                  {1 << 20, 4096, "éééééééé", 0, "longer than 15 bytes"},
		"label with a zero byte":                   {1 << 20, 4096, "vm\x00guard", 0, "zero byte"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := NewHeader(test.size, test.pageSize, testUUID(), test.label)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				if got != (Header{}) {
					t.Errorf("a header beside an error: %+v", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := Header{PageSize: test.pageSize, LastPage: test.lastPage, UUID: testUUID(), Label: test.label}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			checkRoundTrip(t, got)
		})
	}
}

// checkRoundTrip checks that the header comes back from what Encode makes of it.
func checkRoundTrip(t *testing.T, h Header) {
	t.Helper()
	page := h.Encode()
	if uint64(len(page)) != h.PageSize {
		t.Errorf("%d bytes encoded, want one page of %d", len(page), h.PageSize)
	}
	back, err := ParseHeader(page)
	if err != nil {
		t.Fatalf("the header does not come back: %v", err)
	}
	if diff := cmp.Diff(h, back); diff != "" {
		t.Errorf("header (-written +read):\n%s", diff)
	}
}

func TestHeaderByHand(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{0, 1, 2048, 4097, 1 << 17, math.MaxUint64} {
		if page := (Header{PageSize: size, LastPage: 99}).Encode(); page != nil {
			t.Errorf("page size %d: %d bytes, want none", size, len(page))
		}
	}
	long := Header{PageSize: 4096, LastPage: 99, Label: "0123456789abcdefgh"}.Encode()
	if got := long[labelAt:paddingAt]; string(got) != "0123456789abcdef" {
		t.Errorf("label %q", got)
	}
	if rest := long[paddingAt : len(long)-signatureSize]; !bytes.Equal(rest, make([]byte, len(rest))) {
		t.Error("the label runs into the padding")
	}
	if got := (Header{PageSize: 65536, LastPage: math.MaxUint32}).Size(); got != 1<<48 {
		t.Errorf("size %d, want 2^48", got)
	}
	if got := (Header{}).UUIDString(); got != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("no UUID: %s", got)
	}
}

// put gives page with s written at the offset.
func put(page []byte, at int, s string) []byte {
	page = bytes.Clone(page)
	copy(page[at:], s)
	return page
}

// putInt gives page with n written at the offset.
func putInt(page []byte, at int, n uint32) []byte {
	page = bytes.Clone(page)
	binary.NativeEndian.PutUint32(page[at:], n)
	return page
}

// checkHeader checks what ParseHeader makes of the data.
func checkHeader(t *testing.T, data []byte, want Header) {
	t.Helper()
	got, err := ParseHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestParseHeader(t *testing.T) {
	t.Parallel()
	good := Header{PageSize: 4096, LastPage: 255, UUID: testUUID(), Label: "vmguard"}
	page := good.Encode()
	with := func(change func(*Header)) Header {
		h := good
		change(&h)
		return h
	}
	tests := map[string]struct {
		data []byte
		want Header
	}{
		"one page":          {page, good},
		"more than a page":  {append(bytes.Clone(page), make([]byte, 100)...), good},
		"more than 64 KiB":  {append(bytes.Clone(page), make([]byte, 100<<10)...), good},
		"a boot sector":     {put(page, 0, "\xeb\x63\x90 and a partition table"), good},
		"no label":          {put(page, labelAt, "\x00\x00\x00\x00\x00\x00\x00"), with(func(h *Header) { h.Label = "" })},
		"a label of 16":     {put(page, labelAt, "0123456789abcdef"), with(func(h *Header) { h.Label = "0123456789abcdef" })},
		"a label's remains": {put(page, labelAt, "vm\x00uard"), with(func(h *Header) { h.Label = "vm" })},
		"no UUID":           {put(page, uuidAt, strings.Repeat("\x00", 16)), with(func(h *Header) { h.UUID = [16]byte{} })},
		"before there were labels": {put(page, paddingAt+33*4, "?"), with(func(h *Header) {
			h.UUID, h.Label = [16]byte{}, ""
		})},
		"padding elsewhere": {put(page, paddingAt+34*4, "?"), good},
		"bad pages":         {putInt(page, badPagesAt, 3), with(func(h *Header) { h.BadPages = 3 })},
		"a full list":       {putInt(page, badPagesAt, 637), with(func(h *Header) { h.BadPages = 637 })},
		"the last last page": {putInt(page, lastPageAt, math.MaxUint32), with(func(h *Header) {
			h.LastPage = math.MaxUint32
		})},
		"one page after the header": {putInt(page, lastPageAt, 1), with(func(h *Header) { h.LastPage = 1 })},
		"remains of a larger page":  {put(append(bytes.Clone(page), make([]byte, 60<<10)...), 65526, "S1SUSPEND"), good},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkHeader(t, test.data, test.want)
		})
	}
}

func TestParseHeaderPageSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10} {
		h := Header{PageSize: size, LastPage: 99, BadPages: 637, UUID: testUUID(), Label: Label}
		page := h.Encode()
		checkRoundTrip(t, h)
		checkHeader(t, append(bytes.Clone(page), make([]byte, 64<<10)...), h)
		if _, err := ParseHeader(page[:len(page)-1]); !errors.Is(err, ErrNoHeader) {
			t.Errorf("%d bytes but one: error %v, want ErrNoHeader", size, err)
		}
		for _, s := range signatures()[1:] {
			want := ErrHibernation
			if s == oldSignature {
				want = ErrOldVersion
			}
			if _, err := ParseHeader(put(page, len(page)-10, s)); !errors.Is(err, want) {
				t.Errorf("%s in a page of %d bytes: error %v, want %v", s, size, err, want)
			}
		}
	}
}

func TestParseHeaderErrors(t *testing.T) {
	t.Parallel()
	const toi = "\xed\xc3\x02\xe9\x98\x56\xe5\x0c"
	page := Header{PageSize: 4096, LastPage: 255, UUID: testUUID(), Label: "vmguard"}.Encode()
	swapped := bytes.Clone(page)
	for at := versionAt; at < uuidAt; at += 4 {
		slices.Reverse(swapped[at : at+4])
	}
	tests := map[string]struct {
		data []byte
		want error  // nil: none of the three
		text string // a part of it
	}{
		"nothing":                    {nil, ErrNoHeader, "no swap header"},
		"a text":                     {[]byte("SWAPSPACE2"), ErrNoHeader, "no swap header"},
		"zeroes":                     {make([]byte, 64<<10), ErrNoHeader, "no swap header"},
		"a page but one byte":        {page[:4095], ErrNoHeader, "no swap header"},
		"the signature a byte early": {put(page, 4085, "SWAPSPACE2\x00"), ErrNoHeader, "no swap header"},
		"a signature begun":          {put(page, 4086, "SWAPSPACE\x00"), ErrNoHeader, "no swap header"},
		"lower case":                 {put(page, 4086, "swapspace2"), ErrNoHeader, "no swap header"},
		"a third page's end":         {append(make([]byte, 8192), page...), ErrNoHeader, "no swap header"},
		"beyond 64 KiB":              {put(make([]byte, 128<<10), 128<<10-10, "SWAPSPACE2"), ErrNoHeader, "no swap header"},
		"version 0":                  {put(page, 4086, "SWAP-SPACE"), ErrOldVersion, "version 0"},
		"S1SUSPEND":                  {put(page, 4086, "S1SUSPEND\x00"), ErrHibernation, "hibernation"},
		"S2SUSPEND":                  {put(page, 4086, "S2SUSPEND\x00"), ErrHibernation, "hibernation"},
		"ULSUSPEND":                  {put(page, 4086, "ULSUSPEND\x00"), ErrHibernation, "hibernation"},
		"LINHIB0001":                 {put(page, 4086, "LINHIB0001"), ErrHibernation, "hibernation"},
		"TuxOnIce":                   {put(page, 0, toi), ErrHibernation, "hibernation"},
		"TuxOnIce alone":             {put(make([]byte, 4096), 0, toi), ErrHibernation, "hibernation"},
		"TuxOnIce in part of a page": {put(page, 0, toi)[:4095], ErrNoHeader, "no swap header"},
		"TuxOnIce cut short":         {put(make([]byte, 4096), 0, toi[:7]), ErrNoHeader, "no swap header"},
		"signed version 0":           {putInt(page, versionAt, 0), nil, "version 0 is not known"},
		"version 2":                  {putInt(page, versionAt, 2), nil, "version 2 is not known"},
		"the other byte order":       {swapped, nil, "the other byte order"},
		"no pages":                   {putInt(page, lastPageAt, 0), nil, "without pages"},
		"a list too long":            {putInt(page, badPagesAt, 638), nil, "638 bad pages, where 637 can be listed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := ParseHeader(test.data)
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("error %v, want %q", err, test.text)
			}
			if h != (Header{}) {
				t.Errorf("a header beside an error: %+v", h)
			}
			for _, sentinel := range []error{ErrNoHeader, ErrHibernation, ErrOldVersion} {
				if got := errors.Is(err, sentinel); got != errors.Is(test.want, sentinel) {
					t.Errorf("errors.Is(%v, %v) = %t", err, sentinel, got)
				}
			}
		})
	}
}

// The page is put together from what stands at its start, at the fields and at its end: so the inputs are short,
// and the fuzzer need not find out by itself where anything stands.
func FuzzParseHeader(f *testing.F) {
	page := Header{PageSize: 4096, LastPage: 255, UUID: testUUID(), Label: "vmguard"}.Encode()
	fields := page[versionAt:paddingAt]
	f.Add([]byte{}, []byte{}, []byte{}, uint8(0), uint32(0))
	f.Add([]byte{}, fields, []byte(signature), uint8(1), uint32(5000))
	f.Add([]byte(tuxOnIce), fields, []byte(signature), uint8(0), uint32(0))
	f.Add([]byte("a boot sector"), putInt(fields, 0, 1<<24), []byte(signature), uint8(2), uint32(0))
	f.Add([]byte{}, putInt(fields, badPagesAt-versionAt, 1000), []byte(signature), uint8(3), uint32(0))
	f.Add([]byte{}, page[versionAt:paddingAt+34*4], []byte(signature), uint8(4), uint32(1))
	for _, s := range signatures() {
		f.Add([]byte{}, fields, []byte(s), uint8(0), uint32(100))
	}
	f.Fuzz(func(t *testing.T, start, fields, end []byte, double uint8, more uint32) {
		size := minPageSize << (double % 6) // the last one is larger than any
		data := make([]byte, size, size+int(more%(70<<10)))
		copy(data, start)
		copy(data[versionAt:], fields)
		copy(data[size-signatureSize:], end)
		data = data[:cap(data)]
		checkParse(t, data)
		checkParse(t, data[:len(data)-1])
		checkParse(t, start)
	})
}

// checkParse checks that what ParseHeader makes of the data is whole, and its own.
func checkParse(t *testing.T, data []byte) {
	t.Helper()
	before := bytes.Clone(data)
	h, err := ParseHeader(data)
	if !bytes.Equal(before, data) {
		t.Error("the data was changed")
	}
	if err != nil {
		if h != (Header{}) {
			t.Errorf("a header beside an error: %+v, %v", h, err)
		}
		return
	}
	// What is after the header says nothing about it.
	checkHeader(t, data[:h.PageSize], h)
	checkRoundTrip(t, h)
}

func FuzzHeader(f *testing.F) {
	f.Add(uint64(1<<20), uint64(4096), "0123456789abcdef", "vmguard")
	f.Add(uint64(10<<16), uint64(65536), "", "0123456789abcde")
	f.Add(uint64(math.MaxUint64), uint64(65536), "", "")
	f.Add(uint64(math.MaxUint32*4096), uint64(4096), "", "vm\x00guard")
	f.Fuzz(func(t *testing.T, size, pageSize uint64, id, label string) {
		var uuid [16]byte
		copy(uuid[:], id)
		h, err := NewHeader(size, pageSize, uuid, label)
		if err != nil {
			return
		}
		if h.Size() > size || size-h.Size() >= pageSize || h.Size() < 10*pageSize {
			t.Errorf("%d bytes in pages of %d: size %d", size, pageSize, h.Size())
		}
		if h.UUID != uuid || h.Label != label || h.PageSize != pageSize || h.BadPages != 0 {
			t.Errorf("%x %q: %+v", uuid, label, h)
		}
		checkRoundTrip(t, h)
	})
}
