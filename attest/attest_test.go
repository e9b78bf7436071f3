package attest_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/attest"
)

var started = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// report is of a zip with some bytes.
func report(content string, code int) *fnvet.Report {
	sum := sha256.Sum256([]byte(content))
	r := &fnvet.Report{
		Schema:   fnvet.Schema,
		Artifact: fnvet.Artifact{Name: "fn.zip", Type: "zip", Digest: "sha256:" + hexOf(sum[:]), CodeSHA256: base64.StdEncoding.EncodeToString(sum[:])},
		Scan:     fnvet.Scan{Version: "1.2.3", Started: started, DurationMS: 1500},
		Findings: []fnvet.Finding{
			{ID: "GHSA-1", Kind: fnvet.Vulnerability, Severity: fnvet.High, CVSS: &fnvet.CVSS{Score: 7.5}, Package: &fnvet.PackageRef{PURL: "pkg:npm/a@1"}},
			{ID: "secret/x", Kind: fnvet.SecretKind, Evidence: "AKIA****"},
		},
		Verdict: fnvet.Verdict{Pass: code == 0, Code: code, Reasons: []string{}},
	}
	return r
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

func encode(t testing.TB, typ string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

// pair writes a key and its public key as PEM.
func pair(t testing.TB, key crypto.Signer) (private, public []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	private = encode(t, "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(key.Public())
	return private, encode(t, "PUBLIC KEY", der, err)
}

func ed(t testing.TB) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ec(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parse(t testing.TB, data []byte) *attest.Key {
	t.Helper()
	k, err := attest.ParseKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signed is the verdict of a report in a signed envelope.
func signed(t testing.TB, r *fnvet.Report, key *attest.Key) []byte {
	t.Helper()
	s, err := attest.VerdictOf(r)
	if err != nil {
		t.Fatal(err)
	}
	line, err := attest.Sign(t.Context(), s, key)
	if err != nil {
		t.Fatal(err)
	}
	return append(line, '\n')
}

func check(t testing.TB, data []byte, key *attest.Key, digest string, o attest.Options) (*attest.Result, error) {
	t.Helper()
	envelopes, err := attest.ReadEnvelopes(data)
	if err != nil {
		t.Fatal(err)
	}
	return attest.Check(t.Context(), envelopes, key, []string{digest}, o)
}

func TestEveryKind(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256 := ec(t, elliptic.P256())
	sec1, err := x509.MarshalECPrivateKey(p256)
	withParameters := append(encode(t, "EC PARAMETERS", []byte{6, 0}, nil), encode(t, "EC PRIVATE KEY", sec1, err)...)
	public := func(k crypto.Signer) []byte { _, p := pair(t, k); return p }
	private := func(k crypto.Signer) []byte { p, _ := pair(t, k); return p }
	e := ed(t)
	p384, p521 := ec(t, elliptic.P384()), ec(t, elliptic.P521())
	for _, tt := range []struct {
		why             string
		private, public []byte
	}{
		{"Ed25519", private(e), public(e)},
		{"P-256", private(p256), public(p256)},
		{"P-256, SEC 1 with parameters", withParameters, public(p256)},
		{"P-384", private(p384), public(p384)},
		{"P-521", private(p521), public(p521)},
		{"RSA", private(strong), public(strong)},
		{"RSA, PKCS #1", encode(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(strong), nil), encode(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&strong.PublicKey), nil)},
	} {
		r := report("bytes", 0)
		line := signed(t, r, parse(t, tt.private))
		for _, key := range [][]byte{tt.public, tt.private} {
			res, err := check(t, line, parse(t, key), r.Artifact.Digest, attest.Options{})
			if err != nil || !res.Verdict.Verdict.Pass {
				t.Errorf("%s: %v", tt.why, err)
			}
		}
		_, other := pair(t, ed(t))
		if _, err := check(t, line, parse(t, other), r.Artifact.Digest, attest.Options{}); !errors.Is(err, attest.ErrUnsigned) {
			t.Errorf("%s: another key: %v", tt.why, err)
		}
		if _, err := parse(t, tt.public).Sign(t.Context(), nil); err == nil {
			t.Errorf("%s: a public key signs", tt.why)
		}
	}
	for _, tt := range []struct {
		why, msg string
		key      []byte
	}{
		{"too weak", "1024 bits is too weak", private(weak)},
		{"weak public", "1024 bits is too weak", public(weak)},
		{"another curve", "curve P-224", private(ec(t, elliptic.P224()))},
		{"encrypted PKCS #8", "the key is encrypted", encode(t, "ENCRYPTED PRIVATE KEY", []byte{1}, nil)},
		{"encrypted by another tool", "the key is encrypted", encode(t, "ENCRYPTED SIGSTORE PRIVATE KEY", []byte{1}, nil)},
		{"encrypted, old style", "the key is encrypted", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte{1}})},
		{"OpenSSH", "openssl genpkey", encode(t, "OPENSSH PRIVATE KEY", []byte{1}, nil)},
		{"certificate", "not a key", encode(t, "CERTIFICATE", []byte{1}, nil)},
		{"damaged", "private key", encode(t, "PRIVATE KEY", []byte{1}, nil)},
		{"no PEM", "no key in PEM", []byte("hello")},
		{"empty", "no key in PEM", nil},
	} {
		k, err := attest.ParseKey(tt.key)
		if err == nil || k != nil || !strings.Contains(err.Error(), tt.msg) {
			t.Errorf("%s: %v, %v", tt.why, k, err)
		}
	}
}

func TestCheck(t *testing.T) {
	private, _ := pair(t, ed(t))
	key := parse(t, private)
	good := report("bytes", 0)
	mine := good.Artifact.Digest
	later := report("bytes", 1)
	later.Scan.Started = started.Add(time.Hour)
	vulns, err := attest.VulnerabilitiesOf(good)
	if err != nil {
		t.Fatal(err)
	}
	other, err := attest.Sign(t.Context(), vulns, key)
	if err != nil {
		t.Fatal(err)
	}
	lying := report("bytes", 0)
	lying.Artifact.CodeSHA256 = base64.StdEncoding.EncodeToString(make([]byte, 32))
	contrary := report("bytes", 1)
	contrary.Verdict.Pass = true
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, tt := range []struct {
		why  string
		data []byte
		o    attest.Options
		want error
		code int
	}{
		{"passes", signed(t, good, key), attest.Options{}, nil, 0},
		{"the latest counts", join(signed(t, later, key), signed(t, good, key)), attest.Options{}, nil, 1},
		{"whatever the order", join(signed(t, good, key), signed(t, later, key)), attest.Options{}, nil, 1},
		{"of another artifact", signed(t, report("other", 0), key), attest.Options{}, attest.ErrOther, 0},
		{"no verdict", other, attest.Options{}, attest.ErrVerdict, 0},
		{"beside others", join(other, signed(t, good, key)), attest.Options{}, nil, 0},
		{"young enough", signed(t, good, key), attest.Options{Now: started.Add(time.Hour), MaxAge: time.Hour}, nil, 0},
		{"too old", signed(t, good, key), attest.Options{Now: started.Add(time.Hour + 1), MaxAge: time.Hour}, attest.ErrOld, 0},
		{"of tomorrow", signed(t, good, key), attest.Options{Now: started.Add(-time.Hour)}, attest.ErrFuture, 0},
		{"another CodeSha256", signed(t, lying, key), attest.Options{}, attest.ErrVerdict, 0},
		{"contradicts itself", signed(t, contrary, key), attest.Options{}, attest.ErrVerdict, 0},
	} {
		res, err := check(t, tt.data, key, mine, tt.o)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.why, err, tt.want)
		}
		if tt.want == nil && res.Verdict.Verdict.Code != tt.code {
			t.Errorf("%s: code %d", tt.why, res.Verdict.Verdict.Code)
		}
	}
	directory := report("x", 0)
	directory.Artifact.Digest = ""
	if _, err := attest.VerdictOf(directory); !errors.Is(err, attest.ErrNoDigest) {
		t.Error(err)
	}
}

