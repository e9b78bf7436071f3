package secrets

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the formats' own digest
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"hash"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
)

// defaultPasswords are those that documentation and tools give keystores.
func defaultPasswords() []string {
	return []string{"changeit", "changeme", "password", "", "secret", "keystore", "android", "123456", "test", "default", "admin", "mypassword", "notasecret"}
}

const keystoreID = "keystore-default-password"

func keystoreRule() fnvet.Rule {
	return fnvet.Rule{
		ID: idPrefix + keystoreID, Kind: fnvet.SecretKind, Severity: fnvet.Critical,
		Title: "Private key in a keystore with a default password",
		Help: "A Java, PKCS #12 or NSS keystore (key4.db) holds a private key and opens without a password, or with one that everyone tries first, such as changeit: " +
			"whoever can read the package has the key, and with the key4.db of Firefox the passwords in the logins.json beside it. Replace the key pair, revoke its certificates and load the new one at run time from a secret manager. " +
			"Keystores with certificates alone are not reported.",
	}
}

const firefoxID = "firefox-logins"

func firefoxRule() fnvet.Rule {
	return fnvet.Rule{
		ID: idPrefix + firefoxID, Kind: fnvet.SecretKind, Severity: fnvet.High,
		Title: "Passwords stored by Firefox",
		Help: "A logins.json of Firefox holds passwords. The key to them is in key4.db of the same folder, without a password unless its owner set one; a key4.db without one in the package is a finding of its own. " +
			"Take the profile out of the package and change the passwords.",
	}
}

// stores reports keystores that open with a default password, and password stores
// of browsers, and whether the file is one.
func (w *worker) stores() bool {
	data := w.file.Data
	if strings.EqualFold(path.Base(w.file.Name), "logins.json") {
		if at, ok := firefoxLogin(data); ok {
			w.store(firefoxRule(), data[at.start:at.end], at, fnvet.ConfidenceMedium)
			return true
		}
	}
	if opensByDefault(data) {
		w.store(keystoreRule(), data, span{0, len(data)}, fnvet.ConfidenceHigh)
		return true
	}
	return false
}

// firefoxLogin finds the first password in a logins.json. It is encrypted, as DER in
// base64, with the key in key4.db beside it.
func firefoxLogin(data []byte) (span, bool) {
	const field = `"encryptedPassword"`
	i := bytes.Index(data, []byte(field))
	if i < 0 {
		return span{}, false
	}
	start := i + len(field)
	for start < len(data) && strings.IndexByte(": \t\r\n\"", data[start]) >= 0 {
		start++
	}
	end := start
	for end < len(data) && strings.IndexByte(base62+"+/=", data[end]) >= 0 {
		end++
	}
	return span{start, end}, end-start >= 40
}

func (w *worker) store(r fnvet.Rule, secret []byte, at span, c fnvet.Confidence) {
	if w.place.docs || w.place.thirdParty {
		c = fnvet.ConfidenceLow
	}
	w.findings = append(w.findings, fnvet.Finding{
		ID: r.ID, Kind: r.Kind, Severity: r.Severity, Title: r.Title, Path: w.file.Path, Layer: w.file.Layer,
		Salt: salt(secret), Evidence: "by its content",
		Remediation: "Replace what is inside, and load it at run time from a secret manager.",
		Secret: &fnvet.Secret{
			Rule: strings.TrimPrefix(r.ID, idPrefix), Hash: w.s.hash(secret), Start: at.start, End: at.end,
			Confidence: c, Source: "file",
		},
	})
}

// maxKeystore is the size up to which a keystore is tried, in bytes.
const maxKeystore = 4 << 20

// opensByDefault reports whether data is a keystore with a private key that opens
// with a default password.
func opensByDefault(data []byte) bool {
	if len(data) > maxKeystore || len(data) < 32 {
		return false
	}
	switch {
	case bytes.HasPrefix(data, []byte("\xfe\xed\xfe\xed")) || bytes.HasPrefix(data, []byte("\xce\xce\xce\xce")):
		return jksOpens(data)
	case data[0] == derSequence:
		return pkcs12Opens(data)
	}
	return nssOpens(data)
}

// jksOpens tries a JKS or JCEKS keystore: its last 20 bytes are SHA-1 of the
// password in UTF-16, "Mighty Aphrodite" and what stands before (OpenJDK,
// sun.security.provider.JavaKeyStore). Its first entry has to be a key (tag 1, in
// JCEKS 3 too), or one after certificates.
func jksOpens(data []byte) bool {
	body, want := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	if !jksHasKey(body) {
		return false
	}
	for _, password := range defaultPasswords() {
		h := sha1.New() //nolint:gosec // the format's own digest
		h.Write(bmp(password))
		h.Write([]byte("Mighty Aphrodite"))
		h.Write(body)
		if bytes.Equal(h.Sum(nil), want) {
			return true
		}
	}
	return false
}

