package host

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// CloudInit is what sets up swap when a VM first boots: cloud-init itself, start-up
// commands of the tree's own, and Azure's agent.
type CloudInit struct {
	// Installed tells whether cloud-init's program is there. A package that was removed leaves its configuration behind.
	Installed bool `json:"installed"`
	// DisabledBy is the file that switches cloud-init off, or the kernel's parameter and its file; empty where it is on.
	DisabledBy string `json:"disabledBy,omitempty"`
	// ConfDir is the directory whose files add to cloud.cfg; empty where cloud-init is not installed.
	ConfDir string `json:"confDir,omitempty"`
	// MountsModule tells whether the configuration lists the module mounts, which makes swap and mounts.
	MountsModule bool `json:"mountsModule"`
	// Swap is the merged section swap; nil where there is none.
	Swap *CloudSwap `json:"swap,omitempty"`
	// SwapMounts are the devices that the section mounts has as swap.
	SwapMounts []CloudMount `json:"swapMounts,omitempty"`
	// Commands are the start-up commands that make or activate swap. Those of a cloud-init that is switched off are left out.
	Commands []BootCommand `json:"commands,omitempty"`
	// Unread names seeded user-data of a kind that is not read here, and that may set up swap; empty for none.
	Unread string `json:"unread,omitempty"`
	// Azure is the swapfile that Azure's agent makes on the resource disk; nil for none.
	Azure *AzureSwap `json:"azureAgent,omitempty"`
	// VMGuard is where vmguard lies in the tree; empty where it does not.
	VMGuard string `json:"vmguard,omitempty"`
}

// CloudSwap is the section swap of cloud-init's configuration.
type CloudSwap struct {
	Filename string `json:"filename"`
	// Size and MaxSize are as they are written. Auto tells that cloud-init reckons the size.
	Size    string `json:"size,omitempty"`
	MaxSize string `json:"maxSize,omitempty"`
	Auto    bool   `json:"auto,omitempty"`
	// Bytes is Size in bytes; 0 where it is Auto, none, or nothing that cloud-init understands.
	Bytes uint64 `json:"sizeBytes,omitempty"`
	// File and Line say where the size stands, or else the section.
	File string `json:"file"`
	Line int    `json:"line"`
}

// Makes tells whether cloud-init makes a swapfile of the section, where it runs.
func (s *CloudSwap) Makes() bool { return s != nil && s.Filename != "" && (s.Auto || s.Bytes > 0) }

// CloudMount is an entry of the section mounts that is swap.
type CloudMount struct {
	Device string `json:"device"`
	File   string `json:"file"`
	Line   int    `json:"line"`
}

// cloudDir is where cloud-init keeps its configuration, and cloudMain the file of it that is read first.
const (
	cloudDir  = "/etc/cloud"
	cloudMain = cloudDir + "/cloud.cfg"
)

func cloudInitReadings(s Source, sh shared) []reading {
	return []reading{fact(fileLimit, func(f *Facts) *Fact[CloudInit] { return &f.CloudInit },
		func(context.Context) Fact[CloudInit] { return readCloudInit(s.FS, sh.units) })}
}

// readCloudInit reads all that sets up swap at the first boot.
func readCloudInit(tree *rootfs.FS, units func() (*hostUnits, error)) Fact[CloudInit] {
	var c CloudInit
	_, c.Installed = program(tree, "cloud-init")
	c.VMGuard, _ = program(tree, "vmguard")
	if c.Installed {
		if why := c.readConfig(tree); why != "" {
			return Missing[CloudInit](why)
		}
	}
	commands, why := bootCommands(tree, units, c.Installed && c.DisabledBy == "")
	if why == "" {
		c.Azure, why = readAzureSwap(tree)
	}
	if why != "" {
		return Missing[CloudInit](why)
	}
	c.Commands = append(c.Commands, commands...)
	for i := range c.Commands {
		_, c.Commands[i].Found = program(tree, c.Commands[i].Program)
	}
	return Known(c, cloudDir)
}

// readConfig reads cloud-init's configuration, and says why where it cannot.
func (c *CloudInit) readConfig(tree *rootfs.FS) (why string) {
	if c.DisabledBy, why = cloudDisabled(tree); why != "" {
		return why
	}
	layers, unread, why := readCloudLayers(tree)
	if why != "" {
		return why
	}
	c.ConfDir = layers[len(layers)-1].confDir(cloudMain)
	c.MountsModule = hasModule(layers, initModules, "mounts") || hasModule(layers, configModules, "mounts")
	c.Swap = mergeSwap(layers)
	c.SwapMounts = swapMounts(layers)
	if c.DisabledBy != "" {
		return ""
	}
	c.Unread = unread
	if hasModule(layers, initModules, "bootcmd") || hasModule(layers, configModules, "bootcmd") {
		c.Commands = append(c.Commands, configCommands(layers, bootCmd)...)
	}
	if hasModule(layers, configModules, "runcmd") && hasModule(layers, finalModules, "scripts_user") {
		c.Commands = append(c.Commands, configCommands(layers, runCmd)...)
	}
	return ""
}

