package change

// Method is how the blocks of a file are had.
type Method string

// The methods.
const (
	// Auto is Fallocate where the filesystem can, else Write.
	Auto Method = "auto"
	// Fallocate reserves the blocks without writing them (fallocate(2)).
	Fallocate Method = "fallocate"
	// Write writes zeroes, as large as the file is.
	Write Method = "write"
)
