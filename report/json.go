package report

import (
	"bytes"
	"encoding/json"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/escape"
)

// writeJSON is the public contract: one object for one target, an array for several.
func writeJSON(b *bytes.Buffer, reports []*fnvet.Report, o Options) error {
	full := make([]*fnvet.Report, len(reports))
	for i, r := range reports {
		full[i] = normalise(r)
	}
	var v any = full
	if len(full) == 1 && !o.Several {
		v = full[0]
	}
	return encode(b, v)
}

// encode writes v as indented JSON without HTML escapes and without unseen runes.
func encode(b *bytes.Buffer, v any) error {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Grow(raw.Len() * 3 / 2)
	b.Write(escape.AppendIndented(b.AvailableBuffer(), raw.Bytes()))
	return nil
}

// normalise copies r with every list that the contract always shows present,
// empty instead of null.
func normalise(r *fnvet.Report) *fnvet.Report {
	c := *r
	c.Artifact.Layers = list(c.Artifact.Layers)
	c.Scan.Database.Ecosystems = list(c.Scan.Database.Ecosystems)
	c.Gaps = list(c.Gaps)
	c.Verdict.Reasons = list(c.Verdict.Reasons)
	c.Packages = append([]fnvet.Package{}, c.Packages...)
	for i := range c.Packages {
		p := &c.Packages[i]
		p.Licenses, p.Locations = list(p.Licenses), list(p.Locations)
	}
	c.Findings = append([]fnvet.Finding{}, c.Findings...)
	for i := range c.Findings {
		if p := c.Findings[i].Package; p != nil && p.Fixed == nil {
			ref := *p
			ref.Fixed = []string{}
			c.Findings[i].Package = &ref
		}
	}
	return &c
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
