package python

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/slab"
)

// Limits of the parser.
const (
	maxDepth = 400
	maxChain = 8_000
	// maxBranches is how many elifs one if may have.
	maxBranches = 2_000
	maxFaults   = 20
)

type parser struct {
	lex    *lexer
	tok    token
	ahead  []token // read already, after tok
	last   int32
	depth  int
	steps  int
	nodes  *slab.Of[Node]
	faults *[]Fault
}

type fault struct{ Fault }

// A Parser reads one file after another. The zero value is ready.
type Parser struct {
	nodes   slab.Of[Node]
	lowered ir.Nodes
}

// Parse reads one file. It never fails: what was not understood is in Faults.
func Parse(src string) *Tree { return new(Parser).Parse(src) }

// Parse is as the function. The tree holds until the next Parse, which takes its
// memory.
func (from *Parser) Parse(src string) (tree *Tree) {
	from.nodes.Reset()
	tree = &Tree{}
	p := &parser{lex: &lexer{src: src, stop: len(src), fresh: true}, steps: 4*len(src) + 1000, faults: &tree.Faults, nodes: &from.nodes}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok {
				panic(r)
			}
			p.note(f.Fault)
		}
	}()
	p.next()
	for p.tok.kind != tEOF {
		p.tolerant(&tree.Body)
	}
	return tree
}

func (p *parser) note(f Fault) {
	if len(*p.faults) < maxFaults || f.Limit {
		*p.faults = append(*p.faults, f)
	}
}

func (p *parser) fail(text string) { panic(fault{Fault{Pos: p.tok.pos, Text: text}}) }

func (p *parser) limit(text string) { panic(fault{Fault{Pos: p.tok.pos, Text: text, Limit: true}}) }

func (p *parser) next() {
	p.last = p.tok.end
	if len(p.ahead) > 0 {
		p.tok = p.ahead[0]
		p.ahead = p.ahead[1:]
		return
	}
	p.read()
}

func (p *parser) read() {
	p.steps--
	if p.steps < 0 {
		p.limit("it is too long to read")
	}
	p.tok = p.lex.next()
}

// peek is the token after the present one.
func (p *parser) peek() token {
	if len(p.ahead) == 0 {
		tok := p.tok
		p.read()
		p.ahead = append(p.ahead, p.tok)
		p.tok = tok
	}
	return p.ahead[0]
}

func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.limit("it is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) node(k Kind, pos int32) *Node {
	n := p.nodes.New()
	n.Kind, n.Pos, n.Rare = k, pos, &empty
	return n
}

func (p *parser) start(k Kind) *Node { return p.node(k, p.tok.pos) }

func (p *parser) done(n *Node) *Node {
	n.End = p.last
	return n
}

func (p *parser) is(text string) bool {
	return p.tok.text == text && (p.tok.kind == tOp || p.tok.kind == tName)
}

func (p *parser) eat(text string) bool {
	if p.is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) want(text string) {
	if !p.eat(text) {
		p.fail("wants " + text)
	}
}

func reserved(s string) bool {
	switch s {
	case "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
		"else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or",
		"pass", "raise", "return", "try", "while", "with", "yield":
		return true
	}
	return false
}

func (p *parser) name() string {
	if p.tok.kind != tName || reserved(p.tok.text) {
		p.fail("wants a name")
	}
	s := p.tok.text
	p.next()
	return s
}

// tolerant reads a statement; one that fails is skipped up to the next line of
// its level.
func (p *parser) tolerant(into *[]*Node) {
	depth, start := p.depth, p.tok.pos
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok || f.Limit {
				panic(r)
			}
			p.note(f.Fault)
			p.depth = depth
			p.lex.nested = 0
			p.skip(start)
		}
	}()
	p.statement(into)
}

func (p *parser) skip(start int32) {
	level := 0
	for p.tok.kind != tEOF {
		switch p.tok.kind {
		case tIndent:
			level++
		case tDedent:
			if level == 0 {
				if p.tok.pos == start {
					p.next()
				}
				return
			}
			level--
			if level == 0 {
				p.next()
				return
			}
		case tNewline:
			p.next()
			if level == 0 && p.tok.kind != tIndent {
				return
			}
			continue
		default:
		}
		p.next()
	}
}

