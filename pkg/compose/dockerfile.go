package compose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Dockerfile is the stages of a Dockerfile, in their order.
type Dockerfile struct{ stages []stage }

// stage is what one FROM begins. ARG and ENV are not expanded.
type stage struct {
	name, from  string
	line        int
	healthcheck Healthcheck
	stopSignal  Setting
	entrypoint  argv
	command     argv
	shell       []string
}

// Image is what a Dockerfile says of the image that it builds.
type Image struct {
	// Base is the image that it stands on, whose own settings are not known; scratch has none.
	Base string `json:"base,omitempty"`
	// File and Line are where its last stage begins.
	File        string      `json:"file,omitempty"`
	Line        int         `json:"line,omitempty"`
	Healthcheck Healthcheck `json:"healthcheck,omitzero"`
	StopSignal  Setting     `json:"stopSignal,omitzero"`

	entrypoint, command argv
}

// ParseDockerfile reads a Dockerfile (docs.docker.com/reference/dockerfile). It errs, with
// file and line, on what is no instruction, on a heredoc that does not end, and where no
// FROM stands.
func ParseDockerfile(s Source) (Dockerfile, error) {
	var d Dockerfile
	list, err := instructions(s)
	if err != nil {
		return d, err
	}
	for _, in := range list {
		if in.name == "FROM" {
			d.stages = append(d.stages, fromStage(in))
			continue
		}
		if len(d.stages) == 0 {
			if in.name != "ARG" {
				return Dockerfile{}, atLine(s.Name, in.line, in.name+" before the first FROM")
			}
			continue
		}
		d.stages[len(d.stages)-1].take(s.Name, in)
	}
	if len(d.stages) == 0 {
		return d, fmt.Errorf("%s: no FROM: is this a Dockerfile?", s.Name)
	}
	return d, nil
}

// fromStage reads FROM [--platform=...] image [AS name].
func fromStage(in instruction) stage {
	words := strings.Fields(in.rest)
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		words = words[1:]
	}
	st := stage{line: in.line}
	if len(words) > 0 {
		st.from = bounded(words[0])
	}
	if len(words) == 3 && strings.EqualFold(words[1], "AS") {
		st.name = words[2]
	}
	return st
}

// take reads an instruction into its stage.
func (st *stage) take(file string, in instruction) {
	switch in.name {
	case "HEALTHCHECK":
		st.healthcheck = Healthcheck{File: file, Line: in.line, Off: strings.EqualFold(strings.TrimSpace(in.rest), "NONE")}
	case "STOPSIGNAL":
		st.stopSignal = Setting{File: file, Line: in.line, Text: bounded(strings.TrimSpace(in.rest))}
		if strings.Contains(in.rest, "$") {
			st.stopSignal.Text, st.stopSignal.Variable = "", bounded(strings.TrimSpace(in.rest))
		}
	case "SHELL":
		if words, ok := execForm(in.rest); ok {
			st.shell = words
		}
	case "CMD":
		st.command = st.argv(file, in)
	case "ENTRYPOINT":
		st.entrypoint = st.argv(file, in)
	}
}

// argv reads the exec form, a JSON array, or the shell form, which the stage's shell runs.
func (st *stage) argv(file string, in instruction) argv {
	a := argv{given: true, file: file, line: in.line, dockerfile: true}
	if words, ok := execForm(in.rest); ok {
		a.words = words
		return a
	}
	a.words = []string{"/bin/sh", "-c"}
	if len(st.shell) > 0 {
		a.words = slices.Clone(st.shell)
	}
	a.words = append(a.words, strings.TrimSpace(in.rest))
	return a
}

func execForm(text string) ([]string, bool) {
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil || words == nil {
		return nil, false
	}
	return words, true
}

