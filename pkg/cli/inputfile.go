package cli

import (
	"context"
	"fmt"
	"io"
	"os"
)

// maxInput is more than any file of certificates or timeouts is long, in bytes.
const maxInput = 1 << 20

// readInput reads a file that the user named. It errs on more than maxInput bytes.
func readInput(ctx context.Context, name string) ([]byte, error) {
	return until(ctx, func() ([]byte, error) {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		data, err := io.ReadAll(io.LimitReader(file, maxInput+1))
		if err == nil && len(data) > maxInput {
			err = fmt.Errorf("%s holds more than %d MiB", name, maxInput>>20)
		}
		return data, err
	})
}

// until waits for a reading until ctx ends. A terminal, or a pipe that nobody writes to, holds up a reading, or even the
// opening, which no context can end: it is left behind then.
func until[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := read()
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
