package report

import "strings"

// wildNames are names as a hostile host may give them: with the marks of each format, characters that hide or
// reorder text, bytes that are no text, and far too long ones.
var wildNames = []string{
	`quote" and 'apostrophe'`, "<script>alert(1)</script>", "</style></pre>]]>-->", "a&b&amp;&#0;", `back\slash\n`,
	"new\nline\r\ttab", "\x1b[31mred\x07\x00", "\u009b31m", "right\u202eto\u2066left\u200f", "שלום", "\xff\xfe invalid \xc3",
	"\ufffd\ufffe\uffff\ufdd0\U0001ffff", "\u2028\u2029\u200b\ufeff", "日本 größe 🐳", strings.Repeat("long", 2500), "", " ", "::error::x", "%0A##[group]", "javascript:alert(1)", "{}",
}
