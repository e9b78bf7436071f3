package bundle

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of source maps. Maps of 100 MB have been seen in the wild.
const (
	maxMap      = 256 << 20 // bytes of JSON
	maxSources  = 200_000
	maxDepth    = 64      // of JSON values
	maxSections = 1000    // of an index map
	maxContent  = 8 << 20 // bytes of one source that are looked at
)

var errMap = errors.New("not a source map")

// A source is one file that a map names. content is as JSON escapes it, without
// its quotes, and nil when the map has none.
type source struct {
	path    string
	content []byte
}

// readMap lists the sources of a source map (ECMA-426), those of the sections
// of an index map too. It reads only what it needs: mappings and names are
// passed over. What was read before an error is returned beside it.
func readMap(data []byte) ([]source, error) {
	if len(data) > maxMap {
		return nil, errors.New("source map over 256 MiB")
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte(")]}")) { // the standard lets servers put this line first
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			data = data[i+1:]
		}
	}
	r := mapReader{jsonReader: jsonReader{data: data}}
	err := r.object(0)
	return r.sources, err
}

type mapReader struct {
	jsonReader
	sources  []source
	sections int
}

// object reads one map.
func (r *mapReader) object(depth int) error {
	from := len(r.sources)
	var contents [][]byte
	root := ""
	err := r.members(func(key []byte) error {
		switch string(key) {
		case "sourceRoot":
			if raw, ok := r.text(); ok {
				root = string(unescape(nil, raw))
				return nil
			}
		case "sources":
			return r.elements(func() error {
				raw, ok := r.text()
				if !ok {
					raw = nil
					if err := r.skip(0); err != nil {
						return err
					}
				}
				if len(r.sources) >= maxSources {
					return errors.New("source map of more than 200000 sources")
				}
				r.sources = append(r.sources, source{path: string(unescape(nil, raw))})
				return nil
			})
		case "sourcesContent":
			return r.elements(func() error {
				raw, ok := r.text()
				if !ok {
					raw = nil
					if err := r.skip(0); err != nil {
						return err
					}
				}
				if len(contents) < maxSources {
					contents = append(contents, raw)
				}
				return nil
			})
		case "sections":
			if depth == 0 {
				return r.elements(func() error { return r.section(depth) })
			}
		}
		return r.skip(0)
	})
	r.join(from, contents, root)
	return err
}

// join gives the sources from position from on their contents and root.
func (r *mapReader) join(from int, contents [][]byte, root string) {
	own := r.sources[from:]
	for i := range own {
		if i < len(contents) {
			own[i].content = contents[i]
		}
		if root != "" && root != "/" && len(root) < 1024 && len(own[i].path) < 4096 {
			own[i].path = root + "/" + own[i].path
		}
	}
}

func (r *mapReader) section(depth int) error {
	if r.sections++; r.sections > maxSections {
		return errors.New("source map of more than 1000 sections")
	}
	return r.members(func(key []byte) error {
		if string(key) == "map" {
			return r.object(depth + 1)
		}
		return r.skip(0)
	})
}

// A jsonReader steps over JSON without making values of it.
type jsonReader struct {
	data []byte
	pos  int
}

func (r *jsonReader) space() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// take steps over c, if it is next.
func (r *jsonReader) take(c byte) bool {
	if r.space() != c || r.pos >= len(r.data) {
		return false
	}
	r.pos++
	return true
}

// members calls do at the value of each member of the object that is next.
func (r *jsonReader) members(do func(key []byte) error) error {
	if !r.take('{') {
		return errMap
	}
	if r.take('}') {
		return nil
	}
	for {
		r.space()
		key, ok := r.text()
		if !ok || !r.take(':') {
			return errMap
		}
		if err := do(key); err != nil {
			return err
		}
		if r.take(',') {
			continue
		}
		if r.take('}') {
			return nil
		}
		return errMap
	}
}

