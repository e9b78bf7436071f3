package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// YAML reads all documents of a stream. One that breaks off is read up to the
// last blank line before its end, and the error is returned with that.
func YAML(data []byte) ([]Value, error) {
	docs, err := yamlDocuments(data)
	if err != nil {
		if i := bytes.LastIndex(data, []byte("\n\n")); i >= 0 {
			if shorter, again := yamlDocuments(data[:i+1]); again == nil {
				docs = shorter
			}
		}
	}
	c := converter{}
	var out []Value
	for i := range docs {
		out = append(out, c.yaml(&docs[i], 0))
	}
	return out, errors.Join(err, c.err)
}

func yamlDocuments(data []byte) ([]yaml.Node, error) {
	var docs []yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return docs, err
		}
		docs = append(docs, doc)
	}
}

// converter counts the values of a tree while it is made.
type converter struct {
	values int
	err    error
}

// more says whether one more value at this depth is within the limits.
func (c *converter) more(depth int) bool {
	if c.err != nil {
		return false
	}
	if c.values++; c.values > MaxValues {
		c.err = fmt.Errorf("more than %d values", MaxValues)
	} else if depth > MaxDepth {
		c.err = fmt.Errorf("more than %d levels deep", MaxDepth)
	}
	return c.err == nil
}

func (c *converter) yaml(n *yaml.Node, depth int) Value {
	if n == nil || !c.more(depth) {
		return Value{}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return c.yaml(n.Content[0], depth+1)
		}
	case yaml.AliasNode:
		return c.yaml(n.Alias, depth+1)
	case yaml.ScalarNode:
		return Value{Kind: scalarKind(n.Tag), text: n.Value}
	case yaml.SequenceNode:
		v := Value{Kind: Array, list: make([]Member, 0, len(n.Content))}
		for _, e := range n.Content {
			v.list = append(v.list, Member{Value: c.yaml(e, depth+1)})
		}
		return v
	case yaml.MappingNode:
		v := Value{Kind: Object, list: make([]Member, 0, len(n.Content)/2)}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v.list = append(v.list, Member{Key: n.Content[i].Value, Value: c.yaml(n.Content[i+1], depth+1)})
		}
		return v
	}
	return Value{}
}

// scalarKind keeps the text of every scalar; the tag only tells text from the rest.
func scalarKind(tag string) Kind {
	switch tag {
	case "!!bool":
		return Bool
	case "!!null":
		return Null
	case "!!int", "!!float":
		return Number
	}
	return String
}
