package secrets

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// A proof is what a credential's own bytes say about it, without asking anyone.
type proof int

const (
	open    proof = iota // nothing to check
	proven               // a checksum or structure fits
	refuted              // it cannot be one
	stale                // it is one, and expired or known to everyone
	partial              // it is the beginning of one
)

// prove checks what the format of a rule lets one check offline.
func (s *Scanner) prove(r *rule, secret []byte) proof {
	switch r.id {
	case "private-key":
		return s.proveKey(secret)
	case "jwk-private-key":
		if s.everyones(secret) {
			return stale
		}
	case "github-pat", "github-oauth", "github-app-token", "github-refresh-token", "npm-access-token":
		return proveCRC62(secret)
	case "github-fine-grained-pat":
		return open // its checksum is not documented
	case "gitlab-routable-token", "gitlab-pat-routable", "gitlab-runner-authentication-token-routable":
		return proveCRC36(secret)
	case "bitbucket-access-token", "bitbucket-app-password":
		return proveCRC16(secret)
	case "jwt":
		return s.proveJWT(secret)
	case "aws-access-token":
		return proveAWS(secret)
	}
	return open
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// checksumLen is the number of base-62 digits of a CRC-32.
const checksumLen = 6

// proveCRC62 checks tokens that end in the CRC-32 of their random part, in six
// base-62 digits, as GitHub describes for its tokens and npm's
// (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/).
// A wrong checksum proves nothing: made-up and very old tokens have none.
func proveCRC62(secret []byte) proof {
	_, body, ok := bytes.Cut(secret, []byte("_"))
	if !ok || len(body) <= checksumLen {
		return open
	}
	random, sum := body[:len(body)-checksumLen], body[len(body)-checksumLen:]
	n := uint64(0)
	for _, c := range sum {
		i := strings.IndexByte(base62, c)
		if i < 0 {
			return open
		}
		n = n*62 + uint64(i)
	}
	if n == uint64(crc32.ChecksumIEEE(random)) {
		return proven
	}
	return open
}

// crc36Len is the number of base-36 digits of a CRC-32, with leading zeros.
const crc36Len = 7

// proveCRC36 checks GitLab's routable tokens, which end in the CRC-32 of all that
// stands before it (GitLab's source, lib/authn/token_field/generator/routable_token.rb).
func proveCRC36(secret []byte) proof {
	n := len(secret) - crc36Len
	if n <= 0 {
		return open
	}
	sum, err := strconv.ParseUint(string(secret[n:]), 36, 32)
	if err == nil && uint32(sum) == crc32.ChecksumIEEE(secret[:n]) {
		return proven
	}
	return open
}

// crc16Len is the number of hexadecimal digits of a CRC-32.
const crc16Len = 8

// proveCRC16 checks Atlassian's tokens for Bitbucket, which end in the CRC-32 of all
// that stands before it, in hexadecimal (as kingfisher and CredSweeper check them).
func proveCRC16(secret []byte) proof {
	n := len(secret) - crc16Len
	if n <= 0 {
		return open
	}
	sum, err := strconv.ParseUint(string(secret[n:]), 16, 32)
	if err == nil && uint32(sum) == crc32.ChecksumIEEE(secret[:n]) {
		return proven
	}
	return open
}

// proveJWT parses a JSON web token (RFC 7519): three parts, the first two of JSON
// objects with an algorithm. One past its exp is of no more use.
func (s *Scanner) proveJWT(secret []byte) proof {
	parts := bytes.Split(bytes.TrimRight(secret, "="), []byte("."))
	if len(parts) < 2 {
		return open
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Exp float64 `json:"exp"`
		Iss string  `json:"iss"`
	}
	if decodePart(parts[0], &header) != nil || header.Alg == "" || decodePart(parts[1], &claims) != nil {
		return open
	}
	if exp := time.Unix(int64(claims.Exp), 0); claims.Exp > 0 && !s.now.IsZero() && exp.Before(s.now) {
		return stale
	}
	if strings.EqualFold(header.Alg, "none") {
		return stale
	}
	if claims.Iss != "" && !strings.Contains(claims.Iss, "example") {
		return proven
	}
	return open
}

func decodePart(part []byte, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(string(part))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// awsAccount returns the twelve digits of the account an AWS key id of the form in
// use since 2019 belongs to: its last 40 bits but one of base32
// (https://summitroute.com/blog/2018/06/20/aws_security_credential_formats/ and what
// sts get-access-key-info answers).
func awsAccount(id string) (string, bool) {
	if len(id) != 20 {
		return "", false
	}
	n := uint64(0)
	for _, c := range []byte(id[4:16]) {
		var v uint64
		switch {
		case c >= 'A' && c <= 'Z':
			v = uint64(c - 'A')
		case c >= '2' && c <= '7':
			v = uint64(c-'2') + 26
		default:
			return "", false
		}
		n = n<<5 | v
	}
	n >>= 12 // 60 bits read, the first 48 count
	account := (n & 0x7fffffffff80) >> 7
	const digits = 12
	out := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		out[i] = byte('0' + account%10)
		account /= 10
	}
	if account > 0 {
		return "", false
	}
	return string(out), true
}

// proveAWS refutes key ids that say EXAMPLE.
func proveAWS(secret []byte) proof {
	if bytes.Contains(secret, []byte("EXAMPLE")) {
		return refuted
	}
	return open
}

// minKey is the fewest bytes of a private key's body; Ed25519 has 48.
const minKey = 32

// everyones reports whether the body of a key is one of knownkeys.txt.
func (s *Scanner) everyones(body []byte) bool {
	sum := sha256.Sum256(body)
	return s.keys[hex.EncodeToString(sum[:])]
}

// proveKey takes a PEM private key apart: its body must be base64 of one DER
// sequence (RFC 5958, 8017, 5915) or of an OpenSSH key (PROTOCOL.key).
func (s *Scanner) proveKey(secret []byte) proof {
	body, even, ok := keyBody(secret)
	if !ok || body != nil && len(body) < minKey*4/3 {
		return refuted
	}
	if s.everyones(body) {
		return stale
	}
	der, err := base64.RawStdEncoding.AppendDecode(nil, bytes.TrimRight(body, "="))
	if err != nil || len(der) < minKey {
		der = nil
	}
	switch {
	case isSequence(der) || isOpenSSH(der):
		return proven
	case cutOff(der):
		return partial
	case !even && bytes.HasPrefix(secret, []byte("-----BEGIN")):
		return refuted
	}
	return open
}

// keyBody returns the base64 text of a PEM block, without what languages put
// around its lines; whether its lines are equally long, as those of PEM are and
// those of prose are not; and whether it can be a key at all.
func keyBody(secret []byte) (body []byte, even, ok bool) {
	_, rest, found := bytes.Cut(secret, []byte("KEY-----"))
	if !found {
		if _, rest, found = bytes.Cut(secret, []byte("BLOCK-----")); !found {
			return nil, true, true // another spelling of the armour
		}
	}
	if i := bytes.Index(rest, []byte("-----END")); i >= 0 { // the first: a match may go on over a certificate
		rest = rest[:i]
	}
	for _, escape := range []string{`\\n`, `\n`, `\r`} {
		rest = bytes.ReplaceAll(rest, []byte(escape), []byte("\n"))
	}
	strange, lines := 0, map[int]int{}
	body = []byte{}
	for line := range bytes.Lines(rest) {
		if bytes.Contains(line, []byte(": ")) { // Proc-Type, DEK-Info, Version
			continue
		}
		from := len(body)
		for _, c := range line {
			switch {
			case strings.IndexByte(base62+"+/=", c) >= 0:
				body = append(body, c)
			case strings.IndexByte(" \t\r\n\"'`\\,;().-|", c) < 0:
				strange++
			}
		}
		if len(body) > from {
			lines[len(body)-from]++
		}
	}
	return body, evenLines(lines), strange*20 <= len(body)
}

// evenLines reports whether two of three lines, not counting the last, have one length.
func evenLines(lines map[int]int) bool {
	all, most := 0, 0
	for _, n := range lines {
		all += n
		most = max(most, n)
	}
	return all <= 2 || most*3 >= (all-1)*2
}

// cutOff reports whether b begins as a DER sequence more than twice as long as b is:
// the first line of a key, as documentation shows it.
func cutOff(b []byte) bool {
	return len(b) > 4 && b[0] == derSequence && b[1] == 0x82 && int(binary.BigEndian.Uint16(b[2:])) > 2*len(b)
}

// isSequence reports whether b is one DER sequence, as long as it says.
func isSequence(b []byte) bool {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(b, &v)
	return err == nil && len(rest) < 3 && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence && v.IsCompound
}

// isOpenSSH reports whether b begins as an OpenSSH private key: magic, then the
// name of a cipher.
func isOpenSSH(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte("openssh-key-v1\x00"))
	return ok && len(rest) > 4 && binary.BigEndian.Uint32(rest) < uint32(min(len(rest)-4, 64)) //nolint:gosec // at most 64
}
