package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// eaterVariable makes this test binary a program that enters the cgroup of that
// directory and takes memory until it is killed.
const eaterVariable = "VMGUARD_TEST_EATS_IN"

// playEater is the program that is killed.
func playEater(dir string) {
	debug.SetGCPercent(-1)
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0); err != nil {
		panic(err)
	}
	var eaten [][]byte
	for {
		piece := make([]byte, 1<<20)
		for at := 0; at < len(piece); at += 4096 {
			piece[at] = 1
		}
		eaten = append(eaten, piece)
		if len(eaten) > 1<<10 {
			panic("a GiB, and still alive")
		}
	}
}

// limitedCgroup makes a cgroup with a limit in bytes, and removes it after the test. It
// gives its directory and the name of its file of counters.
func limitedCgroup(t *testing.T, bytes int) (dir, counters string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a memory cgroup and to read the kernel's log")
	}
	name := fmt.Sprintf("vmguard-oom-%d", time.Now().UnixNano())
	limit := "memory.limit_in_bytes"
	dir, counters = "/sys/fs/cgroup/memory/"+name, "memory.oom_control"
	if data, err := os.ReadFile("/sys/fs/cgroup/cgroup.subtree_control"); err == nil && strings.Contains(string(data), "memory") {
		dir, limit, counters = "/sys/fs/cgroup/"+name, "memory.max", "memory.events"
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("needs a memory cgroup: %v", err)
	}
	t.Cleanup(func() {
		// The last victim may still be on its way out.
		for deadline := time.Now().Add(10 * time.Second); ; {
			err := os.Remove(dir)
			if err == nil || !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
				if err != nil {
					t.Errorf("remove %s: %v", dir, err)
				}
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, limit), []byte(strconv.Itoa(bytes)), 0); err != nil {
		t.Fatal(err)
	}
	// Where the machine has swap, it must not delay the kill.
	_ = os.WriteFile(filepath.Join(dir, "memory.swap.max"), []byte("0"), 0)
	_ = os.WriteFile(filepath.Join(dir, "memory.memsw.limit_in_bytes"), []byte(strconv.Itoa(bytes)), 0)
	return dir, counters
}

// killSome starts n eaters in the cgroup, and gives their process IDs once all were killed.
func killSome(t *testing.T, dir string, n int) []int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	eaters := make([]*exec.Cmd, n)
	pids := make([]int, n)
	for i := range eaters {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), eaterVariable+"="+dir, "GOMAXPROCS=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eaters[i], pids[i] = cmd, cmd.Process.Pid
	}
	for _, cmd := range eaters {
		err := cmd.Wait()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatalf("an eater ended by itself: %v", err)
		}
		if status, ok := exit.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL || ctx.Err() != nil {
			t.Fatalf("an eater was not killed: %v", err)
		}
	}
	slices.Sort(pids)
	return pids
}

// TestFollowRealKills follows this machine's log while processes are killed in a cgroup:
// one, then a storm of 50, of which the kernel logs no more than the kill lines. Each is
// reported once, and counted and logged kills agree, also once dmesg is cleared.
func TestFollowRealKills(t *testing.T) {
	dir, counters := limitedCgroup(t, 32<<20)
	defer goleak.VerifyNone(t)
	file, err := openKmsg("/dev/kmsg")
	if err != nil {
		t.Skipf("needs the kernel's log: %v", err)
	}
	defer file.Close()
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan Kill, 1000)
	ended := make(chan error, 1)
	go func() {
		log, err := follow(ctx, file, summaryWaits, func(k Kill) { reported <- k })
		if log.Records == 0 || len(log.Kills) != 0 {
			t.Errorf("at the end: %+v", log)
		}
		ended <- err
	}()
	alone := killSome(t, dir, 1)
	awaitKills(t, reported, ended, alone)
	storm := killSome(t, dir, 50)
	awaitKills(t, reported, ended, storm)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
	for len(reported) > 0 {
		if kill := <-reported; slices.Contains(alone, kill.PID) || slices.Contains(storm, kill.PID) {
			t.Errorf("process %d was reported twice", kill.PID)
		}
	}
	checkCounters(t, dir, counters, len(alone)+len(storm))
}

