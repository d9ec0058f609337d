package caddy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse(Source{"/etc/caddy/Caddyfile", []byte(`{
	servers :443 {
		timeouts {
			idle 620s
			write 1h
		}
	}
}
a.example {
	import proxy
}
http://me:secret@b.example {
	reverse_proxy a:1 {
		stream_timeout 24h
		transport http {
			read_timeout {$READ}
			keepalive {env.KEEP}
		}
	}
}
import sites/*.caddy
`)}, map[string][]Source{
		"proxy":         {{"/etc/caddy/proxy", []byte("reverse_proxy x:1\n")}},
		"sites/*.caddy": {{"/etc/caddy/sites/c.caddy", []byte("c.example {\n\treverse_proxy y:1\n}\n")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const file = "/etc/caddy/Caddyfile"
	idle, write := Timeout{620 * time.Second, file, 4, ""}, Timeout{time.Hour, file, 5, ""}
	plain := func(file string, line int) Proxy {
		return Proxy{File: file, Line: line, Keepalive: Timeout{Nanoseconds: DefaultKeepalive}}
	}
	want := Config{Options: 1, Servers: true, Sites: []Site{
		{Addresses: []string{"a.example"}, File: file, Line: 9, Idle: idle, Write: write, Proxies: []Proxy{plain("/etc/caddy/proxy", 1)}},
		{Addresses: []string{"http://...@b.example"}, File: file, Line: 12, Idle: Timeout{Nanoseconds: DefaultIdle}, Proxies: []Proxy{{
			File: file, Line: 13, Stream: Timeout{24 * time.Hour, file, 14, ""},
			Read:      Timeout{File: file, Line: 16, Unknown: "it depends on the environment variable READ"},
			Keepalive: Timeout{File: file, Line: 17, Unknown: "it is no duration such as 620s or 1d"},
		}}},
		{Addresses: []string{"c.example"}, File: "/etc/caddy/sites/c.caddy", Line: 1, Idle: idle, Write: write, Proxies: []Proxy{plain("/etc/caddy/sites/c.caddy", 2)}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestParseUnseen holds that what was not seen is said, and leaves no value of Caddy's own standing.
func TestParseUnseen(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a file":              {":80 {\n\timport common\n}\n", "C:2 imports common, which was not read"},
		"options by variable": {"{\n\t{$OPTIONS}\n}\n:80 {\n}\n", "C:2 has lines that depend on the environment variable OPTIONS"},
		"a named route":       {"&(r) {\n\treverse_proxy a:1\n}\n:80 {\n\tinvoke r\n}\n", "C:1 has a named route, which is not followed"},
		"a block":             {"(s) {\n\thandle {\n\t\t{block}\n\t}\n}\n:80 {\n}\n", "C:3 has lines that come from where it is imported"},
		"a snippet of sites":  {"(s) {\n\tx\n}\nimport s\n:80 {\n}\n", "C:4 imports a snippet between the sites, which is not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(Source{"C", []byte(tt.text)}, nil)
			if err != nil || got.Unseen != tt.want {
				t.Fatalf("%+v, %v; want %q", got, err, tt.want)
			}
			for _, s := range got.Sites {
				if s.Idle.Unknown != tt.want {
					t.Errorf("%+v", s.Idle)
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	loop := "(a) {\n\timport a\n}\n"
	doubling := "(a0) {\n\tx\n}\n"
	for i := range 24 {
		doubling += "(a" + string(rune('b'+i)) + ") {\n\timport a" + previous(i) + "\n\timport a" + previous(i) + "\n}\n"
	}
	for name, tt := range map[string]struct{ text, want string }{
		"not closed":       {":80 {\n\thandle {\n\t}\n", "C:1: a { that is not closed"},
		"closed twice":     {":80 {\n}\n}\n", "C:3: a } that closes nothing"},
		"an open quote":    {":80 {\n\trespond \"x\n}\n", "a quote that does not end"},
		"an open heredoc":  {":80 {\n\trespond <<END\n\tx\n}\n", "a heredoc that does not end"},
		"on one line":      {":80 { respond x }\n", "C:1: text after a { on the same line"},
		"too deep":         {":80 {\n" + strings.Repeat("a {\n", 100), "lead too far"},
		"doubling":         {doubling + ":80 {\n\timport ay\n}\n", "lead too far"},
		"many addresses":   {strings.Repeat("a, ", 6000) + "b {\n}\n", "lead too far"},
		"many servers":     {"{\n" + strings.Repeat("servers :1 {\n}\n", 101) + "}\n:80 {\n}\n", "lead too far"},
		"long arguments":   {"(s) {\n" + strings.Repeat("{args.0}\n", 1000) + "}\na {\nimport s " + strings.Repeat("x", 5000) + "\n}\n", "lead too far"},
		"import of nought": {":80 {\n\timport\n}\n", "C:2: import of nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(Source{"C", []byte(tt.text)}, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	self := map[string][]Source{"self": {{"C", []byte("import self\n")}}}
	if _, err := Parse(Source{"C", []byte("import self\n")}, self); err == nil || !strings.Contains(err.Error(), "lead too far") {
		t.Errorf("a file that imports itself: %v", err)
	}
	// A snippet is not known inside itself, as in Caddy.
	if got, err := Parse(Source{"C", []byte(loop + ":80 {\n\timport a\n}\n")}, nil); err != nil || got.Unseen == "" {
		t.Errorf("a snippet that imports itself: %+v, %v", got, err)
	}
}

func previous(i int) string {
	if i == 0 {
		return "0"
	}
	return string(rune('a' + i))
}

func TestTokenise(t *testing.T) {
	for text, want := range map[string][]token{
		"a b\nc":                {{"a", "C", 1, false, 0}, {"b", "C", 1, false, 0}, {"c", "C", 2, false, 0}},
		"a # b\n#c\nd#e":        {{"a", "C", 1, false, 0}, {"d#e", "C", 3, false, 0}},
		`"a \" \n" b`:           {{`a " \n`, "C", 1, true, 0}, {"b", "C", 1, false, 0}},
		"`a\n\"` b":             {{"a\n\"", "C", 1, true, 0}, {"b", "C", 2, false, 0}},
		"a \\\n b\nc":           {{"a", "C", 1, false, 0}, {"b", "C", 1, false, 0}, {"c", "C", 3, false, 0}},
		"a <<X\n {\n X b\nc":    {{"a", "C", 1, false, 0}, {" {\n ", "C", 1, true, 1}, {"b", "C", 3, false, 0}, {"c", "C", 4, false, 0}},
		"{$A:b c} {$B} {$} {$D": {{"b", "C", 1, false, 0}, {"c", "C", 1, false, 0}, {openVariable + "B" + closeVariable, "C", 1, false, 0}, {"{$}", "C", 1, false, 0}, {"{$D", "C", 1, false, 0}},
		"a\\b <<< <x":           {{`a\b`, "C", 1, false, 0}, {"<<<", "C", 1, false, 0}, {"<x", "C", 1, false, 0}},
	} {
		got, err := tokenise(Source{"C", []byte(text)})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(token{})); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
}

func TestImports(t *testing.T) {
	got := Imports(Source{"C", []byte("import a/*\n:80 {\n\timport s 1\n\timport b\n\timport b\n\trespond import\n\timport {$X}\n}\n(s) {\n\timport c\n}\n")})
	if diff := cmp.Diff([]string{"a/*", "b", "c"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "5s": 5 * time.Second, "1d": 24 * time.Hour, "1.5d": 36 * time.Hour, "-1s": -time.Second, "+1h30m": 90 * time.Minute, "100us": 100 * time.Microsecond, "1d2h": 26 * time.Hour} {
		if got, err := Duration(text); err != nil || got != want {
			t.Errorf("%q gave %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "s", "-", "1x", "1.2.3s", "1h -2m", "9999999999h", strings.Repeat("1s", 40)} {
		if got, err := Duration(text); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}

// FuzzDuration: what time.ParseDuration reads means the same here.
func FuzzDuration(f *testing.F) {
	f.Add("1h30m")
	f.Add("-1.5s")
	f.Fuzz(func(t *testing.T, text string) {
		want, err := time.ParseDuration(text)
		got, err2 := Duration(text)
		if err == nil && err2 == nil && (got-want).Abs() > want.Abs()/1e12+time.Duration(len(text)) {
			t.Fatalf("%q: %v, and Go says %v", text, got, want)
		}
	})
}

// FuzzParse: whatever a file holds, sites begin in it, an error names it, and a comment at
// the end of a file without open ends changes nothing.
func FuzzParse(f *testing.F) {
	for _, text := range samples() {
		f.Add(text)
	}
	f.Add("(a) {\n\timport a\n}\nimport b\n:80 {\n\timport a\n\trespond <<X\n\ty\n\tX\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := Source{"C", []byte(text)}
		files := map[string][]Source{}
		for _, name := range Imports(s) {
			files[name] = []Source{s}
			break
		}
		got, err := Parse(s, files)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "C:") {
				t.Fatalf("%v does not name the file", err)
			}
			return
		}
		lines := strings.Count(environment(text), "\n") + 1
		for _, site := range got.Sites {
			if site.Line < 1 || site.Line > lines || len(site.Addresses) == 0 {
				t.Fatalf("%+v of %d lines", site, lines)
			}
			if got.Unseen != "" && !site.Idle.Set() && site.Idle.Unknown == "" {
				t.Fatalf("%+v stands although something was not seen", site.Idle)
			}
		}
		s.Data = append(s.Data, "\n# end"...)
		if len(files) > 0 || strings.Contains(text, "<<") || strings.HasSuffix(strings.TrimRight(text, "\r"), `\`) {
			return // an end that is open
		}
		after, err := Parse(s, files)
		if diff := cmp.Diff(got, after); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}
