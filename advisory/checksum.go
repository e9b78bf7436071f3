package advisory

import (
	"bytes"
	"crypto/md5" // #nosec G501 -- object stores state it; it guards against damage, not against malice
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
)

var errChecksum = errors.New("the data does not match the checksum stated for it")

// A checksum is one that a server states for a whole file.
type checksum struct {
	hash.Hash
	want []byte
}

// checksumsOf reads the checksums of an answer: x-goog-hash of Google's object
// store, Repr-Digest and Content-Digest of RFC 9530, Content-MD5.
// https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash
func checksumsOf(h http.Header) []checksum {
	var list []checksum
	add := func(name, value string) {
		want, err := base64.StdEncoding.DecodeString(strings.Trim(value, ":"))
		if err != nil {
			return
		}
		var sum hash.Hash
		switch strings.ToLower(name) {
		case "crc32c":
			sum = crc32.New(crc32.MakeTable(crc32.Castagnoli))
		case "md5":
			sum = md5.New() // #nosec G401 -- as above
		case "sha-256":
			sum = sha256.New()
		case "sha-512":
			sum = sha512.New()
		}
		if sum != nil && len(want) == sum.Size() {
			list = append(list, checksum{sum, want})
		}
	}
	for _, key := range []string{"X-Goog-Hash", "Repr-Digest", "Content-Digest"} {
		for _, line := range h.Values(key) {
			for item := range strings.SplitSeq(line, ",") {
				name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
				add(name, value)
			}
		}
	}
	if value := h.Get("Content-MD5"); value != "" {
		add("md5", value)
	}
	return list
}

func (t *transfer) writers() []io.Writer {
	list := make([]io.Writer, 0, len(t.sums)+1)
	for _, s := range t.sums {
		list = append(list, s)
	}
	return list
}

func (t *transfer) check() error {
	for _, s := range t.sums {
		if got := s.Sum(nil); !bytes.Equal(got, s.want) {
			return fmt.Errorf("%w: %x instead of %x", errChecksum, got, s.want)
		}
	}
	return nil
}

// parseSHA256 reads the first word of a file made by sha256sum.
func parseSHA256(text string) ([]byte, error) {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	sum, err := hex.DecodeString(word)
	if err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%w: a checksum file without a SHA-256", ErrSource)
	}
	return sum, nil
}
