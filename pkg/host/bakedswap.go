package host

// BakedSwap is a swapfile that lies in the file tree, in use or not.
type BakedSwap struct {
	Path string `json:"path"`
	Size uint64 `json:"sizeBytes"`
}

func bakedSwapReadings(Source) []reading { return nil }
