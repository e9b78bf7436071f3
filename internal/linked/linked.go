// Package linked names what a Go binary is linked from by short hashes, so that
// a walk can hand on the symbols of large binaries. Whoever makes the hashes and
// whoever asks for them must agree on the spelling, which is here.
package linked

import "slices"

// Symbol is the name of a function or method as Go's advisories write it:
// package "net/http", symbol "Transport.RoundTrip".
func Symbol(pkg, symbol string) uint64 { return hash(pkg, ".", symbol) }

// Package is the name of a package of which something is linked.
func Package(pkg string) uint64 { return hash(pkg, "", "") }

// Below is the name of a path that has packages below it.
func Below(path string) uint64 { return hash(path, "/", "") }

// Has asks sorted names for one.
func Has(names []uint64, name uint64) bool {
	_, ok := slices.BinarySearch(names, name)
	return ok
}

// hash is FNV-1a with 64 bits.
func hash(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range parts {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return h
}
