package host

// BootModule is a kernel module that is loaded at boot (modules-load.d(5)).
type BootModule struct {
	Name string `json:"name"`
	File string `json:"file"`
}
