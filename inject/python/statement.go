package python

// simple reads statements up to the end of the line.
func (p *parser) simple(into *[]*Node) {
	for {
		*into = append(*into, p.small())
		if !p.eat(";") {
			break
		}
		if p.tok.kind == tNewline || p.tok.kind == tEOF {
			break
		}
	}
	switch p.tok.kind {
	case tNewline:
		p.next()
	case tEOF, tDedent:
	default:
		p.fail("wants the end of the line")
	}
}

// block reads what follows a colon.
func (p *parser) block() []*Node {
	p.want(":")
	var body []*Node
	if p.tok.kind != tNewline {
		p.simple(&body)
		return body
	}
	p.next()
	for p.tok.kind == tNewline {
		p.next()
	}
	if p.tok.kind != tIndent {
		p.fail("wants an indented block")
	}
	p.next()
	for p.tok.kind != tDedent && p.tok.kind != tEOF {
		p.tolerant(&body)
	}
	if p.tok.kind == tDedent {
		p.next()
	}
	return body
}

func (p *parser) compound() *Node {
	switch p.tok.text {
	case "if":
		return p.ifStmt()
	case "while":
		n := p.start(While)
		p.next()
		n.A = p.named()
		n.Body = p.block()
		n.setElse(p.elseBlock())
		return p.done(n)
	case "for":
		return p.forStmt()
	case "try":
		return p.try()
	case "with":
		return p.with()
	case "def":
		return p.def(nil)
	case "class":
		return p.class(nil)
	case "async":
		p.next()
		switch p.tok.text {
		case "def":
			return p.def(nil)
		case "for":
			return p.forStmt()
		case "with":
			return p.with()
		}
		p.fail("wants def, for or with")
	case "match":
		return p.match()
	case "type":
		return p.typeAlias()
	}
	return nil
}

func (p *parser) elseBlock() []*Node {
	if p.eat("else") {
		return p.block()
	}
	return nil
}

func (p *parser) ifStmt() *Node {
	first := p.start(If)
	n := first
	for row := 0; ; row++ {
		p.next()
		n.A = p.named()
		n.Body = p.block()
		if !p.is("elif") {
			n.setElse(p.elseBlock())
			break
		}
		next := p.start(If)
		n.own().Else = []*Node{next}
		n = next
		if row > maxBranches {
			p.limit("an if has too many branches")
		}
	}
	return p.done(first)
}

func (p *parser) forStmt() *Node {
	n := p.start(For)
	p.want("for")
	n.A = p.targets()
	p.want("in")
	n.B = p.testlist()
	n.Body = p.block()
	n.setElse(p.elseBlock())
	return p.done(n)
}

// targets reads what a for assigns to.
func (p *parser) targets() *Node {
	first := p.starOr(p.operand)
	if !p.is(",") {
		return first
	}
	n := p.node(List, first.Pos)
	n.List = []*Node{first}
	for p.eat(",") {
		if p.is("in") {
			break
		}
		n.List = append(n.List, p.starOr(p.operand))
	}
	return p.done(n)
}

func (p *parser) operand() *Node { return p.binary(1) }

func (p *parser) starOr(read func() *Node) *Node {
	if p.is("*") {
		n := p.start(Star)
		n.Str = "*"
		p.next()
		n.A = p.operand()
		return p.done(n)
	}
	return read()
}

func (p *parser) try() *Node {
	n := p.start(Try)
	p.next()
	n.Body = p.block()
	for p.is("except") {
		e := p.start(Except)
		p.next()
		p.eat("*")
		if !p.is(":") {
			e.A = p.testlist()
			if p.eat("as") {
				e.Str = p.name()
			}
		}
		e.Body = p.block()
		n.List = append(n.List, p.done(e))
	}
	n.setElse(p.elseBlock())
	if p.eat("finally") {
		n.own().Finally = p.block()
	}
	return p.done(n)
}

func (p *parser) with() *Node {
	n := p.start(With)
	p.next()
	paren := p.is("(") && p.parenthesisedItems()
	if paren {
		p.next()
	}
	for {
		item := p.start(WithItem)
		item.A = p.test()
		if p.eat("as") {
			item.B = p.starOr(p.operand)
		}
		n.List = append(n.List, p.done(item))
		if !p.eat(",") || paren && p.is(")") {
			break
		}
	}
	if paren {
		p.want(")")
	}
	n.Body = p.block()
	return p.done(n)
}

// parenthesisedItems says whether the parenthesis after with holds items: a colon
// follows its end, and an "as" is directly in it.
func (p *parser) parenthesisedItems() bool {
	look := *p.lex
	look.queue = 0
	level, as := 1, false
	if len(p.ahead) > 0 {
		return false
	}
	for range 2000 {
		t := look.next()
		switch t.text {
		case "(", "[", "{":
			level++
		case ")", "]", "}":
			level--
			if level == 0 {
				return look.next().text == ":" && as
			}
		case "as":
			as = as || level == 1
		}
		if t.kind == tEOF {
			return false
		}
	}
	return false
}

func (p *parser) decorated() *Node {
	var list []*Node
	for p.eat("@") {
		list = append(list, p.named())
		if p.tok.kind == tNewline {
			p.next()
		}
	}
	p.eat("async")
	switch p.tok.text {
	case "def":
		return p.def(list)
	case "class":
		return p.class(list)
	}
	p.fail("wants def or class")
	return nil
}

func (p *parser) def(decorators []*Node) *Node {
	n := p.start(Def)
	p.want("def")
	n.Str = p.name()
	n.setDecorators(decorators)
	p.typeParams()
	p.want("(")
	n.List = p.params(")")
	p.want(")")
	if p.eat("->") {
		p.testlist()
	}
	n.Body = p.block()
	return p.done(n)
}

func (p *parser) typeParams() {
	if !p.eat("[") {
		return
	}
	for !p.is("]") {
		for p.is("*") || p.is("**") {
			p.next()
		}
		p.name()
		if p.eat(":") {
			p.test()
		}
		if p.eat("=") {
			p.test()
		}
		if !p.is("]") {
			p.want(",")
		}
	}
	p.next()
}

func (p *parser) params(end string) []*Node {
	var list []*Node
	byName := false
	for !p.is(end) {
		n := p.start(Param)
		switch {
		case p.eat("/"):
			n = nil
		case p.is("*") || p.is("**"):
			n.Mark = p.tok.text
			p.next()
			if p.is(",") || p.is(end) {
				n = nil
				byName = true
				break
			}
			n.Str = p.name()
			byName = byName || n.Mark == "*"
		default:
			n.Str = p.name()
			if byName {
				n.Mark = "kw"
			}
		}
		if n != nil {
			if end == ")" && p.eat(":") {
				n.B = p.starOr(p.test)
			}
			if p.eat("=") {
				n.A = p.test()
			}
			list = append(list, p.done(n))
		}
		if !p.is(end) {
			p.want(",")
		}
	}
	return list
}

func (p *parser) class(decorators []*Node) *Node {
	n := p.start(Class)
	p.want("class")
	n.Str = p.name()
	n.setDecorators(decorators)
	p.typeParams()
	if p.is("(") {
		n.List = p.arguments()
	}
	n.Body = p.block()
	return p.done(n)
}

func (p *parser) typeAlias() *Node {
	if t := p.peek(); t.kind != tName || reserved(t.text) {
		return nil
	}
	n := p.start(Pass)
	p.next()
	p.name()
	p.typeParams()
	p.want("=")
	p.test()
	if p.tok.kind == tNewline {
		p.next()
	}
	return p.done(n)
}
