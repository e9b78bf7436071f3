package server

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue makes a certificate for 127.0.0.1, as PEM with its key.
func (a *authority) issue(serial int64, until time.Time, usage x509.ExtKeyUsage) (cert, key []byte) {
	a.t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}, a.cert, k.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func put(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serveTLS runs a server with certificates, and says where.
func serveTLS(t *testing.T, c *TLS) string {
	t.Helper()
	s, err := New(Config{File: &File{TLS: c, Tokens: []Token{{Name: "t", Hash: HashToken("t"), Scopes: []string{ScopeRead}, Rate: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// knock asks over TLS, once.
func knock(t *testing.T, at string, c *tls.Config) error {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: c}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+at+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.TLS == nil {
		t.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

func pool(a *authority) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func TestTLS(t *testing.T) {
	dir, ca, stranger := t.TempDir(), newAuthority(t), newAuthority(t)
	cert, key := ca.issue(2, time.Now().Add(time.Hour), x509.ExtKeyUsageServerAuth)
	files := &TLS{Cert: put(t, filepath.Join(dir, "tls.crt"), cert), Key: put(t, filepath.Join(dir, "tls.key"), key)}
	at := serveTLS(t, files)
	if err := knock(t, at, &tls.Config{RootCAs: pool(ca)}); err != nil {
		t.Errorf("with the authority: %v", err)
	}
	if err := knock(t, at, &tls.Config{RootCAs: pool(stranger)}); err == nil {
		t.Error("another authority's certificate is shown")
	}
	if err := knock(t, at, &tls.Config{RootCAs: pool(ca), MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}

	files.ClientCA = put(t, filepath.Join(dir, "ca.crt"), ca.pem)
	at = serveTLS(t, files)
	pair := func(a *authority, until time.Time, usage x509.ExtKeyUsage) []tls.Certificate {
		p, err := tls.X509KeyPair(a.issue(3, until, usage))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{p}
	}
	for _, r := range []struct {
		reason string
		show   []tls.Certificate
		want   bool
	}{
		{"a caller of the authority", pair(ca, time.Now().Add(time.Hour), x509.ExtKeyUsageClientAuth), true},
		{"nobody", nil, false},
		{"a caller of another authority", pair(stranger, time.Now().Add(time.Hour), x509.ExtKeyUsageClientAuth), false},
		{"a certificate that ran out", pair(ca, time.Now().Add(-time.Hour), x509.ExtKeyUsageClientAuth), false},
		{"a server's certificate", pair(ca, time.Now().Add(time.Hour), x509.ExtKeyUsageServerAuth), false},
	} {
		if err := knock(t, at, &tls.Config{RootCAs: pool(ca), Certificates: r.show}); (err == nil) != r.want {
			t.Errorf("%s: %v", r.reason, err)
		}
	}
}

// TestRenewal: a certificate that is replaced is shown without a restart, and one
// that cannot be read does not take the old one away.
func TestRenewal(t *testing.T) {
	dir, ca := t.TempDir(), newAuthority(t)
	c := &certificate{cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key")}
	write := func(serial int64, at time.Time, cut bool) {
		cert, key := ca.issue(serial, time.Now().Add(time.Hour), x509.ExtKeyUsageServerAuth)
		if put(t, c.cert, cert); !cut {
			put(t, c.key, key)
		}
		if err := os.Chtimes(c.cert, at, at); err != nil {
			t.Fatal(err)
		}
	}
	shown := func() []byte {
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Certificate[0]
	}
	write(2, time.Now().Add(-3*time.Hour), false)
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	first := shown()
	write(3, time.Now().Add(-2*time.Hour), true) // its key is not there yet
	c.checked = time.Time{}
	if !bytes.Equal(first, shown()) {
		t.Error("half of a new pair is shown")
	}
	write(4, time.Now().Add(-time.Hour), false)
	if !bytes.Equal(first, shown()) {
		t.Error("the files are read for every handshake")
	}
	c.checked = time.Time{}
	if bytes.Equal(first, shown()) {
		t.Error("the new certificate is not shown")
	}
}

func TestTLSFiles(t *testing.T) {
	dir, ca := t.TempDir(), newAuthority(t)
	cert, key := ca.issue(2, time.Now().Add(time.Hour), x509.ExtKeyUsageServerAuth)
	good := TLS{Cert: put(t, filepath.Join(dir, "tls.crt"), cert), Key: put(t, filepath.Join(dir, "tls.key"), key)}
	for reason, c := range map[string]TLS{
		"no certificate":     {Cert: filepath.Join(dir, "none"), Key: good.Key},
		"no key":             {Cert: good.Cert, Key: good.Cert},
		"no authority":       {Cert: good.Cert, Key: good.Key, ClientCA: filepath.Join(dir, "none")},
		"an authority's key": {Cert: good.Cert, Key: good.Key, ClientCA: good.Key},
	} {
		if _, err := (&File{TLS: &c}).tlsConfig(); err == nil {
			t.Errorf("%s will do", reason)
		}
	}
}
