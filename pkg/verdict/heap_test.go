package verdict_test

import (
	"strings"
	"testing"

	"vmguard/pkg/host"
	"vmguard/pkg/verdict"
)

// TestRuntimeHeap has the last words as the runtimes print them: of Node 20, Python 3.11 and Go
// as seen, of the others as documented.
func TestRuntimeHeap(t *testing.T) {
	t.Parallel()
	const (
		node   = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"
		java   = "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space"
		python = "MemoryError"
		golang = "runtime: out of memory: cannot allocate 4194304-byte block (184287232 in use)"
	)
	in := func(code int, lines ...string) verdict.Input {
		return printed(known(dead(code, 5000, ev(0, "start"), ev(5010, "die", code)), kernel()), lines...)
	}
	trace := strings.Split(strings.Repeat(" 1: 0xb78db3 node::OOMErrorHandler\n", 30), "\n")
	long := strings.Split(strings.Repeat("working\n", 10), "\n")
	judged(t, []death{
		{"Node", in(134, append([]string{node}, trace...)...), verdict.RuntimeHeap, verdict.Likely, "Node itself"},
		{"Node as PID 1", in(139, append([]string{node}, trace...)...), verdict.RuntimeHeap, verdict.Likely, "exit code 139"},
		{"Node below npm", in(1, node), verdict.RuntimeHeap, verdict.Likely, "Node itself"},
		{"Java", in(1, java, "\tat Main.main(Main.java:5)"), verdict.RuntimeHeap, verdict.Likely, "Java itself"},
		{"Java, ExitOnOutOfMemoryError", in(3, "Terminating due to java.lang.OutOfMemoryError: Java heap space"), verdict.RuntimeHeap, verdict.Likely, "Java itself"},
		{"Go", in(2, golang, "fatal error: out of memory"), verdict.RuntimeHeap, verdict.Likely, "Go itself"},
		{"Python", in(1, "Traceback (most recent call last):", `  File "<string>", line 1, in <module>`, python, ""), verdict.RuntimeHeap, verdict.Likely, "Python itself"},
		{"Ruby", in(1, "app.rb:1:in `*': failed to allocate memory (NoMemoryError)"), verdict.RuntimeHeap, verdict.Likely, "Ruby itself"},
		{"PHP", in(255, "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes)"), verdict.RuntimeHeap, verdict.Likely, "PHP itself"},
		{".NET", in(134, "Unhandled exception. System.OutOfMemoryException: Exception of type"), verdict.RuntimeHeap, verdict.Likely, ".NET itself"},
		{"C++", in(139, "terminate called after throwing an instance of 'std::bad_alloc'", "  what():  std::bad_alloc"), verdict.RuntimeHeap, verdict.Likely, "C++"},
		{"Rust", in(134, "memory allocation of 1000000000000 bytes failed"), verdict.RuntimeHeap, verdict.Likely, "Rust"},

		{"it lived on", in(0, java), verdict.Exited, verdict.Certain, "exit code 0"},
		{"another code", in(4, java), verdict.Exited, verdict.Certain, "exit code 4"},
		{"Python caught it", in(1, append([]string{python}, long...)...), verdict.Exited, verdict.Certain, "exit code 1"},
		{"other text", in(134, "out of cheese"), verdict.Crashed, verdict.Likely, "SIGABRT"},
		{"no text", known(dead(134, 5000, ev(0, "start"), ev(5010, "die", 134)), kernel()), verdict.Crashed, verdict.Likely, "SIGABRT"},
		{"the kernel was first", printed(known(dead(137, 5000, ev(0, "start"), ev(5010, "die", 137)), kernel(kill(4999, own))), java), verdict.OwnLimit, verdict.Certain, "own memory limit"},
	})
}

// TestHeapTextOfAnotherLife does not lay an old line to a new death.
func TestHeapTextOfAnotherLife(t *testing.T) {
	t.Parallel()
	c := dead(1, 500_000, ev(0, "start"), ev(5010, "die", 1), ev(6000, "start"), ev(500_010, "die", 1))
	c.StartedAt = at(6000)
	in := known(c, kernel())
	in.Output = host.Known([]verdict.Line{{At: at(5000), Text: "MemoryError"}}, "docker logs app")
	r := verdict.Judge(in)
	if r.Deaths[0].Verdict.Kind != verdict.Exited || r.Deaths[1].Verdict.Kind != verdict.RuntimeHeap {
		t.Errorf("got %q", spell(r))
	}
	lines := in.Output.Value
	for i := range 20 { // the next life speaks at once
		lines = append(lines, verdict.Line{At: at(6001 + i), Text: "working"})
	}
	in.Output = host.Known(lines, "docker logs app")
	if r := verdict.Judge(in); r.Deaths[1].Verdict.Kind != verdict.RuntimeHeap {
		t.Errorf("got %q", spell(r))
	}
}
