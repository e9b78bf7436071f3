package js

// expression reads a comma list; one item is itself.
func (p *parser) expression() *Node {
	first := p.assignment()
	if !p.is(",") {
		return first
	}
	n := p.node(Seq, int(first.Pos))
	n.List = append(n.List, first)
	for p.eat(",") {
		n.List = append(n.List, p.assignment())
	}
	return p.done(n)
}

func assignOp(s string) bool {
	switch s {
	case "=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", ">>>=", "&=", "|=", "^=", "&&=", "||=", "??=":
		return true
	}
	return false
}

// assignment reads what may stand between commas.
func (p *parser) assignment() *Node {
	p.enter()
	defer p.leave()
	if p.tok.kind == tName {
		switch p.tok.text {
		case "yield":
			if !p.ahead(func() bool { return p.is("=>") || p.is("=") || p.is(".") }) {
				return p.yield()
			}
		case "async":
			if n := p.asyncArrow(); n != nil {
				return n
			}
		}
		if p.isName() && p.ahead(func() bool { return p.is("=>") && !p.tok.newline }) {
			start := p.tok.pos
			return p.arrow(int(start), []*Node{p.ident()}, 0)
		}
	}
	if p.opt.Types && p.is("<") {
		if n := p.genericArrow(); n != nil {
			return n
		}
	}
	left := p.conditional()
	if p.tok.kind == tPunct && assignOp(p.tok.text) {
		n := p.node(Assign, int(left.Pos))
		n.Str, n.A = p.tok.text, left
		p.next()
		n.B = p.assignment()
		return p.done(n)
	}
	return left
}

func (p *parser) yield() *Node {
	n := p.start(Yield)
	p.next()
	if p.tok.newline || p.tok.kind == tEOF {
		return p.done(n)
	}
	switch p.tok.text {
	case ")", "]", "}", ",", ";", ":", "in", "of":
		return p.done(n)
	}
	if p.eat("*") {
		n.Str = "*"
	}
	n.A = p.assignment()
	return p.done(n)
}

func (p *parser) conditional() *Node {
	test := p.binary(0)
	if !p.is("?") {
		return test
	}
	if p.opt.Types && p.ahead(func() bool { return p.is(":") || p.is(",") || p.is(")") || p.is("=") }) {
		return test // an optional parameter
	}
	n := p.node(Cond, int(test.Pos))
	n.A = test
	p.next()
	noIn := p.noIn
	p.noIn = false
	p.noCond++
	n.B = p.assignment()
	p.noCond--
	p.noIn = noIn
	p.want(":")
	n.C = p.assignment()
	return p.done(n)
}

// priority of a binary operator, 0 for what is none.
func priority(s string) int {
	switch s {
	case "??":
		return 1
	case "||":
		return 2
	case "&&":
		return 3
	case "|":
		return 4
	case "^":
		return 5
	case "&":
		return 6
	case "==", "!=", "===", "!==":
		return 7
	case "<", ">", "<=", ">=", "instanceof", "in":
		return 8
	case "<<", ">>", ">>>":
		return 9
	case "+", "-":
		return 10
	case "*", "/", "%":
		return 11
	case "**":
		return 12
	}
	return 0
}

// binary reads operators of a priority above level. Rows of one operator become
// one node.
func (p *parser) binary(level int) *Node {
	left := p.unary()
	for row := 0; ; row++ {
		if row > maxChain {
			p.limit("an expression has too many operators")
		}
		if p.tok.kind != tPunct && p.tok.kind != tName {
			return left
		}
		op := p.tok.text
		if p.opt.Types && (op == "as" || op == "satisfies") && !p.tok.newline && level < 8 {
			p.next()
			if !p.eat("const") {
				p.typeExpr()
			}
			continue
		}
		prio := priority(op)
		if prio <= level || op == "in" && p.noIn || p.tok.kind == tString {
			return left
		}
		p.next()
		p.enter()
		var right *Node
		if op == "**" {
			right = p.binary(prio - 1)
		} else {
			right = p.binary(prio)
		}
		p.leave()
		if left.Kind == Binary && left.Str == op && left.Flags&Parens == 0 && op != "**" {
			left.List = append(left.List, right)
			left.End = p.last
			row = 0
			continue
		}
		n := p.node(Binary, int(left.Pos))
		n.Str, n.List = op, []*Node{left, right}
		left = p.done(n)
	}
}

func (p *parser) unary() *Node {
	switch p.tok.kind {
	case tPunct:
		switch p.tok.text {
		case "!", "~", "+", "-":
			return p.prefix(Unary)
		case "++", "--":
			return p.prefix(Update)
		case "<":
			if p.opt.Types && !p.opt.JSX {
				p.typeArguments()
				return p.unary()
			}
		}
	case tName:
		switch p.tok.text {
		case "typeof", "void", "delete":
			return p.prefix(Unary)
		case "await":
			if !p.ahead(p.endsOperand) {
				return p.prefix(Await)
			}
		}
	}
	n := p.postfix(p.primary())
	if (p.is("++") || p.is("--")) && !p.tok.newline {
		u := p.node(Update, int(n.Pos))
		u.A = n
		p.next()
		return p.done(u)
	}
	return n
}

// endsOperand says that the token cannot start an operand: the word before is a name.
func (p *parser) endsOperand() bool {
	if p.tok.kind == tEOF {
		return true
	}
	if p.tok.kind != tPunct {
		return p.tok.text == "in" || p.tok.text == "instanceof" || p.tok.text == "of"
	}
	switch p.tok.text {
	case "(", "[", "{", "!", "~", "+", "-", "++", "--", "/", "<", "@":
		return false
	}
	return true
}

func (p *parser) prefix(k Kind) *Node {
	p.enter()
	defer p.leave()
	n := p.start(k)
	n.Str = p.tok.text
	p.next()
	n.A = p.unary()
	return p.done(n)
}
