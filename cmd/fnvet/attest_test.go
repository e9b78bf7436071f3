package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fnvet/fnvet"
)

// keyPair writes a new key as NAME.pem and its public key as NAME.pub.
func keyPair(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: keypair NAME")
	}
	ts.Check(writeKeyPair(ts.MkAbs(args[0])))
}

func writeKeyPair(base string) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := os.WriteFile(base+".pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	if der, err = x509.MarshalPKIXPublicKey(public); err != nil {
		return err
	}
	return os.WriteFile(base+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600)
}

// An image is scanned in its registry, attested there, and verified before a
// deploy: with the Referrers API and with the fallback tag.
func TestAttestInRegistry(t *testing.T) {
	for _, api := range []bool{true, false} {
		server := httptest.NewServer(registry.New(registry.WithReferrersSupport(api), registry.Logger(log.New(io.Discard, "", 0))))
		defer server.Close()
		reference := strings.TrimPrefix(server.URL, "http://") + "/shop/orders:1"
		ref, err := name.ParseReference(reference)
		if err != nil {
			t.Fatal(err)
		}
		image, err := random.Image(512, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image); err != nil {
			t.Fatal(err)
		}
		own(t)
		dir := t.TempDir()
		key, saved := filepath.Join(dir, "key"), filepath.Join(dir, "r.json")
		if err := writeKeyPair(key); err != nil {
			t.Fatal(err)
		}
		fnvetRun(t, 0, "scan", "--sandbox=false", "--skip", "vulnerability,malware", "--insecure-registry", "--format", "json="+saved, reference)
		if out := fnvetRun(t, 1, "verify", "--insecure-registry", "--key", key+".pub", reference); !strings.Contains(out, "NOT VERIFIED") {
			t.Errorf("before: %s", out)
		}
		fnvetRun(t, 0, "attest", saved, "--insecure-registry", "--key", key+".pem", "--push", reference)
		if out := fnvetRun(t, 0, "verify", "--insecure-registry", "--key", key+".pub", reference); !strings.Contains(out, "VERIFIED  "+reference) {
			t.Errorf("after: %s", out)
		}
		other := filepath.Join(dir, "other")
		if err := writeKeyPair(other); err != nil {
			t.Fatal(err)
		}
		fnvetRun(t, 1, "verify", "--insecure-registry", "--key", other+".pub", reference)
	}
}

// An image that was chosen from an index is attested beside the index too, where
// those who deploy by the digest of the index look.
func TestAttestBesideIndex(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/shop/orders:1"
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(512, 1)
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	own(t)
	dir := t.TempDir()
	key, saved := filepath.Join(dir, "key"), filepath.Join(dir, "r.json")
	if err := writeKeyPair(key); err != nil {
		t.Fatal(err)
	}
	fnvetRun(t, 0, "scan", "--sandbox=false", "--skip", "vulnerability,malware", "--insecure-registry", "--format", "json="+saved, reference)
	fnvetRun(t, 0, "attest", saved, "--insecure-registry", "--key", key+".pem", "--push", reference, "--attach", "index")
	referrers, err := remote.Referrers(ref.Context().Digest(digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := referrers.IndexManifest(); err != nil || len(m.Manifests) != 3 {
		t.Errorf("%d beside the index, want a verdict, vulnerabilities and an SBOM: %v", len(m.Manifests), err)
	}
	for _, by := range []string{reference, ref.Context().Digest(digest.String()).String()} {
		if out := fnvetRun(t, 0, "verify", "--insecure-registry", "--key", key+".pub", by); !strings.Contains(out, "VERIFIED  "+by) {
			t.Errorf("%s: %s", by, out)
		}
	}
	plain := filepath.Join(dir, "zip.json")
	fnvetRun(t, 0, "scan", "--sandbox=false", "--only", "hygiene", "--fail-on", "never", "--format", "json="+plain, "../../testdata/packages/clean-fn.zip")
	fnvetRun(t, 2, "attest", plain, "--insecure-registry", "--key", key+".pem", "--push", reference, "--attach", "index")
}

// A deploy step may have no more than the digest that a provider states.
func TestVerifyByDigest(t *testing.T) {
	own(t)
	dir := t.TempDir()
	key, saved, signed := filepath.Join(dir, "key"), filepath.Join(dir, "r.json"), filepath.Join(dir, "a.jsonl")
	if err := writeKeyPair(key); err != nil {
		t.Fatal(err)
	}
	fnvetRun(t, 0, "scan", "--sandbox=false", "--only", "hygiene", "--format", "json="+saved, "../../testdata/packages/clean-fn.zip")
	fnvetRun(t, 0, "attest", saved, "--key", key+".pem", "--out", signed)
	var r fnvet.Report
	if err := json.Unmarshal(readFile(t, saved), &r); err != nil {
		t.Fatal(err)
	}
	for _, digest := range []string{r.Artifact.Digest, strings.Replace(strings.ToUpper(r.Artifact.Digest), "SHA256", "sha256", 1), r.Artifact.CodeSHA256} {
		if out := fnvetRun(t, 0, "verify", digest, "--attestation", signed, "--key", key+".pub"); !strings.Contains(out, "VERIFIED  "+digest) {
			t.Errorf("%s: %s", digest, out)
		}
	}
	other := "sha256:" + strings.Repeat("0", 64)
	if out := fnvetRun(t, 1, "verify", other, "--attestation", signed, "--key", key+".pub"); !strings.Contains(out, "it is about "+r.Artifact.Digest+", not "+other) {
		t.Error(out)
	}
}

// An OCI layout in a tar has the digest of its image; one byte more in it is
// another file, and a changed blob is not the image.
func TestVerifyLayout(t *testing.T) {
	own(t)
	dir := t.TempDir()
	key, saved, signed := filepath.Join(dir, "key"), filepath.Join(dir, "r.json"), filepath.Join(dir, "a.jsonl")
	if err := writeKeyPair(key); err != nil {
		t.Fatal(err)
	}
	layout := filepath.Join(dir, "image.tar")
	data, err := os.ReadFile("../../testdata/packages/image-oci.tar")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(layout, data, 0o600); err != nil {
		t.Fatal(err)
	}
	fnvetRun(t, 0, "scan", "--sandbox=false", "--fail-on", "never", "--skip", "vulnerability,malware", "--allow-incomplete", "--format", "json="+saved, layout)
	fnvetRun(t, 0, "attest", saved, "--key", key+".pem", "--out", signed)
	fnvetRun(t, 0, "verify", layout, "--sandbox=false", "--attestation", signed, "--key", key+".pub")
	at := bytes.LastIndex(data, []byte{0x1f, 0x8b, 8}) // a layer
	if at < 0 {
		t.Fatal("no layer in the layout")
	}
	data[at+20] ^= 1
	if err := os.WriteFile(layout, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := fnvetRun(t, 1, "verify", layout, "--sandbox=false", "--attestation", signed, "--key", key+".pub"); !strings.Contains(out, "NOT VERIFIED") {
		t.Error(out)
	}
}
