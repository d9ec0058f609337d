package host

// ParseSwapHeader is for tests that compare it with what package swap reads.
var ParseSwapHeader = parseSwapHeader