// cloudDisabled gives what switches cloud-init off: its own file, a kernel parameter
// (is_disabled of tools/ds-identify), or that a unit of it is masked without which its
// module mounts does not run. A datasource_list of None alone does not: cloud-init then
// applies what the image configures (cloudinit/sources/DataSourceNone.py).
func cloudDisabled(tree *rootfs.FS) (by, why string) {
	const disabled = cloudDir + "/cloud-init.disabled"
	switch off := exists(tree, disabled); {
	case !off.Known():
		return "", off.Why()
	case off.Value:
		return disabled, ""
	}
	if p, ok := bootParam(readCmdline(tree).Value, "cloud_init"); ok && p.Value == "disabled" {
		return "cloud-init=disabled in " + p.File, ""
	}
	by = maskedUnit(tree, "cloud-init.target", "cloud-init-main.service", "cloud-init-network.service")
	if by == "" && !isFile(tree, "/usr/lib/systemd/system/cloud-init-network.service") { // its name from 24.3 on
		by = maskedUnit(tree, "cloud-init.service")
	}
	return by, ""
}

// program finds a program, by its path or in the directories that services find programs in.
func program(tree *rootfs.FS, name string) (string, bool) {
	names := []string{name}
	if !path.IsAbs(name) {
		names = nil
		for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
			names = append(names, path.Join(dir, name))
		}
	}
	for _, file := range names {
		if info, err := tree.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, true
		}
	}
	return "", false
}

// readCloudLayers reads the configuration's files, the one that wins first: seeded
// user-data, then the files of cloud.cfg.d in the reverse order of their names, then
// cloud.cfg. So do read_conf_d and read_conf_with_confd of cloudinit/util.py, and
// ConfigMerger._read_cfg of cloudinit/helpers.py, which puts an instance's own
// configuration before the base.
func readCloudLayers(tree *rootfs.FS) (layers []cloudLayer, unreadSeed, why string) {
	left := allowance(mostCloudConfigs)
	layers, unreadSeed, why = readSeeds(tree, &left)
	if why != "" {
		return nil, "", why
	}
	base, why := readLayer(tree, cloudMain, &left)
	if why != "" {
		return nil, "", why
	}
	names, why := confNames(tree, base.confDir(cloudMain))
	if why != "" {
		return nil, "", why
	}
	for _, name := range slices.Backward(names) {
		layer, why := readLayer(tree, name, &left)
		if why != "" {
			return nil, "", why
		}
		layers = append(layers, layer)
	}
	return append(layers, base), unreadSeed, ""
}

// confNames lists the files of a directory of configuration, in order.
func confNames(tree *rootfs.FS, dir string) (names []string, why string) {
	entries, why := listDir(tree, dir)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if info, err := tree.Stat(name); strings.HasSuffix(name, ".cfg") && err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	return names, why
}

// readLayer reads one file of configuration. A file that is not there says nothing.
func readLayer(tree *rootfs.FS, name string, left *allowance) (cloudLayer, string) {
	data, err := left.read(tree, name, mostCloudConfig)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cloudLayer{file: name}, ""
	case err != nil:
		return cloudLayer{}, unread(name, err)
	}
	layer, err := parseCloudConfig(name, data)
	if err != nil {
		return cloudLayer{}, err.Error()
	}
	return layer, ""
}

// readSeeds reads the user-data that lies in the tree for the datasource NoCloud. What is
// neither cloud-config nor a script (several parts, compressed) is not read, but named.
func readSeeds(tree *rootfs.FS, left *allowance) (layers []cloudLayer, unreadSeed, why string) {
	for _, dir := range []string{"nocloud", "nocloud-net"} {
		name := "/var/lib/cloud/seed/" + dir + "/user-data"
		data, err := left.read(tree, name, mostCloudConfig)
		head, _, _ := strings.Cut(string(data), "\n")
		switch head = strings.TrimSpace(head); {
		case absent(err):
		case err != nil:
			return nil, "", unread(name, err)
		case head == "#cloud-config":
			layer, err := parseCloudConfig(name, data)
			if err != nil {
				return nil, "", err.Error()
			}
			layers = append(layers, layer)
		case strings.HasPrefix(head, "#!"):
			layers = append(layers, cloudLayer{file: name, script: string(data)})
		case strings.TrimSpace(string(data)) != "":
			unreadSeed = name
		}
	}
	return layers, unreadSeed, ""
}
