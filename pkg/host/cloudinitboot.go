package host

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// BootCommand is a start-up command that makes, activates or turns off swap. Its text is not kept: it may hold secrets.
type BootCommand struct {
	// Program is the one that is run: swapon, swapoff, or vmguard with swap enable, as it is called there.
	Program string `json:"program"`
	// FromFstab tells that it activates what fstab names, as swapon -a does, and makes nothing of its own.
	FromFstab bool `json:"fromFstab,omitempty"`
	// Off tells that it turns swap off.
	Off bool `json:"off,omitempty"`
	// Found tells whether the program lies in the tree. One that does not may be fetched before it is run.
	Found bool   `json:"found"`
	File  string `json:"file"`
	Line  int    `json:"line"`
}

// AzureSwap is the swapfile that Azure's agent makes on the VM's resource disk
// (waagent.conf, ResourceDisk.*). There is no such disk in other clouds.
type AzureSwap struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	SizeMB uint64 `json:"sizeMiB"` // the agent says MB, and means 2^20 bytes
}

// mostCommands bounds the commands that are found.
const mostCommands = 64

// bootCommands finds the commands of services, of rc.local and, where cloud-init runs, of its
// script directories that make, activate or turn off swap.
func bootCommands(tree *rootfs.FS, units func() (*hostUnits, error), cloudInit bool) (list []BootCommand, why string) {
	all, err := units()
	if err != nil {
		return nil, err.Error()
	}
	left := allowance(unitFilesMost)
	for _, name := range slices.Sorted(maps.Keys(all.now.pulled)) {
		if path.Ext(name) != ".service" {
			continue
		}
		file := all.now.unitFile(name)
		data, err := readDropIn(tree, file)
		if err != nil {
			return nil, err.Error()
		}
		if err := left.spend(len(data)); err != nil {
			return nil, unread(file, err)
		}
		list = append(list, serviceCommands(file, string(data))...)
	}
	scripts := []string{"/etc/rc.local", "/etc/rc.d/rc.local"}
	dirs := []string{"/var/lib/cloud/scripts/per-boot", "/var/lib/cloud/scripts/per-instance", "/var/lib/cloud/scripts/per-once"}
	if !cloudInit {
		dirs = nil
	}
	for _, dir := range dirs {
		entries, err := tree.ReadDir(dir)
		if err != nil && !absent(err) {
			return nil, unread(dir, err)
		}
		for _, e := range entries {
			scripts = append(scripts, path.Join(dir, e.Name()))
		}
	}
	for _, file := range scripts {
		commands, why := readScript(tree, file, &left)
		if why != "" {
			return nil, why
		}
		list = append(list, commands...)
	}
	if len(list) > mostCommands {
		return nil, fmt.Sprintf("there are more than %d start-up commands about swap", mostCommands)
	}
	return list, ""
}

// unitFile gives the file of a service; of an instance (name@x.service) that of its template, where
// it has none of its own. Empty for none.
func (u unitListing) unitFile(name string) string {
	file := u.paths[name]
	if stem, _, ok := strings.Cut(name, "@"); ok && file == "" {
		file = u.paths[stem+"@.service"]
	}
	return file
}

