package js

import (
	"strings"

	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/slab"
)

// Limits of the parser. Real files come to a tenth of each.
const (
	maxDepth  = 900   // of nested expressions, statements and types
	maxChain  = 8_000 // operators or calls in one row
	maxFaults = 20
)

// Options say which dialect a file is in.
type Options struct {
	Types bool // TypeScript
	JSX   bool // elements; with Types only in .tsx
}

// Dialect tells the options by a file's name.
func Dialect(name string) Options {
	switch {
	case strings.HasSuffix(name, ".tsx"):
		return Options{Types: true, JSX: true}
	case strings.HasSuffix(name, ".ts"), strings.HasSuffix(name, ".mts"), strings.HasSuffix(name, ".cts"):
		return Options{Types: true}
	}
	return Options{JSX: true}
}

type parser struct {
	src    string
	opt    Options
	tok    token
	last   int32 // end of the token before
	depth  int
	steps  int // tokens it may still read
	noIn   bool
	noCond int // inside the middle of a conditional, where an arrow's return type is not
	nodes  *slab.Of[Node]
	tree   Tree
}

// fault is how the parser leaves what it does not understand.
type fault struct{ Fault }

// A Parser reads one file after another. The zero value is ready.
type Parser struct {
	nodes   slab.Of[Node]
	lowered ir.Nodes
}

// Parse reads one file. It never fails: what was not understood is in Faults.
func Parse(src string, opt Options) *Tree { return new(Parser).Parse(src, opt) }

// Parse is as the function. The tree holds until the next Parse, which takes its
// memory.
func (from *Parser) Parse(src string, opt Options) (tree *Tree) {
	from.nodes.Reset()
	p := &parser{src: src, opt: opt, steps: 6*len(src) + 1000, nodes: &from.nodes}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok {
				panic(r)
			}
			p.note(f.Fault)
			tree = &p.tree
		}
	}()
	p.scan(0)
	if p.tok.kind == tBad && p.tok.pos == 0 && strings.HasPrefix(src, "#!") {
		p.next()
	}
	for p.tok.kind != tEOF {
		if n := p.tolerant(); n != nil {
			p.tree.Body = append(p.tree.Body, n)
		}
	}
	return &p.tree
}

func (p *parser) note(f Fault) {
	if len(p.tree.Faults) < maxFaults || f.Limit {
		p.tree.Faults = append(p.tree.Faults, f)
	}
}

func (p *parser) fail(text string) { panic(fault{Fault{Pos: p.tok.pos, Text: text}}) }

func (p *parser) limit(text string) {
	panic(fault{Fault{Pos: min(p.tok.pos, int32(len(p.src))), Text: text, Limit: true}})
}

// tolerant reads a statement; one that fails is skipped up to what looks like
// the start of the next.
func (p *parser) tolerant() (n *Node) {
	start, depth, noIn := p.tok.pos, p.depth, p.noIn
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok || f.Limit {
				panic(r)
			}
			p.note(f.Fault)
			p.depth, p.noIn, p.noCond = depth, noIn, 0
			if p.tok.pos == start {
				p.next()
			}
			p.skipStatement()
			n = nil
		}
	}()
	return p.statement()
}

// skipStatement passes over tokens up to a semicolon, a line that starts on the
// level where it began, or a brace that closes what is around it.
func (p *parser) skipStatement() {
	level := 0
	for p.tok.kind != tEOF {
		switch p.tok.text {
		case "(", "[", "{":
			level++
		case ")", "]":
			level = max(level-1, 0)
		case "}":
			if level == 0 {
				if len(p.tree.Faults) >= maxFaults && p.depth == 0 {
					p.next()
				}
				return
			}
			level--
		case ";":
			if level == 0 {
				p.next()
				return
			}
		}
		p.next()
		if level == 0 && p.tok.newline {
			return
		}
	}
}

func (p *parser) node(k Kind, start int) *Node {
	n := p.nodes.New()
	n.Kind, n.Pos = k, int32(start)
	return n
}

// start makes a node at the present token.
func (p *parser) start(k Kind) *Node { return p.node(k, int(p.tok.pos)) }

func (p *parser) done(n *Node) *Node {
	n.End = p.last
	return n
}

func (p *parser) is(text string) bool {
	return p.tok.text == text && (p.tok.kind == tPunct || p.tok.kind == tName)
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

func (p *parser) semicolon() {
	if p.eat(";") || p.is("}") || p.tok.kind == tEOF || p.tok.newline {
		return
	}
	p.fail("wants ;")
}

func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.limit("it is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

// ahead says whether what follows the present token satisfies a question; the
// parser stays where it is.
func (p *parser) ahead(question func() bool) bool {
	tok, last := p.tok, p.last
	p.next()
	yes := question()
	p.tok, p.last = tok, last
	return yes
}

// try runs a part that may fail; then the parser is where it was.
func (p *parser) try(part func() bool) (ok bool) {
	tok, last, depth := p.tok, p.last, p.depth
	defer func() {
		if r := recover(); r != nil {
			if f, is := r.(fault); !is || f.Limit {
				panic(r)
			}
			ok = false
		}
		if !ok {
			p.tok, p.last, p.depth = tok, last, depth
		}
	}()
	return part()
}

// reserved are the words that are no names of variables.
func reserved(s string) bool {
	switch s {
	case "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else",
		"export", "extends", "false", "finally", "for", "function", "if", "import", "in", "instanceof", "new", "null",
		"return", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with", "enum":
		return true
	}
	return false
}

func (p *parser) isName() bool { return p.tok.kind == tName && !reserved(p.tok.text) }

func (p *parser) ident() *Node {
	if !p.isName() {
		p.fail("wants a name")
	}
	n := p.start(Ident)
	n.Str = p.tok.text
	p.next()
	return p.done(n)
}
