// Package jsontree parses JSON into a tree that knows where everything stands.
// It is lenient as the readers of configuration files are: comments, a byte order
// mark, trailing commas and line breaks in strings are taken. Members keep their
// order and their case, and repeated keys are all kept.
package jsontree

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A Kind says what a Node is.
type Kind uint8

// The kinds. Hole is a value that stands between U+E000 and U+E001, which callers
// put where the text is not known.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
	Hole
)

// A Node is a value. Line and Column are 1-based, Column in bytes.
type Node struct {
	Kind         Kind
	Line, Column int
	Bool         bool
	Text         string // of a String, decoded; of a Number or Hole, as written
	Items        []*Node
	Members      []Member
}

// A Member is a key of an object with its value.
type Member struct {
	Key          string
	Line, Column int
	Value        *Node
}

// Get returns the value of the key, the last one if it is repeated, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := len(n.Members) - 1; i >= 0; i-- {
		if n.Members[i].Key == key {
			return n.Members[i].Value
		}
	}
	return nil
}

// Limits of a document.
const (
	maxDepth = 200
	maxNodes = 2_000_000
	maxSize  = 64 << 20 // bytes
)

// ErrLimit is returned for documents over the limits of size, depth or nodes.
var ErrLimit = errors.New("json: over the limit of size or nesting")

type parser struct {
	data  []byte
	at    int
	line  int
	start int // offset of the line
	nodes int
}

// Parse reads one document. The error says the line; no tree comes with it.
func Parse(data []byte) (*Node, error) {
	if len(data) > maxSize {
		return nil, ErrLimit
	}
	p := &parser{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), line: 1}
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.at < len(p.data) {
		return nil, p.fail("text after the document")
	}
	return n, nil
}

func (p *parser) fail(why string) error {
	return fmt.Errorf("json: line %d: %s", p.line, why)
}

// space skips white space and comments.
func (p *parser) space() error {
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '\n':
			p.newline()
			p.at++
		case c == ' ' || c == '\t' || c == '\r':
			p.at++
		case bytes.HasPrefix(p.data[p.at:], []byte("//")):
			end := bytes.IndexByte(p.data[p.at:], '\n')
			if end < 0 {
				end = len(p.data) - p.at
			}
			p.at += end
		case bytes.HasPrefix(p.data[p.at:], []byte("/*")):
			end := bytes.Index(p.data[p.at:], []byte("*/"))
			if end < 0 {
				return p.fail("comment without end")
			}
			for end += p.at + 2; p.at < end; p.at++ {
				if p.data[p.at] == '\n' {
					p.newline()
				}
			}
		default:
			return nil
		}
	}
	return nil
}

// newline is called at the byte that ends a line.
func (p *parser) newline() {
	p.line++
	p.start = p.at + 1
}

func (p *parser) value(depth int) (*Node, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.nodes++; depth > maxDepth || p.nodes > maxNodes {
		return nil, ErrLimit
	}
	if p.at >= len(p.data) {
		return nil, p.fail("unexpected end")
	}
	n := &Node{Line: p.line, Column: p.at - p.start + 1}
	switch c := p.data[p.at]; {
	case c == '{':
		return n, p.object(n, depth)
	case c == '[':
		return n, p.array(n, depth)
	case c == '"':
		n.Kind = String
		var err error
		n.Text, err = p.str()
		return n, err
	default:
		return n, p.word(n)
	}
}

// list walks the elements between two brackets, with their commas.
func (p *parser) list(end byte, one func() error) error {
	p.at++
	for {
		if err := p.space(); err != nil {
			return err
		}
		if p.at >= len(p.data) {
			return p.fail("unexpected end")
		}
		if p.data[p.at] == end {
			p.at++
			return nil
		}
		if err := one(); err != nil {
			return err
		}
		if err := p.space(); err != nil {
			return err
		}
		switch {
		case p.at < len(p.data) && p.data[p.at] == ',':
			p.at++
		case p.at >= len(p.data) || p.data[p.at] != end:
			return p.fail("expected a comma or the end of the list")
		}
	}
}

func (p *parser) array(n *Node, depth int) error {
	n.Kind = Array
	return p.list(']', func() error {
		v, err := p.value(depth + 1)
		n.Items = append(n.Items, v)
		return err
	})
}

func (p *parser) object(n *Node, depth int) error {
	n.Kind = Object
	return p.list('}', func() error {
		m := Member{Line: p.line, Column: p.at - p.start + 1}
		if p.data[p.at] != '"' {
			return p.fail("expected a key")
		}
		var err error
		if m.Key, err = p.str(); err != nil {
			return err
		}
		if err := p.space(); err != nil {
			return err
		}
		if p.at >= len(p.data) || p.data[p.at] != ':' {
			return p.fail("expected a colon")
		}
		p.at++
		m.Value, err = p.value(depth + 1)
		n.Members = append(n.Members, m)
		return err
	})
}

// word reads null, true, false, a number or a hole.
func (p *parser) word(n *Node) error {
	if bytes.HasPrefix(p.data[p.at:], []byte("\ue000")) {
		end := bytes.Index(p.data[p.at:], []byte("\ue001"))
		if end < 0 {
			return p.fail("hole without end")
		}
		n.Kind, n.Text = Hole, string(p.data[p.at+len("\ue000"):p.at+end])
		p.at += end + len("\ue001")
		return nil
	}
	begin := p.at
	for p.at < len(p.data) && strings.IndexByte(" \t\r\n,:]}/\"", p.data[p.at]) < 0 {
		p.at++
	}
	switch n.Text = string(p.data[begin:p.at]); n.Text {
	case "null":
	case "true", "false":
		n.Kind, n.Bool = Bool, n.Text == "true"
	default:
		if _, err := strconv.ParseFloat(n.Text, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return p.fail("expected a value")
		}
		n.Kind = Number
	}
	return nil
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '\'': '\''}

func (p *parser) str() (string, error) {
	p.at++
	var b strings.Builder
	for p.at < len(p.data) {
		switch c := p.data[p.at]; c {
		case '"':
			p.at++
			return b.String(), nil
		case '\\':
			if p.at+1 >= len(p.data) {
				return "", p.fail("unexpected end")
			}
			p.at++
			if err := p.escape(&b); err != nil {
				return "", err
			}
		case '\n':
			p.newline()
			fallthrough
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return "", p.fail("string without end")
}

func (p *parser) escape(b *strings.Builder) error {
	c := p.data[p.at]
	if c != 'u' {
		if escapes[c] == 0 {
			return p.fail("unknown escape")
		}
		b.WriteByte(escapes[c])
		p.at++
		return nil
	}
	r, ok := p.hex(p.at + 1)
	if !ok {
		return p.fail("bad \\u escape")
	}
	p.at += 5
	if utf16.IsSurrogate(r) && bytes.HasPrefix(p.data[p.at:], []byte(`\u`)) {
		if low, ok := p.hex(p.at + 2); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				r = both
				p.at += 6
			}
		}
	}
	b.WriteRune(r)
	return nil
}

func (p *parser) hex(at int) (rune, bool) {
	if at+4 > len(p.data) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.data[at:at+4]), 16, 16)
	return rune(n), err == nil
}
