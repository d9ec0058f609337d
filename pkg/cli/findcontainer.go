package cli

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// leastPrefix is how many digits of an ID name a container: two are not enough to know
// that an ID is meant.
const leastPrefix = 4

// found is what a name or the beginning of an ID stands for.
type found struct {
	name string
	// matches are the containers: one where a name or a whole ID was given, perhaps
	// several for the beginning of an ID.
	matches []host.Container
	// similar are names that may have been meant, where there is no match.
	similar []string
}

// findContainer looks for a container by its name, with a slash before it or not, by its
// ID, or by the beginning of that. A name counts before an ID, as it does for Docker.
func findContainer(all []host.Container, name string) found {
	f := found{name: name}
	bare := strings.TrimPrefix(name, "/")
	for _, c := range all {
		switch {
		case bare != "" && (c.Name == bare || c.ID == bare):
			return found{name: name, matches: []host.Container{c}}
		case isIDPrefix(bare) && strings.HasPrefix(c.ID, bare):
			f.matches = append(f.matches, c)
		}
	}
	if len(f.matches) == 0 {
		f.similar = similarNames(all, bare)
	}
	return f
}

// isIDPrefix tells whether a word can be the beginning of a container's ID.
func isIDPrefix(s string) bool {
	return len(s) >= leastPrefix && len(s) <= 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// one gives the only match. It errs where there are several, which is a fault of the
// command line, and where there is none; alone is the hint of that where no name is similar.
func (f found) one(alone string) (host.Container, error) {
	switch len(f.matches) {
	case 1:
		return f.matches[0], nil
	case 0:
		hint := alone
		if len(f.similar) > 0 {
			hint = "did you mean: " + human.List(f.similar, 5)
		}
		return host.Container{}, failed(fmt.Errorf("no container is called %s", f.name), hint)
	}
	var names []string
	for _, c := range f.matches {
		names = append(names, c.ID[:min(12, len(c.ID))]+" ("+c.Name+")")
	}
	return host.Container{}, usage("give the name, or more of the ID", "%d containers have an ID that begins with %s: %s",
		len(f.matches), f.name, human.List(names, 8))
}

// similarNames gives the names that hold what was asked for, are held by it, belong to a
// compose service of that name, or differ from it by a slip of the fingers; nearest first.
func similarNames(all []host.Container, asked string) []string {
	type near struct {
		name string
		far  int
	}
	var out []near
	asked = strings.ToLower(asked)
	for _, c := range all {
		name := strings.ToLower(c.Name)
		far := human.Slips(asked, name)
		switch {
		case c.ComposeService != "" && strings.EqualFold(c.ComposeService, asked):
			out = append(out, near{c.Name, 0})
		case far <= 2 && far < len(asked), len(asked) >= 3 && strings.Contains(name, asked), len(name) >= 3 && strings.Contains(asked, name):
			out = append(out, near{c.Name, far})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].far < out[j].far })
	names := make([]string, len(out))
	for i, n := range out {
		names[i] = n.name
	}
	return names
}

// completeContainers completes the names of the containers that wanted accepts. A
// completion that learns nothing within a second offers nothing.
func completeContainers(getenv func(string) string, wanted func(docker.Container) bool) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		const nothing = cobra.ShellCompDirectiveNoFileComp
		ctx, cancel := context.WithTimeout(c.Context(), time.Second)
		defer cancel()
		dockerHost := ""
		if flag := c.Flags().Lookup("docker-host"); flag != nil {
			dockerHost = flag.Value.String()
		}
		endpoint, err := docker.FindEndpoint(dockerHost, getenv)
		if err != nil {
			return nil, nothing
		}
		client, err := docker.Dial(endpoint)
		if err != nil {
			return nil, nothing
		}
		defer client.Close()
		containers, _ := client.Containers(ctx) // of an error follows that none is offered
		var out []string
		for _, one := range containers {
			if wanted(one) {
				out = append(out, one.Name+"\t"+one.Image)
			}
		}
		return out, nothing
	}
}
