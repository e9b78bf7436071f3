package secrets

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxYAML is the size up to which a file is parsed as YAML, in bytes; larger ones
// are read line by line.
const maxYAML = 1 << 20

// yaml reads YAML, and files that are not quite YAML line by line.
func (r *reader) yaml() {
	if len(r.data) > maxYAML || !r.parseYAML() {
		r.quotedOrBare()
	}
}

// parseYAML adds the pairs of all documents, or returns false when the file does
// not parse; what it found until then stays.
func (r *reader) parseYAML() (ok bool) {
	defer func() {
		if recover() != nil { // the parser is known to panic on odd input
			ok = false
		}
	}()
	var starts []int
	for i := 0; i >= 0 && i <= len(r.data); {
		starts = append(starts, i)
		n := bytes.IndexByte(r.data[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
	}
	y := yamlReader{r: r, lines: starts}
	dec := yaml.NewDecoder(bytes.NewReader(r.data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return errors.Is(err, io.EOF)
		}
		y.walk(&doc, "", 0)
	}
}

type yamlReader struct {
	r     *reader
	lines []int // offsets of the lines
}

// walk visits a node; key is the key that leads to it.
func (y *yamlReader) walk(n *yaml.Node, key string, depth int) {
	if depth > maxDepth || skippedTag(n) {
		return
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			y.walk(c, key, depth+1)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if c.Kind == yaml.ScalarNode && !skippedTag(c) {
				y.r.arrayItem(y.pair(key, c))
				continue
			}
			y.walk(c, key, depth+1)
		}
	case yaml.MappingNode:
		y.mapping(n, key, depth)
	case yaml.ScalarNode:
		y.r.add(y.pair(key, n))
	default: // an alias: its anchor is visited where it stands
	}
}

func (y *yamlReader) mapping(n *yaml.Node, key string, depth int) {
	f := frame{object: true, key: key}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Value == "Ref" || strings.HasPrefix(k.Value, "Fn::") && k.Value != "Fn::Sub" || strings.HasSuffix(k.Value, "From") {
			continue // points at a value kept elsewhere
		}
		if v.Kind != yaml.ScalarNode {
			y.walk(v, k.Value, depth+1)
			continue
		}
		if skippedTag(v) {
			continue
		}
		p := y.pair(k.Value, v)
		if k.Value == "Fn::Sub" {
			p.name = key
		}
		y.r.assign(&f, p)
	}
	y.r.finish(&f)
}

// skippedTag reports whether a node is a CloudFormation function other than !Sub,
// a vault or another reference, or no text.
func skippedTag(n *yaml.Node) bool {
	switch n.Tag {
	case "!!bool", "!!null", "!!timestamp":
		return true
	}
	return strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") && n.Tag != "!Sub" && n.Tag != "!"
}

// pair finds where a scalar stands in the file.
func (y *yamlReader) pair(name string, n *yaml.Node) pair {
	p := pair{name: name, value: n.Value}
	if n.Line < 1 || n.Line > len(y.lines) {
		return p
	}
	data := y.r.data
	from := min(y.lines[n.Line-1]+max(n.Column-1, 0), len(data))
	p.start = from
	if i := strings.Index(string(data[from:min(len(data), from+len(n.Value)+256)]), n.Value); i >= 0 {
		p.start, p.exact = from+i, true
	}
	p.end = min(p.start+len(n.Value), len(data))
	return p
}

// quotedOrBare reads lines of "name: value", quoted or not.
func (r *reader) quotedOrBare() {
	r.eachLine(func(start, end int) {
		r.bareLine(start, end, ":=")
	})
}