// statement reads one logical line, or a compound statement.
func (p *parser) statement(into *[]*Node) {
	p.enter()
	defer p.leave()
	switch p.tok.kind {
	case tNewline, tIndent, tDedent:
		p.next() // a stray indent: go on as if it were not there
		return
	default:
	}
	if p.tok.kind == tName {
		if n := p.compound(); n != nil {
			*into = append(*into, n)
			return
		}
	}
	if p.is("@") {
		*into = append(*into, p.decorated())
		return
	}
	p.simple(into)
}

func (p *parser) small() *Node {
	if p.tok.kind == tName {
		switch p.tok.text {
		case "return", "raise", "yield", "pass", "break", "continue", "global", "nonlocal", "import", "from", "del", "assert":
			return p.keyword()
		}
	}
	return p.assignment()
}

func (p *parser) lineEnds() bool {
	return p.tok.kind == tNewline || p.tok.kind == tEOF || p.is(";")
}

func (p *parser) keyword() *Node {
	word := p.tok.text
	n := p.start(Pass)
	if word == "yield" {
		n.Kind = ExprStmt
		n.A = p.testlist()
		return p.done(n)
	}
	p.next()
	switch word {
	case "return":
		n.Kind = Return
		if !p.lineEnds() {
			n.A = p.testlist()
		}
	case "raise":
		n.Kind = Raise
		if !p.lineEnds() {
			n.A = p.test()
			if p.eat("from") {
				p.test()
			}
		}
	case "break":
		n.Kind = Break
	case "continue":
		n.Kind = Continue
	case "global", "nonlocal":
		n.Kind, n.Str = Global, word
		n.own().Names = append(n.Names, p.name())
		for p.eat(",") {
			n.own().Names = append(n.Names, p.name())
		}
	case "import":
		n.Kind = Import
		for {
			n.List = append(n.List, p.alias(true))
			if !p.eat(",") {
				break
			}
		}
	case "from":
		p.importFrom(n)
	case "del":
		n.Kind = Delete
		n.List = []*Node{p.testlist()}
	case "assert":
		n.Kind = Assert
		n.A = p.test()
		if p.eat(",") {
			p.test()
		}
	}
	return p.done(n)
}

func (p *parser) dotted() string {
	var b strings.Builder
	b.WriteString(p.name())
	for p.eat(".") {
		b.WriteByte('.')
		b.WriteString(p.name())
	}
	return b.String()
}

func (p *parser) alias(dots bool) *Node {
	n := p.start(Alias)
	if dots {
		n.Str = p.dotted()
	} else {
		n.Str = p.name()
	}
	local := n.Str
	if p.eat("as") {
		local = p.name()
	} else {
		n.Mark = "whole"
	}
	n.own().Names = []string{local}
	return p.done(n)
}

func (p *parser) importFrom(n *Node) {
	n.Kind = ImportFrom
	for p.is(".") || p.is("...") {
		n.Str += p.tok.text
		p.next()
	}
	if !p.is("import") {
		n.Str += p.dotted()
	}
	p.want("import")
	if p.eat("*") {
		a := p.start(Alias)
		a.Str = "*"
		n.List = []*Node{a}
		return
	}
	paren := p.eat("(")
	for {
		n.List = append(n.List, p.alias(false))
		if !p.eat(",") || paren && p.is(")") {
			break
		}
	}
	if paren {
		p.want(")")
	}
}

// augmented are the operators of assignments.
func augmented(s string) bool {
	return slices.Contains([]string{"+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**="}, s)
}

func (p *parser) assignment() *Node {
	n := p.start(ExprStmt)
	n.A = p.testlist()
	switch {
	case p.eat(":"):
		n.Kind = AnnAssign
		n.C = p.test()
		if p.eat("=") {
			n.B = p.testlist()
		}
	case p.tok.kind == tOp && augmented(p.tok.text):
		n.Kind, n.Str = AugAssign, p.tok.text
		p.next()
		n.B = p.testlist()
	case p.is("="):
		n.Kind = Assign
		n.List = []*Node{n.A}
		n.A = nil
		for p.eat("=") {
			v := p.testlist()
			if p.is("=") {
				n.List = append(n.List, v)
			} else {
				n.B = v
			}
		}
	}
	return p.done(n)
}
