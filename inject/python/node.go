// Package python reads Python 3 into a tree with positions and lowers it for the
// taint engine. The parser is tolerant: a statement that it does not understand
// is skipped and told. It executes and imports nothing.
package python

// A Kind says what a Node is.
type Kind uint8

// The kinds of nodes, with the fields they use.
const (
	Name       Kind = iota // Str
	String                 // Str: the value
	FString                // List: texts and expressions in turn
	Number                 // Str
	Literal                // Str: None, True, False, ...
	List                   // List; also tuples and sets
	Dict                   // List of Pair and Star
	Pair                   // A key, B value
	Star                   // A; Str "*" or "**"
	Keyword                // Str, A: an argument by name
	Attribute              // A, Str
	Subscript              // A, B
	Slice                  // List
	Call                   // A, List
	Unary                  // Str, A
	Binary                 // Str, List
	Compare                // Str, A, B
	Choose                 // A if B else C
	Lambda                 // List of Param, A
	Comp                   // A value (or Pair), List of CompFor, Str kind of bracket
	CompFor                // A target, B iterable, List conditions
	Await                  // A
	Yield                  // A or nil
	Walrus                 // A, B
	ExprStmt               // A
	Assign                 // List of targets, B value
	AugAssign              // Str operator, A, B
	AnnAssign              // A, B value or nil, C annotation
	Return                 // A or nil
	Raise                  // A or nil
	Assert                 // A
	Delete                 // List
	Pass                   //
	Break                  //
	Continue               //
	Global                 // Names; Str "global" or "nonlocal"
	Import                 // List of Alias
	ImportFrom             // Str module with leading dots, List of Alias ("*" for all)
	Alias                  // Str name, Names[0] local name
	If                     // A, Body, Else
	While                  // A, Body, Else
	For                    // A target, B iterable, Body, Else
	Try                    // Body, List of Except, Else, Finally
	Except                 // A or nil, Str name, Body
	With                   // List of WithItem, Body
	WithItem               // A, B target or nil
	Def                    // Str, List of Param, Body, Decorators
	Param                  // Str name, A default, B annotation; Star in Mark
	Class                  // Str, List bases (arguments), Body, Decorators
	Match                  // A, List of Case
	Case                   // A pattern, B guard, Body
	Capture                // Str: a name that a pattern binds
)

// A Node is one piece of the tree. Positions are byte offsets.
type Node struct {
	Kind       Kind
	Mark       string // "*", "**", "/" of a parameter; "kw" of one that is by name only
	Pos, End   int32
	Str        string
	A, B, C    *Node
	List, Body []*Node
	*Rare      // never nil in a tree
}

// Rare is what few nodes have. Those without share one that is empty.
type Rare struct {
	Else, Finally []*Node
	Decorators    []*Node
	Names         []string
}

var empty Rare // is only read

// own is the node's Rare to write to.
func (n *Node) own() *Rare {
	if n.Rare == &empty {
		n.Rare = &Rare{}
	}
	return n.Rare
}

func (n *Node) setElse(list []*Node) {
	if list != nil {
		n.own().Else = list
	}
}

func (n *Node) setDecorators(list []*Node) {
	if list != nil {
		n.own().Decorators = list
	}
}

// A Fault is a place the parser did not understand.
type Fault struct {
	Pos   int32
	Text  string
	Limit bool
}

// A Tree is one parsed file.
type Tree struct {
	Body   []*Node
	Faults []Fault
}
