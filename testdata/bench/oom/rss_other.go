//go:build !linux

package main

import "errors"

func maxRSS() (int64, error) { return 0, errors.ErrUnsupported }
