// A program for containers in tests. Its first argument says how it behaves.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	switch mode(1) {
	case "obey": // ends on SIGTERM
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		fmt.Println("ready")
		<-term
	case "deaf": // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "eat": // on SIGUSR1, takes memory until it is killed
		begin := make(chan os.Signal, 1)
		signal.Notify(begin, syscall.SIGUSR1)
		fmt.Println("ready")
		<-begin
		var hoard [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			hoard = append(hoard, b)
		}
	case "exit": // ends with a code after a text
		fmt.Println(mode(3))
		code, _ := strconv.Atoi(mode(2))
		os.Exit(code)
	}
}

func mode(i int) string {
	if len(os.Args) > i {
		return os.Args[i]
	}
	return ""
}
