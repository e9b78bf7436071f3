package sbom

import (
	"bytes"
	"net/url"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/fnvet/fnvet"
)

// writeVDR writes the inventory with its vulnerabilities and malware: a
// Vulnerability Disclosure Report in CycloneDX.
func writeVDR(b *bytes.Buffer, inv *inventory) error {
	inv.disclose = true
	return writeCycloneDX(b, inv, cdx.BOMFileFormatJSON, cdx.SpecVersion1_6)
}

// vulnerabilities gives one entry for each advisory and package of the findings,
// in their order.
func (inv *inventory) vulnerabilities() *[]cdx.Vulnerability {
	refs := map[string][]string{}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		key := refKey(p.PURL, p.Ecosystem, p.Name, p.Version)
		refs[key] = append(refs[key], inv.refs[i])
	}
	out := []cdx.Vulnerability{}
	seen := map[string]bool{}
	for i := range inv.Findings {
		f := &inv.Findings[i]
		if f.Kind != fnvet.Vulnerability && f.Kind != fnvet.Malware || f.Package == nil {
			continue
		}
		key := refKey(f.Package.PURL, f.Package.Ecosystem, f.Package.Name, f.Package.Version)
		affects := []cdx.Affects{}
		for _, ref := range refs[key] {
			affects = append(affects, cdx.Affects{Ref: ref})
		}
		if id := f.ID + "\x00" + key; len(affects) > 0 && !seen[id] {
			seen[id] = true
			out = append(out, inv.vulnerability(f, affects))
		}
	}
	return &out
}

func refKey(parts ...string) string { return strings.Join(parts, "\x00") }

func (inv *inventory) vulnerability(f *fnvet.Finding, affects []cdx.Affects) cdx.Vulnerability {
	v := cdx.Vulnerability{
		BOMRef: "vulnerability:" + f.ID + "|" + affects[0].Ref, ID: f.ID, Description: f.Title,
		Recommendation: f.Remediation, Affects: &affects, Analysis: analysis(f),
		Source: &cdx.Source{Name: "OSV", URL: "https://osv.dev/vulnerability/" + url.PathEscape(f.ID)},
	}
	rating := cdx.VulnerabilityRating{Severity: cdxSeverity(f.Severity)}
	if f.CVSS != nil {
		score := f.CVSS.Score
		rating.Score, rating.Vector, rating.Method = &score, f.CVSS.Vector, scoringMethod(f.CVSS.Vector)
	}
	v.Ratings = &[]cdx.VulnerabilityRating{rating}
	if len(f.Aliases) > 0 {
		var also []cdx.VulnerabilityReference
		for _, a := range f.Aliases {
			also = append(also, cdx.VulnerabilityReference{ID: a, Source: &cdx.Source{Name: "OSV"}})
		}
		v.References = &also
	}
	var links []cdx.Advisory
	for _, r := range f.References {
		if u, err := url.Parse(r); err == nil && (u.Scheme == "https" || u.Scheme == "http") && !strings.ContainsFunc(r, unprintable) {
			links = append(links, cdx.Advisory{URL: u.String()})
		}
	}
	if len(links) > 0 {
		v.Advisories = &links
	}
	v.Properties = disclosed(f)
	return v
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// disclosed is what the format has no field for.
func disclosed(f *fnvet.Finding) *[]cdx.Property {
	var props []cdx.Property
	put := func(name, value string) { props = append(props, cdx.Property{Name: "fnvet:" + name, Value: value}) }
	if f.EPSS != nil {
		put("epss", strconv.FormatFloat(*f.EPSS, 'g', -1, 64))
	}
	if f.KEV {
		put("kev", "true")
	}
	if f.Reachable != "" {
		put("reachable", string(f.Reachable))
	}
	for _, v := range f.Package.Fixed {
		put("fixed", v)
	}
	if s := f.Suppressed; s != nil {
		put("suppressed-by", s.By)
		if s.Expires != "" {
			put("suppressed-until", s.Expires)
		}
	}
	if props == nil {
		return nil
	}
	return &props
}

func cdxSeverity(s fnvet.Severity) cdx.Severity {
	switch s {
	case fnvet.Critical, fnvet.High, fnvet.Medium, fnvet.Low, fnvet.Info:
		return cdx.Severity(s)
	default:
		return cdx.SeverityUnknown
	}
}

func scoringMethod(vector string) cdx.ScoringMethod {
	switch {
	case strings.HasPrefix(vector, "CVSS:4"):
		return cdx.ScoringMethodCVSSv4
	case strings.HasPrefix(vector, "CVSS:3.1"):
		return cdx.ScoringMethodCVSSv31
	case strings.HasPrefix(vector, "CVSS:3"):
		return cdx.ScoringMethodCVSSv3
	case strings.HasPrefix(vector, "AV:"):
		return cdx.ScoringMethodCVSSv2
	}
	return cdx.ScoringMethodOther
}

// analysis says what is known of how the artifact stands to a vulnerability: what
// a VEX document said, and that the handler cannot reach it. A risk that someone
// accepted is no analysis; its reason is given as detail alone.
func analysis(f *fnvet.Finding) *cdx.VulnerabilityAnalysis {
	if f.Kind != fnvet.Vulnerability {
		return nil
	}
	if f.Suppressed == nil {
		if f.Reachable != fnvet.ReachNo {
			return nil
		}
		return &cdx.VulnerabilityAnalysis{
			State: cdx.IASNotAffected, Justification: cdx.IAJCodeNotReachable, Detail: "fnvet found no way from the handler to the package",
		}
	}
	reason := f.Suppressed.Reason
	if f.Suppressed.By != "vex" {
		if reason == "" {
			return nil
		}
		return &cdx.VulnerabilityAnalysis{Detail: reason}
	}
	if rest, fixed := strings.CutPrefix(reason, "fixed"); fixed {
		return &cdx.VulnerabilityAnalysis{State: cdx.IASResolved, Detail: strings.TrimPrefix(rest, ": ")}
	}
	a := &cdx.VulnerabilityAnalysis{State: cdx.IASNotAffected, Detail: strings.TrimPrefix(strings.TrimPrefix(reason, "not_affected"), ": ")}
	label, _, _ := strings.Cut(a.Detail, ":")
	switch {
	case slices.Contains([]string{"component_not_present", "vulnerable_code_not_present"}, label):
		a.Justification = cdx.IAJCodeNotPresent
	case label == "vulnerable_code_not_in_execute_path":
		a.Justification = cdx.IAJCodeNotReachable
	case label == "inline_mitigations_already_exist":
		a.Justification = cdx.IAJProtectedByMitigatingControl
	}
	return a
}
