package host

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mostCloudConfig bounds one file of cloud-init's configuration, in bytes, and mostCloudConfigs
// all of them. Few clouds take more than 64 KiB of user-data.
const (
	mostCloudConfig  = 64 << 10
	mostCloudConfigs = 128 << 10
)

// cloudLayer is one file of cloud-init's configuration, as far as it is about swap.
type cloudLayer struct {
	file   string
	script string // user-data that is a shell's
	keys   map[string]yaml.Node
}

// The settings that are looked at.
const (
	swapKey       = "swap"
	mountsKey     = "mounts"
	runCmd        = "runcmd"
	bootCmd       = "bootcmd"
	initModules   = "cloud_init_modules"
	configModules = "cloud_config_modules"
	finalModules  = "cloud_final_modules"
	confD         = "conf_d"
)

// parseCloudConfig reads a file of configuration. It errs with file and line, and without
// the text, which may hold secrets, where this is no YAML, is a template that only a boot
// can fill in, or says how it wants to be merged (merge_how), which is not done here.
func parseCloudConfig(file string, data []byte) (cloudLayer, error) {
	if strings.HasPrefix(string(data), "## template:") {
		return cloudLayer{}, fmt.Errorf("%s:1: a template, which only a boot can fill in", file)
	}
	layer := cloudLayer{file: file}
	// A yaml.Node is not expanded, so that aliases of aliases cost nothing.
	if err := yaml.Unmarshal(data, &layer.keys); err != nil {
		return cloudLayer{}, fmt.Errorf("%s:%d: not the YAML of a cloud-config", file, yamlLine(err))
	}
	for _, key := range []string{"merge_how", "merge_type"} {
		if node, ok := layer.keys[key]; ok {
			return cloudLayer{}, fmt.Errorf("%s:%d: %s changes how files are merged, which is not understood here", file, node.Line, key)
		}
	}
	return layer, nil
}

// yamlLine gives the line that an error names; 1 where it names none.
func yamlLine(err error) int {
	text := err.Error()
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok && len(wrong.Errors) > 0 {
		text = wrong.Errors[0]
	}
	_, rest, _ := strings.Cut(text, "line ")
	digits, _, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// get gives a setting; false where the file does not have it.
func (l cloudLayer) get(key string) (yaml.Node, bool) {
	node, ok := l.keys[key]
	return deref(node), ok
}

// deref follows one alias, which cannot lead to another.
func deref(node yaml.Node) yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return *node.Alias
	}
	return node
}

// confDir is the directory whose files add to the main one.
func (l cloudLayer) confDir(main string) string {
	if node, ok := l.get(confD); ok && node.Kind == yaml.ScalarNode && strings.HasPrefix(node.Value, "/") {
		return strings.TrimSpace(node.Value)
	}
	return main + ".d"
}

// first gives a setting of the file that wins, and that file. Of a list there is no more: the
// default merger (DEF_MERGE_TYPE of cloudinit/mergers/__init__.py) neither replaces nor adds to it.
func first(layers []cloudLayer, key string) (yaml.Node, string) {
	for _, l := range layers {
		if node, ok := l.get(key); ok {
			return node, l.file
		}
	}
	return yaml.Node{}, ""
}

// hasModule tells whether a list of modules names one, as "mounts", [mounts, always] or {name: mounts}
// (Modules._read_modules of cloudinit/config/modules.py).
func hasModule(layers []cloudLayer, list, module string) bool {
	node, _ := first(layers, list)
	for _, item := range items(node) {
		name := item.Value
		switch {
		case item.Kind == yaml.SequenceNode && len(item.Content) > 0:
			name = deref(*item.Content[0]).Value
		case item.Kind == yaml.MappingNode:
			name = pairs(item)["name"].Value
		}
		name = strings.ReplaceAll(strings.TrimSpace(name), "-", "_")
		if strings.TrimPrefix(strings.TrimSuffix(name, ".py"), "cc_") == module {
			return true
		}
	}
	return false
}

// items gives what a list holds, aliases followed; nothing of what is no list.
func items(node yaml.Node) []yaml.Node {
	if node.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]yaml.Node, 0, len(node.Content))
	for _, item := range node.Content {
		list = append(list, deref(*item))
	}
	return list
}

// pairs gives what a mapping holds by its plain keys, and what its merge key (<<) adds of one
// other; nothing of what is no mapping.
func pairs(node yaml.Node) map[string]yaml.Node {
	m := map[string]yaml.Node{}
	if node.Kind != yaml.MappingNode {
		return m
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		m[node.Content[i].Value] = deref(*node.Content[i+1])
	}
	if more := m["<<"]; more.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(more.Content); i += 2 {
			if key := more.Content[i].Value; m[key].Kind == 0 {
				m[key] = deref(*more.Content[i+1])
			}
		}
	}
	return m
}

