package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/go-connections/nat"
)

var record = flag.Bool("record", false, "write the real engine's answers to testdata")

const (
	realPrefix = "vmguardtest-docker-"
	realImage  = "vmguardtest-docker-image:latest"
)

// realEngine gives a client for the engine on this host, or skips.
func realEngine(t *testing.T) *Client {
	t.Helper()
	c, err := Dial(Endpoint{Host: "unix://" + DefaultSocket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.Info(ctx); err != nil {
		t.Skipf("needs a Docker engine: %v", err)
	}
	return c
}

// realImageFrom makes an image with nothing but the test program in it, and sees to its removal.
func realImageFrom(t *testing.T, c *Client) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "app")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "../../testdata/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the test program: %v\n%s", err, out)
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	done, err := c.sdk.ImageImport(t.Context(), image.ImportSource{Source: &layer, SourceName: "-"}, realImage,
		image.ImportOptions{Changes: []string{`ENTRYPOINT ["/app"]`}})
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if _, err := said.ReadFrom(done); err != nil || strings.Contains(said.String(), "error") {
		t.Fatalf("import: %v %s", err, said.String())
	}
	if err := done.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.sdk.ImageRemove(context.Background(), realImage, image.RemoveOptions{Force: true}); err != nil {
			t.Errorf("remove image: %v", err)
		}
	})
}

// realCreate makes a container, without a network unless host says otherwise, and sees to its removal.
func realCreate(t *testing.T, c *Client, name string, cfg *container.Config, host *container.HostConfig) string {
	t.Helper()
	cfg.Image = realImage
	if host.NetworkMode == "" {
		host.NetworkMode = "none"
	}
	name = realPrefix + name
	_ = c.sdk.ContainerRemove(t.Context(), name, container.RemoveOptions{Force: true}) // of a run that was killed
	made, err := c.sdk.ContainerCreate(t.Context(), cfg, host, nil, nil, name)
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := c.sdk.ContainerRemove(context.Background(), made.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Errorf("remove %s: %v", name, err)
		}
	})
	return made.ID
}

// realStart starts a container that is to come up.
func realStart(t *testing.T, c *Client, id string) {
	t.Helper()
	if err := c.sdk.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
		t.Fatalf("start: %v", err)
	}
}

// realReady waits until a program has set up its signals.
func realReady(t *testing.T, c *Client, id string) {
	t.Helper()
	until(t, "the program says ready", func() bool {
		logs, err := c.sdk.ContainerLogs(t.Context(), id, container.LogsOptions{ShowStdout: true})
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		_, err = said.ReadFrom(logs)
		return errors.Join(err, logs.Close()) == nil && strings.Contains(said.String(), "ready")
	})
}

