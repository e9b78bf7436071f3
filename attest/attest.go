// Package attest binds what a scan said to the bytes it said it of: in-toto
// statements about an artifact's digest, signed as DSSE envelopes, kept in a
// file or beside an image in its registry, and verified before a deploy.
//
// It opens no files and neither scans nor judges; the only network it asks is
// the registry it is given. A signature says who vouches for a report, not that
// the report is right.
package attest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/fnvet/fnvet"
)

// Types of in-toto statements (github.com/in-toto/attestation, spec v1).
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PayloadType   = "application/vnd.in-toto+json"

	// VerdictType is this tool's own: Verdict is its shape.
	VerdictType = "https://github.com/fnvet/fnvet/verdict/v1"
	// VulnerabilityType is the vulnerability predicate, version 0.2.
	VulnerabilityType = "https://in-toto.io/attestation/vulns/v0.2"
	// CycloneDXType is a CycloneDX BOM as predicate.
	CycloneDXType = "https://cyclonedx.org/bom"
)

// A Statement says something (its predicate) about subjects.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// A Subject is named by digests, in hex by algorithm ("sha256").
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// A Verdict is the predicate of VerdictType: what the gate said of the subject.
type Verdict struct {
	Verdict fnvet.Verdict `json:"verdict"`
	// Artifact repeats the subject as scans name it; CodeSHA256 is the digest that
	// Lambda states of the function's code, in base64.
	Artifact struct {
		Name       string `json:"name"`
		Type       string `json:"type"`
		Digest     string `json:"digest"`
		CodeSHA256 string `json:"code_sha256,omitempty"`
		Size       int64  `json:"size"`
	} `json:"artifact"`
	Scan fnvet.Scan `json:"scan"`
}

// vulnerabilities is the predicate of VulnerabilityType.
type vulnerabilities struct {
	Scanner struct {
		URI     string `json:"uri"`
		Version string `json:"version"`
		DB      struct {
			URI        string `json:"uri,omitempty"`
			LastUpdate string `json:"lastUpdate,omitempty"`
		} `json:"db"`
		Result []vulnerability `json:"result"`
	} `json:"scanner"`
	Metadata struct {
		Started  time.Time `json:"scanStartedOn"`
		Finished time.Time `json:"scanFinishedOn"`
	} `json:"metadata"`
}

type vulnerability struct {
	ID          string              `json:"id"`
	Severity    []severity          `json:"severity"`
	Annotations []map[string]string `json:"annotations,omitempty"`
}

type severity struct {
	Method string `json:"method"`
	Score  string `json:"score"`
}

// ErrNoDigest is returned for reports of what has no digest of its own.
var ErrNoDigest = errors.New("the report names no digest to attest")

// NewStatement makes a statement about the artifact of a report.
func NewStatement(a *fnvet.Artifact, predicateType string, predicate any) (*Statement, error) {
	sum, ok := strings.CutPrefix(a.Digest, "sha256:")
	if !ok || len(sum) != 64 {
		return nil, ErrNoDigest
	}
	raw, err := json.Marshal(predicate)
	if err != nil {
		return nil, err
	}
	return &Statement{
		Type: StatementType, PredicateType: predicateType, Predicate: raw,
		Subject: []Subject{{Name: a.Name, Digest: map[string]string{"sha256": sum}}},
	}, nil
}

// VerdictOf states the verdict of a report.
func VerdictOf(r *fnvet.Report) (*Statement, error) {
	v := Verdict{Verdict: r.Verdict, Scan: r.Scan}
	v.Artifact.Name, v.Artifact.Type, v.Artifact.Digest = r.Artifact.Name, r.Artifact.Type, r.Artifact.Digest
	v.Artifact.CodeSHA256, v.Artifact.Size = r.Artifact.CodeSHA256, r.Artifact.Size
	return NewStatement(&r.Artifact, VerdictType, v)
}

// VulnerabilitiesOf states the vulnerabilities and malware of a report, each
// with the package it is in and whether it counts.
func VulnerabilitiesOf(r *fnvet.Report) (*Statement, error) {
	var p vulnerabilities
	p.Scanner.URI, p.Scanner.Version = "pkg:golang/github.com/fnvet/fnvet", r.Scan.Version
	p.Scanner.DB.LastUpdate = r.Scan.Database.Modified
	p.Scanner.Result = []vulnerability{}
	p.Metadata.Started = r.Scan.Started.UTC()
	p.Metadata.Finished = p.Metadata.Started.Add(time.Duration(r.Scan.DurationMS) * time.Millisecond)
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Kind != fnvet.Vulnerability && f.Kind != fnvet.Malware || f.Package == nil {
			continue
		}
		v := vulnerability{ID: f.ID, Severity: []severity{{"fnvet", string(f.Severity)}}}
		if f.CVSS != nil {
			v.Severity = append(v.Severity, severity{"cvss", fmt.Sprintf("%.1f", f.CVSS.Score)})
		}
		v.Annotations = append(v.Annotations, map[string]string{"package": f.Package.PURL})
		if f.Suppressed != nil {
			v.Annotations = append(v.Annotations, map[string]string{"suppressed": f.Suppressed.By + ": " + f.Suppressed.Reason})
		}
		p.Scanner.Result = append(p.Scanner.Result, v)
	}
	return NewStatement(&r.Artifact, VulnerabilityType, p)
}

// A Signer signs bytes. Key files and key management services both fit: Sign
// hashes as its algorithm wants. KeyID is a hint for verifiers and may be "".
type Signer interface {
	Sign(ctx context.Context, data []byte) ([]byte, error)
	KeyID() (string, error)
}

// Sign wraps a statement in a signed envelope: one line of JSON, without the
// line's end.
func Sign(ctx context.Context, s *Statement, key Signer) ([]byte, error) {
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(key)
	if err != nil {
		return nil, err
	}
	envelope, err := signer.SignPayload(ctx, PayloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return json.Marshal(envelope)
}
