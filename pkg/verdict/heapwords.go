package verdict

import (
	"slices"
	"strings"
)

// lastWords is what a runtime prints when it gives up for want of memory, and the exit
// codes that go with it. An abort shows as 134; in PID 1 of a container as 139 or 133:
// there SIGABRT does nothing by default, and libc then ends itself by a fault (abort(3);
// 139 was seen with Node 20 and Python as PID 1, 134 with --init).
//
// The words count only where the runtime puts them, at the beginning of a line: a program
// may well log a sentence about them.
type lastWords struct {
	language language
	starts   []string // the line begins with one of them
	word     string   // its first word ends with this
	all      []string // and every one of these stands in it
	ends     string   // and it ends with this
	codes    []int
	last     int // it stands within so many of the last lines; 0 for any line
}

// heapWords is the table. What a program can catch and outlive, as Python's MemoryError,
// counts only as its very last words.
func heapWords() []lastWords {
	aborts := []int{134, 139, 133, 132}
	and := func(codes ...int) []int { return append(codes, aborts...) }
	const (
		java   = "java.lang.OutOfMemoryError"
		dotnet = "System.OutOfMemoryException"
		numpy  = "_ArrayMemoryError: Unable to allocate"
		php    = "Allowed memory size of "
		cpp    = "std::bad_alloc"
	)
	return []lastWords{
		{language: langNode, starts: []string{"FATAL ERROR: "}, all: []string{"JavaScript heap out of memory"}, codes: and(1, 5)},
		{language: langNode, starts: []string{"FATAL ERROR: "}, all: []string{"Allocation failed"}, codes: and(1, 5)},
		{language: langJava, starts: []string{java, "Terminating due to " + java, "Aborting due to " + java, "Caused by: " + java, "Exception: " + java}, codes: and(1, 3)},
		{language: langJava, starts: []string{`Exception in thread "`}, all: []string{`" ` + java}, codes: and(1, 3)},
		{language: langGo, starts: []string{"runtime: out of memory", "runtime: cannot allocate memory"}, codes: and(2)},
		{language: langGo, starts: []string{"fatal error: "}, all: []string{"out of memory"}, codes: and(2)},
		{language: langGo, starts: []string{"fatal error: "}, all: []string{"cannot allocate memory"}, codes: and(2)},
		{language: langPython, starts: []string{"numpy."}, all: []string{numpy}, codes: []int{1}, last: 3},
		{language: langPython, starts: []string{"MemoryError:"}, codes: []int{1}, last: 3},
		{language: langPython, starts: []string{"MemoryError"}, ends: "MemoryError", codes: []int{1}, last: 3},
		{language: langRuby, starts: []string{"[FATAL] failed to allocate memory"}, codes: []int{1}, last: 10},
		{language: langRuby, word: ":in", ends: ": failed to allocate memory (NoMemoryError)", codes: []int{1}, last: 10},
		{language: langPHP, starts: []string{"PHP Fatal error:  " + php, "Fatal error: " + php}, all: []string{" exhausted"}, codes: []int{255}, last: 10},
		{language: langDotnet, starts: []string{"Unhandled exception. " + dotnet, "Unhandled Exception: " + dotnet, " ---> " + dotnet}, codes: and(1), last: 40},
		{language: langNative, starts: []string{"terminate called after throwing an instance of '" + cpp, "  what():  " + cpp}, codes: and(1), last: 5},
		{language: langNative, starts: []string{"libc++abi"}, all: []string{": terminating ", " uncaught exception of type " + cpp}, codes: and(1), last: 5},
		{language: langNative, starts: []string{"memory allocation of "}, ends: " bytes failed", codes: and(101), last: 5},
	}
}

// in tells whether a line is made of these words.
func (w lastWords) in(text string) bool {
	text = strings.TrimRight(stripTrace(text), " \t\r\n")
	begins := len(w.starts) == 0 || slices.ContainsFunc(w.starts, func(s string) bool { return strings.HasPrefix(text, s) })
	word, _, _ := strings.Cut(text, " ")
	return begins && strings.HasSuffix(word, w.word) && strings.HasSuffix(text, w.ends) &&
		!slices.ContainsFunc(w.all, func(part string) bool { return !strings.Contains(text, part) })
}

// stripTrace takes off what Node's trace of its last collections puts before its words:
// "<--- Last few GCs --->" and "[12:0x5f3a]", where they share a line.
func stripTrace(text string) string {
	text = strings.TrimLeft(strings.TrimPrefix(text, "<--- Last few GCs --->"), "\r\n")
	if tag, rest, ok := strings.Cut(text, "] "); ok && strings.HasPrefix(tag, "[") && strings.Trim(tag[1:], "0123456789abcdefx:") == "" {
		return rest
	}
	return text
}

func (w lastWords) fits(code int) bool { return code == exitKilled || slices.Contains(w.codes, code) }

// by tells whether a program of that runtime can have printed these words; empty is one that
// is not known. A library in C++ or Rust may be in any.
func (w lastWords) by(runtime language) bool {
	return runtime == "" || w.language == runtime || w.language == langNative
}

// runtime is the language of the container's own program; empty where its name tells none,
// as a shell's does, which may start anything.
func (c inquest) runtime() language {
	for _, name := range []string{c.in.Container.Process.Value.Runtime, c.in.Container.Process.Value.Comm, c.in.Container.Program} {
		if l := languageOf(name); l != "" {
			return l
		}
	}
	return ""
}

// languageOf tells a runtime by the name of its program, which may end with a version.
func languageOf(program string) language {
	switch strings.TrimRight(program, "0123456789.-") {
	case "node", "nodejs", "npm", "npx", "yarn", "pnpm":
		return langNode
	case "java":
		return langJava
	case "python", "pypy", "gunicorn", "uvicorn", "celery":
		return langPython
	case "ruby", "puma", "rails", "bundle", "sidekiq":
		return langRuby
	case "php", "php-fpm":
		return langPHP
	case "dotnet":
		return langDotnet
	}
	return ""
}
