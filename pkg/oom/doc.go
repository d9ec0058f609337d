// Package oom reads from a kernel log which processes the OOM killer killed, and whose
// memory had run out.
//
// Reading (ReadKmsg, ReadRecords), the form of a record (ParseRecord), the kernel's
// wording (line.go) and the joining of its lines (Parser) are apart; all but the first
// are pure. ContainerID says which container a cgroup belongs to.
package oom
