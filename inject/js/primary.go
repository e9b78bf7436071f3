package js

// postfix reads calls, members and templates after an operand.
func (p *parser) postfix(n *Node) *Node {
	for row := 0; ; row++ {
		if row > maxChain {
			p.limit("an expression has too many calls")
		}
		if next := p.suffix(n, true); next != nil {
			n = next
			continue
		}
		return n
	}
}

// suffix reads one call, member or template after n; nil when there is none.
func (p *parser) suffix(n *Node, calls bool) *Node {
	if p.tok.kind == tTemplate {
		t := p.node(Tagged, int(n.Pos))
		t.A, t.B = n, p.template()
		return p.done(t)
	}
	if p.tok.kind != tPunct {
		return nil
	}
	switch p.tok.text {
	case ".":
		p.next()
		return p.member(n, 0)
	case "?.":
		p.next()
		switch {
		case p.is("("):
			return p.call(n, Optional)
		case p.is("["):
			return p.index(n, Optional)
		case p.opt.Types && p.is("<"):
			p.typeArguments()
			return p.call(n, Optional)
		}
		return p.member(n, Optional)
	case "[":
		return p.index(n, 0)
	case "(":
		if calls {
			return p.call(n, 0)
		}
	case "!":
		if p.opt.Types && !p.tok.newline {
			p.next()
			return n
		}
	case "<", "<<":
		if p.opt.Types && p.tok.text == "<" && p.typeCall() {
			return n
		}
	}
	return nil
}

// typeCall passes over the type arguments of a call.
func (p *parser) typeCall() bool {
	return p.try(func() bool {
		p.typeArguments()
		return p.is("(") || p.tok.kind == tTemplate || p.is(")") || p.is(",") || p.is(";") || p.is("]") || p.is(".") || p.is("?.")
	})
}

func (p *parser) member(object *Node, flags Flag) *Node {
	if p.tok.kind != tName && p.tok.kind != tPrivate {
		p.fail("wants the name of a member")
	}
	n := p.node(Dot, int(object.Pos))
	n.A, n.Str, n.Flags = object, p.tok.text, flags
	p.next()
	return p.done(n)
}

func (p *parser) index(object *Node, flags Flag) *Node {
	n := p.node(Index, int(object.Pos))
	n.A, n.Flags = object, flags
	p.want("[")
	noIn := p.noIn
	p.noIn = false
	n.B = p.expression()
	p.noIn = noIn
	p.want("]")
	return p.done(n)
}

func (p *parser) call(callee *Node, flags Flag) *Node {
	n := p.node(Call, int(callee.Pos))
	n.A, n.Flags = callee, flags
	n.List = p.arguments()
	return p.done(n)
}

func (p *parser) arguments() []*Node {
	var list []*Node
	noIn := p.noIn
	p.noIn = false
	p.want("(")
	for !p.is(")") {
		list = append(list, p.argument())
		if !p.is(")") {
			p.want(",")
		}
	}
	p.next()
	p.noIn = noIn
	return list
}

func (p *parser) argument() *Node {
	if p.is("...") {
		n := p.start(Spread)
		p.next()
		n.A = p.assignment()
		return p.done(n)
	}
	return p.assignment()
}

func (p *parser) primary() *Node {
	p.enter()
	defer p.leave()
	switch p.tok.kind {
	case tName:
		return p.word()
	case tNumber:
		return p.leaf(Number, p.tok.text)
	case tString:
		return p.leaf(String, p.stringValue())
	case tTemplate:
		return p.template()
	case tPrivate: // #x in object
		return p.leaf(Ident, p.tok.text)
	case tPunct:
		switch p.tok.text {
		case "(":
			return p.parenOrArrow()
		case "[":
			return p.array()
		case "{":
			return p.object()
		case "/", "/=":
			return p.regexp()
		case "<":
			if p.opt.JSX {
				return p.jsx()
			}
		case "@":
			p.decorators()
			return p.class()
		}
	}
	if p.tok.kind == tEOF {
		p.fail("ends in the middle of an expression")
	}
	p.fail("wants an expression")
	return nil
}

