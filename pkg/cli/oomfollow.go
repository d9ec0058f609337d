package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

const (
	// nameWait is how long a kill is held back for its container's name, which the engine
	// most often tells in a few milliseconds.
	nameWait = 25 * time.Millisecond
	// kmsg is the kernel log's device (Documentation/ABI/testing/dev-kmsg).
	kmsg = "/dev/kmsg"
)

// runFollow prints each kill as it happens, until the user ends it, which is how it is
// meant to end.
func (o *oomOptions) runFollow(ctx context.Context, app *App) error {
	names := o.newNamer(ctx, app)
	defer names.stop()
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	var written error
	told := false
	_, _ = fmt.Fprintln(app.Stderr, "waiting for kills; Ctrl-C ends it")
	log, err := oom.Follow(following, kmsg, func(k oom.Kill) {
		known := names.of(following, k)
		if o.unwanted(k, known) || written != nil {
			return
		}
		one := known.kill(k)
		if why := known.nameless(); why != "" && !told && one.Victim.ContainerID != "" && one.Victim.Name == "" {
			told = true
			_, _ = fmt.Fprintln(app.Stderr, report.Clean(why, 2000, app.wide()))
		}
		if o.output == "jsonl" {
			written = report.OOMKillLine(app.Stdout, one)
		} else {
			written = report.OOMKillText(app.Stdout, one, time.Now().In(o.zone), app.style(o.noColor), o.verbose)
		}
		if written != nil {
			cancel()
		}
	})
	if log.Lost > 0 {
		_, _ = fmt.Fprintf(app.Stderr, "records were overwritten %d times before they could be read: kills may be missing\n", log.Lost)
	}
	switch {
	case written != nil:
		return writing(written)
	case ctx.Err() != nil:
		return errDone
	case errors.Is(err, fs.ErrPermission):
		return failed(err, "run: "+asRoot(app.Args))
	case errors.Is(err, errors.ErrUnsupported):
		return failed(err, "on another system, read a log of the VM: vmguard oom --file FILE")
	}
	return failed(err, "")
}

// unwanted tells that a kill is surely not in the container that was asked for. Where the
// engine does not tell the container's name, that is not sure.
func (o *oomOptions) unwanted(k oom.Kill, names oomNames) bool {
	if o.container == "" {
		return false
	}
	if len(killsOfOther([]oom.Kill{k}, o.container)) > 0 {
		return false
	}
	ids := oom.ContainerIDs(k.TaskCgroup)
	if len(ids) == 0 {
		return k.TaskCgroup != ""
	}
	sure := true
	for _, id := range ids {
		c, _, known := names.byID(id)
		if !known {
			c = host.Container{Container: docker.Container{ID: id}}
			sure = sure && names.why == ""
		}
		if len(findContainer([]host.Container{c}, o.container).matches) > 0 {
			return false
		}
	}
	return sure
}

// namer names containers while kills come in. It asks the engine when a kill has a
// container that it does not know, and not otherwise.
type namer struct {
	client *docker.Client
	wait   time.Duration
	known  oomNames
	vain   map[string]bool // IDs that the engine did not know when it was asked
	answer chan oomNames   // of the question that is under way; nil where none is
	waited bool            // a kill has waited for that in vain
	cancel context.CancelFunc
}

// newNamer asks for the containers that there are. It does not wait for the answer.
func (o *oomOptions) newNamer(ctx context.Context, app *App) *namer {
	n := &namer{wait: nameWait, vain: map[string]bool{}, cancel: func() {}}
	if o.container != "" {
		n.wait = namesLimit // without the name it cannot be told whether the kill is wanted
	}
	client, err := o.dial(app)
	if err != nil {
		n.known = oomNames{asked: true, why: err.Error()}
		return n
	}
	n.client = client
	n.ask(ctx, askNames)
	return n
}

// ask asks the engine in one way, and does not wait.
func (n *namer) ask(ctx context.Context, how func(context.Context, *docker.Client) oomNames) {
	ctx, cancel := context.WithTimeout(ctx, namesLimit)
	answer := make(chan oomNames, 1)
	n.answer, n.cancel = answer, cancel
	go func() {
		defer cancel()
		answer <- how(ctx, n.client)
	}()
}

// askStarted gives the names that the engine's events tell. Of a container that is just
// dying the engine tells nothing else for some 70 ms, as long as it holds its lock.
func (n *namer) askStarted(ctx context.Context, client *docker.Client) oomNames {
	before := n.known
	seen, err := client.Removed(ctx, nil)
	if err != nil {
		return before // the next question says why
	}
	for _, c := range seen {
		if _, _, known := before.byID(c.ID); !known {
			before.started = append(before.started, host.Container{Container: c})
		}
	}
	return before
}

// of gives the names that are known for a kill, after a short wait where one is not.
func (n *namer) of(ctx context.Context, k oom.Kill) oomNames {
	if n.waited && !n.answered() {
		return n.known // a storm is not held up again and again by a slow engine
	}
	timer := time.NewTimer(n.wait)
	defer timer.Stop()
	for asked := 0; n.client != nil && n.lacks(k); {
		if n.answer == nil {
			switch asked {
			case 0:
				n.known.started = nil // what was seen long ago is not kept for ever
				n.ask(ctx, n.askStarted)
			case 1:
				n.ask(ctx, askNames)
			default:
				n.giveUp(k)
				return n.known
			}
			asked++
		}
		select {
		case n.known = <-n.answer:
			n.answer, n.waited = nil, false
		case <-timer.C:
			n.waited = true
			return n.known // the answer is taken with a later kill
		case <-ctx.Done():
			return n.known
		}
	}
	return n.known
}

// answered takes the answer of the question that is under way, if it is there.
func (n *namer) answered() bool {
	select {
	case n.known = <-n.answer:
		n.answer, n.waited = nil, false
		return true
	default:
		return false
	}
}

// lacks tells whether a kill is in a container whose name is not known, and may be.
func (n *namer) lacks(k oom.Kill) bool {
	return slices.ContainsFunc(oom.ContainerIDs(k.TaskCgroup), func(id string) bool {
		_, _, ok := n.known.byID(id)
		return !ok && !n.vain[id]
	})
}

// giveUp remembers the containers that the engine does not know, so that it is not asked again for each kill.
func (n *namer) giveUp(k oom.Kill) {
	const most = 1024
	if len(n.vain) >= most {
		clear(n.vain)
	}
	for _, id := range oom.ContainerIDs(k.TaskCgroup) {
		n.vain[id] = true
	}
}

// stop ends the question that is under way.
func (n *namer) stop() {
	n.cancel()
	if n.answer != nil {
		<-n.answer
	}
	if n.client != nil {
		n.client.Close()
	}
}
