package host

// KernelParam is one parameter of the kernel's command line that containers depend on
// (Documentation/admin-guide/kernel-parameters.rst); others are not kept.
type KernelParam struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	File  string `json:"file"`
}

func kernelReadings(Source) []reading { return nil }