// serviceCommands finds the commands about swap that a service starts.
func serviceCommands(file, text string) []BootCommand {
	var list []BootCommand
	n, goesOn := 0, false
	for line := range strings.SplitSeq(text, "\n") {
		n++
		value := line
		if !goesOn {
			key, rest, ok := strings.Cut(strings.TrimSpace(line), "=")
			if !ok || !strings.HasPrefix(strings.TrimSpace(key), "ExecStart") {
				continue
			}
			value = rest
		}
		goesOn = strings.HasSuffix(strings.TrimSpace(line), `\`)
		// The characters before a program say how it is run (systemd.service(5)).
		if c := swapCommand(strings.TrimLeft(strings.TrimSpace(value), "@-:+!|")); c.Program != "" {
			c.File, c.Line = file, n
			list = append(list, c)
		}
	}
	return list
}

// readScript finds the commands about swap in a script that is run where it is executable.
func readScript(tree *rootfs.FS, file string, left *allowance) ([]BootCommand, string) {
	info, err := tree.Stat(file)
	if absent(err) || err == nil && (!info.Mode().IsRegular() || info.Mode()&0o111 == 0) {
		return nil, ""
	}
	if err != nil {
		return nil, unread(file, err)
	}
	data, err := left.read(tree, file, smallFile)
	if err != nil {
		return nil, unread(file, err)
	}
	return scriptCommands(file, string(data), 0), ""
}

// scriptCommands finds the commands about swap in a shell's text, whose first line comes
// after so many of the file.
func scriptCommands(file, text string, before int) []BootCommand {
	var list []BootCommand
	n := before
	for line := range strings.SplitSeq(text, "\n") {
		n++
		if c := swapCommand(line); c.Program != "" && len(list) <= mostCommands {
			c.File, c.Line = file, n
			list = append(list, c)
		}
	}
	return list
}

// swapCommand gives the command of a line that activates swap, swapon or vmguard with swap
// enable, or else the one that turns it off; of several, one that brings swap of its own. It
// gives nothing where these only show something, or stand in a comment.
func swapCommand(line string) BootCommand {
	var found BootCommand
	for part := range strings.FieldsFuncSeq(uncomment(line), func(r rune) bool { return strings.ContainsRune(";&|", r) }) {
		words := strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(" \t\r(){}\"'`,[]", r) })
		for i := range words {
			c := swapProgram(words[i:])
			switch {
			case c.Program == "":
			case !c.FromFstab && !c.Off:
				return c
			case found.Program == "" || found.Off:
				found = c
			}
		}
	}
	return found
}

// swapProgram gives the command about swap that begins with the first of the words.
func swapProgram(words []string) BootCommand {
	c := BootCommand{Program: words[0]}
	after := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch path.Base(words[0]) {
	case "swapon":
		return swapOn(words)
	case "swapoff":
		switch after(1) {
		case "-h", "--help", "-V", "--version", "":
		default:
			c.Off = true
			return c
		}
	case "vmguard":
		if after(1) == "swap" && after(2) == "enable" && !slices.Contains(words, "--dry-run") {
			return c
		}
	case "dphys-swapfile": // Raspberry Pi OS
		if after(1) == "swapon" {
			return c
		}
	}
	return BootCommand{}
}

// swapOn gives swapon's command, where it activates something (swapon(8)).
func swapOn(words []string) BootCommand {
	c := BootCommand{Program: words[0]}
	names := false // a device, or a file
	for i, word := range words[1:] {
		option, _, _ := strings.Cut(word, "=")
		if slices.Contains([]string{"-s", "--summary", "--show", "-h", "--help", "-V", "--version"}, option) && i == 0 {
			return BootCommand{}
		}
		letters, short := strings.CutPrefix(word, "-") // such as -ae
		names = names || !short || strings.HasPrefix(word, "--label=") || strings.HasPrefix(word, "--uuid=")
		c.FromFstab = c.FromFstab || word == "--all" || short && strings.Contains(letters, "a") && strings.Trim(letters, "aefv") == ""
	}
	if !c.FromFstab && !names {
		return BootCommand{}
	}
	return c
}

// uncomment takes a shell's comment off a line.
func uncomment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// withoutDphys leaves out the commands of dphys-swapfile where its configuration, a file of
// shell assignments, asks for a size of 0: it makes no swapfile then.
func withoutDphys(tree *rootfs.FS, list []BootCommand) ([]BootCommand, string) {
	const name = "/etc/dphys-swapfile"
	data, err := tree.ReadFile(name, smallFile)
	if err != nil && !absent(err) {
		return nil, unread(name, err)
	}
	off := false
	for line := range strings.SplitSeq(string(data), "\n") {
		if size, ok := strings.CutPrefix(strings.TrimSpace(uncomment(line)), "CONF_SWAPSIZE="); ok {
			off = strings.Trim(size, `"'`) == "0"
		}
	}
	return slices.DeleteFunc(list, func(c BootCommand) bool { return off && path.Base(c.Program) == "dphys-swapfile" }), ""
}

// readAzureSwap reads the agent's configuration; nil where it makes no swap, or is not there.
func readAzureSwap(tree *rootfs.FS) (swap *AzureSwap, why string) {
	const name = "/etc/waagent.conf"
	data, err := tree.ReadFile(name, smallFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ""
	case err != nil:
		return nil, unread(name, err)
	}
	return parseAzureSwap(name, data), ""
}

// parseAzureSwap reads waagent.conf. The agent makes swap where it also formats the disk
// (azurelinuxagent/daemon/resourcedisk), and of the size that is said.
func parseAzureSwap(name string, data []byte) *AzureSwap {
	swap, formats, enables := AzureSwap{File: name}, false, false
	n := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		n++
		line, _, _ = strings.Cut(line, "#")
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.TrimSpace(key) {
		case "ResourceDisk.Format":
			formats = strings.EqualFold(value, "y")
		case "ResourceDisk.EnableSwap":
			enables = strings.EqualFold(value, "y")
			swap.Line = n
		case "ResourceDisk.SwapSizeMB":
			swap.SizeMB, _ = strconv.ParseUint(value, 10, 32) // what is no number makes no swap
		}
	}
	if !formats || !enables || swap.SizeMB == 0 {
		return nil
	}
	return &swap
}
