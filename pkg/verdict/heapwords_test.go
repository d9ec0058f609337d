package verdict_test

import (
	"testing"

	"vmguard/pkg/host"
	"vmguard/pkg/verdict"
)

// TestHeapWordsAreAnchored takes no sentence about a runtime's last words for these words.
func TestHeapWordsAreAnchored(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		line string
		code int
		want bool
	}{
		{"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", 139, true},
		{"<--- Last few GCs --->FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory", 134, true},
		{"[1:0x5f3a] FATAL ERROR: NewSpace::Rebalance Allocation failed - JavaScript heap out of memory", 134, true},
		{`INFO guard enabled: alerts on "JavaScript heap out of memory"`, 1, false},
		{`INFO guard enabled: alerts on "JavaScript heap out of memory"`, 139, false},
		{"[worker] FATAL ERROR: Allocation failed", 134, false},
		{"FATAL ERROR: cannot bind the port", 1, false},
		{"java.lang.OutOfMemoryError: Java heap space", 1, true},
		{"Caused by: java.lang.OutOfMemoryError: Metaspace", 1, true},
		{"Aborting due to java.lang.OutOfMemoryError: Java heap space", 134, true},
		{`Exception in thread "http-1" java.lang.OutOfMemoryError: Java heap space`, 1, true},
		{"retry policy ignores java.lang.OutOfMemoryError", 1, false},
		{`Exception in thread "main" MyException: no java.lang.OutOfMemoryError`, 1, false},
		{"fatal error: runtime: out of memory", 2, true},
		{"fatal error: runtime: cannot allocate memory", 2, true},
		{"level=warn msg=\"fatal error: out of memory\"", 2, false},
		{"MemoryError", 1, true},
		{"MemoryError: Unable to allocate output buffer.", 1, true},
		{"numpy.core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB", 1, true},
		{"MemoryErrorHandler registered", 1, false},
		{"caught MemoryError", 1, false},
		{"app.rb:1:in 'String#*': failed to allocate memory (NoMemoryError)", 1, true},
		{"[FATAL] failed to allocate memory", 1, true},
		{"rescue_from NoMemoryError is set", 1, false},
		{"Fatal error: Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes)", 255, true},
		{"alert: Allowed memory size of 128M nearly exhausted", 255, false},
		{"Unhandled Exception: System.OutOfMemoryException: Out of memory", 134, true},
		{"fail: filter skips System.OutOfMemoryException", 134, false},
		{"libc++abi: terminating due to uncaught exception of type std::bad_alloc: std::bad_alloc", 134, true},
		{"pool falls back on std::bad_alloc", 139, false},
		{"memory allocation of 12 bytes failed", 134, true},
		{"memory allocation of 12 bytes failed over to the pool", 134, false},
		{"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", 3, false},
	} {
		in := printed(known(dead(test.code, 5000, ev(0, "start"), ev(5010, "die", test.code)), kernel()), test.line)
		if got := verdict.Judge(in).Deaths[0].Verdict.Kind; (got == verdict.RuntimeHeap) != test.want {
			t.Errorf("%q with %d: %s", test.line, test.code, got)
		}
	}
}

// TestHeapWordsOfAnotherRuntime does not lay one runtime's words to another's program.
func TestHeapWordsOfAnotherRuntime(t *testing.T) {
	t.Parallel()
	const (
		node   = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"
		native = "terminate called after throwing an instance of 'std::bad_alloc'"
	)
	for _, test := range []struct {
		program, comm, line string
		want                bool
	}{
		{"node", "", node, true},
		{"sh", "", node, true},
		{"app", "", node, true},
		{"python3.11", "", node, false},
		{"java", "", node, false},
		{"app", "ruby", node, false},
		{"python3", "", native, true},
	} {
		c := dead(134, 5000, ev(0, "start"), ev(5010, "die", 134))
		c.Program = test.program
		c.Process = host.Known(host.Process{Comm: test.comm}, "/proc/1")
		got := verdict.Judge(printed(known(c, kernel()), test.line)).Deaths[0].Verdict.Kind
		if (got == verdict.RuntimeHeap) != test.want {
			t.Errorf("%s %s, %q: %s", test.program, test.comm, test.line, got)
		}
	}
}

// FuzzHeapWords: whatever counts as a runtime's last words does so no longer when a program
// has put a word of its own before it.
func FuzzHeapWords(f *testing.F) {
	for _, line := range []string{
		"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "[1:0x5f3a] FATAL ERROR: Allocation failed",
		"java.lang.OutOfMemoryError: Java heap space", "MemoryError", "app.rb:1:in `*': failed to allocate memory (NoMemoryError)",
		"  what():  std::bad_alloc", "memory allocation of 12 bytes failed", "fatal error: out of memory", "hello",
	} {
		f.Add(line, 134)
		f.Add(line, 1)
	}
	f.Fuzz(func(t *testing.T, line string, code int) {
		gaveUp := func(line string) bool {
			in := printed(known(dead(code, 5000, ev(0, "start"), ev(5010, "die", code)), kernel()), line)
			return verdict.Judge(in).Deaths[0].Verdict.Kind == verdict.RuntimeHeap
		}
		if gaveUp(line) && gaveUp("INFO "+line) {
			t.Errorf("a sentence counts as well: %q", line)
		}
	})
}
