// Package lab serves faults on a local socket: an IMAP server behind a path that treats connections
// as the boxes of the Internet do, with one Scenario for each way. A scenario states the verdict that
// a probe must give of it.
//
// The path is a layer between the server and its sockets, below TLS. It sees the bytes that pass and
// the time between them, and needs neither root nor a network of its own.
package lab
