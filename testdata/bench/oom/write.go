package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// noise is what a busy host writes. The words of the killer are in none of it, but parts of them are.
var noise = [...]struct{ program, message string }{
	{"kernel", "docker0: port %d(vethc28eef7) entered blocking state"},
	{"kernel", "[UFW BLOCK] IN=eth0 OUT= MAC=02:42:ac:11:00:02 SRC=203.0.113.%d DST=10.0.0.5 LEN=40 TOS=0x00 PROTO=TCP SPT=40%d DPT=22 WINDOW=1024 RES=0x00 SYN URGP=0"},
	{"systemd[1]", "Started Session %d of User deploy."},
	{"sshd[4711]", "Connection closed by invalid user admin 198.51.100.7 port 5%d [preauth]"},
	{"dockerd[812]", "time=\"2026-11-25T22:00:00Z\" level=info msg=\"ignoring event\" container=%d module=libcontainerd namespace=moby topic=/tasks/delete type=\"*events.TaskDelete\""},
	{"kernel", "audit: type=1400 audit(1764108000.%d:42): apparmor=\"DENIED\" operation=\"open\" profile=\"docker-default\" name=\"/proc/kmsg\" comm=\"node\" requested_mask=\"r\" denied_mask=\"r\" fsuid=1000 ouid=0"},
	{"app[99]", "GET /api/v1/items/%d 200 12ms - looking up the booking, it will still be killed on monday"},
	{"kernel", "TCP: request_sock_TCP: Possible SYN flooding on port 80%d. Sending cookies."},
}

// every is how many bytes of noise stand between two kills, whose dumps have about 4 KiB on average.
const every = 4 << 20

// logWriter writes lines of one form.
type logWriter struct {
	out     *bufio.Writer
	form    string
	written int64
	n       int
}

func (w *logWriter) line(program, message string) {
	w.n++
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(w.n) * 50 * time.Millisecond)
	boot := float64(w.n) / 20
	var text string
	switch w.form {
	case "json":
		transport, facility := "syslog", "3"
		if program == "kernel" {
			transport, facility = "kernel", "0"
		}
		object, _ := json.Marshal(map[string]string{ // texts always can be
			"__CURSOR": fmt.Sprintf("s=7e0;i=%d", w.n), "__REALTIME_TIMESTAMP": fmt.Sprint(at.UnixMicro()),
			"_BOOT_ID": "f0e1d2c3b4a5968778695a4b3c2d1e0f", "_HOSTNAME": "web", "_TRANSPORT": transport,
			"SYSLOG_FACILITY": facility, "SYSLOG_IDENTIFIER": program, "PRIORITY": "6",
			"_SOURCE_MONOTONIC_TIMESTAMP": fmt.Sprint(w.n * 50000), "MESSAGE": message,
		})
		text = string(object)
	case "dmesg":
		text = fmt.Sprintf("[%12.6f] %s", boot, message)
	default:
		text = at.Format(time.Stamp) + " web " + program + ": "
		if program == "kernel" {
			text += fmt.Sprintf("[%12.6f] ", boot)
		}
		text += message
	}
	w.written += int64(len(text)) + 1
	fmt.Fprintln(w.out, text)
}

// writeLog writes a log that is noise but for one part in a thousand: kills with dump by a cgroup's limit, of the
// whole host, and kill lines alone.
func writeLog(out io.Writer, form string, size int64) (kills int, err error) {
	w := &logWriter{out: bufio.NewWriterSize(out, 1<<20), form: form}
	for next := int64(every); w.written < size; {
		one := noise[w.n%len(noise)]
		message := one.message
		for strings.Contains(message, "%d") {
			message = strings.Replace(message, "%d", fmt.Sprint(w.n%256), 1)
		}
		w.line(one.program, message)
		if w.written >= next {
			w.kill(kills)
			kills++
			next = w.written + every
		}
	}
	return kills, w.out.Flush()
}

// kill writes one kill.
func (w *logWriter) kill(n int) {
	pid := 1000 + n%30000
	id := fmt.Sprintf("%064x", n)
	switch n % 3 {
	case 0:
		w.dump(pid)
		w.line("kernel", fmt.Sprintf("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=%s,mems_allowed=0,oom_memcg=/docker/%s,task_memcg=/docker/%s,task=app,pid=%d,uid=0", id, id, id, pid))
		w.line("kernel", killLine("Memory cgroup out of memory", pid))
	case 1:
		w.dump(pid)
		w.line("kernel", fmt.Sprintf("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/docker/%s,task=app,pid=%d,uid=0", id, pid))
		w.line("kernel", killLine("Out of memory", pid))
	default:
		w.line("kernel", killLine("Memory cgroup out of memory", pid))
	}
}

func killLine(reason string, pid int) string {
	return fmt.Sprintf("%s: Killed process %d (app) total-vm:1227264kB, anon-rss:32256kB, file-rss:1572kB, shmem-rss:0kB, UID:0 pgtables:156kB oom_score_adj:0", reason, pid)
}

func (w *logWriter) dump(pid int) {
	w.line("kernel", "app invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0")
	w.line("kernel", fmt.Sprintf("CPU: 0 UID: 0 PID: %d Comm: app Not tainted 6.18.44 #1 PREEMPT(none)", pid))
	w.line("kernel", "memory: usage 32768kB, limit 32768kB, failcnt 15683")
	w.line("kernel", "Tasks state (memory values in pages):")
	w.line("kernel", "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name")
	for i := range 30 {
		w.line("kernel", fmt.Sprintf("[%7d]     0 %5d   306816     %4d     8032      116         0   151552        0             0 app", pid+i, pid+i, 8457-i))
	}
}

// writeStorm writes kills one after the other.
func writeStorm(out io.Writer, kills int) error {
	w := &logWriter{out: bufio.NewWriter(out), form: "dmesg"}
	for n := range kills {
		if n%2 == 0 {
			id := fmt.Sprintf("%064x", n)
			w.line("kernel", fmt.Sprintf("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=%s,mems_allowed=0,oom_memcg=/docker/%s,task_memcg=/docker/%s,task=app,pid=%d,uid=0", id, id, id, 1000+n))
		}
		w.line("kernel", killLine("Memory cgroup out of memory", 1000+n))
	}
	return w.out.Flush()
}