// elements calls do at each element of the array that is next.
func (r *jsonReader) elements(do func() error) error {
	if r.space() != '[' {
		return r.skip(0) // null, as some tools write
	}
	r.pos++
	if r.take(']') {
		return nil
	}
	for {
		r.space()
		if err := do(); err != nil {
			return err
		}
		if r.take(',') {
			continue
		}
		if r.take(']') {
			return nil
		}
		return errMap
	}
}

// text steps over a string and returns what is between its quotes.
func (r *jsonReader) text() ([]byte, bool) {
	if r.space() != '"' {
		return nil, false
	}
	start := r.pos + 1
	for i := start; ; {
		j := bytes.IndexByte(r.data[i:], '"')
		if j < 0 {
			return nil, false
		}
		i += j
		back := i
		for back > start && r.data[back-1] == '\\' {
			back--
		}
		if (i-back)%2 == 0 {
			r.pos = i + 1
			return r.data[start:i], true
		}
		i++
	}
}

// skip steps over any value.
func (r *jsonReader) skip(depth int) error {
	if depth > maxDepth {
		return errors.New("source map of more than 64 levels")
	}
	switch c := r.space(); {
	case c == '{':
		return r.members(func([]byte) error { return r.skip(depth + 1) })
	case c == '[':
		return r.elements(func() error { return r.skip(depth + 1) })
	case c == '"':
		if _, ok := r.text(); !ok {
			return errMap
		}
		return nil
	case c == '-', word(c):
		for r.pos < len(r.data) && (word(r.data[r.pos]) || bytes.IndexByte([]byte("+-."), r.data[r.pos]) >= 0) {
			r.pos++
		}
		return nil
	}
	return errMap
}

// unescape appends the text of a JSON string to buf.
func unescape(buf, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return append(buf, raw...)
		}
		buf = append(buf, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'n':
			buf = append(buf, '\n')
		case 't':
			buf = append(buf, '\t')
		case 'r':
			buf = append(buf, '\r')
		case 'b', 'f':
			buf = append(buf, ' ')
		case 'u':
			buf, raw = unescapeRune(buf, raw)
		default:
			buf = append(buf, c)
		}
	}
}

func unescapeRune(buf, raw []byte) (out, rest []byte) {
	r, ok := hex4(raw)
	if !ok {
		return buf, raw
	}
	raw = raw[4:]
	if utf16.IsSurrogate(r) && len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
		if low, ok := hex4(raw[2:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return utf8.AppendRune(buf, pair), raw[6:]
			}
		}
	}
	return utf8.AppendRune(buf, r), raw
}

func hex4(raw []byte) (rune, bool) {
	if len(raw) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range raw[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// inlineMap returns the source map that code carries in its last
// sourceMappingURL comment as a data URL, or nil; url is what else the comment
// names.
func inlineMap(code []byte) (data []byte, url string, err error) {
	i := bytes.LastIndex(code, []byte("# sourceMappingURL="))
	if i < 0 {
		return nil, "", nil
	}
	value := code[i+len("# sourceMappingURL="):]
	if end := bytes.IndexAny(value[:min(len(value), 4096)], " \r\n\t*"); end >= 0 {
		value = value[:end]
	} else if end := bytes.IndexByte(value, '\n'); end >= 0 {
		value = value[:end]
	}
	if !bytes.HasPrefix(value, []byte("data:")) {
		return nil, string(value[:min(len(value), 512)]), nil
	}
	head, body, ok := bytes.Cut(value, []byte(","))
	if !ok || len(head) > 128 || !bytes.HasSuffix(head, []byte(";base64")) {
		return nil, "", errors.New("inline source map that is not base64")
	}
	body = bytes.TrimRight(body, "\r\n\t =*/")
	if len(body) > maxMap {
		return nil, "", errors.New("source map over 256 MiB")
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(body)))
	n, err := base64.RawStdEncoding.Decode(out, body)
	return out[:n], "", err
}
