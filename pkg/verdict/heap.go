package verdict

import (
	"slices"
	"strings"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
)

// language is a runtime whose last words are known.
type language string

const (
	langNode   language = "Node"
	langJava   language = "Java"
	langGo     language = "Go"
	langPython language = "Python"
	langRuby   language = "Ruby"
	langPHP    language = "PHP"
	langDotnet language = ".NET"
	langNative language = "C++ or Rust"
)

// lastWords is what a runtime prints when it gives up for want of memory, and the exit
// codes that go with it. An abort shows as 134; in PID 1 of a container as 139 or 133:
// there SIGABRT does nothing by default, and libc then ends itself by a fault (abort(3);
// 139 was seen with Node 20 and Python as PID 1, 134 with --init).
type lastWords struct {
	language language
	all      []string // every one stands in the line, which begins with "\n" here
	codes    []int
	last     int // it stands within so many of the last lines; 0 for any line
}

// heapWords is the table. What a program can catch and outlive, as Python's MemoryError,
// counts only as its very last words.
func heapWords() []lastWords {
	aborts := []int{134, 139, 133, 132}
	return []lastWords{
		{langNode, []string{"JavaScript heap out of memory"}, append([]int{1, 5}, aborts...), 0},
		{langNode, []string{"FATAL ERROR:", "Allocation failed"}, append([]int{1, 5}, aborts...), 0},
		{langJava, []string{"java.lang.OutOfMemoryError"}, append([]int{1, 3}, aborts...), 0},
		{langGo, []string{"runtime: out of memory"}, append([]int{2}, aborts...), 0},
		{langGo, []string{"fatal error:", "out of memory"}, append([]int{2}, aborts...), 0},
		{langGo, []string{"runtime: cannot allocate memory"}, append([]int{2}, aborts...), 0},
		{langPython, []string{"ArrayMemoryError: Unable to allocate"}, []int{1}, 3},
		{langPython, []string{"\nMemoryError"}, []int{1}, 3},
		{langRuby, []string{"NoMemoryError"}, []int{1}, 10},
		{langPHP, []string{"Allowed memory size of", "exhausted"}, []int{255}, 10},
		{langDotnet, []string{"System.OutOfMemoryException"}, append([]int{1}, aborts...), 40},
		{langNative, []string{"std::bad_alloc"}, append([]int{1}, aborts...), 5},
		{langNative, []string{"memory allocation of", "bytes failed"}, append([]int{101}, aborts...), 5},
	}
}

// heapLine is a line of a container's output by which its runtime gave up.
type heapLine struct {
	words lastWords
	line  Line
}

// heapWindow is how long before the end a runtime's last words may stand.
const heapWindow = time.Minute

// heapText looks for a runtime's last words in what the container printed before this end.
func (c inquest) heapText() (heapLine, bool) {
	if !c.in.Output.Known() || c.life.exit == nil {
		return heapLine{}, false
	}
	lines := slices.DeleteFunc(slices.Clone(c.in.Output.Value), func(l Line) bool {
		return !c.printedAtEnd(l) || strings.TrimSpace(l.Text) == ""
	})
	for i, l := range slices.Backward(lines) {
		for _, w := range heapWords() {
			fromEnd := len(lines) - i
			if (w.last == 0 || fromEnd <= w.last) && w.in(l.Text) && w.fits(*c.life.exit) {
				return heapLine{w, l}, true
			}
		}
	}
	return heapLine{}, false
}

// printedAtEnd tells that a line belongs to this end. One without a date can only be of the newest.
func (c inquest) printedAtEnd(l Line) bool {
	if l.At.IsZero() {
		return c.newest && c.life.failed == ""
	}
	if !c.next.IsZero() && !l.At.Before(c.next) {
		return false
	}
	before := c.life.died.Sub(l.At)
	return before <= heapWindow && before >= -killAfter && (c.life.started.IsZero() || !l.At.Before(c.life.started.Add(-startSlack)))
}

func (w lastWords) in(text string) bool {
	return !slices.ContainsFunc(w.all, func(part string) bool { return !strings.Contains("\n"+text, part) })
}

func (w lastWords) fits(code int) bool { return code == exitKilled || slices.Contains(w.codes, code) }

// runtimeHeap judges an end by the runtime's own last words and the exit code that goes with them.
func (c inquest) runtimeHeap() (Verdict, bool) {
	t, ok := c.heapText()
	if !ok || c.life.code(exitKilled) {
		return Verdict{}, false
	}
	return c.heapVerdict(t), true
}

func (c inquest) heapVerdict(t heapLine) Verdict {
	name := string(t.words.language)
	v := Verdict{Kind: RuntimeHeap, Confidence: Likely, Summary: name + " itself gave up for want of memory, " + c.spellCode() + ": no kill by the kernel"}
	v.evidence(c.in.Output.Source, clip(strings.TrimSpace(t.line.Text)))
	v.against("the kernel's OOM killer ends with SIGKILL (137) and leaves no word in the container's log")
	v.against(c.logSays())
	limit := c.in.Container.Limits.Memory
	switch t.words.language {
	case langNode, langJava:
		v.Remedies = append(v.Remedies, *capHeap(t.words.language, limit))
	case langGo, langPython, langRuby, langNative:
		v.remedy("it was refused memory, not killed: look for a ulimit -v, for vm.overcommit_memory=2, and for what it asked so much for", "")
	case langPHP:
		v.remedy("raise memory_limit in php.ini, and leave it below the container's limit"+ofLimit(limit), "")
	case langDotnet:
		v.remedy("raise DOTNET_GCHeapHardLimitPercent (75 by default in a container with a limit), or the container's limit"+ofLimit(limit), "")
	}
	return v
}

func ofLimit(limit uint64) string {
	if limit == 0 {
		return ""
	}
	return " (now " + human.Bytes(limit) + ")"
}

// capHeap says how a runtime's heap is fitted to a container's limit of so many bytes, 0 for
// none; nil for a language without such a setting. Three quarters leave room for what is
// not heap: stacks, buffers, code.
func capHeap(l language, limit uint64) *finding.Remedy {
	share := human.Bytes(limit / 4 * 3)
	switch {
	case l == langNode && limit > 0:
		return &finding.Remedy{Text: "set Node's heap to three quarters of the limit: NODE_OPTIONS=--max-old-space-size=" + mebibytes(limit/4*3) +
			" (" + share + " of " + human.Bytes(limit) + "); what needs more needs a higher limit first"}
	case l == langNode:
		return &finding.Remedy{Text: "raise Node's heap with NODE_OPTIONS=--max-old-space-size=N (MiB), where the VM has the memory; if it grows without end, it is a leak"}
	case l == langJava && limit > 0:
		return &finding.Remedy{Text: "set the JVM's heap to three quarters of the limit: JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75 (" + share + " of " + human.Bytes(limit) + "; the default is a quarter)"}
	case l == langJava:
		return &finding.Remedy{Text: "raise the JVM's heap with -Xmx or -XX:MaxRAMPercentage, where the VM has the memory"}
	case l == langGo && limit > 0:
		return &finding.Remedy{Text: "let Go's collector know the limit: GOMEMLIMIT=" + mebibytes(limit/10*9) + "MiB (nine tenths of " + human.Bytes(limit) + ")"}
	}
	return nil
}
