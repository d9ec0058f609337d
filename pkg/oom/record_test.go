package oom

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRecord(t *testing.T) {
	tests := []struct {
		name, text string
		want       Record
		wantErr    bool
	}{
		{
			name: "of the kernel",
			text: "6,339,5140900,-;NET: Registered protocol family 10\n",
			want: Record{Level: 6, Seq: 339, SinceBoot: 5140900 * time.Microsecond, Message: "NET: Registered protocol family 10"},
		},
		{
			name: "of user space",
			text: "30,340,5690716,-;udevd[80]: starting version 181",
			want: Record{Facility: 3, Level: 6, Seq: 340, SinceBoot: 5690716 * time.Microsecond, Message: "udevd[80]: starting version 181"},
		},
		{
			name: "with a dictionary, which may hold what looks like a record",
			text: "6,1,2,-;pci 0000:00:01.0: BAR 0\n SUBSYSTEM=pci\n DEVICE=+pci:1\n 3,1,1,-;Killed\n",
			want: Record{Level: 6, Seq: 1, SinceBoot: 2 * time.Microsecond, Message: "pci 0000:00:01.0: BAR 0"},
		},
		{
			name: "a fragment, and fields of later kernels",
			text: "4,7,8,c,caller=T123,more;text; with; more",
			want: Record{Level: 4, Seq: 7, SinceBoot: 8 * time.Microsecond, Fragment: true, Message: "text; with; more"},
		},
		{
			name: "a fragment before 4.10",
			text: "4,7,8,+;text",
			want: Record{Level: 4, Seq: 7, SinceBoot: 8 * time.Microsecond, Fragment: true, Message: "text"},
		},
		{
			name: "escapes",
			text: `4,7,8,-;a\x0ab\x5cx41\xe4\xzz\x4\`,
			want: Record{Level: 4, Seq: 7, SinceBoot: 8 * time.Microsecond, Message: "a\nb\\x41\xe4\\xzz\\x4\\"},
		},
		{name: "an empty message", text: "4,7,8,-;", want: Record{Level: 4, Seq: 7, SinceBoot: 8 * time.Microsecond}},
		{name: "nothing", text: "", wantErr: true},
		{name: "plain text", text: "[   12.5] Out of memory: Killed process 1 (init)", wantErr: true},
		{name: "no message", text: "4,7,8,-", wantErr: true},
		{name: "three fields", text: "4,7,8;text", wantErr: true},
		{name: "priority of letters", text: "a,7,8,-;text", wantErr: true},
		{name: "negative priority", text: "-4,7,8,-;text", wantErr: true},
		{name: "priority out of range", text: "99999,7,8,-;text", wantErr: true},
		{name: "empty number", text: "4,,8,-;text", wantErr: true},
		{name: "time of letters", text: "4,7,x,-;text", wantErr: true},
		{name: "time out of range", text: "4,7,18446744073709551615,-;text", wantErr: true},
		{name: "two records", text: "4,7,8,-;text\n4,8,8,-;text\n", wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseRecord(tt.text)
			if (err != nil) != tt.wantErr || (err != nil && !errors.Is(err, errRecord)) {
				t.Fatalf("error %v, want one: %v", err, tt.wantErr)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// encode writes a record as the kernel does (info_print_ext_header and
// msg_add_ext_text, kernel/printk/printk.c).
func encode(r Record) string {
	var b strings.Builder
	flag := "-"
	if r.Fragment {
		flag = "c"
	}
	fmt.Fprintf(&b, "%d,%d,%d,%s;", r.Facility<<3|r.Level, r.Seq, r.SinceBoot.Microseconds(), flag)
	for _, c := range []byte(r.Message) {
		if c < ' ' || c >= 127 || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// FuzzRecord holds that what is read, written as the kernel writes it, reads the same.
func FuzzRecord(f *testing.F) {
	f.Add("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n")
	f.Add(`12,1,2,c,caller=T1;a\x0a\x5c;b`)
	f.Add("4,7,8;text")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRecord(text)
		if err != nil {
			if diff := cmp.Diff(Record{}, r); diff != "" {
				t.Fatalf("an error and a record: %s", diff)
			}
			return
		}
		if r.Level < 0 || r.Level > 7 || r.Facility < 0 || r.SinceBoot < 0 {
			t.Fatalf("out of range: %+v", r)
		}
		if len(r.Message) >= len(text) {
			t.Fatalf("the message grew: %q", r.Message)
		}
		if prefix := strings.SplitN(text, ",", 2)[0]; (r.Facility == 0) != (strings.TrimLeft(prefix, "0") < "8" && len(strings.TrimLeft(prefix, "0")) <= 1) {
			t.Fatalf("priority %q reads as facility %d", prefix, r.Facility)
		}
		again, err := ParseRecord(encode(r))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
