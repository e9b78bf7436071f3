package tree

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON reads one JSON value and nothing after it. On an error the tree holds
// what was read before. Input that ends early gives io.ErrUnexpectedEOF.
func JSON(data []byte) (Value, error) { return parse(data, false) }

// RelaxedJSON is JSON that also takes comments and trailing commas, as
// bun.lock and tsconfig.json have them.
func RelaxedJSON(data []byte) (Value, error) { return parse(data, true) }

func parse(data []byte, relaxed bool) (Value, error) {
	p := parser{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), relaxed: relaxed}
	v, err := p.value(0)
	if err != nil {
		return v, err
	}
	if err := p.space(); err != nil {
		return v, err
	}
	if p.pos < len(p.data) {
		return v, p.unexpected("after the value")
	}
	return v, nil
}

type parser struct {
	data    []byte
	pos     int
	values  int
	relaxed bool
}

func (p *parser) value(depth int) (Value, error) {
	if err := p.space(); err != nil {
		return Value{}, err
	}
	if p.pos >= len(p.data) {
		return Value{}, io.ErrUnexpectedEOF
	}
	if depth > MaxDepth {
		return Value{}, fmt.Errorf("more than %d levels deep", MaxDepth)
	}
	if p.values++; p.values > MaxValues {
		return Value{}, fmt.Errorf("more than %d values", MaxValues)
	}
	switch c := p.data[p.pos]; c {
	case '{':
		return p.list(depth, Object, '}')
	case '[':
		return p.list(depth, Array, ']')
	case '"':
		s, err := p.str()
		if err != nil {
			return Value{}, err
		}
		return Value{Kind: String, text: s}, nil
	case 't', 'f', 'n':
		return p.literal()
	default:
		return p.number()
	}
}

// list reads an object or array from its opening bracket on.
func (p *parser) list(depth int, kind Kind, end byte) (Value, error) {
	v := Value{Kind: kind}
	p.pos++
	for {
		if err := p.space(); err != nil {
			return v, err
		}
		if p.pos >= len(p.data) {
			return v, io.ErrUnexpectedEOF
		}
		if p.data[p.pos] == end && (len(v.list) == 0 || p.relaxed) {
			p.pos++
			return v, nil
		}
		m, err := p.member(depth, kind)
		if m.Kind != Absent {
			v.list = append(v.list, m)
		}
		if err != nil {
			return v, err
		}
		if done, err := p.separator(end); done || err != nil {
			return v, err
		}
	}
}

func (p *parser) member(depth int, kind Kind) (Member, error) {
	var m Member
	if kind == Object {
		if p.data[p.pos] != '"' {
			return m, p.unexpected("where a key should be")
		}
		key, err := p.str()
		if err != nil {
			return m, err
		}
		if err := p.space(); err != nil {
			return m, err
		}
		if p.pos >= len(p.data) {
			return m, io.ErrUnexpectedEOF
		}
		if p.data[p.pos] != ':' {
			return m, p.unexpected("after a key")
		}
		p.pos++
		m.Key = key
	}
	var err error
	m.Value, err = p.value(depth + 1)
	return m, err
}

// separator reads what follows a member: a comma, or the end of the list.
func (p *parser) separator(end byte) (done bool, err error) {
	if err := p.space(); err != nil {
		return false, err
	}
	if p.pos >= len(p.data) {
		return false, io.ErrUnexpectedEOF
	}
	switch p.data[p.pos] {
	case ',':
		p.pos++
		return false, nil
	case end:
		p.pos++
		return true, nil
	}
	return false, p.unexpected("after a value")
}

func (p *parser) literal() (Value, error) {
	for word, kind := range map[string]Kind{"true": Bool, "false": Bool, "null": Null} {
		rest := p.data[p.pos:]
		if bytes.HasPrefix(rest, []byte(word)) {
			p.pos += len(word)
			return Value{Kind: kind, text: word}, nil
		}
		if bytes.HasPrefix([]byte(word), rest) {
			return Value{}, io.ErrUnexpectedEOF
		}
	}
	return Value{}, p.unexpected("where a value should be")
}

func (p *parser) number() (Value, error) {
	start := p.pos
	for p.pos < len(p.data) && strings.IndexByte("+-.eE0123456789", p.data[p.pos]) >= 0 {
		p.pos++
	}
	text := string(p.data[start:p.pos])
	if !validNumber(text) {
		p.pos = start
		return Value{}, p.unexpected("where a value should be")
	}
	return Value{Kind: Number, text: text}, nil
}

// validNumber follows the grammar of RFC 8259, section 6.
func validNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// str reads a string from its opening quote on.
func (p *parser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			s := string(p.data[start:p.pos])
			p.pos++
			return strings.ToValidUTF8(s, "\uFFFD"), nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.unexpected("in a string")
		}
		p.pos++
	}
	return "", io.ErrUnexpectedEOF
}

// escaped reads the rest of a string whose first escape is at p.pos.
func (p *parser) escaped(start int) (string, error) {
	buf := append([]byte(nil), p.data[start:p.pos]...)
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch {
		case c == '"':
			p.pos++
			return strings.ToValidUTF8(string(buf), "\uFFFD"), nil
		case c == '\\':
			var err error
			if buf, err = p.escape(buf); err != nil {
				return "", err
			}
			continue
		case c < ' ':
			return "", p.unexpected("in a string")
		}
		buf = append(buf, c)
		p.pos++
	}
	return "", io.ErrUnexpectedEOF
}

// escape reads one escape sequence from its backslash on.
func (p *parser) escape(buf []byte) ([]byte, error) {
	if p.pos+1 >= len(p.data) {
		return nil, io.ErrUnexpectedEOF
	}
	c := p.data[p.pos+1]
	if c == 'u' {
		r, err := p.unicode()
		return utf8.AppendRune(buf, r), err
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return nil, p.unexpected("in an escape")
	}
	p.pos += 2
	return append(buf, "\"\\/\b\f\n\r\t"[i]), nil
}

// unicode reads \uXXXX, or two of them that form a surrogate pair.
func (p *parser) unicode() (rune, error) {
	r, err := p.hex4(p.pos)
	if err != nil {
		return 0, err
	}
	p.pos += 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if p.pos+1 < len(p.data) && p.data[p.pos] == '\\' && p.data[p.pos+1] == 'u' {
		low, err := p.hex4(p.pos)
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			p.pos += 6
			return pair, nil
		}
	}
	return utf8.RuneError, nil
}

func (p *parser) hex4(at int) (rune, error) {
	if at+6 > len(p.data) {
		return 0, io.ErrUnexpectedEOF
	}
	var r rune
	for _, c := range p.data[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, p.unexpected("in an escape")
		}
		r = r<<4 | rune(c)
	}
	return r, nil
}

// space skips white space, and comments where they are allowed.
func (p *parser) space() error {
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.pos++
		case c == '/' && p.relaxed:
			if err := p.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (p *parser) comment() error {
	rest := p.data[p.pos:]
	var end int
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		if end = bytes.IndexByte(rest, '\n'); end < 0 {
			end = len(rest) - 1
		}
	case bytes.HasPrefix(rest, []byte("/*")):
		if end = bytes.Index(rest[2:], []byte("*/")); end < 0 {
			return io.ErrUnexpectedEOF
		}
		end += 3
	default:
		return p.unexpected("where a value should be")
	}
	p.pos += end + 1
	return nil
}

func (p *parser) unexpected(where string) error {
	line := 1 + bytes.Count(p.data[:p.pos], []byte("\n"))
	return fmt.Errorf("line %d: unexpected %q %s", line, p.data[p.pos], where)
}
