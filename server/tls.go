package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// tlsConfig reads the certificates; nil without any.
func (f *File) tlsConfig() (*tls.Config, error) {
	if f.TLS == nil {
		return nil, nil
	}
	cert := &certificate{cert: f.TLS.Cert, key: f.TLS.Key}
	if err := cert.load(); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c := &tls.Config{GetCertificate: cert.get, MinVersion: tls.VersionTLS12}
	if f.TLS.ClientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.TLS.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("tls: client_ca holds no certificate")
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}

// certCheck is how often the files of a certificate are looked at for a new one.
const certCheck = 10 * time.Second

// A certificate is read anew when its file changes: they are renewed while a
// server runs.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	now     *tls.Certificate
	of      time.Time // of the file
	checked time.Time
}

func (c *certificate) load() error {
	info, err := os.Stat(c.cert)
	if err != nil {
		return err
	}
	c.checked = time.Now()
	if c.now != nil && info.ModTime().Equal(c.of) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.now, c.of = &pair, info.ModTime()
	return nil
}

// get returns the latest certificate that could be read with its key: while one of
// both files is new and the other old, the pair before serves.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) > certCheck {
		_ = c.load()
	}
	return c.now, nil
}