// jksHasKey walks the entries up to the first that is a key.
func jksHasKey(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	count, at := int(binary.BigEndian.Uint32(b[8:])), 12
	short := func() int { // a two-byte length and that many bytes
		if at+2 > len(b) {
			return -1
		}
		n := int(binary.BigEndian.Uint16(b[at:]))
		at += 2 + n
		return n
	}
	for i := 0; i < count && at+4 <= len(b); i++ {
		tag := binary.BigEndian.Uint32(b[at:])
		at += 4
		if tag != 2 {
			return tag == 1 || tag == 3
		}
		if short() < 0 { // alias
			return false
		}
		at += 8                           // date
		if short() < 0 || at+4 > len(b) { // type of the certificate
			return false
		}
		at += 4 + int(binary.BigEndian.Uint32(b[at:]))
	}
	return false
}

// bmp is a text of ASCII in big-endian UTF-16.
func bmp(s string) []byte {
	out := make([]byte, 0, 2*len(s)+2)
	for i := range len(s) {
		out = append(out, 0, s[i])
	}
	return out
}

// The parts of a PFX that its checksum needs (RFC 7292, 4).
type pfx struct {
	Version  int
	AuthSafe struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
	}
	MAC struct {
		Digest struct {
			Algorithm pkix.AlgorithmIdentifier
			Sum       []byte
		}
		Salt       []byte
		Iterations int `asn1:"optional,default:1"`
	} `asn1:"optional"`
}

// maxIterations bounds the work of one password.
const maxIterations = 100_000

// shroudedKey and keyBag are the object identifiers of bags with private keys.
const shroudedKey, keyBag = "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02", "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01"

// pkcs12Opens tries a PKCS #12 file by its checksum. Of those whose keys stand in an
// encrypted part it says no.
func pkcs12Opens(data []byte) bool {
	if len(data) > 1 && data[1] == 0x80 { // BER, as NSS, Bouncy Castle and old keytools write
		data = derOf(data)
	}
	if !bytes.Contains(data, []byte(shroudedKey)) && !bytes.Contains(data, []byte(keyBag)) {
		return false
	}
	var p pfx
	if _, err := asn1.Unmarshal(data, &p); err != nil || p.Version != 3 || p.MAC.Iterations < 1 || p.MAC.Iterations > maxIterations {
		return false
	}
	var content []byte
	if _, err := asn1.Unmarshal(p.AuthSafe.Content.Bytes, &content); err != nil {
		return false
	}
	digest := digestOf(p.MAC.Digest.Algorithm.Algorithm)
	if digest == nil {
		return false
	}
	for _, password := range defaultPasswords() {
		m := hmac.New(digest, pkcs12Key(digest, password, p.MAC.Salt, p.MAC.Iterations))
		m.Write(content)
		if hmac.Equal(m.Sum(nil), p.MAC.Digest.Sum) {
			return true
		}
	}
	return false
}

// digestOf is the hash with that identifier, or nil.
func digestOf(id asn1.ObjectIdentifier) func() hash.Hash {
	switch id.String() {
	case "1.3.14.3.2.26":
		return sha1.New
	case "2.16.840.1.101.3.4.2.1":
		return sha256.New
	case "2.16.840.1.101.3.4.2.2":
		return sha512.New384
	case "2.16.840.1.101.3.4.2.3":
		return sha512.New
	}
	return nil
}

// pkcs12Key derives the key of a checksum from a password (RFC 7292, B.2, with the
// identifier 3), for keys no longer than one digest, as those of checksums are.
func pkcs12Key(digest func() hash.Hash, password string, salt []byte, iterations int) []byte {
	h := digest()
	fill := func(b []byte) []byte {
		if len(b) == 0 {
			return nil
		}
		n := (len(b) + h.BlockSize() - 1) / h.BlockSize() * h.BlockSize()
		return bytes.Repeat(b, n/len(b)+1)[:n]
	}
	h.Write(bytes.Repeat([]byte{3}, h.BlockSize()))
	h.Write(fill(salt))
	h.Write(fill(append(bmp(password), 0, 0)))
	sum := h.Sum(nil)
	for range iterations - 1 {
		h.Reset()
		h.Write(sum)
		sum = h.Sum(sum[:0])
	}
	return sum
}
