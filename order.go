package fnvet

import (
	"cmp"
	"slices"
)

// CompareFindings is the order of findings in a report: by kind, place, id,
// package, layer, resource, and at last by fingerprint.
func CompareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(slices.Index(Kinds[:], a.Kind), slices.Index(Kinds[:], b.Kind)),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(purlOf(&a), purlOf(&b)),
		cmp.Compare(a.Layer, b.Layer),
		cmp.Compare(a.Resource, b.Resource),
		cmp.Compare(a.Fingerprint, b.Fingerprint),
	)
}

func purlOf(f *Finding) string {
	if f.Package == nil {
		return ""
	}
	return f.Package.PURL
}
