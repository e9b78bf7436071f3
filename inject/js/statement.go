package js

// statement reads one statement; nil for what means nothing at run time.
func (p *parser) statement() *Node {
	p.enter()
	defer p.leave()
	switch p.tok.kind {
	case tPunct:
		switch p.tok.text {
		case "{":
			return p.block()
		case ";":
			p.next()
			return nil
		case "@":
			p.decorators()
			return p.statement()
		}
	case tName:
		if n, ok := p.keyword(); ok {
			return n
		}
	}
	n := p.start(ExprStmt)
	n.A = p.expression()
	if n.A.Kind == Ident && n.A.Flags&Parens == 0 && p.is(":") {
		p.next()
		n.Kind, n.Str = Labelled, n.A.Str
		n.A = p.statement()
		return p.done(n)
	}
	p.semicolon()
	return p.done(n)
}

// keyword reads a statement that starts with a word; false when it is an expression.
func (p *parser) keyword() (*Node, bool) {
	switch p.tok.text {
	case "var", "const":
		if p.tok.text == "const" && p.opt.Types && p.ahead(func() bool { return p.is("enum") }) {
			p.next()
			return p.enum(), true
		}
		return p.variables(true), true
	case "let", "using":
		if p.ahead(func() bool {
			return p.isName() && !p.tok.newline || p.tok.text == "{" || p.tok.text == "["
		}) {
			return p.variables(true), true
		}
		return nil, false
	case "await":
		if p.ahead(func() bool { return p.is("using") && p.ahead(p.isName) }) {
			p.next()
			return p.variables(true), true
		}
		return nil, false
	case "function":
		return p.function(Declaration), true
	case "async":
		if p.ahead(func() bool { return p.is("function") && !p.tok.newline }) {
			return p.function(Declaration), true
		}
		return nil, false
	case "class":
		n := p.class()
		n.Flags |= Declaration
		return n, true
	case "if", "for", "while", "do", "with", "switch", "try":
		return p.compound(), true
	case "return", "throw", "break", "continue", "debugger":
		return p.jump(), true
	case "import":
		if p.ahead(func() bool { return p.is("(") || p.is(".") }) {
			return nil, false
		}
		return p.importDecl(), true
	case "export":
		return p.export(), true
	}
	if p.opt.Types {
		return p.typeStatement()
	}
	return nil, false
}

func (p *parser) block() *Node {
	n := p.start(Block)
	p.want("{")
	for !p.is("}") {
		if p.tok.kind == tEOF {
			p.note(Fault{Pos: p.tok.pos, Text: "a block does not end"})
			return p.done(n)
		}
		if s := p.tolerant(); s != nil {
			n.List = append(n.List, s)
		}
	}
	p.next()
	return p.done(n)
}

// variables reads a declaration; whole says that it is a statement.
func (p *parser) variables(whole bool) *Node {
	n := p.start(VarDecl)
	n.Str = p.tok.text
	p.next()
	for {
		d := p.start(Declarator)
		d.A = p.pattern()
		if p.opt.Types {
			if p.is("!") {
				p.next()
			}
			p.annotation()
		}
		if p.eat("=") {
			d.B = p.assignment()
		}
		n.List = append(n.List, p.done(d))
		if !p.eat(",") {
			break
		}
	}
	if whole {
		p.semicolon()
	}
	return p.done(n)
}

// pattern reads a target of a declaration or a parameter, without its default.
func (p *parser) pattern() *Node {
	p.enter()
	defer p.leave()
	switch {
	case p.is("["):
		n := p.start(Array)
		p.next()
		for !p.is("]") {
			if p.eat(",") {
				n.List = append(n.List, nil)
				continue
			}
			n.List = append(n.List, p.element())
			if !p.is("]") {
				p.want(",")
			}
		}
		p.next()
		return p.done(n)
	case p.is("{"):
		n := p.start(Object)
		p.next()
		for !p.is("}") {
			n.List = append(n.List, p.patternProp())
			if !p.is("}") {
				p.want(",")
			}
		}
		p.next()
		return p.done(n)
	case p.opt.Types && p.is("this"):
		n := p.start(This)
		p.next()
		return p.done(n)
	}
	return p.ident()
}

// element is a pattern with its default, or a rest.
func (p *parser) element() *Node {
	if p.is("...") {
		n := p.start(Spread)
		p.next()
		n.A = p.pattern()
		return p.done(n)
	}
	return p.withDefault(p.pattern())
}

func (p *parser) withDefault(target *Node) *Node {
	if !p.is("=") {
		return target
	}
	n := p.node(Assign, int(target.Pos))
	p.next()
	n.Str, n.A = "=", target
	n.B = p.assignment()
	return p.done(n)
}