// realStop stops a program that has set up its signals.
func realStop(t *testing.T, c *Client, id string, grace int) {
	t.Helper()
	realReady(t, c, id)
	if err := c.sdk.ContainerStop(t.Context(), id, container.StopOptions{Timeout: &grace}); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

// until asks for a condition again and again, for at most a minute.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}

// realContainers makes one container of each kind and brings it where it belongs.
func realContainers(t *testing.T, c *Client) {
	t.Helper()
	second := time.Second
	yes, grace := true, 3
	web := realCreate(t, c, "web", &container.Config{
		Cmd:          []string{"polite"},
		Env:          []string{"PASSWORD=hunter2"},
		Labels:       map[string]string{labelProject: "shop", labelService: "web", "secret": "hunter2"},
		ExposedPorts: nat.PortSet{"8080/tcp": {}},
		StopSignal:   "SIGTERM",
		StopTimeout:  &grace,
		Healthcheck:  &container.HealthConfig{Test: []string{"CMD", "/app", "exit", "0", "0s", "fine"}, Interval: second},
	}, &container.HostConfig{
		NetworkMode:   "bridge",
		PortBindings:  nat.PortMap{"8080/tcp": {{HostIP: "127.0.0.1", HostPort: "0"}}},
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
		LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "1m", "max-file": "2"}},
		Init:          &yes,
		Resources:     container.Resources{Memory: 64 << 20, NanoCPUs: 5e8},
	})
	realStart(t, c, web)
	sick := realCreate(t, c, "sick", &container.Config{
		Cmd:         []string{"polite"},
		Healthcheck: &container.HealthConfig{Test: []string{"CMD", "/app", "exit", "1", "0s", "no answer"}, Interval: second / 2, Retries: 1},
	}, &container.HostConfig{})
	realStart(t, c, sick)
	eater := realCreate(t, c, "eater", &container.Config{Cmd: []string{"eat-later"}},
		&container.HostConfig{Resources: container.Resources{Memory: 16 << 20, MemorySwap: 16 << 20}})
	realStart(t, c, eater)
	realReady(t, c, eater) // one that dies while it is being started is recorded wrongly by engine 20.10
	if err := c.sdk.ContainerKill(t.Context(), eater, "USR1"); err != nil {
		t.Fatalf("kill: %v", err)
	}
	realStart(t, c, realCreate(t, c, "loop", &container.Config{Cmd: []string{"exit", "3"}},
		&container.HostConfig{RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyAlways}}))
	realCreate(t, c, "fresh", &container.Config{Entrypoint: []string{"/bin/sh", "-ec"}, Cmd: []string{"exec sleep 1"}}, &container.HostConfig{})
	broken := realCreate(t, c, "broken", &container.Config{Entrypoint: []string{"/no/such/program"}}, &container.HostConfig{})
	if err := c.sdk.ContainerStart(t.Context(), broken, container.StartOptions{}); err == nil {
		t.Fatal("a program that does not exist was started")
	}
	obeys := realCreate(t, c, "obeys", &container.Config{Cmd: []string{"polite"}}, &container.HostConfig{})
	deaf := realCreate(t, c, "deaf", &container.Config{Cmd: []string{"deaf"}}, &container.HostConfig{})
	realStart(t, c, obeys)
	realStart(t, c, deaf)
	realStop(t, c, obeys, 5)
	realStop(t, c, deaf, 2)
}

// realOurs gives this test's containers by name, without the prefix.
func realOurs(t *testing.T, c *Client) map[string]Container {
	t.Helper()
	all, err := c.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]Container{}
	for _, one := range all {
		if name, ok := strings.CutPrefix(one.Name, realPrefix); ok {
			ours[name] = one
		}
	}
	return ours
}

func TestRealEngine(t *testing.T) {
	c := realEngine(t)
	realImageFrom(t, c)
	realContainers(t, c)
	var got map[string]Container
	until(t, "all containers are where they belong", func() bool {
		got = realOurs(t, c)
		return got["web"].Health != nil && got["web"].Health.Status == "healthy" &&
			got["sick"].Health != nil && got["sick"].Health.Status == "unhealthy" &&
			got["eater"].State == "exited" && got["loop"].RestartCount > 1 && got["loop"].State == "restarting"
	})
	if *record {
		recordAnswers(t, c)
	}
	for name, check := range realWants {
		one, ok := got[name]
		if !ok {
			t.Errorf("%s is not there", name)
			continue
		}
		if why := check(one); why != "" {
			t.Errorf("%s: %s\n%+v", name, why, one)
		}
		if one.InspectError != "" || !one.EventsKnown || one.ImageSize == 0 || one.CreatedAt.IsZero() || len(one.ID) != 64 {
			t.Errorf("%s: incomplete: %+v", name, one)
		}
	}
}

func TestRealEngineInfo(t *testing.T) {
	c := realEngine(t)
	e, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.sdk.ServerVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Version != v.Version || e.APIVersion != v.APIVersion {
		t.Errorf("version %s API %s, but /version says %s and %s", e.Version, e.APIVersion, v.Version, v.APIVersion)
	}
	if e.CgroupVersion != "1" && e.CgroupVersion != "2" || e.RootDir == "" || e.StorageDriver == "" || e.Endpoint != "unix://"+DefaultSocket {
		t.Errorf("incomplete: %+v", e)
	}
}
