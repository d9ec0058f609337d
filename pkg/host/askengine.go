package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"vmguard/pkg/docker"
)

// errNoEngine says that nobody named an engine to ask.
var errNoEngine = errors.New("no Docker engine was asked")

// asked is an engine's account of itself, or why there is none.
type asked struct {
	engine  docker.Engine
	why     string
	failure docker.Reason // empty where nobody was asked
}

// noEngine says why there is no engine to ask; empty where there is one.
func noEngine(s Source) string {
	switch {
	case s.Docker != nil:
		return ""
	case s.NoDocker != nil:
		return s.NoDocker.Error()
	default:
		return errNoEngine.Error()
	}
}

func askEngine(ctx context.Context, s Source) asked {
	if why := noEngine(s); why != "" {
		return asked{why: why}
	}
	started := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, engineLimit, overrun(engineLimit))
	defer cancel()
	engine, err := s.Docker.Info(ctx)
	if err != nil {
		return asked{why: failure(ctx, started, err), failure: reasonOf(ctx, err)}
	}
	return asked{engine: engine}
}

// reasonOf classes why an engine did not answer. That the context ended counts most:
// everything else that went wrong then came of it.
func reasonOf(ctx context.Context, err error) docker.Reason {
	known, ok := errors.AsType[*docker.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return docker.Timeout
	case ctx.Err() != nil:
		return docker.Interrupted
	case ok:
		return known.Reason
	default:
		return docker.EngineError
	}
}

// engineReading stores the engine's account and, where there is none, the class of
// the failure.
func engineReading(run context.Context, ask func() asked) reading {
	put := func(a asked) store {
		return func(f *Facts) {
			f.Docker, f.DockerFailure = Known(a.engine, "docker info"), a.failure
			if a.why != "" {
				f.Docker = Missing[docker.Engine](a.why)
			}
		}
	}
	return reading{
		limit: engineLimit,
		read:  func(context.Context) store { return put(ask()) },
		lost: func(why string) store {
			late := docker.Timeout
			if errors.Is(run.Err(), context.Canceled) {
				late = docker.Interrupted
			}
			return put(asked{why: why, failure: late})
		},
	}
}

// asking gives a function that asks the engine once, however many want to know.
func asking(run context.Context, s Source) func() asked {
	var (
		once   sync.Once
		answer asked
	)
	done := make(chan struct{})
	return func() asked {
		once.Do(func() {
			go func() {
				answer = askEngine(run, s)
				close(done)
			}()
		})
		<-done
		return answer
	}
}

// installedReading looks for signs of an engine without asking it.
func installedReading(s Source, sh shared) reading {
	return fact(fileLimit, func(f *Facts) *Fact[bool] { return &f.DockerInstalled },
		func(context.Context) Fact[bool] { return readDockerInstalled(s, sh.daemons()) })
}

// engineReadings are those that need the engine, or the process and files of it.
func engineReadings(run context.Context, s Source, sh shared) []reading {
	ask := asking(run, s)
	return []reading{
		installedReading(s, sh),
		fact(fileLimit, func(f *Facts) *Fact[DaemonConfig] { return &f.DaemonConfig },
			func(context.Context) Fact[DaemonConfig] { return readDaemonConfig(s.FS, sh.daemons(), sh.units) }),
		engineReading(run, ask),
		diskReading(engineLimit+fileLimit+slack, 1, Disk{Role: RoleDocker},
			func(ctx context.Context) Fact[Disk] { return dockerDisk(ctx, s, sh, ask()) }),
		fact(listLimit+fileLimit+slack, func(f *Facts) *Fact[[]Container] { return &f.Containers },
			func(ctx context.Context) Fact[[]Container] { return readContainers(ctx, s, sh, ask) }),
	}
}

// dockerDisk asks for the space where the engine keeps its data. Where that is not on
// this host, or the engine did not say, there is no such disk to speak of: that the
// engine is missing is a fact of its own.
func dockerDisk(ctx context.Context, s Source, sh shared, a asked) Fact[Disk] {
	dir, ok := dockerDir(s.FS, a.engine)
	if a.why != "" || !ok {
		return Fact[Disk]{}
	}
	started := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, fileLimit, overrun(fileLimit))
	defer cancel()
	answers := make(chan Fact[Disk], 1) // a late answer waits for nobody
	go func() {
		mounts, _ := sh.mounts() // only the type's name is lost
		answers <- readDisk(ctx, s, mounts, dir, RoleDocker)
	}()
	select {
	case d := <-answers:
		return d
	case <-ctx.Done():
		return missingDisk(dir, RoleDocker, givenUp(ctx, started))
	}
}