// Image gives what the stage of a name comes to, with the stages that it stands on; with
// no name the last stage. False where there is no such stage.
func (d Dockerfile) Image(file, target string) (Image, bool) {
	i := len(d.stages) - 1
	if target != "" {
		if i = d.index(target, len(d.stages)); i < 0 {
			return Image{}, false
		}
	}
	out := Image{File: file, Line: d.stages[i].line}
	commandReset := false
	for i >= 0 {
		st := d.stages[i]
		if !out.Healthcheck.Set() && st.healthcheck.Set() {
			out.Healthcheck = st.healthcheck
		}
		if !out.StopSignal.Set() {
			out.StopSignal = st.stopSignal
		}
		if !out.command.given && !commandReset {
			out.command = st.command
		}
		if !out.entrypoint.given {
			out.entrypoint = st.entrypoint
			// An entrypoint takes back the command that stands below it.
			commandReset = st.entrypoint.given
		}
		out.Base = st.from
		i = d.index(st.from, i)
	}
	return out, true
}

// index gives the last stage of a name before another; -1 where there is none.
func (d Dockerfile) index(name string, before int) int {
	for i := before - 1; i >= 0; i-- {
		if st := d.stages[i]; st.name != "" && strings.EqualFold(st.name, name) {
			return i
		}
	}
	return -1
}

// Start tells how a container of the image begins where nothing is said at its start.
func (i Image) Start() Start { return join(i.entrypoint, i.command) }

// instruction is one logical line.
type instruction struct {
	name, rest string
	line       int
}

var keywords = []string{
	"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
	"MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}

// instructions cuts a Dockerfile into logical lines: comments and empty lines left out,
// continued ones joined, heredocs passed over.
func instructions(s Source) ([]instruction, error) {
	text := strings.ReplaceAll(string(bytes.TrimPrefix(s.Data, []byte("\ufeff"))), "\r\n", "\n")
	lines := strings.Split(text, "\n")
	escape := escapeOf(lines)
	var out []instruction
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		first := i
		var whole strings.Builder
		for {
			line = strings.TrimRight(lines[i], " \t")
			more := strings.HasSuffix(line, escape)
			whole.WriteString(strings.TrimSuffix(line, escape))
			if i = next(lines, i); !more || i == len(lines) {
				break
			}
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(whole.String()), " ")
		word, tabbed, _ := strings.Cut(word, "\t")
		in := instruction{strings.ToUpper(word), strings.TrimSpace(tabbed + " " + rest), first + 1}
		if !slices.Contains(keywords, in.name) {
			return nil, atLine(s.Name, in.line, "it begins with no instruction")
		}
		out = append(out, in)
		var err error
		if i, err = passHeredocs(s.Name, in, lines, i); err != nil {
			return nil, err
		}
		i--
	}
	return out, nil
}

// next gives the line after i that a continuation goes on with: comments and empty lines
// between are passed over.
func next(lines []string, i int) int {
	for i++; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line != "" && !strings.HasPrefix(line, "#") {
			return i
		}
	}
	return len(lines)
}

// escapeOf reads the parser directive escape, which may only stand at the very top.
func escapeOf(lines []string) string {
	for _, line := range lines {
		comment, ok := strings.CutPrefix(line, "#")
		name, value, set := strings.Cut(comment, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok || !set || name == "" || value == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "":
			return `\`
		case name == "escape" && value == "`":
			return value
		}
	}
	return `\`
}

// passHeredocs gives the line after the heredocs of an instruction.
func passHeredocs(file string, in instruction, lines []string, i int) (int, error) {
	if in.name != "RUN" && in.name != "COPY" && in.name != "ADD" {
		return i, nil
	}
	for _, word := range strings.Fields(in.rest) {
		end, tabbed := heredoc(word)
		for end != "" {
			if i == len(lines) {
				return 0, atLine(file, in.line, "a heredoc that does not end")
			}
			line := lines[i]
			i++
			if tabbed {
				line = strings.TrimLeft(line, "\t")
			}
			if line == end {
				break
			}
		}
	}
	return i, nil
}

// heredoc gives the line that ends the heredoc which a word begins, and whether tabs may
// stand before it; empty where the word begins none.
func heredoc(word string) (end string, tabbed bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(word, "0123456789"), "<<")
	end, tabbed = strings.CutPrefix(rest, "-")
	end = strings.Trim(end, `"'`)
	if !ok || strings.ContainsAny(end, `<"'`) {
		return "", false
	}
	return end, tabbed
}
