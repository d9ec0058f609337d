package swap

import (
	"vmguard/pkg/host"
)

// State is how things stand for one swapfile, before anything is changed.
type State struct {
	// Facts holds what the host is and has of swap.
	Facts *host.Facts
	// Dir is the directory that the file is in, free of links, and Disk its filesystem.
	Dir  string
	Disk host.Fact[host.Disk]
	// DirProblem says why the directory will not do: others than root could change what a name in it stands
	// for, or it does not exist. Empty where it will.
	DirProblem string
	NoDir      bool // it does not exist

	Main  File // the swapfile itself
	Fresh File // one that is to take its place
	Old   File // one whose place was taken

	// Leftovers are the temporary files that a killed run left beside the text files that it was changing.
	Leftovers []string

	// Siblings are the other swapfiles that vmguard made. What belongs to all of them stays while one is left.
	Siblings []string

	Etc        Etc
	Swappiness Swappiness
	// Systemd tells that systemd runs here (sd_booted(3)), and Generated that the unit is there which it makes
	// of an fstab line for the file.
	Systemd, Generated bool
	// Masked is the masked unit of the file, which systemd then never activates; empty for none.
	Masked string
	// SELinux is the label that a swapfile needs; empty where SELinux is off.
	SELinux string
}

// File is what is found under one name.
type File struct {
	Path   string
	Exists bool
	// Problem says why this is nothing that vmguard touches: a link, a directory, a device, somebody
	// else's; empty where it may.
	Problem string
	// Unread says why the file's header could not be read; empty where it was.
	Unread string
	Size   uint64 // bytes
	Blocks uint64 // bytes that it takes on the disk: less than Size where it has holes
	Mode   uint32 // permission bits
	// Header is the swap header, and HeaderErr why there is none that counts.
	Header    Header
	HeaderErr error
	// Active is the area of /proc/swaps that the file is; nil where it is not active.
	Active *host.SwapArea
	// ActiveAs is the other name under which the file is active; empty for its own.
	ActiveAs string
	// MayBe is an active area whose name leads to no file that can be seen from here, as one of another mount namespace:
	// it is this file, or may be. Empty where there is none.
	MayBe string
}

// Formatted tells whether the file is a swapfile: it has a header, and is as long as
// that says.
func (f File) Formatted() bool {
	return f.Exists && f.Problem == "" && f.Unread == "" && f.HeaderErr == nil && f.Header.Size() <= f.Size
}

// Area is the size in bytes of the swap area in the file, its header included; 0 where it is none.
func (f File) Area() uint64 {
	if !f.Formatted() {
		return 0
	}
	return f.Header.Size()
}

// Ours tells whether vmguard made the file: the label in its header says so.
func (f File) Ours() bool { return f.Formatted() && f.Header.Label == Label }

// Used is how much of an active area is in use.
func (f File) Used() uint64 {
	if f.Active == nil {
		return 0
	}
	return f.Active.Used
}

// Etc is what is known of /etc/fstab.
type Etc struct {
	// Fstab is the file's content; nil where there is none.
	Fstab []byte
	// Backup tells that a copy is there from before vmguard's last change.
	Backup bool
	// Problem says why the file cannot be replaced; empty where it can. Hint is what the user can do about it.
	Problem, Hint string
	// Volatile says why /etc does not outlive a reboot; empty where it does.
	Volatile string
	// VolatileUnknown says why that cannot be told; empty where it can.
	VolatileUnknown string
	// Targets gives the path that each spec of a swap line leads to.
	Targets map[string]string
}

// Swappiness is what is known of vm.swappiness and of the file that sets it at boot.
type Swappiness struct {
	Running host.Fact[int64]
	// File is the content of SwappinessFile; nil where there is none. Before is the content that it had before
	// vmguard's, nil for none.
	File, Before []byte
	// Dir tells that the directory of SwappinessFile is there.
	Dir bool
	// Overrides names the files that are read later at boot and set it too.
	Overrides []string
}
