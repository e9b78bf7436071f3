package scan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
)

// fingerprint sets Finding.Fingerprint to 128 bits over what makes a finding
// itself: rule, place inside the artifact, package, resource, salt. Not over the
// artifact's name, its digest, lines or columns, so that it stays the same on
// another machine, in the next build and after unrelated edits. Findings that
// are alike in all of that are numbered in the order of their lines.
func fingerprint(artifact string, findings []fnvet.Finding) {
	order := make([]int, len(findings))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &findings[a], &findings[b]
		return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column), cmp.Compare(x.Layer, y.Layer))
	})
	seen := make(map[string]int, len(findings))
	for _, i := range order {
		f := &findings[i]
		key := identity(artifact, f)
		n := seen[key]
		seen[key]++
		if n > 0 {
			key += "\x00" + strconv.Itoa(n)
		}
		sum := sha256.Sum256([]byte(key))
		f.Fingerprint = hex.EncodeToString(sum[:16])
	}
}

func identity(artifact string, f *fnvet.Finding) string {
	inner := strings.TrimPrefix(f.Path, artifact+"!/")
	parts := []string{"fnvet/1", string(f.Kind), f.ID, inner, f.Resource, f.Salt}
	if f.Package != nil {
		// The package is the thing; where it lies may change from build to build.
		parts = []string{"fnvet/1", string(f.Kind), f.ID, f.Package.Ecosystem, f.Package.Name, f.Package.Version}
	}
	if f.Secret != nil {
		parts = append(parts, f.Secret.Source, f.Secret.Name)
	}
	for _, step := range f.Flow {
		parts = append(parts, step.Note)
	}
	return strings.Join(parts, "\x00")
}
