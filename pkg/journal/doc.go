// Package journal reads systemd's journal. It has no other door than journalctl: the
// files' form is systemd's own, and who may read what is decided there.
//
// Running journalctl (Source) is apart from what its words mean (words.go), from the form
// of a record (ParseRecord) and of an engine's message (ParseMessage); the last three are
// pure. Source.EngineLog joins them: what the engine's own log says of a container.
package journal
