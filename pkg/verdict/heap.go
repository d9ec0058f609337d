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
	words, runtime := heapWords(), c.runtime()
	for i, l := range slices.Backward(lines) {
		for _, w := range words {
			fromEnd := len(lines) - i
			if (w.last == 0 || fromEnd <= w.last) && w.in(l.Text) && w.fits(*c.life.exit) && w.by(runtime) {
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
