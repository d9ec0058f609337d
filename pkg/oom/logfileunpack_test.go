package oom

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// gzipped packs a text.
func gzipped(t *testing.T, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func TestUnpack(t *testing.T) {
	text := strings.Repeat("a line of a log\n", 5000)
	whole := gzipped(t, text)
	broken := []byte(whole)
	broken[len(broken)/2] ^= 0xff
	tests := []struct {
		name, packed, want string
		damage             error
	}{
		{"nothing", "", "", nil},
		{"one byte", "x", "x", nil},
		{"plain", text, text, nil},
		{"gzip", whole, text, nil},
		{"two of gzip", whole + whole, text + text, nil},
		{"gzip of nothing", gzipped(t, ""), "", nil},
		{"cut within its heading", whole[:5], "", io.ErrUnexpectedEOF},
		{"another method", "\x1f\x8b\x07" + whole[3:], "", gzip.ErrHeader},
		{"cut at its end", whole[:len(whole)-4], text, io.ErrUnexpectedEOF},
		{"a wrong sum", whole[:len(whole)-8] + "00000000", text, gzip.ErrChecksum},
		{"rubbish behind it", whole + "rubbish and more", text, gzip.ErrHeader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := unpack(iotest.HalfReader(strings.NewReader(tt.packed)), unlimited)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(u)
			if string(got) != tt.want || err != nil || !errors.Is(u.damage, tt.damage) {
				t.Errorf("%d bytes, %v, damage %v; want %d, damage %v", len(got), err, u.damage, len(tt.want), tt.damage)
			}
		})
	}
	// Wherever it is cut, what was before it counts and the damage is told.
	for at := 2; at < len(whole); at += 13 {
		u, err := unpack(strings.NewReader(whole[:at]), unlimited)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(u)
		if err != nil || !strings.HasPrefix(text, string(got)) || u.damage == nil {
			t.Fatalf("cut at %d: %d bytes, %v, damage %v", at, len(got), err, u.damage)
		}
	}
	u, err := unpack(bytes.NewReader(broken), unlimited)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(u); err != nil || u.damage == nil {
		t.Errorf("a changed byte: %v, damage %v", err, u.damage)
	}
}

func TestUnpackRefuses(t *testing.T) {
	for name, begin := range packed() {
		if _, err := unpack(strings.NewReader(begin+"more of it"), unlimited); !errors.Is(err, ErrPacked) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("broken")
	if _, err := unpack(iotest.ErrReader(broken), unlimited); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
	// A fault of reading is no damage of the text.
	packed := gzipped(t, strings.Repeat("text", 100))
	u, err := unpack(io.MultiReader(strings.NewReader(packed[:20]), iotest.ErrReader(broken)), unlimited)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(u); !errors.Is(err, broken) || u.damage != nil {
		t.Errorf("a reader that breaks: %v, damage %v", err, u.damage)
	}
}

// TestUnpackBomb gives no more than it may of 16 MiB that fit in 16 KiB.
func TestUnpackBomb(t *testing.T) {
	const limit = 1 << 20
	bomb := gzipped(t, strings.Repeat("\x00", 16<<20))
	u, err := unpack(strings.NewReader(bomb), limit)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, u)
	if n != limit || err != nil || !errors.Is(u.damage, errBomb) {
		t.Errorf("%d bytes, %v, damage %v", n, err, u.damage)
	}
	plain, err := unpack(strings.NewReader(strings.Repeat("x", 2*limit)), limit)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, plain); n != 2*limit || err != nil {
		t.Errorf("plain text is not bounded: %d bytes, %v", n, err)
	}
}

// FuzzUnpack holds that packed text comes back, that text which is not packed stays as
// it is, and that any bytes give an end.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("text"))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := unpack(strings.NewReader(gzipped(t, string(data))), unlimited)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(u); !bytes.Equal(got, data) || err != nil || u.damage != nil {
			t.Fatalf("%q, %v, %v", got, err, u.damage)
		}
		u, err = unpack(bytes.NewReader(data), 1<<20)
		if err != nil {
			return
		}
		got, err := io.ReadAll(u)
		if err != nil || len(got) > max(1<<20, len(data)) || !u.gzip && !bytes.Equal(got, data) {
			t.Fatalf("%q, %v", got, err)
		}
	})
}
