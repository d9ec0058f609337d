// Package oom reads from a kernel log which processes the OOM killer killed, whose
// memory had run out, and how memory stood.
//
// Reading (ReadKmsg, ReadRecords, Scan) is apart from the form of a record or a line
// (ParseRecord, ParseLine), from the kernel's wording (line.go, dumpline.go, memline.go,
// tasktable.go), from the joining of its lines (Parser) and of several logs (Merge); all
// but the first are pure. The wording is that of 2.6.32 to 6.18. ContainerID and OwnerOf
// say who a cgroup belongs to.
package oom
