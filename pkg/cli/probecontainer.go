package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
)

// containerLimit is how long the engine may take to say which process is a container's.
const containerLimit = 10 * time.Second

// containerPID gives the process whose network namespace is a running container's. The container is named
// by its name, its ID, or the beginning of that.
func containerPID(ctx context.Context, app *App, dockerHost, name string) (int, error) {
	facts, err := collect(ctx, app, dockerHost, containerLimit)
	if err != nil {
		return 0, err
	}
	if !facts.Containers.Known() {
		return 0, failed(fmt.Errorf("find container %s: %s", name, facts.Containers.Why()), "is the engine running? try: docker ps")
	}
	c, err := pickContainer(facts.Containers.Value, name)
	switch {
	case err != nil:
		return 0, failed(err, "docker ps lists the running ones")
	case !c.Running() || c.PID == 0:
		return 0, failed(fmt.Errorf("enter container %s: it is not running (%s)", name, c.State), "start it first: docker start "+name)
	case c.NetworkMode == "none":
		return 0, failed(fmt.Errorf("enter container %s: it has no network (--network none)", name), "")
	case !c.Keepalive.Known():
		// What is read inside its network namespace is only read where the process is surely the container's.
		return 0, failed(fmt.Errorf("enter container %s: %s", name, c.Keepalive.Why()), "run: "+asRoot(app.Args))
	}
	return c.PID, nil
}

// pickContainer finds a container by its name, or by its ID, of which the beginning is enough where it is
// the only one.
func pickContainer(all []host.Container, name string) (host.Container, error) {
	var found []host.Container
	for _, c := range all {
		switch {
		case c.Name == name || c.ID == name:
			return c, nil
		case len(name) >= 4 && strings.HasPrefix(c.ID, name):
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return host.Container{}, fmt.Errorf("no container is called %s", name)
	case 1:
		return found[0], nil
	}
	return host.Container{}, fmt.Errorf("%d containers have an ID that begins with %s", len(found), name)
}

// completeContainers completes the names of the running containers.
func completeContainers(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), time.Second)
	defer cancel()
	endpoint, err := docker.FindEndpoint("", func(string) string { return "" })
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	client, err := docker.Dial(endpoint)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer client.Close()
	containers, _ := client.Containers(ctx) // a completion that knows nothing offers nothing
	var out []string
	for _, one := range containers {
		if one.State == "running" {
			out = append(out, one.Name+"\t"+one.Image)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