// awaitKills waits until each of the processes was reported.
func awaitKills(t *testing.T, reported <-chan Kill, ended <-chan error, pids []int) {
	t.Helper()
	missing := slices.Clone(pids)
	timeout := time.After(30 * time.Second)
	for len(missing) > 0 {
		select {
		case kill := <-reported:
			at := slices.Index(missing, kill.PID)
			switch {
			case at >= 0:
				missing = slices.Delete(missing, at, at+1)
			case slices.Contains(pids, kill.PID):
				t.Errorf("process %d was reported twice", kill.PID)
			}
			if slices.Contains(pids, kill.PID) && (kill.TotalVM == nil || kill.Scope != ScopeCgroup) {
				t.Errorf("not all is known of %+v", kill)
			}
		case err := <-ended:
			t.Fatalf("the following ended: %v", err)
		case <-timeout:
			t.Fatalf("of %d kills, those of %v were not reported", len(pids), missing)
		}
	}
}

// checkCounters reconciles the cgroup's own counter with the log, before and after what
// dmesg --clear does. That moves the place where syslog(2) reads from, and nothing else:
// /dev/kmsg still gives every record (devkmsg_open in kernel/printk/printk.c).
func checkCounters(t *testing.T, dir, counters string, want int) {
	t.Helper()
	const clearLog = 5 // SYSLOG_ACTION_CLEAR, syslog(2)
	for _, when := range []string{"before", "after"} {
		data, err := os.ReadFile(filepath.Join(dir, counters))
		if err != nil {
			t.Fatal(err)
		}
		_, number, ok := strings.Cut("\n"+string(data), "\noom_kill ")
		if !ok {
			t.Skip("needs a kernel that counts a cgroup's kills (4.13)")
		}
		counted, err := strconv.ParseUint(strings.Fields(number)[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		log, err := ReadKmsg(t.Context(), "/dev/kmsg")
		if err != nil {
			t.Fatal(err)
		}
		// Of a storm the kernel logs few summaries, so most are of no cgroup that the log tells.
		got := ReconcileCgroup(&counted, log, "", "/"+filepath.Base(dir), true)
		if counted != uint64(want) || got.Missing == nil || *got.Missing != 0 ||
			got.Logged+got.Unattributed < counted {
			t.Errorf("%s dmesg was cleared: %d kills were made: %+v (counted %d)", when, want, got, counted)
		}
		if _, err := unix.Klogctl(clearLog, nil); err != nil {
			t.Skipf("cannot clear the log: %v", err)
		}
	}
}

// TestFollowKmsg follows by the device's name, which says nothing of when it has begun: so
// processes are killed until a kill is reported. Its time is the wall clock's, its boot this one.
func TestFollowKmsg(t *testing.T) {
	dir, _ := limitedCgroup(t, 32<<20)
	defer goleak.VerifyNone(t)
	clock, err := ReadBootClock()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan Kill, 1000)
	ended := make(chan error, 1)
	go func() {
		_, err := Follow(ctx, "/dev/kmsg", func(k Kill) { reported <- k })
		ended <- err
	}()
	before := time.Now()
	var made []int
	for found := false; !found; {
		made = append(made, killSome(t, dir, 1)...)
		select {
		case kill := <-reported:
			found = slices.Contains(made, kill.PID)
			if found && (kill.Boot != clock.Boot || kill.At.Before(before) || kill.At.After(time.Now())) {
				t.Errorf("of boot %s, begun at %v: %+v", clock.Boot, before, kill)
			}
		case err := <-ended:
			t.Skipf("needs the kernel's log: %v", err)
		case <-time.After(5 * time.Second):
			if len(made) > 5 {
				t.Fatalf("none of the kills of %v was reported", made)
			}
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
}
