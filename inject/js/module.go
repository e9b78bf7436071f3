package js

func (p *parser) importDecl() *Node {
	p.tree.Module = true
	n := p.start(ImportDecl)
	p.next()
	if p.tok.kind == tString {
		n.Str = p.stringValue()
		p.next()
		p.attributes()
		return p.done(n)
	}
	typeOnly := p.opt.Types && p.is("type") && p.ahead(func() bool { return p.isName() && !p.is("from") || p.is("{") || p.is("*") })
	if typeOnly {
		p.next()
	}
	if p.isName() {
		s := p.start(Specifier)
		s.Str, s.A = "default", p.ident()
		if p.opt.Types && p.eat("=") {
			return p.importEquals(n, s.A)
		}
		n.List = append(n.List, s)
		p.eat(",")
	}
	switch {
	case p.is("*"):
		s := p.start(Specifier)
		p.next()
		p.want("as")
		s.Str, s.A = "*", p.ident()
		n.List = append(n.List, s)
	case p.is("{"):
		n.List = append(n.List, p.specifiers(true)...)
	}
	p.want("from")
	if p.tok.kind != tString {
		p.fail("wants a module")
	}
	n.Str = p.stringValue()
	p.next()
	p.attributes()
	if typeOnly {
		return nil
	}
	return p.done(n)
}

// importEquals reads import a = require("b") and import a = B.c.
func (p *parser) importEquals(n, name *Node) *Node {
	d := p.node(Declarator, int(name.Pos))
	d.A, d.B = name, p.assignment()
	n.Kind, n.Str, n.List = VarDecl, "const", []*Node{p.done(d)}
	p.semicolon()
	return p.done(n)
}

// attributes are those after a module's name.
func (p *parser) attributes() {
	if p.is("with") || p.is("assert") && !p.tok.newline {
		p.next()
		if p.is("{") {
			p.assignment()
		}
	}
	p.semicolon()
}

// specifiers reads { a, b as c, type D }. For imports A is the local name, for
// exports too.
func (p *parser) specifiers(local bool) []*Node {
	var list []*Node
	p.want("{")
	for !p.is("}") {
		typeOnly := p.opt.Types && p.is("type") && p.ahead(func() bool { return !p.is(",") && !p.is("}") && !p.is("as") })
		if typeOnly {
			p.next()
		}
		s := p.start(Specifier)
		first := p.moduleName()
		second := first
		if p.eat("as") {
			second = p.moduleName()
		}
		s.Str, s.A = first.Str, second
		if !local {
			s.Str, s.A = second.Str, first
		}
		if !typeOnly {
			list = append(list, p.done(s))
		}
		if !p.is("}") {
			p.want(",")
		}
	}
	p.next()
	return list
}

func (p *parser) moduleName() *Node {
	n := p.start(Ident)
	switch p.tok.kind {
	case tName:
		n.Str = p.tok.text
	case tString:
		n.Str = p.stringValue()
	default:
		p.fail("wants a name")
	}
	p.next()
	return p.done(n)
}

func (p *parser) export() *Node {
	p.tree.Module = true
	n := p.start(ExportDecl)
	p.next()
	switch {
	case p.eat("default"):
		n.Kind = ExportDefault
		p.decorators()
		switch {
		case p.opt.Types && p.is("interface"), p.opt.Types && p.is("abstract"):
			s, _ := p.typeStatement()
			if s == nil {
				return nil
			}
			n.A = s
		case p.is("function"), p.is("class"), p.is("async") && p.ahead(func() bool { return p.is("function") && !p.tok.newline }):
			n.A = p.statement()
		default:
			n.A = p.assignment()
			p.semicolon()
		}
	case p.is("*"):
		n.Kind = ExportAll
		p.next()
		if p.eat("as") {
			n.A = p.moduleName()
		}
		p.source(n)
	case p.is("{"):
		n.Kind = ExportList
		n.List = p.specifiers(false)
		if p.is("from") {
			p.source(n)
		} else {
			p.semicolon()
		}
	case p.opt.Types && p.is("type") && p.ahead(func() bool { return p.is("{") || p.is("*") }):
		p.next()
		if !p.eat("*") {
			p.specifiers(false)
		} else if p.eat("as") {
			p.moduleName()
		}
		if p.is("from") {
			p.source(n)
		}
		return nil
	case p.opt.Types && p.eat("="):
		return p.exportEquals(n)
	case p.opt.Types && p.is("as"):
		p.skipStatement()
		return nil
	default:
		p.decorators()
		if n.A = p.statement(); n.A == nil {
			return nil
		}
	}
	return p.done(n)
}

// exportEquals reads export = value as module.exports = value.
func (p *parser) exportEquals(n *Node) *Node {
	module := p.node(Ident, int(n.Pos))
	module.Str, module.End = "module", n.Pos
	dot := p.node(Dot, int(n.Pos))
	dot.A, dot.Str, dot.End = module, "exports", n.Pos
	set := p.node(Assign, int(n.Pos))
	set.Str, set.A, set.B = "=", dot, p.assignment()
	n.Kind, n.A = ExprStmt, p.done(set)
	p.semicolon()
	return p.done(n)
}

func (p *parser) source(n *Node) {
	p.want("from")
	if p.tok.kind != tString {
		p.fail("wants a module")
	}
	n.Str = p.stringValue()
	p.next()
	p.attributes()
}

func (p *parser) decorators() {
	for p.is("@") {
		p.next()
		if p.is("(") {
			p.parenthesised()
			continue
		}
		p.next()
		for p.is(".") {
			p.next()
			p.next()
		}
		if p.opt.Types && p.is("<") {
			p.try(p.typeArguments)
		}
		if p.is("(") {
			p.arguments()
		}
	}
}