func (p *parser) patternProp() *Node {
	if p.is("...") {
		return p.element()
	}
	n := p.start(Prop)
	key := p.tok
	p.propertyName(n)
	if p.eat(":") {
		n.B = p.element()
		return p.done(n)
	}
	if key.kind != tName {
		p.fail("wants :")
	}
	id := p.node(Ident, int(key.pos))
	id.Str, id.End = key.text, key.end
	n.Flags |= Shorthand
	n.B = p.withDefault(id)
	return p.done(n)
}

// propertyName reads a key into Str, or A when it is computed.
func (p *parser) propertyName(n *Node) {
	switch p.tok.kind {
	case tName, tPrivate, tNumber:
		n.Str = p.tok.text
		p.next()
		return
	case tString:
		n.Str = p.stringValue()
		p.next()
		return
	}
	p.want("[")
	noIn := p.noIn
	p.noIn = false
	n.A = p.assignment()
	p.noIn = noIn
	p.want("]")
	if n.A.Kind == String {
		n.Str, n.A = n.A.Str, nil
	}
}

func (p *parser) stringValue() string {
	s := p.tok.text
	if len(s) >= 2 && s[len(s)-1] == s[0] {
		return unescape(s[1 : len(s)-1])
	}
	p.fail("a string does not end")
	return ""
}

func (p *parser) parenthesised() *Node {
	p.want("(")
	n := p.expression()
	p.want(")")
	return n
}

// body is a statement where nil would be lost.
func (p *parser) body() *Node {
	n := p.start(Empty)
	if s := p.statement(); s != nil {
		return s
	}
	return n
}

func (p *parser) compound() *Node {
	word := p.tok.text
	n := p.start(If)
	p.next()
	switch word {
	case "if":
		n.A = p.parenthesised()
		n.B = p.body()
		if p.eat("else") {
			n.C = p.body()
		}
	case "for":
		p.loop(n)
	case "while":
		n.Kind = While
		n.A = p.parenthesised()
		n.D = p.body()
	case "do":
		n.Kind = DoWhile
		n.D = p.body()
		p.want("while")
		n.A = p.parenthesised()
		p.eat(";")
	case "with":
		p.parenthesised()
		return p.body()
	case "switch":
		p.cases(n)
	case "try":
		n.Kind = Try
		n.A = p.block()
		if p.eat("catch") {
			if p.eat("(") {
				n.B = p.pattern()
				p.annotation()
				p.want(")")
			}
			n.C = p.block()
		}
		if p.eat("finally") {
			n.D = p.block()
		}
	}
	return p.done(n)
}

func (p *parser) loop(n *Node) {
	p.eat("await")
	p.want("(")
	n.Kind = For
	p.noIn = true
	switch {
	case p.is(";"):
	case p.is("var"), p.is("const"), p.is("let") || p.is("using"):
		if p.ahead(func() bool { return p.isName() && !p.is("of") || p.is("[") || p.is("{") }) {
			n.A = p.variables(false)
		} else {
			n.A = p.expression()
		}
	default:
		n.A = p.expression()
	}
	p.noIn = false
	switch {
	case n.A != nil && p.eat("of"):
		n.Kind = ForOf
		n.B = p.assignment()
	case n.A != nil && p.eat("in"):
		n.Kind = ForIn
		n.B = p.expression()
	default:
		p.want(";")
		if !p.is(";") {
			n.B = p.expression()
		}
		p.want(";")
		if !p.is(")") {
			n.C = p.expression()
		}
	}
	p.want(")")
	n.D = p.body()
}

func (p *parser) cases(n *Node) {
	n.Kind = Switch
	n.A = p.parenthesised()
	p.want("{")
	for !p.is("}") {
		c := p.start(Case)
		if p.eat("default") {
			p.want(":")
		} else {
			p.want("case")
			c.A = p.expression()
			p.want(":")
		}
		for !p.is("}") && !p.is("case") && !p.is("default") {
			if p.tok.kind == tEOF {
				p.fail("a switch does not end")
			}
			if s := p.tolerant(); s != nil {
				c.List = append(c.List, s)
			}
		}
		n.List = append(n.List, p.done(c))
	}
	p.next()
}

func (p *parser) jump() *Node {
	word := p.tok.text
	n := p.start(Return)
	p.next()
	switch word {
	case "return", "throw":
		if word == "throw" {
			n.Kind = Throw
		}
		if !p.is(";") && !p.is("}") && p.tok.kind != tEOF && !p.tok.newline {
			n.A = p.expression()
		}
	case "break", "continue":
		n.Kind = Break
		if word == "continue" {
			n.Kind = Continue
		}
		if p.isName() && !p.tok.newline {
			n.Str = p.tok.text
			p.next()
		}
	case "debugger":
		n.Kind = Empty
	}
	p.semicolon()
	return p.done(n)
}