// Whatever bit of an envelope is changed, it either proves nothing or says the
// same as before.
func TestEveryBitCounts(t *testing.T) {
	private, _ := pair(t, ed(t))
	key := parse(t, private)
	r := report("bytes", 1)
	line := signed(t, r, key)
	refused := 0
	for i := range line {
		for bit := range 8 {
			changed := bytes.Clone(line)
			changed[i] ^= 1 << bit
			envelopes, err := attest.ReadEnvelopes(changed)
			if err != nil {
				refused++
				continue
			}
			res, err := attest.Check(t.Context(), envelopes, key, []string{r.Artifact.Digest}, attest.Options{})
			switch {
			case err != nil:
				refused++
			case res.Verdict.Verdict.Code != 1 || res.Verdict.Artifact.Digest != r.Artifact.Digest:
				t.Fatalf("byte %d, bit %d: %+v", i, bit, res.Verdict)
			}
		}
	}
	if refused < 8*len(line)/2 {
		t.Errorf("only %d of %d changes were refused", refused, 8*len(line))
	}
}

// A signature is of the payload's type too.
func TestTypesAreSigned(t *testing.T) {
	private, _ := pair(t, ed(t))
	key := parse(t, private)
	r := report("bytes", 0)
	var e map[string]any
	if err := json.Unmarshal(signed(t, r, key), &e); err != nil {
		t.Fatal(err)
	}
	e["payloadType"] = "application/json"
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(t, data, key, r.Artifact.Digest, attest.Options{}); !errors.Is(err, attest.ErrUnsigned) {
		t.Error(err)
	}
	s, err := attest.VerdictOf(r)
	if err != nil {
		t.Fatal(err)
	}
	s.Type = "https://in-toto.io/Statement/v0.1"
	line, err := attest.Sign(t.Context(), s, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(t, line, key, r.Artifact.Digest, attest.Options{}); !errors.Is(err, attest.ErrUnsigned) {
		t.Error(err)
	}
}

func TestSecretsAreNotAttested(t *testing.T) {
	private, _ := pair(t, ed(t))
	r := report("bytes", 1)
	for _, f := range []func(*fnvet.Report) (*attest.Statement, error){attest.VerdictOf, attest.VulnerabilitiesOf} {
		s, err := f(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(s.Predicate, []byte("AKIA")) {
			t.Errorf("%s tells of secrets", s.PredicateType)
		}
		if _, err := attest.Sign(t.Context(), s, parse(t, private)); err != nil {
			t.Error(err)
		}
	}
}

// An attestation beside an image, in a registry with and without the Referrers API.
func TestRegistry(t *testing.T) {
	for _, tt := range []struct {
		why string
		api bool
	}{{"Referrers API", true}, {"fallback tag", false}} {
		t.Run(tt.why, func(t *testing.T) {
			server := httptest.NewServer(registry.New(registry.WithReferrersSupport(tt.api), registry.Logger(log.New(io.Discard, "", 0))))
			defer server.Close()
			reference := strings.TrimPrefix(server.URL, "http://") + "/shop/orders:1"
			ref, err := name.ParseReference(reference)
			if err != nil {
				t.Fatal(err)
			}
			image, err := random.Image(64, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(ref, image); err != nil {
				t.Fatal(err)
			}
			var reg attest.Registry
			digests, err := reg.Digests(t.Context(), reference, "linux/amd64")
			if err != nil || len(digests) != 1 {
				t.Fatal(digests, err)
			}
			if found, err := reg.Fetch(t.Context(), reference, digests); err != nil || len(found) != 0 {
				t.Fatalf("before: %v, %v", found, err)
			}
			private, public := pair(t, ed(t))
			r := report("x", 0)
			r.Artifact = fnvet.Artifact{Name: reference, Type: "image", Digest: digests[0]}
			at, err := reg.Push(t.Context(), reference, digests[0], signed(t, r, parse(t, private)), attest.VerdictType)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(at, "/shop/orders@sha256:") {
				t.Errorf("pushed to %s", at)
			}
			r.Scan.Started, r.Verdict = started.Add(time.Hour), fnvet.Verdict{Code: 1, Blocking: 1}
			if _, err := reg.Push(t.Context(), reference, digests[0], signed(t, r, parse(t, private)), attest.VerdictType); err != nil {
				t.Fatal(err)
			}
			found, err := reg.Fetch(t.Context(), reference, digests)
			if err != nil || len(found) != 2 {
				t.Fatalf("%d found, %v", len(found), err)
			}
			res, err := attest.Check(t.Context(), found, parse(t, public), digests, attest.Options{})
			if err != nil || res.Verdict.Verdict.Code != 1 {
				t.Errorf("%+v, %v", res, err)
			}
			if _, err := reg.Push(t.Context(), reference, "sha256:"+strings.Repeat("0", 64), nil, ""); err == nil {
				t.Error("an image that is not there is attested")
			}
		})
	}
}

// Without the key nothing that is read proves anything.
func FuzzCheck(f *testing.F) {
	private, _ := pair(f, ed(f))
	other, _ := pair(f, ed(f))
	r := report("bytes", 0)
	f.Add(signed(f, r, parse(f, other)))
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":""}]}`))
	key := parse(f, private)
	f.Fuzz(func(t *testing.T, data []byte) {
		envelopes, err := attest.ReadEnvelopes(data)
		if (len(envelopes) == 0) == (err == nil) {
			t.Fatalf("%d envelopes, %v", len(envelopes), err)
		}
		if err != nil {
			return
		}
		if _, err := attest.Check(t.Context(), envelopes, key, []string{r.Artifact.Digest}, attest.Options{}); !errors.Is(err, attest.ErrUnsigned) {
			t.Fatalf("proved: %v", err)
		}
	})
}