func (p *parser) leaf(k Kind, s string) *Node {
	n := p.start(k)
	n.Str = s
	p.next()
	return p.done(n)
}

func (p *parser) word() *Node {
	switch p.tok.text {
	case "function":
		return p.function(0)
	case "class":
		return p.class()
	case "this":
		return p.leaf(This, "")
	case "super":
		return p.leaf(Super, "")
	case "null", "true", "false":
		return p.leaf(Literal, p.tok.text)
	case "new":
		return p.newExpr()
	case "import":
		return p.importExpr()
	case "async":
		return p.asyncWord()
	}
	if reserved(p.tok.text) {
		p.fail("wants an expression")
	}
	return p.leaf(Ident, p.tok.text)
}

// asyncWord reads async function, async (…) => and calls of something named async.
func (p *parser) asyncWord() *Node {
	if p.ahead(func() bool { return p.is("function") && !p.tok.newline }) {
		return p.function(0)
	}
	start := int(p.tok.pos)
	id := p.leaf(Ident, "async")
	if p.is("(") && !p.tok.newline {
		list, n := p.cover(start, Async)
		if n != nil {
			return n
		}
		c := p.node(Call, start)
		c.A, c.List = id, list
		return p.done(c)
	}
	return id
}

func (p *parser) importExpr() *Node {
	n := p.start(ImportCall)
	p.next()
	if p.eat(".") {
		n.Kind = Meta
		p.next()
		if p.is("(") { // import.source(), import.defer()
			p.arguments()
		}
		return p.done(n)
	}
	if list := p.arguments(); len(list) > 0 {
		n.A = list[0]
	}
	return p.done(n)
}

func (p *parser) newExpr() *Node {
	n := p.start(New)
	p.next()
	if p.eat(".") {
		n.Kind = Meta
		p.next()
		return p.done(n)
	}
	callee := p.primary()
	for row := 0; ; row++ {
		if row > maxChain {
			p.limit("an expression has too many members")
		}
		if p.is("?.") {
			break
		}
		next := p.suffix(callee, false)
		if next == nil {
			break
		}
		callee = next
	}
	n.A = callee
	if p.is("(") {
		n.List = p.arguments()
	}
	return p.done(n)
}

// parenOrArrow reads what starts with an open parenthesis.
func (p *parser) parenOrArrow() *Node {
	start := int(p.tok.pos)
	list, arrow := p.cover(start, 0)
	if arrow != nil {
		return arrow
	}
	if len(list) == 0 {
		p.fail("wants =>")
	}
	if len(list) == 1 {
		list[0].Flags |= Parens
		return list[0]
	}
	n := p.node(Seq, start)
	n.List, n.Flags = list, Parens
	return p.done(n)
}

// cover reads a list in parentheses, which are parameters when an arrow follows.
func (p *parser) cover(start int, flags Flag) (list []*Node, arrow *Node) {
	noIn := p.noIn
	p.noIn = false
	p.want("(")
	for !p.is(")") {
		item := p.argument()
		if p.opt.Types {
			item = p.typedItem(item)
		}
		list = append(list, item)
		if !p.is(")") {
			p.want(",")
		}
	}
	p.next()
	p.noIn = noIn
	if p.is("=>") && !p.tok.newline {
		return nil, p.arrow(start, list, flags)
	}
	if p.opt.Types && p.is(":") {
		p.try(func() bool {
			p.returnType()
			if !p.is("=>") {
				return false
			}
			arrow = p.arrow(start, list, flags)
			return p.noCond == 0 || p.is(":")
		})
		if arrow != nil && (p.is("=>") || p.last != arrow.End) {
			arrow = nil
		}
	}
	return list, arrow
}

// typedItem passes over the annotation of what may be a parameter.
func (p *parser) typedItem(item *Node) *Node {
	if p.is("?") {
		p.next()
	}
	if !p.is(":") {
		return item
	}
	p.annotation()
	return p.withDefault(item)
}
