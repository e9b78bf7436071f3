package secrets

import (
	"bytes"
	"encoding/asn1"
)

// maxBER is how deep values of BER may be nested.
const maxBER = 32

// derOf rewrites one value of BER (X.690) as Go's asn1 wants it: lengths definite, octet
// strings in one piece. It returns nil for what is no BER.
func derOf(data []byte) []byte {
	out, _, ok := derValue(data, maxBER)
	if !ok {
		return nil
	}
	return out
}

// derValue rewrites the value that data begins with, and returns how long it was.
func derValue(data []byte, depth int) (out []byte, n int, ok bool) {
	const constructed, octets, highTag = 0x20, 0x04, 0x1f
	if depth == 0 || len(data) < 2 || data[0]&highTag == highTag {
		return nil, 0, false
	}
	tag, size, at := data[0], 0, 2
	indefinite := data[1] == 0x80
	if !indefinite {
		if size, at, ok = berLength(data); !ok {
			return nil, 0, false
		}
	}
	if tag&constructed == 0 {
		return data[:at+size], at + size, !indefinite
	}
	body := data[at:]
	if !indefinite {
		body = body[:size]
	}
	content, used, ok := derParts(body, indefinite, tag == octets|constructed, depth-1)
	if !ok {
		return nil, 0, false
	}
	if tag == octets|constructed {
		tag = octets
	}
	whole, err := asn1.Marshal(asn1.RawValue{FullBytes: nil, Class: int(tag >> 6), Tag: int(tag & highTag), IsCompound: tag&constructed != 0, Bytes: content})
	return whole, at + used, err == nil
}

// derParts rewrites the values inside another: up to the end of contents, or all of
// body. Of the pieces of an octet string only the contents are kept.
func derParts(body []byte, indefinite, strip bool, depth int) (out []byte, n int, ok bool) {
	for n < len(body) {
		if indefinite && bytes.HasPrefix(body[n:], []byte{0, 0}) {
			return out, n + 2, true
		}
		part, used, ok := derValue(body[n:], depth)
		if !ok {
			return nil, 0, false
		}
		if strip {
			var piece asn1.RawValue
			if _, err := asn1.Unmarshal(part, &piece); err != nil {
				return nil, 0, false
			}
			part = piece.Bytes
		}
		out = append(out, part...)
		n += used
	}
	return out, n, !indefinite
}

// berLength reads a definite length, and where the value begins.
func berLength(data []byte) (size, at int, ok bool) {
	if data[1] < 0x80 {
		size, at = int(data[1]), 2
		return size, at, size <= len(data)-at
	}
	count := int(data[1] & 0x7f)
	if count > 4 || len(data) < 2+count {
		return 0, 0, false
	}
	for _, c := range data[2 : 2+count] {
		size = size<<8 | int(c)
	}
	at = 2 + count
	return size, at, size <= len(data)-at
}
