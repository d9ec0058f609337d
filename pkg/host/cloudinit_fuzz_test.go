package host

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzCloudConfig holds that whatever a file of configuration says, a file that wins over it
// has the last word on swap, and that what cannot be read names the file and a line of it.
func FuzzCloudConfig(f *testing.F) {
	f.Add("swap: {size: 1G}\nruncmd: [[swapon, -a], 'x']\nmounts: [[a, none, swap]]\n")
	f.Add("swap: false\n")
	f.Add("a: &a [b]\nruncmd: [*a, *a]\nswap: {<<: *a}\n")
	f.Add("\t")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		lower, err := parseCloudConfig("/lower", []byte(text))
		if err != nil {
			var line int
			if n, scan := fmt.Sscanf(err.Error(), "/lower:%d:", &line); n != 1 || scan != nil || line < 1 || line > strings.Count(text, "\n")+strings.Count(text, "\r")+strings.Count(text, "\u2028")+strings.Count(text, "\u2029")+strings.Count(text, "\u0085")+2 {
				t.Fatalf("%v", err)
			}
			return
		}
		upper, err := parseCloudConfig("/upper", []byte("swap: {filename: /mine, size: 5G}\nruncmd: []\nmounts: []\n"))
		if err != nil {
			t.Fatal(err)
		}
		layers := []cloudLayer{upper, lower}
		got := mergeSwap(layers)
		if got.Filename != "/mine" || got.Bytes != 5<<30 || got.File != "/upper" || got.Line != 1 {
			t.Fatalf("%+v", got)
		}
		if list := append(configCommands(layers, runCmd), configCommands(layers, "bootcmd?")...); len(list) > 0 || len(swapMounts(layers)) > 0 {
			t.Fatalf("%+v", list)
		}
		alone := mergeSwap(layers[1:])
		if alone.Makes() && !strings.Contains(text, "swap") && !strings.Contains(text, `\`) {
			t.Fatalf("%+v of %q", alone, text)
		}
		_ = append(configCommands(layers[1:], runCmd), configCommands(layers[1:], bootCmd)...)
	})
}

// FuzzSwapCommand holds that only words of the line are programs, that a comment changes
// nothing, and that a command that follows another is found.
func FuzzSwapCommand(f *testing.F) {
	f.Add("mkswap /s && swapon /s")
	f.Add("swapon --show # x")
	f.Fuzz(func(t *testing.T, line string) {
		got := swapCommand(line)
		if !strings.Contains(line, got.Program) || got.FromFstab && got.Off {
			t.Fatalf("%+v of %q", got, line)
		}
		if after := swapCommand(line + " # swapon -a"); after != got {
			t.Fatalf("%+v became %+v by a comment", got, after)
		}
		if before := swapCommand("vmguard swap enable; " + line); before.Program != "vmguard" {
			t.Fatalf("%+v before %q", before, line)
		}
	})
}

// FuzzAzureSwap holds that the last line of a key counts, and that comments do not.
func FuzzAzureSwap(f *testing.F) {
	f.Add("ResourceDisk.EnableSwap=n\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := parseAzureSwap("w", []byte(text+"\nResourceDisk.Format=y\nResourceDisk.SwapSizeMB=7\nResourceDisk.EnableSwap=y\n#ResourceDisk.EnableSwap=n\n"))
		if got == nil || got.SizeMB != 7 || got.Line != strings.Count(text, "\n")+4 {
			t.Fatalf("%+v", got)
		}
		if off := parseAzureSwap("w", []byte(text+"\nResourceDisk.Format=n\n")); off != nil {
			t.Fatalf("%+v", off)
		}
	})
}
