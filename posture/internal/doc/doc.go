// Package doc reads YAML and JSON of untrusted templates into one kind of tree
// whose every node knows its file, line and column. Aliases and merge keys are
// expanded within the limits, of duplicate keys the last wins, and YAML tags stay
// beside the value. It knows nothing of what the tree means.
package doc

import (
	"fmt"
	"slices"
)

// Limits of a tree. CloudFormation itself takes templates of 1 MiB; a compiled
// template of 500 resources has some 60,000 values.
const (
	MaxDepth  = 200
	MaxValues = 1_000_000
)

// A Kind is the type of a Node.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

// A Node is one value. Methods may be called on a nil Node, which is no value at
// all. Nodes are shared between aliases and must not be changed.
type Node struct {
	Kind         Kind
	Tag          string // local tag of YAML without "!": "Sub"; else ""
	Text         string // of scalars, as written
	File         string
	Line, Column int // 1-based; Column in bytes
	Items        []*Node
	Members      []Member
	// Quoted is true for a scalar that is text by its quotes.
	Quoted bool
}

// A Member is one key and value of a Map.
type Member struct {
	Key          string
	Line, Column int // of the key
	Value        *Node
}

// Get returns the value of a key, or nil. The last of duplicates wins.
func (n *Node) Get(key string) *Node {
	if m := n.Member(key); m != nil {
		return m.Value
	}
	return nil
}

// Member returns the last member of that key, or nil.
func (n *Node) Member(key string) *Member {
	if n == nil {
		return nil
	}
	for i := len(n.Members) - 1; i >= 0; i-- {
		if n.Members[i].Key == key {
			return &n.Members[i]
		}
	}
	return nil
}

// At follows keys down.
func (n *Node) At(keys ...string) *Node {
	for _, k := range keys {
		n = n.Get(k)
	}
	return n
}

// All returns the members in order, of duplicates only the last.
func (n *Node) All() []Member {
	if n == nil {
		return nil
	}
	seen := make(map[string]bool, len(n.Members))
	out := make([]Member, 0, len(n.Members))
	for _, m := range slices.Backward(n.Members) {
		if !seen[m.Key] {
			seen[m.Key] = true
			out = append(out, m)
		}
	}
	slices.Reverse(out)
	return out
}

// Elements returns the items of a List.
func (n *Node) Elements() []*Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// Is reports the kind; a nil Node has none.
func (n *Node) Is(k Kind) bool { return n != nil && n.Kind == k }

// Scalar returns the text of a string, number or boolean.
func (n *Node) Scalar() (string, bool) {
	if n == nil || n.Kind == Null || n.Kind == List || n.Kind == Map {
		return "", false
	}
	return n.Text, true
}

// Str is the text of a scalar, or "".
func (n *Node) Str() string {
	s, _ := n.Scalar()
	return s
}

// True reports a boolean that is on, as YAML 1.1 writes them too.
func (n *Node) True() bool {
	switch n.Str() {
	case "true", "True", "TRUE", "yes", "Yes", "on", "On":
		return true
	}
	return false
}

// New makes a string at the place of another node.
func New(at *Node, text string) *Node {
	return &Node{Kind: String, Text: text, File: at.file(), Line: at.line(), Column: at.column()}
}

// NewMap makes a Map at the place of another node.
func NewMap(at *Node, members ...Member) *Node {
	return &Node{Kind: Map, Members: members, File: at.file(), Line: at.line(), Column: at.column()}
}

// NewList makes a List at the place of another node.
func NewList(at *Node, items ...*Node) *Node {
	return &Node{Kind: List, Items: items, File: at.file(), Line: at.line(), Column: at.column()}
}

// Pair makes a member whose key is where its value is.
func Pair(key string, value *Node) Member {
	return Member{Key: key, Value: value, Line: value.line(), Column: value.column()}
}

func (n *Node) file() string {
	if n == nil {
		return ""
	}
	return n.File
}

func (n *Node) line() int {
	if n == nil {
		return 0
	}
	return n.Line
}

func (n *Node) column() int {
	if n == nil {
		return 0
	}
	return n.Column
}

// counter counts the values of a tree while it is made.
type counter struct{ values int }

func (c *counter) more(depth int) error {
	if c.values++; c.values > MaxValues {
		return fmt.Errorf("more than %d values", MaxValues)
	}
	if depth > MaxDepth {
		return fmt.Errorf("more than %d levels deep", MaxDepth)
	}
	return nil
}
