package doc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// JSON reads one value and nothing after it. relaxed also takes comments and
// trailing commas. Positions are by line and byte.
func JSON(file string, data []byte, relaxed bool) (*Node, error) {
	p := jsonParser{file: file, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), relaxed: relaxed, line: 1}
	n, err := p.value(0)
	if err == nil {
		if err = p.space(); err == nil && p.pos < len(p.data) {
			err = p.unexpected()
		}
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

type jsonParser struct {
	counter
	file    string
	data    []byte
	pos     int
	relaxed bool
	line    int // of pos
	start   int // of that line
}

func (p *jsonParser) value(depth int) (*Node, error) {
	if err := p.more(depth); err != nil {
		return nil, err
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.pos >= len(p.data) {
		return nil, io.ErrUnexpectedEOF
	}
	n := &Node{File: p.file, Line: p.line, Column: p.pos - p.start + 1}
	switch c := p.data[p.pos]; c {
	case '{':
		n.Kind = Map
		return n, p.list(n, depth, '}')
	case '[':
		n.Kind = List
		return n, p.list(n, depth, ']')
	case '"':
		var err error
		n.Kind, n.Quoted = String, true
		n.Text, err = p.str()
		return n, err
	}
	return n, p.word(n)
}

// list reads a map or list from its opening bracket on.
func (p *jsonParser) list(n *Node, depth int, end byte) error {
	p.pos++
	for first := true; ; first = false {
		if err := p.space(); err != nil {
			return err
		}
		if p.pos >= len(p.data) {
			return io.ErrUnexpectedEOF
		}
		if p.data[p.pos] == end && (first || p.relaxed) {
			p.pos++
			return nil
		}
		if err := p.member(n, depth); err != nil {
			return err
		}
		if err := p.space(); err != nil {
			return err
		}
		switch {
		case p.pos >= len(p.data):
			return io.ErrUnexpectedEOF
		case p.data[p.pos] == end:
			p.pos++
			return nil
		case p.data[p.pos] != ',':
			return p.unexpected()
		}
		p.pos++
	}
}

func (p *jsonParser) member(n *Node, depth int) error {
	if n.Kind == List {
		v, err := p.value(depth + 1)
		n.Items = append(n.Items, v)
		return err
	}
	m := Member{Line: p.line, Column: p.pos - p.start + 1}
	if p.data[p.pos] != '"' {
		return p.unexpected()
	}
	var err error
	if m.Key, err = p.str(); err != nil {
		return err
	}
	if err := p.space(); err != nil {
		return err
	}
	if p.pos >= len(p.data) {
		return io.ErrUnexpectedEOF
	}
	if p.data[p.pos] != ':' {
		return p.unexpected()
	}
	p.pos++
	if m.Value, err = p.value(depth + 1); err != nil {
		return err
	}
	n.Members = append(n.Members, m)
	return nil
}

// str reads a string from its opening quote on. Escapes are the decoder's work.
func (p *jsonParser) str() (string, error) {
	from := p.pos
	escaped := false
	for p.pos++; p.pos < len(p.data); p.pos++ {
		switch c := p.data[p.pos]; {
		case c == '\\':
			escaped = true
			p.pos++
		case c == '"':
			p.pos++
			return unquote(p.data[from:p.pos], escaped)
		case c == '\n' && !p.relaxed:
			return "", p.unexpected()
		case c == '\n': // ARM templates have strings of several lines
			p.line++
			p.start = p.pos + 1
		}
	}
	return "", io.ErrUnexpectedEOF
}

func unquote(quoted []byte, escaped bool) (string, error) {
	if !escaped {
		return strings.ToValidUTF8(string(quoted[1:len(quoted)-1]), "\uFFFD"), nil
	}
	var s string
	if err := json.Unmarshal(bytes.ReplaceAll(quoted, []byte("\n"), []byte(`\n`)), &s); err != nil {
		return "", errors.New("an escape that is not one of JSON's")
	}
	return s, nil
}

// word reads a number, true, false or null.
func (p *jsonParser) word(n *Node) error {
	from := p.pos
	for p.pos < len(p.data) && !bytes.ContainsRune([]byte(" \t\r\n,]}/"), rune(p.data[p.pos])) {
		p.pos++
	}
	text := p.data[from:p.pos]
	switch {
	case string(text) == "true" || string(text) == "false":
		n.Kind = Bool
	case string(text) == "null":
		n.Kind = Null
	case json.Valid(text) && len(text) > 0:
		n.Kind = Number
	default:
		p.pos = from
		return p.unexpected()
	}
	n.Text = string(text)
	return nil
}

// space skips white space, and comments where they are allowed.
func (p *jsonParser) space() error {
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '\n':
			p.line++
			p.start = p.pos + 1
		case c == ' ' || c == '\t' || c == '\r':
		case c == '/' && p.relaxed:
			if err := p.comment(); err != nil {
				return err
			}
			continue
		default:
			return nil
		}
		p.pos++
	}
	return nil
}

func (p *jsonParser) comment() error {
	rest := p.data[p.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			end = len(rest)
		}
		p.pos += end
	case bytes.HasPrefix(rest, []byte("/*")):
		end := bytes.Index(rest[2:], []byte("*/"))
		if end < 0 {
			return io.ErrUnexpectedEOF
		}
		if i := bytes.LastIndexByte(rest[:end+4], '\n'); i >= 0 {
			p.line += bytes.Count(rest[:end+4], []byte("\n"))
			p.start = p.pos + i + 1
		}
		p.pos += end + 4
	default:
		return p.unexpected()
	}
	return nil
}

func (p *jsonParser) unexpected() error {
	if p.pos >= len(p.data) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("line %d: unexpected %q", p.line, p.data[p.pos])
}
