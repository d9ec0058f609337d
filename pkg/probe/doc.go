// Package probe measures how long an idle connection lives, and how it dies. It opens several
// connections at the same time, lets each be idle for another length of time, then uses it, and
// writes down what happened as a Trace; Classify makes a verdict of a trace.
//
// The engine owns dialling, TLS, deadlines and the counting of bytes. A Protocol only speaks:
// it knows nothing of verdicts, and the engine nothing of IMAP or HTTP.
package probe
