package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
)

// Info describes the engine. One question beside the ping is enough: /version adds
// only the newest API version, which the ping's header has already told, and an
// engine starts three programs to answer it. The error is an *Error.
func (c *Client) Info(ctx context.Context) (Engine, error) {
	if err := c.agree(ctx); err != nil {
		return Engine{}, err
	}
	info, err := c.sdk.Info(ctx)
	if err != nil {
		if _, what, ok := strings.Cut(err.Error(), "Error reading remote info: "); ok { // the SDK drops the JSON decoder's error
			err = fmt.Errorf("%w: %s", errNotEngine, what)
		}
		return Engine{}, c.fail("info", err)
	}
	if info.ServerVersion == "" && info.ID == "" {
		return Engine{}, c.fail("info", fmt.Errorf("%w: neither version nor ID", errNotEngine))
	}
	e := engineFrom(info)
	e.Endpoint = c.endpoint.Host
	e.APINegotiated = c.sdk.ClientVersion()
	e.APIVersion = c.newestAPI(ctx)
	return e, nil
}

// newestAPI is the newest API version that the engine speaks. Engines before 1.13 do
// not tell it with their ping, so only they are asked; empty where they do not say.
func (c *Client) newestAPI(ctx context.Context) string {
	if c.engineAPI != "" {
		return c.engineAPI
	}
	v, err := c.sdk.ServerVersion(ctx)
	if err != nil || !isAPIVersion(v.APIVersion) {
		return ""
	}
	return v.APIVersion
}

// engineFrom takes from the SDK's answer what vmguard uses.
func engineFrom(info system.Info) Engine {
	e := Engine{
		Version:       text(info.ServerVersion),
		OS:            text(info.OperatingSystem),
		Name:          text(info.Name),
		CgroupDriver:  text(info.CgroupDriver),
		CgroupVersion: text(info.CgroupVersion),
		StorageDriver: text(info.Driver),
		LogDriver:     text(info.LoggingDriver),
		RootDir:       text(info.DockerRootDir),
		LiveRestore:   info.LiveRestoreEnabled,
		MemoryLimit:   info.MemoryLimit,
		SwapLimit:     info.SwapLimit,
		Rootless:      slices.Contains(info.SecurityOptions, "name=rootless"),
		InitBinary:    text(info.InitBinary),
	}
	switch info.Swarm.LocalNodeState {
	case swarm.LocalNodeStateActive, swarm.LocalNodeStatePending, swarm.LocalNodeStateLocked, swarm.LocalNodeStateError:
		e.Swarm = true
	}
	for _, w := range info.Warnings {
		e.Warnings = append(e.Warnings, text(w))
	}
	return e
}
