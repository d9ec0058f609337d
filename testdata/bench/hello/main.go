// Command hello is the least that a Go program can do: what starting a process costs.
package main

import "os"

func main() {
	_, _ = os.Stdout.WriteString("hello, world\n") // nobody is told if nobody listens
}
