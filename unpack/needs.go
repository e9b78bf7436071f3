package unpack

import (
	"os"
	"path/filepath"
)

// Needs names what Walk must be able to read for a target, and whether it needs
// the network, so that a caller may forbid everything else first.
func Needs(target string, _ Options) (readable []string, network bool) {
	if target == "-" {
		return nil, false
	}
	if _, err := os.Stat(target); err != nil {
		return nil, false
	}
	if real, err := filepath.EvalSymlinks(target); err == nil {
		target = real
	}
	if abs, err := filepath.Abs(target); err == nil {
		target = abs
	}
	return []string{target}, false
}
