package change

// Edit is the replacement of a small text file, whole or not at all. At every instant
// the file has its old content or its new one.
type Edit struct {
	Path string
	// Was is the content that the edit was made for; nil where there is no file. Where
	// the file has changed since, the edit errs.
	Was []byte
	// Now is the new content; nil removes the file.
	Now []byte
	// Backup is a file that keeps Was; empty for none.
	Backup string
}

// BackupOf gives the name of the copy that an edit keeps of a file as it was before.
func BackupOf(path string) string { return path + ".vmguard-before" }
