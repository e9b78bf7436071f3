// Package vex reads statements that say whether a product is affected by a
// vulnerability (OpenVEX, CycloneDX VEX, CSAF 2.0), applies them to the findings
// of a report, and writes what a report knows as OpenVEX.
//
// It is pure: it opens no files and asks no network. It believes what it is
// given; whether a document's author is to be believed is its user's choice.
// What a statement is about must be certain: a product that cannot be told to be
// the package or the artifact is not it.
package vex

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// ErrUnknown is returned for bytes that are no VEX document of a kind Read knows.
var ErrUnknown = errors.New("not an OpenVEX, CycloneDX or CSAF document")

// maxDocument is the largest document that Read takes, in bytes.
const maxDocument = 256 << 20

// A Status says how a product stands to a vulnerability, in the words of OpenVEX.
type Status string

// The statuses. Only NotAffected and Fixed suppress.
const (
	NotAffected        Status = "not_affected"
	Affected           Status = "affected"
	Fixed              Status = "fixed"
	UnderInvestigation Status = "under_investigation"
)

// A Document is a list of statements.
type Document struct {
	Format     string // openvex, cyclonedx or csaf
	ID         string // as the document states it
	statements []statement
}

// Len is the number of statements.
func (d *Document) Len() int { return len(d.statements) }

// A statement is about some vulnerabilities in some products.
type statement struct {
	ids           []string // names of one vulnerability
	products      []product
	status        Status
	justification string
	text          string
	time          time.Time
}

// A product is a package, an artifact, or a package in an artifact: what is set
// must match.
type product struct{ artifact, pkg *identity }

// An identity is how a document names something.
type identity struct {
	purl   string
	id     string // the document's own, or ""
	sha256 []string
}

// Read reads a document: OpenVEX 0.0.1 to 0.2, CycloneDX 1.4 to 1.7 JSON with
// vulnerabilities, CSAF 2.0. Anything else is ErrUnknown; a document that breaks
// its format is another error.
func Read(data []byte) (*Document, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("VEX document of %d bytes is larger than %d", len(data), maxDocument)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var probe struct {
		Context   string          `json:"@context"`
		BOMFormat string          `json:"bomFormat"`
		Document  json.RawMessage `json:"document"`
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		if _, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("VEX document: %w", err)
		}
		return nil, ErrUnknown
	}
	switch {
	case strings.HasPrefix(probe.Context, "https://openvex.dev/ns"):
		return readOpenVEX(data)
	case probe.BOMFormat == "CycloneDX":
		return readCycloneDX(data)
	case probe.Document != nil:
		return readCSAF(data)
	}
	return nil, ErrUnknown
}

// Apply suppresses, by "vex", the vulnerabilities that the documents say the
// artifact or the package is not affected by, or in which it is fixed. Of several
// statements about a finding the latest holds; of the same time, the one that
// does not suppress. It returns the number of findings it suppressed.
func Apply(r *fnvet.Report, docs []*Document) int {
	byID := map[string][]*statement{}
	for _, d := range docs {
		for i := range d.statements {
			for _, id := range d.statements[i].ids {
				byID[strings.ToUpper(id)] = append(byID[strings.ToUpper(id)], &d.statements[i])
			}
		}
	}
	n := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Kind != fnvet.Vulnerability || f.Package == nil || f.Suppressed != nil {
			continue
		}
		s := latest(r, f, byID)
		if s != nil && s.suppresses() {
			f.Suppressed = &fnvet.Suppressed{By: "vex", Reason: s.reason()}
			n++
		}
	}
	return n
}

func (s *statement) suppresses() bool { return s.status == NotAffected || s.status == Fixed }

// reason is "status", "status: justification" or "status: justification: text".
func (s *statement) reason() string {
	parts := []string{string(s.status)}
	for _, p := range []string{s.justification, short(s.text)} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
}

// short keeps a text to one line of bearable length.
func short(s string) string {
	const most = 300
	if s = strings.Join(strings.Fields(s), " "); len(s) <= most {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// latest is the statement that holds for a finding, or nil.
func latest(r *fnvet.Report, f *fnvet.Finding, byID map[string][]*statement) *statement {
	var about []*statement
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		for _, s := range byID[strings.ToUpper(id)] {
			if s.isAbout(r, f) {
				about = append(about, s)
			}
		}
	}
	if len(about) == 0 {
		return nil
	}
	return slices.MaxFunc(about, func(a, b *statement) int {
		return cmp.Or(a.time.Compare(b.time), cmp.Compare(rank(a), rank(b)))
	})
}

// rank prefers what does not suppress.
func rank(s *statement) int {
	if s.suppresses() {
		return 0
	}
	return 1
}

func (s *statement) isAbout(r *fnvet.Report, f *fnvet.Finding) bool {
	return slices.ContainsFunc(s.products, func(p product) bool {
		return (p.artifact != nil || p.pkg != nil) &&
			(p.artifact == nil || p.artifact.isArtifact(&r.Artifact)) &&
			(p.pkg == nil || p.pkg.isPackage(f.Package.PURL))
	})
}
