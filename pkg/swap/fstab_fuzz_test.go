package swap

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// linesOfOthers are the lines of a file, with their endings, but for the swap lines of
// the given path.
func linesOfOthers(text []byte, path string) []string {
	ours := map[int]bool{}
	for _, l := range ParseFstab(text) {
		ours[l.Number] = l.Spec == path
	}
	others := []string{}
	for i, line := range strings.SplitAfter(string(text), "\n") {
		if line != "" && !ours[i+1] {
			others = append(others, line)
		}
	}
	return others
}

// linesThatMean are the swap lines of the given path.
func linesThatMean(text []byte, path string) []FstabLine {
	return slices.DeleteFunc(ParseFstab(text), func(l FstabLine) bool { return l.Spec != path })
}

// FuzzFstab: whatever stands in the file, an edit changes no line of others, and leaves
// as many of ours as it shall, in the right form. Whatever was added can be removed
// without a trace, and what is replaced twice is as if replaced once.
func FuzzFstab(f *testing.F) {
	f.Add([]byte(""), "swapfile", -1)
	f.Add([]byte("# /etc/fstab\nUUID=1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n"), "swapfile", 5)
	f.Add([]byte("/a none swap sw\r\n/a none swap\r\n/a none swap"), "a", 0)
	f.Add([]byte("/my\\040swap none swap noauto,pri=3\n#\n \n/x / ext4"), "my swap", 32767)
	f.Add([]byte("UUID=\"1\" none swap\n\x00\xff\n\t/b\tnone\tswap\r\r\n"), "b", 40000)
	f.Add([]byte("/ x swap"), "\\040\t\n\r\x00\xff\"='#", 1)
	f.Fuzz(func(t *testing.T, text []byte, name string, priority int) {
		entry := Entry{Path: "/" + name, Priority: min(max(priority, -1), 32767)}
		means := func(spec string) bool { return spec == entry.Path }
		before, others := bytes.Clone(text), linesOfOthers(text, entry.Path)
		mine := len(linesThatMean(text, entry.Path))

		added := AddEntry(text, entry)
		expectLines(t, "added", added, entry, others, mine+1)
		if mine == 0 && !bytes.Equal(RemoveEntries(added, means), text) {
			t.Fatalf("%q, added %q, came back as %q", text, added, RemoveEntries(added, means))
		}
		removed := RemoveEntries(text, means)
		expectLines(t, "removed", removed, entry, others, 0)
		if !bytes.Equal(removed, []byte(strings.Join(others, ""))) {
			t.Fatalf("%q is not %q", removed, others)
		}

		replaced := ReplaceEntries(text, means, entry)
		expectLines(t, "replaced", replaced, entry, others, 1)
		if got := linesThatMean(replaced, entry.Path)[0]; !got.NoFail || got.NoAuto || got.Priority != entry.Priority {
			t.Fatalf("%q has %+v for %+v", replaced, got, entry)
		}
		if again := ReplaceEntries(replaced, means, entry); !bytes.Equal(again, replaced) {
			t.Fatalf("%q, replaced again, is %q", replaced, again)
		}
		if !bytes.Equal(text, before) {
			t.Fatalf("the input %q became %q", before, text)
		}
	})
}

// expectLines holds what an edit made against the lines of others, and counts ours.
func expectLines(t *testing.T, edit string, text []byte, entry Entry, others []string, ours int) {
	t.Helper()
	if got := linesOfOthers(text, entry.Path); !slices.Equal(got, others) {
		t.Fatalf("%s: others' lines %q became %q", edit, others, got)
	}
	if got := linesThatMean(text, entry.Path); len(got) != ours {
		t.Fatalf("%s: %q has %d lines of %q, want %d", edit, text, len(got), entry.Path, ours)
	}
}
