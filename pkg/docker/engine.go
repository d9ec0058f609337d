package docker

// Engine is what a Docker engine says of itself (GET /info and /version).
type Engine struct {
	// Endpoint is where it was asked, such as "unix:///var/run/docker.sock".
	Endpoint      string `json:"endpoint"`
	Version       string `json:"version"`
	APIVersion    string `json:"apiVersion"`    // the newest that the engine speaks
	APINegotiated string `json:"apiNegotiated"` // the one that was used
	OS            string `json:"os,omitempty"`
	Name          string `json:"name,omitempty"`
	CgroupDriver  string `json:"cgroupDriver,omitempty"`
	CgroupVersion string `json:"cgroupVersion,omitempty"` // "1" or "2"
	StorageDriver string `json:"storageDriver,omitempty"`
	LogDriver     string `json:"logDriver,omitempty"`
	RootDir       string `json:"rootDir,omitempty"`
	LiveRestore   bool   `json:"liveRestore"`
	MemoryLimit   bool   `json:"memoryLimit"` // the kernel can limit memory
	SwapLimit     bool   `json:"swapLimit"`   // the kernel accounts swap, so --memory-swap is enforced
	Swarm         bool   `json:"swarm"`       // the engine is a node of a swarm
	Rootless      bool   `json:"rootless"`
	InitBinary    string `json:"initBinary,omitempty"`
	// Warnings are the engine's own, as docker info prints them.
	Warnings []string `json:"warnings,omitempty"`
}
