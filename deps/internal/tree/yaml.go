package tree

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// YAML reads the first document. A document that breaks off is read up to the
// last blank line before its end, and the error is returned with that.
func YAML(data []byte) (Value, error) {
	var doc yaml.Node
	err := yaml.Unmarshal(data, &doc)
	if err != nil {
		i := bytes.LastIndex(data, []byte("\n\n"))
		doc = yaml.Node{}
		if i < 0 || yaml.Unmarshal(data[:i+1], &doc) != nil {
			return Value{}, err
		}
	}
	c := converter{}
	v := c.yaml(&doc, 0)
	return v, errors.Join(err, c.err)
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
