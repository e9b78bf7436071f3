package secrets

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the format's own digest
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// Key databases of NSS: the key4.db of Firefox, with the key to its logins.json, and
// those of servers (lib/softoken/sftkpwd.c and lowpbe.c of NSS). A row of the table
// metaData, "password", holds a salt and a known text, encrypted with a key made of
// both and of the password, which is none as a rule.

const (
	nssRow   = "password"
	nssPlain = "password-check"
	// maxNSSRows bounds how many places that look like the row are tried.
	maxNSSRows = 4
)

// A nssValue is an encrypted value: PBES2 (RFC 8018) with PBKDF2 and AES-256, as NSS
// writes since version 3.49.
type nssValue struct {
	Algorithm struct {
		ID     asn1.ObjectIdentifier
		Params struct {
			Derivation struct {
				ID     asn1.ObjectIdentifier
				Params struct {
					Salt       []byte
					Iterations int
					Length     int                      `asn1:"optional"`
					PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
				}
			}
			Cipher struct {
				ID asn1.ObjectIdentifier
				IV []byte
			}
		}
	}
	Encrypted []byte
}

// pbes2 is the object identifier of an encrypted value in DER.
const pbes2 = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"

// nssOpens tries a key database that holds a key. One without any, as NSS makes them
// for certificates alone, has one encrypted value, that of the row.
func nssOpens(data []byte) bool {
	if !bytes.HasPrefix(data, []byte(sqliteMagic)) || bytes.Count(data, []byte(pbes2)) < 2 {
		return false
	}
	rows := 0
	for at := 0; rows < maxNSSRows; {
		i := bytes.Index(data[at:], []byte(nssRow))
		if i < 0 {
			return false
		}
		at += i + len(nssRow)
		for _, size := range []int{sha1.Size, sha256.Size} {
			v, ok := nssValueAt(data, at+size)
			if !ok {
				continue
			}
			rows++
			for _, password := range defaultPasswords() {
				if bytes.HasPrefix(v.decrypt(data[at:at+size], password), []byte(nssPlain)) {
					return true
				}
			}
		}
	}
	return false
}

func nssValueAt(data []byte, at int) (v nssValue, ok bool) {
	if at >= len(data) || data[at] != 0x30 {
		return v, false
	}
	_, err := asn1.Unmarshal(data[at:min(len(data), at+1024)], &v)
	n := v.Algorithm.Params.Derivation.Params.Iterations
	return v, err == nil && v.Algorithm.ID.String() == "1.2.840.113549.1.5.13" && n > 0 && n <= maxIterations
}

// decrypt returns what the value is if that is the password, else noise or nil.
func (v *nssValue) decrypt(salt []byte, password string) []byte {
	p := &v.Algorithm.Params
	if p.Cipher.ID.String() != "2.16.840.1.101.3.4.1.42" || len(v.Encrypted) == 0 || len(v.Encrypted)%aes.BlockSize != 0 {
		return nil
	}
	iv := p.Cipher.IV
	if len(iv) == aes.BlockSize-2 { // NSS takes the header of its DER in
		iv = append([]byte{asn1.TagOctetString, aes.BlockSize - 2}, iv...)
	}
	if len(iv) != aes.BlockSize {
		return nil
	}
	secret := sha1.Sum(append(bytes.Clone(salt), password...)) //nolint:gosec // the format's own digest
	key, err := pbkdf2.Key(sha256.New, string(secret[:]), p.Derivation.Params.Salt, p.Derivation.Params.Iterations, 32)
	if err != nil {
		return nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	out := make([]byte, len(v.Encrypted))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, v.Encrypted)
	return out
}
