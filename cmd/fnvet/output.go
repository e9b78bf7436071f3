package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// writeFile replaces a file with what write writes: whole or not at all.
func writeFile(path string, write func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(path); statErr == nil && !info.Mode().IsRegular() {
		return writeThrough(path, write) // a device or a pipe
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".fnvet-*")
	if bad, ok := errors.AsType[*os.PathError](err); ok { // the user named path, not a temporary file
		return fmt.Errorf("%s: %w", path, bad.Err)
	} else if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	if err := errors.Join(write(tmp), tmp.Chmod(0o644), tmp.Close()); err != nil { // #nosec G302 -- a report is for others to read
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // #nosec G304 -- the user names the file
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// parseSize reads a number of bytes with an optional unit: 512MiB, 4GiB, 1000000.
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		bytes  int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64/u.bytes {
			break
		}
		return n * u.bytes, nil
	}
	return 0, fmt.Errorf("%q is not a size such as 512MiB", s)
}
