package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/check"
	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
)

func newContainers(app *App) *cobra.Command {
	var output, dockerHost string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "containers",
		Short: "One line per container: state, restarts, exit, OOM kills, memory, health, stop signal",
		Long: `List all containers, stopped ones too, with what tells how they will die: restarts,
exit code, OOM kills, memory against the limit, health, and whether the stop signal
reaches the program. The columns that need more rights than you have show "?".`,
		Example: "  vmguard containers\n  sudo vmguard containers -o json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkChoice("output", output, "text", "json"); err != nil {
				return err
			}
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			rows, err := containerRows(c.Context(), app, dockerHost, timeout)
			if err != nil {
				return err
			}
			if output == "json" {
				return writing(report.ContainersJSON(app.Stdout, rows))
			}
			return writing(report.ContainersText(app.Stdout, rows, app.style(noColor)))
		},
	}
	outputFlag(c, &output, "text", "json")
	c.Flags().StringVar(&dockerHost, "docker-host", "", "the engine's endpoint, such as unix:///run/docker.sock (default: DOCKER_HOST, the docker context, /var/run/docker.sock)")
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "give up after so long; an engine that does not answer is given up after 5s at the latest")
	return c
}

// containerRows gives every container with the finding about its stop signal. It errs
// where the engine cannot be asked, for then there is nothing to list.
func containerRows(ctx context.Context, app *App, dockerHost string, timeout time.Duration) ([]report.ContainerRow, error) {
	if timeout <= 0 {
		return nil, usage("accepted: a positive duration such as 5s or 1m", "--timeout: %s is not accepted", timeout)
	}
	facts, err := collect(ctx, app, dockerHost, nil, timeout)
	if err != nil {
		return nil, err
	}
	if !facts.Containers.Known() {
		why := facts.Containers.Why()
		if !facts.Docker.Known() {
			why = facts.Docker.Why()
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("list containers: %w", err)
		}
		return nil, failed(fmt.Errorf("list containers: %s", why), dockerHint(facts))
	}
	stop, err := check.Find("container-ignores-sigterm")
	if err != nil {
		return nil, failed(err, "")
	}
	bySubject := map[string]*finding.Finding{}
	for _, f := range check.Run([]check.Check{stop}, facts, check.DefaultPolicy(time.Now())) {
		bySubject[f.Subject] = &f
	}
	rows := make([]report.ContainerRow, 0, len(facts.Containers.Value))
	for _, c := range facts.Containers.Value {
		rows = append(rows, report.ContainerRow{Container: c, StopSignal: bySubject[c.Name]})
	}
	return rows, nil
}

// dockerHint says what the user can do about an engine that gave nothing.
func dockerHint(f *host.Facts) string {
	switch {
	case f.DockerFailure == docker.Denied:
		return "run: sudo vmguard containers"
	case f.DockerInstalled.Known() && !f.DockerInstalled.Value:
		return "install and start Docker, or name the engine's endpoint with --docker-host"
	default:
		return "is the engine running? try: sudo systemctl status docker"
	}
}
