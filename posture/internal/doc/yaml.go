package doc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// maxDocuments bounds the documents of one stream.
const maxDocuments = 1000

// YAML reads all documents of a stream. file is where its nodes say they are.
// What was read before a mistake is returned beside the error.
func YAML(file string, data []byte) ([]*Node, error) {
	out, err := documents(file, data)
	if text, ok := mistake(err); ok {
		err = fmt.Errorf("yaml: near line %d: %s", lineOf(data), text)
	}
	return out, err
}

// inYAML is a mistake as the library states it. Its line is where the block began
// in which the mistake is, and one less than that.
var inYAML = lazyregexp.New(`^yaml: (?:line \d+: )?(.*)$`)

// mistake is what is wrong with the YAML, without the line. What is wrong only at
// the end, such as a quote that is never closed, is best looked for where it began:
// the library's line.
func mistake(err error) (text string, ok bool) {
	if err == nil {
		return "", false
	}
	m := inYAML().FindStringSubmatch(err.Error())
	if m == nil || strings.Contains(m[1], "end of stream") {
		return "", false
	}
	return m[1], true
}

func documents(file string, data []byte) ([]*Node, error) {
	r := yamlReader{file: file}
	d := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	var out []*Node
	for len(out) < maxDocuments {
		var y yaml.Node
		if err := d.Decode(&y); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return out, err
		}
		n, err := r.node(&y, 0)
		if err != nil {
			return out, err
		}
		out = append(out, n)
	}
	return out, nil
}

// lineOf is the line that the library had come to when it met the mistake in data.
// It asks for no more than it needs, two tokens ahead.
func lineOf(data []byte) int {
	s := &slow{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
	d := yaml.NewDecoder(s)
	for range maxDocuments {
		var y yaml.Node
		if d.Decode(&y) != nil {
			break
		}
	}
	return 1 + bytes.Count(s.data[:max(s.at-1, 0)], []byte("\n"))
}

// A slow reader gives one byte at a time.
type slow struct {
	data []byte
	at   int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.at == len(s.data) || len(p) == 0 {
		return 0, io.EOF
	}
	p[0] = s.data[s.at]
	s.at++
	return 1, nil
}

type yamlReader struct {
	counter
	file string
}

func (r *yamlReader) node(y *yaml.Node, depth int) (*Node, error) {
	if err := r.more(depth); err != nil {
		return nil, err
	}
	n := &Node{File: r.file, Line: y.Line, Column: y.Column}
	if strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") {
		n.Tag = y.Tag[1:]
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) > 0 {
			return r.node(y.Content[0], depth)
		}
	case yaml.AliasNode:
		return r.node(y.Alias, depth+1)
	case yaml.ScalarNode:
		n.Kind, n.Text = scalarKind(y), y.Value
		n.Quoted = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	case yaml.SequenceNode:
		n.Kind = List
		for _, c := range y.Content {
			item, err := r.node(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, item)
		}
	case yaml.MappingNode:
		n.Kind = Map
		return n, r.members(n, y, depth)
	}
	return n, nil
}

// members reads a mapping. What << merges in stands first, so that the mapping's
// own keys win.
func (r *yamlReader) members(n *Node, y *yaml.Node, depth int) error {
	var own []Member
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		v, err := r.node(value, depth+1)
		if err != nil {
			return err
		}
		if key.Kind == yaml.ScalarNode && (key.Tag == "!!merge" || key.Value == "<<") {
			n.Members = append(n.Members, merged(v)...)
			continue
		}
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		own = append(own, Member{Key: key.Value, Line: y.Content[i].Line, Column: y.Content[i].Column, Value: v})
	}
	n.Members = append(n.Members, own...)
	if r.values += len(n.Members); r.values > MaxValues {
		return r.more(0)
	}
	return nil
}

// merged are the members that a merge key brings; of several maps the first wins.
func merged(v *Node) []Member {
	if v.Kind == Map {
		return v.Members
	}
	var all []Member
	for _, item := range slices.Backward(v.Items) {
		all = append(all, item.Members...)
	}
	return all
}

func scalarKind(y *yaml.Node) Kind {
	if y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return String
	}
	switch y.ShortTag() {
	case "!!bool":
		return Bool
	case "!!null":
		return Null
	case "!!int", "!!float":
		return Number
	}
	return String
}
