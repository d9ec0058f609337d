package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// setting is one directive as it stands in the file.
type setting struct {
	name  string
	line  int
	value json.RawMessage
	at    int  // the offset of the value
	inner bool // it stands in an object below the top
}

// daemonProblems judges the text of dockerd's configuration file, given the directives
// that flags set, and whether the engine belongs to a swarm.
func daemonProblems(data []byte, flags []string, swarm bool) []DaemonProblem {
	data, problems, ok := decodedText(data)
	if !ok {
		return problems
	}
	first, more, ok := firstValue(data)
	problems = append(problems, more...)
	if !ok {
		return problems
	}
	settings, err := members(data, first, false)
	if err != nil { // firstValue has found nothing wrong with it
		return append(problems, DaemonProblem{Line: jsonLine(data, err), Effect: NoStart, What: "is no JSON object"})
	}
	problems = append(problems, judgeKeys(data, settings)...)
	problems = append(problems, judgeTypes(data, settings)...)
	set := flattened(data, settings)
	problems = append(problems, judgeFlags(set, flags)...)
	if !fatal(problems) { // values of a wrong type say nothing
		problems = append(problems, judgeValues(newValues(settings, flags), swarm)...)
	}
	return problems
}

// fatal tells whether something keeps every dockerd from starting.
func fatal(problems []DaemonProblem) bool {
	for _, p := range problems {
		if p.Effect == NoStart && p.Minds(0) {
			return true
		}
	}
	return false
}

// decodedText takes a byte order mark off and judges the encoding. It gives false where
// there is nothing to go on with.
func decodedText(data []byte) (text []byte, problems []DaemonProblem, ok bool) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, []DaemonProblem{{Line: 1, Effect: NoStart, Before: 23, What: "is written in UTF-16", Want: "UTF-8"}}, false
	}
	if rest, marked := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); marked {
		// Blanks in its place keep the offsets, and mean nothing to JSON.
		data = append([]byte("   "), rest...)
		problems = append(problems, DaemonProblem{Line: 1, Effect: NoStart, Before: 23, What: "begins with a byte order mark", Want: "UTF-8 without one"})
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			problems = append(problems, DaemonProblem{Line: lineAt(data, i), Effect: NoStart, Since: 23, What: "is no valid UTF-8", Want: "UTF-8"})
			break
		}
		i += size
	}
	return data, problems, true
}

// firstValue gives the offset of the file's object. It gives false where there is none,
// and nothing more to be judged.
func firstValue(data []byte) (at int, problems []DaemonProblem, ok bool) {
	start := len(data) - len(bytes.TrimLeft(data, " \t\r\n"))
	if start == len(data) {
		return 0, []DaemonProblem{{Effect: NoStart, Before: 23, What: "is empty", Want: "{}"}}, false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	var value json.RawMessage
	if err := dec.Decode(&value); err != nil {
		return 0, []DaemonProblem{syntaxProblem(data, err)}, false
	}
	end := int(dec.InputOffset())
	if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 {
		problems = append(problems, DaemonProblem{Line: lineAt(data, len(data)-len(rest)), Effect: NoStart, Since: 23,
			What: "goes on after its object has ended", Want: "one object"})
	}
	switch {
	case string(value) == "null": // as if it were {}
		return 0, problems, false
	case value[0] != '{':
		return 0, append(problems, DaemonProblem{Line: lineAt(data, start), Effect: NoStart, What: "is no JSON object", Want: "{ ... }"}), false
	}
	return start, problems, true
}

// syntaxProblem says where the text stops being JSON and, for what people most often
// get wrong, how.
func syntaxProblem(data []byte, err error) DaemonProblem {
	p := DaemonProblem{Effect: NoStart, What: "is no valid JSON", Line: jsonLine(data, err)}
	e, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || e.Offset < 1 || int(e.Offset) > len(data) {
		p.Line = lineAt(data, len(bytes.TrimRight(data, " \t\r\n")))
		p.What += ": it ends too early"
		p.Want = "a closing bracket or quotation mark"
		return p
	}
	at := int(e.Offset) - 1
	before := bytes.TrimRight(data[:at], " \t\r\n")
	switch c := data[at]; {
	case (c == '}' || c == ']') && bytes.HasSuffix(before, []byte(",")):
		p.What += ": a comma stands before the closing bracket"
		p.Want = "no comma after the last entry"
		p.Line = lineAt(data, len(before)-1)
	case c == '/' || c == '#':
		p.What += ": it has a comment"
		p.Want = "no comments, which JSON does not have"
	case c == '\'':
		p.What += ": text stands in single quotation marks"
		p.Want = `text in double quotation marks (")`
	case c == '"' && bytes.HasSuffix(before, []byte(`"`)), c == '"' && len(before) > 0 && bytes.IndexByte([]byte("}]el0123456789"), before[len(before)-1]) >= 0:
		p.What += ": a comma or colon is missing"
		p.Want = "a comma between entries, a colon between key and value"
		p.Line = lineAt(data, len(before)-1)
	}
	return p
}

// members gives the entries of the object at an offset in their order, those that stand
// there twice as well.
func members(data []byte, at int, inner bool) ([]setting, error) {
	dec := json.NewDecoder(bytes.NewReader(data[at:]))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var list []setting
	line, counted := lineAt(data, at), at // counting from the start for each would take long
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		here := at + int(dec.InputOffset()) - 1
		line, counted = line+bytes.Count(data[counted:here], []byte("\n")), here
		s := setting{name: name, line: line, inner: inner}
		if err := dec.Decode(&s.value); err != nil {
			return nil, err
		}
		s.at = at + int(dec.InputOffset()) - len(s.value)
		list = append(list, s)
	}
	return list, nil
}

// last gives the settings that count: of several with one name the last.
func last(settings []setting) []setting {
	at := make(map[string]int, len(settings))
	for i, s := range settings {
		at[s.name] = i
	}
	var list []setting
	for i, s := range settings {
		if at[s.name] == i {
			list = append(list, s)
		}
	}
	return list
}

// flattened gives the settings as dockerd looks for their names: those of an object that
// is none of its own in the object's place.
func flattened(data []byte, settings []setting) []setting {
	var list []setting
	for _, s := range last(settings) {
		if s.value[0] != '{' || flatDirective(s.name) {
			list = append(list, s)
			continue
		}
		inner, err := members(data, s.at, true)
		if err == nil {
			list = append(list, last(inner)...)
		}
	}
	return list
}
