package attest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Bounds on what is read: bytes of a file of envelopes, envelopes in it.
const (
	maxBytes     = 512 << 20
	maxEnvelopes = 1000
)

// An Envelope is a signed statement whose signature nobody has checked yet.
type Envelope struct{ raw dsse.Envelope }

// ReadEnvelopes reads DSSE envelopes: one JSON object, or several, a line each
// or run together. None is an error.
func ReadEnvelopes(data []byte) ([]Envelope, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("attestations of %d bytes are larger than %d", len(data), maxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	var out []Envelope
	for {
		var e dsse.Envelope
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("attestation %d: %w", len(out)+1, err)
		}
		if e.PayloadType == "" || e.Payload == "" {
			return nil, fmt.Errorf("attestation %d: not a DSSE envelope", len(out)+1)
		}
		if len(out) == maxEnvelopes {
			return nil, fmt.Errorf("more than %d attestations", maxEnvelopes)
		}
		out = append(out, Envelope{e})
	}
	if len(out) == 0 {
		return nil, errors.New("no attestation")
	}
	return out, nil
}

// A Verifier is a public key.
type Verifier interface {
	dsse.Verifier
}

// Open checks the signature of an envelope and gives its statement. Key ids are
// not looked at: they are hints, and other tools form them otherwise.
func (e *Envelope) Open(ctx context.Context, key Verifier) (*Statement, error) {
	if e.raw.PayloadType != PayloadType {
		return nil, fmt.Errorf("payload type %q is not %s", e.raw.PayloadType, PayloadType)
	}
	plain := e.raw
	plain.Signatures = slices.Clone(e.raw.Signatures)
	for i := range plain.Signatures {
		plain.Signatures[i].KeyID = ""
	}
	verifier, err := dsse.NewEnvelopeVerifier(key)
	if err != nil {
		return nil, err
	}
	_, payload, err := verifier.VerifyAndDecode(ctx, &plain)
	if err != nil {
		return nil, errSignature
	}
	var s Statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	if s.Type != StatementType {
		return nil, fmt.Errorf("type %q is not %s", s.Type, StatementType)
	}
	return &s, nil
}

// about reports whether one of the subjects has one of the digests ("sha256:…").
func (s *Statement) about(digests []string) bool {
	return slices.ContainsFunc(s.Subject, func(sub Subject) bool {
		return slices.ContainsFunc(digests, func(d string) bool {
			alg, sum, ok := strings.Cut(d, ":")
			return ok && sum != "" && strings.EqualFold(sub.Digest[alg], sum)
		})
	})
}

// subjects are the digests that a statement is about, for people; there may be many.
func (s *Statement) subjects() string {
	var out []string
	for _, sub := range s.Subject {
		for _, alg := range slices.Sorted(maps.Keys(sub.Digest)) {
			if len(out) == 3 {
				return strings.Join(out, ", ") + " and more"
			}
			out = append(out, alg+":"+sub.Digest[alg])
		}
	}
	return cmp.Or(strings.Join(out, ", "), "nothing")
}

// kind names what a signed statement says; of one that is not signed nothing is told.
func (s *Statement) kind() string {
	switch {
	case s == nil:
		return ""
	case s.PredicateType == VerdictType:
		return " (verdict)"
	case s.PredicateType == VulnerabilityType:
		return " (vulnerabilities)"
	case s.PredicateType == CycloneDXType:
		return " (SBOM)"
	}
	return ""
}

// A Result is what the attestations prove.
type Result struct {
	Verdict *Verdict // the latest one of the artifact, or nil
	Others  []string // other predicate types that are signed and about the artifact
	// Refused says of each attestation that does not count why not.
	Refused []string
}

// Errors of Check.
var (
	ErrUnsigned = errors.New("no attestation is signed by this key")
	ErrOther    = errors.New("no attestation is about this artifact")
	ErrVerdict  = errors.New("no attestation holds a verdict")
	ErrOld      = errors.New("the verdict is too old")
	ErrFuture   = errors.New("the verdict is from the future")
)

// Options are what Check asks beside a signature.
type Options struct {
	Now    time.Time
	MaxAge time.Duration // of the scan; 0: any
}

// skew is how far clocks may differ.
const skew = 5 * time.Minute

// Check verifies attestations of an artifact by its digests ("sha256:…", hex). The
// latest verdict by the time of its scan is the one that counts. An error (one of
// those above) means that no verdict may be relied on; a verdict that fails the
// gate is no error.
func Check(ctx context.Context, envelopes []Envelope, key Verifier, digests []string, o Options) (*Result, error) {
	res := &Result{}
	signed, own := false, false
	for i := range envelopes {
		s, err := envelopes[i].Open(ctx, key)
		if err == nil {
			signed = true
			if !s.about(digests) {
				err = fmt.Errorf("it is about %s, not %s", s.subjects(), strings.Join(digests, " or "))
			}
		}
		if err == nil {
			own = true
			err = res.add(s)
		}
		if err != nil {
			res.Refused = append(res.Refused, fmt.Sprintf("attestation %d%s: %v", i+1, s.kind(), err))
		}
	}
	switch {
	case !signed:
		return res, ErrUnsigned
	case !own:
		return res, ErrOther
	case res.Verdict == nil:
		return res, ErrVerdict
	}
	started := res.Verdict.Scan.Started
	switch {
	case o.MaxAge > 0 && o.Now.Sub(started) > o.MaxAge:
		return res, ErrOld
	case !o.Now.IsZero() && started.Sub(o.Now) > skew:
		return res, ErrFuture
	}
	return res, nil
}

// add takes a statement that is signed and about the artifact.
func (r *Result) add(s *Statement) error {
	if s.PredicateType != VerdictType {
		r.Others = append(r.Others, s.PredicateType)
		return nil
	}
	var v Verdict
	if err := json.Unmarshal(s.Predicate, &v); err != nil {
		return fmt.Errorf("verdict: %w", err)
	}
	if err := v.consistent(s); err != nil {
		return err
	}
	if r.Verdict == nil || v.Scan.Started.After(r.Verdict.Scan.Started) {
		r.Verdict = &v
	}
	return nil
}

// consistent holds the digests that a verdict repeats against its subject.
func (v *Verdict) consistent(s *Statement) error {
	if !s.about([]string{v.Artifact.Digest}) {
		return errors.New("verdict: its digest is not that of its subject")
	}
	if c := v.Artifact.CodeSHA256; c != "" {
		raw, err := base64.StdEncoding.DecodeString(c)
		if err != nil || "sha256:"+hex.EncodeToString(raw) != strings.ToLower(v.Artifact.Digest) {
			return errors.New("verdict: its code_sha256 is not its digest")
		}
	}
	if v.Verdict.Pass != (v.Verdict.Code == 0) {
		return errors.New("verdict: pass and code contradict one another")
	}
	return nil
}
