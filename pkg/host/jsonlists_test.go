package host

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBoundLists(t *testing.T) {
	long := func(n int) string { return "[" + strings.Repeat("{},", n-1) + "{}]" }
	for name, c := range map[string]struct{ text, err string }{
		"as many":             {`{"a":` + long(3) + `}`, ""},
		"one more":            {`{"a":` + long(4) + `}`, "its lists of a are too long"},
		"two lists":           {`{"a":` + long(3) + `,"a":` + long(1) + `}`, "lists of a"},
		"of a fact":           {`{"a":{"source":"x","value":` + long(4) + `}}`, "lists of a"},
		"of a fact, in front": {`{"a":{"value":` + long(4) + `,"source":"x"}}`, "lists of a"},
		"another case":        {`{"A":{"Value":` + long(4) + `}}`, "lists of a"},
		"escaped":             {`{"\u0061":` + long(4) + `}`, "lists of a"},
		"of another name":     {`{"b":` + long(9) + `,"value":` + long(9) + `}`, ""},
		"within others":       {`{"c":[{"x":1,"a":` + long(2) + `},{"a":` + long(2) + `}]}`, "lists of a"},
		"not the members":     {`{"a":{"b":1,"c":2,"d":3,"e":4},"f":[1,2,3,4]}`, ""},
		"a text of that name": {`{"b":["a","a","a","a",{"x":"a"}]}`, ""},
		"very many values":    {`[` + strings.Repeat("1,", mostValues) + `1]`, "more than 1000000 values"},
		"very many members":   {`{` + strings.Repeat(`"x":1,`, mostValues) + `"x":1}`, "more than 1000000 values"},
		"no JSON":             {`{"a":[}`, ""},
		"nothing":             {"", ""},
	} {
		t.Run(name, func(t *testing.T) { refused(t, BoundLists([]byte(c.text), "a", 3), c.err) })
	}
}

// FuzzBoundLists holds that no list is decoded that is longer than was allowed.
func FuzzBoundLists(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,3]}`, `{"A":{"value":[{},{}]}}`, `{"b":{},"a":{"x":[],"value":[1,2]}}`, `[[[]]]`, `}`, `{"a":}`, `"a"`} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, most int) {
		if most = max(most, 0); BoundLists(data, "a", most) != nil {
			return
		}
		var list struct{ A []json.RawMessage }
		var fact struct{ A Fact[[]json.RawMessage] }
		if json.Unmarshal(data, &list) == nil && len(list.A) > most || json.Unmarshal(data, &fact) == nil && len(fact.A.Value) > most {
			t.Errorf("%q has more than %d", data, most)
		}
	})
}
