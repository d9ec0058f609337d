package human

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

func TestParseBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		"2G": 2 << 30, "2GiB": 2 << 30, "2 GiB": 2 << 30, "2g": 2 << 30, "2gIb": 2 << 30, "2 G": 2 << 30, "002G": 2 << 30,
		"2048M": 2 << 30, "2048MiB": 2 << 30, "512K": 512 << 10, "512kib": 512 << 10, "1T": 1 << 40, "1TiB": 1 << 40,
		"2GB": 2e9, "500MB": 500e6, "64KB": 64e3, "64kB": 64e3, "64 kb": 64e3, "1TB": 1e12,
		"0K": 0, "0.0GB": 0, "0.0001K": 0,
		"1.5G": 3 << 29, "1.50 GiB": 3 << 29, "0.1G": 107374182, "0.3MB": 300000, "1.1KB": 1100, "0.7GB": 700000000,
		"0.999999999999999999999999999999T": 1<<40 - 1,
		"2.00000000000000000000000000001KB": 2000,
		"16777215.99999999999999999999T":    math.MaxUint64,
		"18014398509481983K":                math.MaxUint64 - 1023,
		"18446744073709551.615KB":           math.MaxUint64,
		"18446744073709551.6159KB":          math.MaxUint64,
	} {
		if got, err := ParseBytes(text); got != want || err != nil {
			t.Errorf("ParseBytes(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestParseBytesRefuses(t *testing.T) {
	t.Parallel()
	const accepted = " is no size: accepted are numbers with K, M, G, T (powers of 1024) or KB, MB, GB, TB (powers of 1000)"
	want := map[string]string{
		"":                            "no size is given: say one such as 2G or 2048M",
		"2048":                        `"2048" has no unit: say the unit, such as 2048M`,
		"0":                           `"0" has no unit: say the unit, such as 2048M`,
		"-1G":                         `"-1G" is negative: a size is positive`,
		"-":                           `"-" is negative: a size is positive`,
		"16777216T":                   `"16777216T" is too large: a size is below 16 EiB`,
		"18014398509481984K":          `"18014398509481984K" is too large: a size is below 16 EiB`,
		"18446744073709551.616KB":     `"18446744073709551.616KB" is too large: a size is below 16 EiB`,
		"18446744073709551616K":       `"18446744073709551616K" is too large: a size is below 16 EiB`,
		strings.Repeat("9", 50) + "G": `"` + strings.Repeat("9", 40) + `..." is too large: a size is below 16 EiB`,
		"2\x1b[mG":                    `"2\x1b[mG"` + accepted,
	}
	want["1.5 "] = `"1.5 " has no unit: say the unit, such as 2048M`
	for _, text := range []string{
		"2X", "2G junk", "1e3G", "1e3", "NaN", "Inf", "NaNG", "１G", "0x10G", "0x10", "G", "GiB", " ", " 2G", "2G ", "2  G", "2\tG", "2\u00a0G",
		"+2G", ".5G", "1.G", "1.", ".", "1.5.5G", "1,5G", "1_000M", "2Gi", "2B", "2iB", "2KK", "2P", "2\u212a", "2K\u0131B", "2G\n", "−1G", "1.-5G",
	} {
		want[text] = fmt.Sprintf("%q", text) + accepted
	}
	for text, want := range want {
		got, err := ParseBytes(text)
		if err == nil || err.Error() != want || got != 0 {
			t.Errorf("ParseBytes(%q) = %d, error %v\nwant error %s", text, got, err, want)
		}
	}
}

// FuzzParseBytes holds that a size is accepted exactly where it has the form of one and
// fits, that it is then what arithmetic without any rounding makes of it, and that an
// error is one short line.
func FuzzParseBytes(f *testing.F) {
	for _, s := range []string{"2G", "1.5 GiB", "0.1tb", "-1G", "2048", "16777216T", "1e3G", "2\u212a", "18446744073709551.6159KB"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([kKmMgGtT])([iI]?[bB])?$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseBytes(s)
		if err != nil && (got != 0 || len(err.Error()) > 300 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' })) {
			t.Fatalf("ParseBytes(%q) = %d, %q", s, got, err)
		}
		parts := form.FindStringSubmatch(s)
		if parts == nil {
			if err == nil {
				t.Fatalf("%q is accepted as %d", s, got)
			}
			return
		}
		base := int64(1024)
		if len(parts[3]) == 1 {
			base = 1000
		}
		power := int64(strings.Index("KMGT", strings.ToUpper(parts[2])) + 1)
		unit := new(big.Int).Exp(big.NewInt(base), big.NewInt(power), nil)
		exact, ok := new(big.Rat).SetString(parts[1])
		if !ok {
			t.Fatalf("%q is no number to math/big", parts[1])
		}
		exact.Mul(exact, new(big.Rat).SetInt(unit))
		want := new(big.Int).Quo(exact.Num(), exact.Denom())
		if want.IsUint64() != (err == nil) || err == nil && want.Uint64() != got {
			t.Fatalf("ParseBytes(%q) = %d, %v, want %s", s, got, err, want)
		}
	})
}

// FuzzParseBytesRoundTrip holds that every number of bytes comes back from being written
// in K with the ten decimals that make it exact, and in KB with three; and that of those
// written in K without decimals, exactly those are refused that do not fit.
func FuzzParseBytesRoundTrip(f *testing.F) {
	for _, n := range []uint64{0, 1, 1023, 1024, 1<<54 - 1, 1 << 54, math.MaxUint64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n uint64) {
		const last = 9765625 // ten decimals of 1/1024
		for _, text := range []string{
			fmt.Sprintf("%d.%010dK", n/1024, n%1024*last),
			fmt.Sprintf("%d.%010d kib", n/1024, n%1024*last),
			fmt.Sprintf("%d.%03dkB", n/1000, n%1000),
		} {
			if got, err := ParseBytes(text); got != n || err != nil {
				t.Fatalf("ParseBytes(%q) = %d, %v, want %d", text, got, err, n)
			}
		}
		got, err := ParseBytes(fmt.Sprintf("%dK", n))
		if fits := n < 1<<54; fits != (err == nil) || fits && got != n*1024 {
			t.Fatalf("ParseBytes of %d K = %d, %v", n, got, err)
		}
	})
}
