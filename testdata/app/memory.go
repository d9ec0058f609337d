package main

import (
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

const mebibyte = 1 << 20

// eaten keeps what was taken from being collected.
type eaten [][]byte

// take adds a MiB and touches its pages, so that the kernel has to find them.
func (e *eaten) take() {
	block := make([]byte, mebibyte)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	*e = append(*e, block)
}

func eat(args []string) error {
	want, err := strconv.Atoi(argument(args, 0, "1024"))
	if err != nil {
		return err
	}
	var memory eaten
	for len(memory) < want {
		memory.take()
		// Slow enough for an engine to have seen the container start before the kernel ends it.
		time.Sleep(time.Millisecond)
	}
	say("ate %d MiB", len(memory))
	err = hold(nil)
	memory.take() // never reached: the memory is in use until then
	return err
}

// eatLater eats when it is told to, so that whoever watches has seen it run before.
func eatLater(args []string) error {
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	say("ready")
	<-begin
	return eat(args)
}

// spawnEat makes a child that is the kernel's first choice, and lives on without it.
func spawnEat(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, "eat", argument(args, 0, "1024"))
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		return err
	}
	// To raise one's own kind's score needs no privilege.
	score := "/proc/" + strconv.Itoa(child.Process.Pid) + "/oom_score_adj"
	if err := os.WriteFile(score, []byte("1000"), 0); err != nil {
		return err
	}
	say("child ended: %v", child.Wait())
	return hold(nil)
}
