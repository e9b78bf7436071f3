package secrets

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"io"
	"path"
	"strings"
)

// Limits of one document.
const (
	maxStream  = 8 << 20  // bytes that one stream of a PDF unpacks to
	maxStreams = 64 << 20 // and all of them
)

// documentTexts calls scan with the texts of a PDF, and of the parts of an Office
// document, where words are not written the way they read.
func documentTexts(container, name string, data []byte, scan func(text []byte, start, end int) error) error {
	switch {
	case bytes.HasPrefix(data, []byte("%PDF-")):
		return pdfTexts(data, scan)
	case officePart(container, name):
		if text := withoutTags(data); len(text) > 0 {
			return scan(text, 0, len(data))
		}
	}
	return nil
}

// officePart reports whether a file is a part with text of an Office Open XML or
// OpenDocument file.
func officePart(container, name string) bool {
	switch strings.ToLower(path.Ext(container)) {
	case ".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".pptx", ".pptm", ".odt", ".ods", ".odp":
		return strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".rels")
	}
	return false
}

// breaks are the elements that end a line of an Office document: paragraphs, cells,
// shared strings, properties. Others, as runs, part words anywhere.
func breaks(element []byte) bool {
	name := element
	if i := bytes.IndexAny(name, " \t\r\n/>"); i >= 0 {
		name = name[:i]
	}
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	switch string(name) {
	case "r", "t", "span", "rPr", "b", "i", "u", "color", "sz", "proofErr", "lang", "noProof", "rFonts", "bookmarkStart", "bookmarkEnd", "s", "a":
		return false
	}
	return true
}

// withoutTags is the text of an XML file, with the references of XML undone.
func withoutTags(data []byte) []byte {
	out := make([]byte, 0, len(data)/2)
	for len(data) > 0 {
		open := bytes.IndexByte(data, '<')
		if open < 0 {
			open = len(data)
		}
		out = append(out, data[:open]...)
		data = data[open:]
		end := bytes.IndexByte(data, '>')
		if end < 0 {
			break
		}
		if breaks(bytes.TrimPrefix(data[1:end], []byte("/"))) {
			out = append(out, '\n')
		}
		data = data[end+1:]
	}
	for _, r := range [][2]string{{"&quot;", `"`}, {"&apos;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}} {
		out = bytes.ReplaceAll(out, []byte(r[0]), []byte(r[1]))
	}
	return out
}

// pdfTexts takes the strings out of a PDF (ISO 32000): of its objects, such as
// title and author, and what its pages show. Streams are read as they are or
// deflated; a document encrypted by a password stays closed.
func pdfTexts(data []byte, scan func(text []byte, start, end int) error) error {
	left := maxStreams
	var plain []byte
	rest := 0
	for rest < len(data) && left > 0 {
		i := bytes.Index(data[rest:], []byte("stream"))
		if i < 0 {
			break
		}
		plain = pdfStrings(plain, data[rest:rest+i])
		start := rest + i + len("stream")
		for start < len(data) && (data[start] == '\r' || data[start] == '\n') {
			start++
		}
		end := len(data)
		if n := bytes.Index(data[start:], []byte("endstream")); n >= 0 {
			end = start + n
		}
		rest = min(end+len("endstream"), len(data))
		body := unpackStream(data[start:end], min(left, maxStream))
		if body == nil {
			continue
		}
		left -= len(body)
		if err := scan(append(pdfStrings(nil, body), printableOf(body)...), start, end); err != nil {
			return err
		}
	}
	return scan(pdfStrings(plain, data[rest:]), 0, len(data))
}

// unpackStream returns the bytes of a stream that is deflated or text as it is, or
// nil for one of another kind.
func unpackStream(b []byte, limit int) []byte {
	if !compressed(b) || b[0] != 0x78 {
		return printableOf(b)
	}
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)))
	if err != nil && len(out) == 0 {
		return nil
	}
	return out
}

// printableOf returns text as it is, and nothing of pictures and fonts.
func printableOf(b []byte) []byte {
	if readsAsText(b) {
		return b
	}
	return nil
}

// pdfStrings appends the strings of PDF syntax in b to out: those of one array, which
// only kerning parts, together, others on a line each.
func pdfStrings(out, b []byte) []byte {
	array := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '[':
			array++
		case ']':
			if array = max(array-1, 0); array == 0 {
				out = append(out, '\n')
			}
		case '(':
			var s []byte
			s, i = pdfLiteral(b, i)
			out = append(out, pdfDecode(s)...)
			if array == 0 {
				out = append(out, '\n')
			}
		case '<':
			end := bytes.IndexByte(b[i:], '>')
			if end < 2 || end > 1<<16 || b[i+1] == '<' {
				continue
			}
			digits := bytes.Join(bytes.Fields(b[i+1:i+end]), nil)
			s := make([]byte, len(digits)/2)
			if _, err := hex.Decode(s, digits[:len(digits)/2*2]); err != nil {
				continue
			}
			out = append(out, pdfDecode(s)...)
			if array == 0 {
				out = append(out, '\n')
			}
			i += end
		}
	}
	return out
}

// pdfLiteral reads the string in parentheses at i and returns it and where it ends.
func pdfLiteral(b []byte, i int) (s []byte, end int) {
	depth := 0
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\' && i+1 < len(b):
			i++
			s = append(s, pdfEscape(b, &i)...)
		case c == '(':
			if depth++; depth > 1 {
				s = append(s, c)
			}
		case c == ')':
			if depth--; depth == 0 {
				return s, i
			}
			s = append(s, c)
		default:
			s = append(s, c)
		}
		if len(s) > 1<<16 {
			return s, i
		}
	}
	return s, len(b)
}

// pdfEscape undoes the escape whose character is at *i, and moves *i to its end.
func pdfEscape(b []byte, i *int) []byte {
	switch c := b[*i]; {
	case c >= '0' && c <= '7':
		v, n := 0, 0
		for n < 3 && *i+n < len(b) && b[*i+n] >= '0' && b[*i+n] <= '7' {
			v = v<<3 | int(b[*i+n]-'0')
			n++
		}
		*i += n - 1
		return []byte{byte(v)} // PDF cuts it off too
	case c == 'n' || c == 'r' || c == 't':
		return []byte{' '}
	case c == '\n' || c == '\r':
		return nil
	default:
		return []byte{c}
	}
}

// pdfDecode turns a string of UTF-16, by its mark, into UTF-8.
func pdfDecode(s []byte) []byte {
	if len(s) < 2 || s[0] != 0xfe || s[1] != 0xff {
		return s
	}
	var buf, out []byte
	_ = scanUTF16(s[2:], 2, bigEndian, &buf, func(t text) error {
		out = t.data
		return nil
	})
	return out
}
