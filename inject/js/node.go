// Package js reads JavaScript, TypeScript, JSX and TSX into a tree with positions
// and lowers it for the taint engine. The parser is tolerant: what it does not
// understand it skips up to the next statement and says so. Types are passed over,
// not checked. It executes and resolves nothing.
package js

// A Kind says what a Node is.
type Kind uint8

// The kinds of nodes, with the fields they use.
const (
	Bad           Kind = iota
	Ident              // Str
	String             // Str: the value
	Number             // Str: as written
	Regexp             // Str: as written, with flags
	Template           // List: strings and expressions in turn
	Tagged             // A tag, B template
	Array              // List, nil for holes; also as a pattern
	Object             // List of Prop and Spread; also as a pattern
	Prop               // Str name or A computed key, B value
	Spread             // A
	Func               // Str name, List parameters, B body: Block or, for arrows, an expression
	Class              // Str name, A superclass, List of Member
	Member             // Str name or A computed key, B function or initial value, nil for none
	Unary              // Str operator, A
	Update             // A
	Binary             // Str operator, List of two and more operands
	Assign             // Str operator, A target, B value; also a pattern with a default
	Cond               // A, B, C
	Call               // A, List
	New                // A, List
	Dot                // A, Str
	Index              // A, B
	Seq                // List
	Await              // A
	Yield              // A
	This               //
	Super              //
	Literal            // Str: null, true, false
	ImportCall         // A
	Meta               // import.meta, new.target
	JSX                // A tag as expression, nil for fragments; List of Prop (attributes), Spread and children
	VarDecl            // Str var, let, const, using; List of Declarator
	Declarator         // A pattern, B value or nil
	ExprStmt           // A
	Block              // List
	If                 // A, B, C
	For                // A, B, C, D body
	ForIn              // A target or VarDecl, B object, D body
	ForOf              // as ForIn
	While              // A, D body
	DoWhile            // A, D body
	Return             // A or nil
	Throw              // A
	Break              // Str label
	Continue           // Str label
	Try                // A block, B pattern or nil, C handler or nil, D finalizer or nil
	Switch             // A, List of Case
	Case               // A or nil for default, List
	Labelled           // Str, A
	ImportDecl         // Str module, List of Specifier
	ExportDecl         // A declaration
	ExportList         // List of Specifier, Str module or ""
	ExportDefault      // A
	ExportAll          // Str module, A name or nil
	Specifier          // Str name in the module ("*" for all, "default"), A local name; for exports A is the local one and Str the public one
	Empty              //
)

// A Flag is a detail of a Node.
type Flag uint16

// The flags.
const (
	Async Flag = 1 << iota
	Generator
	Arrow
	Static
	Getter
	Setter
	Method
	Optional    // ?.
	Declaration // of a function or class, hoisted
	Property    // parameter that is also a property (TypeScript)
	Parens      // was in parentheses
	Shorthand
)

// A Node is one piece of the tree. Positions are byte offsets.
type Node struct {
	Kind       Kind
	Flags      Flag
	Pos, End   int32
	Str        string
	A, B, C, D *Node
	List       []*Node
}

// A Fault is a place the parser did not understand.
type Fault struct {
	Pos   int32
	Text  string
	Limit bool // a limit was reached, the rest was not read
}

// A Tree is one parsed file.
type Tree struct {
	Body   []*Node
	Faults []Fault // at most maxFaults
	// Module says that import or export was seen.
	Module bool
}
