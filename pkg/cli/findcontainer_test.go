package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
)

// someContainers are two whose IDs begin alike, one that is named like an ID's beginning,
// and one of a compose service.
func someContainers() []host.Container {
	var all []host.Container
	for _, c := range []docker.Container{
		{ID: "3f2a" + strings.Repeat("0", 60), Name: "web"},
		{ID: "3f2a" + strings.Repeat("1", 60), Name: "imap-sync"},
		{ID: "abcd" + strings.Repeat("2", 60), Name: "3f2a"},
		{ID: "beef" + strings.Repeat("3", 60), Name: "mail-queue-1", ComposeService: "queue"},
	} {
		all = append(all, host.Container{Container: c})
	}
	return all
}

func TestFindContainer(t *testing.T) {
	t.Parallel()
	const hint = "docker ps -a lists them"
	for asked, want := range map[string]struct {
		name string // of the one that is found; empty for none
		code int
		err  string
		hint string
	}{
		"web":                            {name: "web"},
		"/web":                           {name: "web"},
		"abcd" + strings.Repeat("2", 60): {name: "3f2a"},
		"abcd":                           {name: "3f2a"},
		"abcd2":                          {name: "3f2a"},
		"3f2a1":                          {name: "imap-sync"},
		"3f2a":                           {name: "3f2a"}, // a name counts before an ID
		"3f2":                            {code: exitFailed, err: "no container is called 3f2", hint: "did you mean: 3f2a"},
		"ABCD":                           {code: exitFailed, err: "no container is called ABCD", hint: hint},
		"wbe":                            {code: exitFailed, err: "no container is called wbe", hint: "did you mean: web"},
		"imap":                           {code: exitFailed, err: "no container is called imap", hint: "did you mean: imap-sync"},
		"imap-sync-1":                    {code: exitFailed, err: "no container is called imap-sync-1", hint: "did you mean: imap-sync"},
		"Queue":                          {code: exitFailed, err: "no container is called Queue", hint: "did you mean: mail-queue-1"},
		"x":                              {code: exitFailed, err: "no container is called x", hint: hint},
	} {
		got, err := findContainer(someContainers(), asked).one(hint)
		if want.err == "" {
			if err != nil || got.Name != want.name {
				t.Errorf("%s: %q, %v", asked, got.Name, err)
			}
			continue
		}
		var f *failure
		if !errors.As(err, &f) || f.code != want.code || f.Error() != want.err || f.hint != want.hint {
			t.Errorf("%s: %+v", asked, f)
		}
	}
}

func TestFindContainerSeveral(t *testing.T) {
	t.Parallel()
	all := someContainers()[:2]
	_, err := findContainer(all, "3f2a").one("")
	var f *failure
	if !errors.As(err, &f) || f.code != exitUsage || f.hint != "give the name, or more of the ID" ||
		f.Error() != "2 containers have an ID that begins with 3f2a: 3f2a00000000 (web), 3f2a11111111 (imap-sync)" {
		t.Errorf("%+v", f)
	}
}

func TestSimilarNames(t *testing.T) {
	t.Parallel()
	var all []host.Container
	for _, name := range []string{"", "a", "worker", "worker-2", "works", "db"} {
		all = append(all, host.Container{Container: docker.Container{Name: name}})
	}
	for asked, want := range map[string][]string{
		"worker":                  {"worker", "worker-2", "works"},
		"wroker":                  {"worker"},
		"dc":                      {"db"}, // one slip
		"b":                       {"a", "db"},
		"nginx":                   {},
		"":                        {},
		strings.Repeat("x", 5000): {},
	} {
		if asked == "b" {
			want = []string{} // one letter is similar to nothing: each slip is all of it
		}
		got := similarNames(all, asked)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.20s: %s", asked, diff)
		}
	}
}
