package vex

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// justifications maps those of CycloneDX to those of OpenVEX, where they mean the same.
var justifications = map[cdx.ImpactAnalysisJustification]string{
	cdx.IAJCodeNotPresent:               "vulnerable_code_not_present",
	cdx.IAJCodeNotReachable:             "vulnerable_code_not_in_execute_path",
	cdx.IAJProtectedAtRuntime:           "inline_mitigations_already_exist",
	cdx.IAJProtectedAtPerimeter:         "inline_mitigations_already_exist",
	cdx.IAJProtectedByMitigatingControl: "inline_mitigations_already_exist",
	cdx.IAJProtectedByCompiler:          "inline_mitigations_already_exist",
}

// readCycloneDX reads the vulnerabilities of a BOM and how they were analysed.
// What they affect are components of the same document, or package URLs.
func readCycloneDX(data []byte) (*Document, error) {
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return nil, fmt.Errorf("CycloneDX: %w", err)
	}
	d := &Document{Format: "cyclonedx", ID: bom.SerialNumber}
	refs := map[string]*identity{}
	root := ""
	stamp := ""
	if m := bom.Metadata; m != nil {
		stamp = m.Timestamp
		if m.Component != nil {
			root = m.Component.BOMRef
			collect(refs, []cdx.Component{*m.Component})
		}
	}
	collect(refs, deref(bom.Components))
	for i, v := range deref(bom.Vulnerabilities) {
		s, ok := cdxStatement(&v)
		if !ok {
			continue
		}
		var err error
		if s.time, err = newest(cmp.Or(v.Analysis.LastUpdated, v.Updated, v.Published, stamp)); err != nil {
			return nil, fmt.Errorf("CycloneDX: vulnerability %d: time: %w", i+1, err)
		}
		for _, a := range deref(v.Affects) {
			s.products = append(s.products, affected(&a, refs, root)...)
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

func deref[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}

func collect(refs map[string]*identity, components []cdx.Component) {
	for i := range components {
		c := &components[i]
		id := &identity{purl: c.PackageURL, id: c.BOMRef}
		for _, h := range deref(c.Hashes) {
			if h.Algorithm == cdx.HashAlgoSHA256 {
				id.sha256 = append(id.sha256, h.Value)
			}
		}
		if c.BOMRef != "" {
			refs[c.BOMRef] = id
		}
		collect(refs, deref(c.Components))
	}
}

// cdxStatement translates one analysis; false for those without a state.
func cdxStatement(v *cdx.Vulnerability) (s statement, ok bool) {
	if v.Analysis == nil || v.ID == "" {
		return s, false
	}
	switch v.Analysis.State {
	case cdx.IASNotAffected, cdx.IASFalsePositive:
		s.status = NotAffected
	case cdx.IASResolved, cdx.IASResolvedWithPedigree:
		s.status = Fixed
	case cdx.IASExploitable:
		s.status = Affected
	case cdx.IASInTriage:
		s.status = UnderInvestigation
	default:
		return s, false
	}
	s.justification = cmp.Or(justifications[v.Analysis.Justification], string(v.Analysis.Justification))
	s.text = v.Analysis.Detail
	s.ids = []string{v.ID}
	for _, r := range deref(v.References) {
		if r.ID != "" {
			s.ids = append(s.ids, r.ID)
		}
	}
	return s, true
}

// affected is what one entry is about. The versions it lists narrow it; ranges
// are not read and match nothing.
func affected(a *cdx.Affects, refs map[string]*identity, root string) []product {
	ref := a.Ref
	if strings.HasPrefix(ref, "urn:cdx:") {
		_, ref, _ = strings.Cut(ref, "#")
	}
	id := refs[ref]
	if id == nil {
		if !isPURL(ref) {
			return nil
		}
		id = &identity{purl: ref}
	}
	if ref == root && root != "" {
		return []product{{artifact: id}}
	}
	id = &identity{purl: id.purl, id: id.id} // hashes are of files, findings have package URLs
	if a.Range == nil {
		return []product{{pkg: id}}
	}
	var out []product
	for _, v := range *a.Range {
		if v.Version != "" && v.Status != cdx.VulnerabilityStatusNotAffected {
			out = append(out, product{pkg: withVersion(id, v.Version)})
		}
	}
	return out
}
