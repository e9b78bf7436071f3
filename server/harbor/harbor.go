// Package harbor has the shapes of Harbor's pluggable scanner API, version 1.2, and
// makes its reports of ours. It is pure: routes and storage are the server's.
// https://github.com/goharbor/pluggable-scanner-spec
package harbor

import (
	"cmp"
	"encoding/json"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// The media types of the API. TypeNative is the report as older versions of Harbor
// ask for it; both have the same shape.
const (
	TypeMetadata     = "application/vnd.scanner.adapter.metadata+json; version=1.1"
	TypeScanResponse = "application/vnd.scanner.adapter.scan.response+json; version=1.0"
	TypeError        = "application/vnd.scanner.adapter.error+json; version=1.0"
	TypeReport       = "application/vnd.security.vulnerability.report; version=1.1"
	TypeNative       = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
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
		Type       string `json:"type"`
		Parameters struct {
			SBOMMediaTypes []string `json:"sbom_media_types"`
		} `json:"parameters"`
	} `json:"enabled_capabilities"`
}

// Able reports whether what is asked for can be done: an image or an index of
// some, and a capability that there is. Without any, all are meant.
func (q *Request) Able() bool {
	switch q.Artifact.MimeType {
	case "", ociManifest, dockerManifest, "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json":
	default:
		return false
	}
	able := len(q.Capabilities) == 0
	for _, c := range q.Capabilities {
		switch c.Type {
		case "", "vulnerability": // what it was before there were types
			able = true
		case "sbom":
			able = true
			for _, media := range c.Parameters.SBOMMediaTypes {
				if media != SPDX && media != CycloneDX {
					return false
				}
			}
		}
	}
	return able
}

const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// Negotiate finds what an Accept header asks for among the reports: TypeReport,
// which is meant without one, TypeNative or TypeSBOM; "" for anything else.
func Negotiate(accept string) string {
	if strings.TrimSpace(accept) == "" {
		return TypeReport
	}
	for one := range strings.SplitSeq(accept, ",") {
		media, parameters, err := mime.ParseMediaType(one)
		if err != nil {
			continue
		}
		for _, known := range []string{TypeReport, TypeNative, TypeSBOM} {
			its, _, _ := strings.Cut(known, ";")
			if media == its && (parameters["version"] == "" || strings.HasSuffix(known, "="+parameters["version"])) {
				return known
			}
		}
		if media == "*/*" || media == "application/*" || media == "application/json" {
			return TypeReport
		}
	}
	return ""
}

// An ErrorResponse is the shape of every error.
type ErrorResponse struct {
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
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

// CVSS is the score Harbor shows, of version 3 or 2.
type CVSS struct {
	Score   float64 `json:"score_v3,omitempty"`
	Score2  float64 `json:"score_v2,omitempty"`
	Vector  string  `json:"vector_v3,omitempty"`
	Vector2 string  `json:"vector_v2,omitempty"`
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
	images := []string{ociManifest, dockerManifest}
	m := Metadata{
		Scanner: s,
		Capabilities: []Capability{
			{Type: "vulnerability", Consumes: images, Produces: []string{TypeNative, TypeReport}},
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

// FromReport lists the findings that are not suppressed, each id once for a version
// of a package, as Harbor's database has them. An advisory goes by its CVE if it has
// just one, for Harbor's allowlists hold CVEs. Secrets and other findings without a
// package have their path in the place of one.
func FromReport(r *fnvet.Report, a Artifact, s Scanner) Report {
	out := Report{GeneratedAt: r.Scan.Started, Artifact: a, Scanner: s, Severity: "Unknown", Vulnerabilities: []Vulnerability{}}
	worst, seen := -1, map[[3]string]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Suppressed != nil {
			continue
		}
		if f.Severity.Rank() > worst {
			worst, out.Severity = f.Severity.Rank(), severity(f.Severity)
		}
		v := vulnerability(f)
		if key := [3]string{v.ID, v.Package, v.Version}; !seen[key] {
			seen[key] = true
			out.Vulnerabilities = append(out.Vulnerabilities, v)
		}
	}
	return out
}

func vulnerability(f *fnvet.Finding) Vulnerability {
	v := Vulnerability{
		ID: f.ID, Package: cmp.Or(f.Path, "-"), Severity: severity(f.Severity), Description: f.Title, Links: slices.Clone(f.References),
		Attributes: map[string]any{"kind": f.Kind, "blocks": f.Blocks},
	}
	if v.Links == nil {
		v.Links = []string{}
	}
	if p := f.Package; p != nil {
		v.Package, v.Version, v.FixVersion = p.Name, p.Version, strings.Join(p.Fixed, ", ")
		if p.Upgrade != nil {
			v.FixVersion = p.Upgrade.Version
		}
		v.Links = append(v.Links, "https://osv.dev/vulnerability/"+f.ID)
		v.Attributes["purl"] = p.PURL
		if id := onlyCVE(f); id != "" {
			v.ID, v.Attributes["advisory"] = id, f.ID
		}
	}
	if len(f.Aliases) > 0 {
		v.Attributes["aliases"] = f.Aliases
	}
	if f.CVSS != nil {
		switch {
		case strings.HasPrefix(f.CVSS.Vector, "CVSS:3."):
			v.CVSS = &CVSS{Score: f.CVSS.Score, Vector: f.CVSS.Vector}
		case strings.HasPrefix(f.CVSS.Vector, "CVSS:"): // Harbor has no field for version 4
			v.Attributes["cvss"] = f.CVSS
		default:
			v.CVSS = &CVSS{Score2: f.CVSS.Score, Vector2: f.CVSS.Vector}
		}
	}
	return v
}

// onlyCVE is the one CVE among the names of an advisory that is none itself.
func onlyCVE(f *fnvet.Finding) (id string) {
	if strings.HasPrefix(f.ID, "CVE-") {
		return ""
	}
	for _, alias := range f.Aliases {
		if strings.HasPrefix(alias, "CVE-") {
			if id != "" {
				return ""
			}
			id = alias
		}
	}
	return id
}