// mergeSwap gives the section swap of all files. Mappings are merged key by key, the file
// that wins first (mergemanydict of cloudinit/util.py, Merger._on_dict of mergers/m_dict.py);
// a section that is false, null or a number stays as it is, and makes no swap (handle_swapcfg of
// cloudinit/config/cc_mounts.py, which also has the default name and the default size, none),
// and a list or text gives way to a mapping.
func mergeSwap(layers []cloudLayer) *CloudSwap {
	var merged *CloudSwap
	seen := map[string]bool{}
	for _, l := range layers {
		node, ok := l.get(swapKey)
		if !ok {
			continue
		}
		if merged == nil || len(seen) == 0 {
			merged = &CloudSwap{Filename: "/swap.img", File: l.file, Line: node.Line}
		}
		if node.Kind != yaml.MappingNode {
			text := node.Kind == yaml.SequenceNode || node.Tag == "!!str"
			if len(seen) == 0 && !text {
				return merged
			}
			continue
		}
		seen[swapKey] = true
		for key, value := range pairs(node) {
			if !seen["."+key] {
				seen["."+key] = true
				merged.set(key, value, l.file)
			}
		}
	}
	return merged
}

func (s *CloudSwap) set(key string, value yaml.Node, file string) {
	text := value.Value
	if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
		text = ""
	}
	switch key {
	case "filename":
		s.Filename = text
	case "maxsize":
		s.MaxSize = text
	case "size":
		s.Size, s.File, s.Line = text, file, value.Line
		s.Auto = text == "auto"
		s.Bytes = cloudBytes(value)
	}
}

// cloudBytes reads a size: a number of bytes, or text with B, K, M, G or T, each a power of
// 1,024, in capitals (human2bytes of cloudinit/util.py). It gives 0 for what cloud-init
// refuses, and for less than the MiB that it rounds down to. Only newer ones take KiB and
// the like, so that this counts as refused.
func cloudBytes(value yaml.Node) uint64 {
	var n float64
	switch value.Tag {
	case "!!int": // YAML's numbers may be octal, or have underscores
		var whole uint64
		if value.Decode(&whole) != nil {
			return 0
		}
		n = float64(whole)
	case "!!str", "!!float":
		text, factor := strings.TrimSuffix(value.Value, "B"), 1.0
		if at := len(text) - 1; at >= 0 && strings.IndexByte("KMGT", text[at]) >= 0 {
			factor = math.Pow(1024, float64(1+strings.IndexByte("KMGT", text[at])))
			text = text[:at]
		}
		if strings.ContainsAny(text, "xXpP") { // Python knows no such floats
			return 0
		}
		number, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return 0
		}
		n = number * factor
	}
	if !(n >= 1<<20) || n >= 1<<60 {
		return 0
	}
	return uint64(n)
}

// swapMounts finds the entries of mounts whose third field is swap.
func swapMounts(layers []cloudLayer) []CloudMount {
	var list []CloudMount
	node, file := first(layers, mountsKey)
	for _, entry := range items(node) {
		fields := items(entry)
		if len(fields) >= 3 && len(list) < mostSwapfiles && fields[2].Value == "swap" {
			list = append(list, CloudMount{Device: fields[0].Value, File: file, Line: entry.Line})
		}
	}
	return list
}

// configCommands finds the commands of runcmd or bootcmd that are about swap. Each is a text
// for the shell, or a list of words.
func configCommands(layers []cloudLayer, key string) []BootCommand {
	var list []BootCommand
	if key == runCmd { // scripts run with the commands of runcmd
		for _, l := range layers {
			list = append(list, scriptCommands(l.file, l.script, 0)...)
		}
	}
	const mostWords = 100_000 // a list may be there by aliases many times
	words := 0
	node, file := first(layers, key)
	for _, item := range items(node) {
		parts := items(item)
		if words += len(parts); words > mostWords {
			break
		}
		if item.Kind == yaml.ScalarNode {
			start := item.Line - 1
			if item.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				start++
			}
			list = append(list, scriptCommands(file, item.Value, start)...)
			continue
		}
		texts := make([]string, 0, len(parts))
		for _, p := range parts {
			texts = append(texts, p.Value)
		}
		list = append(list, scriptCommands(file, strings.Join(texts, " "), item.Line-1)...)
	}
	return list[:min(len(list), mostSwapfiles)]
}
