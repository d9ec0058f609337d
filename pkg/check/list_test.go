package check

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelect(t *testing.T) {
	ids := func(cs []Check) (out []string) {
		for _, c := range cs {
			out = append(out, c.ID)
		}
		return out
	}
	got, err := Select([]string{"inode-space", "swap-enabled"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"swap-enabled", "inode-space"}, ids(got)); diff != "" {
		t.Error(diff)
	}
	got, err = Select(nil, []string{"swap-enabled"})
	if err != nil || len(got) != len(All())-1 || slices.Contains(ids(got), "swap-enabled") {
		t.Errorf("skip gave %v, %v", ids(got), err)
	}
	for id, nearest := range map[string]string{"swap-enable": "swap-enabled", "container-oomkilled": "container-oom-killed", "Swappines": "swappiness"} {
		_, err = Select(nil, []string{id})
		var unknown *UnknownIDError
		if !errors.As(err, &unknown) || unknown.Nearest != nearest {
			t.Errorf("Select(%q) = %v, want nearest %q", id, err, nearest)
		}
	}
	if _, err := Find(strings.Repeat("x", 1<<20)); err == nil {
		t.Error("a megabyte is no check")
	}
}
