package attest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ErrEncrypted is returned for private keys that need a password.
var ErrEncrypted = errors.New("the key is encrypted; fnvet asks for no passwords: " +
	"decrypt it for this use (openssl pkey -in KEY -out PLAIN), or sign with a key service")

// minRSA is the least size of an RSA key, in bits.
const minRSA = 2048

// A Key verifies signatures, and makes them if it is a private key: Ed25519 of
// the message, ECDSA with SHA-256, SHA-384 or SHA-512 as its curve wants (ASN.1),
// RSA-PSS with SHA-256.
type Key struct {
	private crypto.Signer // nil of a public key
	public  crypto.PublicKey
	id      string
}

// ParseKey reads a key in PEM: PKCS #8, SEC 1 or PKCS #1 private keys, PKIX or
// PKCS #1 public keys.
func ParseKey(data []byte) (*Key, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("no key in PEM (-----BEGIN PRIVATE KEY----- or PUBLIC KEY)")
		}
		if strings.HasPrefix(block.Type, "ENCRYPTED ") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return nil, ErrEncrypted
		}
		key, err := parseBlock(block)
		if key == nil && err == nil {
			continue // such as EC PARAMETERS before the key
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.ToLower(block.Type), err)
		}
		return newKey(key)
	}
}

// parseBlock gives nil for blocks that hold no key.
func parseBlock(b *pem.Block) (any, error) {
	switch b.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(b.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(b.Bytes)
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(b.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(b.Bytes)
	case "EC PARAMETERS":
		return nil, nil
	case "OPENSSH PRIVATE KEY":
		return nil, errors.New("keys of OpenSSH are not read: make one with openssl genpkey -algorithm ed25519")
	}
	return nil, errors.New("not a key that fnvet reads")
}

func newKey(key any) (*Key, error) {
	k := &Key{public: key}
	if private, ok := key.(crypto.Signer); ok {
		k.private, k.public = private, private.Public()
	}
	switch public := k.public.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if _, err := hashOf(public); err != nil {
			return nil, err
		}
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSA {
			return nil, fmt.Errorf("an RSA key of %d bits is too weak: want %d", public.N.BitLen(), minRSA)
		}
	default:
		return nil, fmt.Errorf("a key of type %T is not one of Ed25519, ECDSA, RSA", key)
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	k.id = hex.EncodeToString(sum[:])
	return k, nil
}

// Private reports whether the key can sign.
func (k *Key) Private() bool { return k.private != nil }

// KeyID is the SHA-256 of the public key (PKIX, DER), in hex.
func (k *Key) KeyID() (string, error) { return k.id, nil }

// Public is the public key.
func (k *Key) Public() crypto.PublicKey { return k.public }

func hashOf(k *ecdsa.PublicKey) (crypto.Hash, error) {
	switch k.Curve.Params().BitSize {
	case 256:
		return crypto.SHA256, nil
	case 384:
		return crypto.SHA384, nil
	case 521:
		return crypto.SHA512, nil
	}
	return 0, fmt.Errorf("curve %s is not one of P-256, P-384, P-521", k.Curve.Params().Name)
}

func digest(h crypto.Hash, data []byte) []byte {
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}

// Sign signs data.
func (k *Key) Sign(_ context.Context, data []byte) ([]byte, error) {
	if k.private == nil {
		return nil, errors.New("a public key cannot sign")
	}
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		h, err := hashOf(public)
		if err != nil {
			return nil, err
		}
		return k.private.Sign(rand.Reader, digest(h, data), h)
	case *rsa.PublicKey:
		o := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		return k.private.Sign(rand.Reader, digest(crypto.SHA256, data), o)
	default:
		return k.private.Sign(rand.Reader, data, crypto.Hash(0))
	}
}

var errSignature = errors.New("the signature is not of this key and content")

// Verify checks a signature.
func (k *Key) Verify(_ context.Context, data, sig []byte) error {
	ok := false
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(public, data, sig)
	case *ecdsa.PublicKey:
		h, err := hashOf(public)
		if err != nil {
			return err
		}
		ok = ecdsa.VerifyASN1(public, digest(h, data), sig)
	case *rsa.PublicKey:
		o := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA256}
		ok = rsa.VerifyPSS(public, crypto.SHA256, digest(crypto.SHA256, data), sig, o) == nil
	}
	if !ok {
		return errSignature
	}
	return nil
}
