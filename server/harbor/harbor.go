// Package harbor has the shapes of Harbor's pluggable scanner API, version 1.2, and
// makes its reports of ours. It is pure: routes and storage are the server's.
// https://github.com/goharbor/pluggable-scanner-spec
package harbor

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// The media types of the API.
const (
	TypeMetadata     = "application/vnd.scanner.adapter.metadata+json; version=1.1"
	TypeScanResponse = "application/vnd.scanner.adapter.scan.response+json; version=1.0"
	TypeReport       = "application/vnd.security.vulnerability.report; version=1.1"
	TypeSBOM         = "application/vnd.security.sbom.report+json; version=1.0"
	SPDX             = "application/spdx+json"
	CycloneDX        = "application/vnd.cyclonedx+json"
)

// A Scanner names the program.
type Scanner struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor"`
	Version string `json:"version"`
}

// A Capability is something the scanner does for some media types.
type Capability struct {
	Type       string         `json:"type"`
	Consumes   []string       `json:"consumes_mime_types"`
	Produces   []string       `json:"produces_mime_types"`
	Additional map[string]any `json:"additional_attributes,omitempty"`
}

// Metadata says what the scanner is and can do.
type Metadata struct {
	Scanner      Scanner           `json:"scanner"`
	Capabilities []Capability      `json:"capabilities"`
	Properties   map[string]string `json:"properties"`
}

// An Artifact is what is to be scanned.
type Artifact struct {
	Repository string `json:"repository"`
	Digest     string `json:"digest"`
	Tag        string `json:"tag,omitempty"`
	MimeType   string `json:"mime_type,omitempty"`
}

// A Request asks for a scan.
type Request struct {
	Registry struct {
		URL           string `json:"url"`
		Authorization string `json:"authorization"` // not read: see the server
	} `json:"registry"`
	Artifact     Artifact `json:"artifact"`
	Capabilities []struct {
		Type     string   `json:"type"`
		Produces []string `json:"produces_mime_types"`
	} `json:"enabled_capabilities"`
}

// A Vulnerability is one finding.
type Vulnerability struct {
	ID          string         `json:"id"`
	Package     string         `json:"package"`
	Version     string         `json:"version"`
	FixVersion  string         `json:"fix_version,omitempty"`
	Severity    string         `json:"severity"`
	Description string         `json:"description"`
	Links       []string       `json:"links"`
	CVSS        *CVSS          `json:"preferred_cvss,omitempty"`
	Attributes  map[string]any `json:"vendor_attributes,omitempty"`
}

// CVSS is the score Harbor shows.
type CVSS struct {
	Score  float64 `json:"score_v3"`
	Vector string  `json:"vector_v3"`
}

// A Report lists what was found.
type Report struct {
	GeneratedAt     time.Time       `json:"generated_at"`
	Artifact        Artifact        `json:"artifact"`
	Scanner         Scanner         `json:"scanner"`
	Severity        string          `json:"severity"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
}

// An SBOMReport wraps a document.
type SBOMReport struct {
	GeneratedAt time.Time       `json:"generated_at"`
	Artifact    Artifact        `json:"artifact"`
	Scanner     Scanner         `json:"scanner"`
	Attributes  map[string]any  `json:"vendor_attributes"`
	MediaType   string          `json:"media_type"`
	SBOM        json.RawMessage `json:"sbom"`
}

// Describe is the metadata of this scanner; updated is when the advisories are of.
func Describe(s Scanner, updated time.Time) Metadata {
	images := []string{"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
	m := Metadata{
		Scanner: s,
		Capabilities: []Capability{
			{Type: "vulnerability", Consumes: images, Produces: []string{TypeReport}},
			{Type: "sbom", Consumes: images, Produces: []string{TypeSBOM}, Additional: map[string]any{"sbom_media_types": []string{SPDX, CycloneDX}}},
		},
		Properties: map[string]string{"harbor.scanner-adapter/scanner-type": "os-package-vulnerability"},
	}
	if !updated.IsZero() {
		m.Properties["harbor.scanner-adapter/vulnerability-database-updated-at"] = updated.UTC().Format(time.RFC3339)
	}
	return m
}

// severity is ours in Harbor's words.
func severity(s fnvet.Severity) string {
	switch s {
	case fnvet.Critical:
		return "Critical"
	case fnvet.High:
		return "High"
	case fnvet.Medium:
		return "Medium"
	case fnvet.Low:
		return "Low"
	case fnvet.Info:
		return "Negligible"
	default:
		return "Unknown"
	}
}

// FromReport lists the findings that are not suppressed. Secrets and other findings
// without a package have their path in the place of one.
func FromReport(r *fnvet.Report, a Artifact, s Scanner) Report {
	out := Report{GeneratedAt: r.Scan.Started, Artifact: a, Scanner: s, Severity: "Unknown", Vulnerabilities: []Vulnerability{}}
	worst := -1
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Suppressed != nil {
			continue
		}
		v := Vulnerability{
			ID: f.ID, Package: cmp.Or(f.Path, "-"), Severity: severity(f.Severity), Description: f.Title, Links: slices.Clone(f.References),
			Attributes: map[string]any{"kind": f.Kind, "blocks": f.Blocks},
		}
		if v.Links == nil {
			v.Links = []string{}
		}
		if p := f.Package; p != nil {
			v.Package, v.Version = p.Name, p.Version
			if p.Upgrade != nil {
				v.FixVersion = p.Upgrade.Version
			} else {
				v.FixVersion = strings.Join(p.Fixed, ", ")
			}
			v.Links = append(v.Links, "https://osv.dev/vulnerability/"+f.ID)
		}
		if len(f.Aliases) > 0 {
			v.Attributes["aliases"] = f.Aliases
		}
		if f.CVSS != nil {
			v.CVSS = &CVSS{f.CVSS.Score, f.CVSS.Vector}
		}
		if f.Severity.Rank() > worst {
			worst, out.Severity = f.Severity.Rank(), v.Severity
		}
		out.Vulnerabilities = append(out.Vulnerabilities, v)
	}
	return out
}
