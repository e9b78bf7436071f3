package python

// testlist reads expressions with commas between them; several are a List.
func (p *parser) testlist() *Node {
	first := p.starOr(p.named)
	if !p.is(",") {
		return first
	}
	n := p.node(List, first.Pos)
	n.List = []*Node{first}
	for p.eat(",") {
		if p.lineEnds() || p.is(")") || p.is("]") || p.is("}") || p.is("=") || p.is(":") || p.tok.kind == tOp && augmented(p.tok.text) {
			break
		}
		n.List = append(n.List, p.starOr(p.named))
	}
	return p.done(n)
}

// named reads an expression that may be given a name by :=.
func (p *parser) named() *Node {
	n := p.test()
	if p.is(":=") {
		w := p.node(Walrus, n.Pos)
		p.next()
		w.A, w.B = n, p.test()
		return p.done(w)
	}
	return n
}

func (p *parser) test() *Node {
	p.enter()
	defer p.leave()
	switch {
	case p.is("lambda"):
		return p.lambda()
	case p.is("yield"):
		return p.yield()
	}
	n := p.binary(-2)
	if !p.is("if") {
		return n
	}
	c := p.node(Choose, n.Pos)
	p.next()
	c.A = n
	c.B = p.binary(-2)
	p.want("else")
	c.C = p.test()
	return p.done(c)
}

func (p *parser) lambda() *Node {
	n := p.start(Lambda)
	p.next()
	n.List = p.params(":")
	p.want(":")
	n.A = p.test()
	return p.done(n)
}

func (p *parser) yield() *Node {
	n := p.start(Yield)
	p.next()
	if p.eat("from") {
		n.Str = "from"
		n.A = p.test()
	} else if !p.lineEnds() && !p.is(")") && !p.is("]") && !p.is("}") && !p.is("=") {
		n.A = p.testlist()
	}
	return p.done(n)
}

// priority of a binary operator; -9 for what is none.
func priority(op string) int {
	switch op {
	case "or":
		return -1
	case "and":
		return 0
	case "|":
		return 2
	case "^":
		return 3
	case "&":
		return 4
	case "<<", ">>":
		return 5
	case "+", "-":
		return 6
	case "*", "/", "//", "%", "@":
		return 7
	}
	return -9
}

// binary reads operators above a level: -2 for all, with comparisons at 1.
func (p *parser) binary(level int) *Node {
	if level < 1 && p.is("not") {
		n := p.start(Unary)
		n.Str = "not"
		p.next()
		p.enter()
		n.A = p.binary(0)
		p.leave()
		left := p.done(n)
		return p.operators(left, level)
	}
	return p.operators(p.unary(), level)
}

func (p *parser) operators(left *Node, level int) *Node {
	for row := 0; ; row++ {
		if row > maxChain {
			p.limit("an expression has too many operators")
		}
		if p.tok.kind != tOp && p.tok.kind != tName {
			return left
		}
		if level < 1 {
			if op := p.comparison(); op != "" {
				n := p.node(Compare, left.Pos)
				n.Str, n.A = op, left
				n.B = p.binary(1)
				left = p.done(n)
				continue
			}
		}
		op := p.tok.text
		prio := priority(op)
		if prio == -9 || prio <= level {
			return left
		}
		p.next()
		p.enter()
		right := p.binary(prio)
		p.leave()
		if left.Kind == Binary && left.Str == op && left.Mark == "" {
			left.List = append(left.List, right)
			left.End = p.last
			row = 0
			continue
		}
		n := p.node(Binary, left.Pos)
		n.Str, n.List = op, []*Node{left, right}
		left = p.done(n)
	}
}

// comparison takes an operator of comparison, "" when there is none.
func (p *parser) comparison() string {
	switch p.tok.text {
	case "<", ">", "==", ">=", "<=", "!=":
		op := p.tok.text
		p.next()
		return op
	case "in":
		p.next()
		return "in"
	case "is":
		p.next()
		if p.eat("not") {
			return "!="
		}
		return "=="
	case "not":
		if p.peek().text != "in" {
			return ""
		}
		p.next()
		p.next()
		return "not in"
	}
	return ""
}

func (p *parser) unary() *Node {
	p.enter()
	defer p.leave()
	switch p.tok.text {
	case "+", "-", "~":
		if p.tok.kind == tOp {
			n := p.start(Unary)
			n.Str = p.tok.text
			p.next()
			n.A = p.unary()
			return p.done(n)
		}
	case "await":
		if p.tok.kind == tName {
			n := p.start(Await)
			p.next()
			n.A = p.unary()
			return p.done(n)
		}
	}
	base := p.trailers(p.atom())
	if p.is("**") {
		n := p.node(Binary, base.Pos)
		n.Str = "**"
		p.next()
		n.List = []*Node{base, p.unary()}
		return p.done(n)
	}
	return base
}

func (p *parser) trailers(n *Node) *Node {
	for row := 0; p.tok.kind == tOp; row++ {
		if row > maxChain {
			p.limit("an expression has too many calls")
		}
		switch p.tok.text {
		case "(":
			c := p.node(Call, n.Pos)
			c.A = n
			c.List = p.arguments()
			n = p.done(c)
		case "[":
			s := p.node(Subscript, n.Pos)
			p.next()
			s.A, s.B = n, p.subscript()
			p.want("]")
			n = p.done(s)
		case ".":
			a := p.node(Attribute, n.Pos)
			p.next()
			if p.tok.kind != tName {
				p.fail("wants an attribute")
			}
			a.A, a.Str = n, p.tok.text
			p.next()
			n = p.done(a)
		default:
			return n
		}
	}
	return n
}

func (p *parser) subscript() *Node {
	var list []*Node
	start := p.tok.pos
	for !p.is("]") {
		list = append(list, p.slice())
		if !p.eat(",") {
			break
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	n := p.node(List, start)
	n.List = list
	return p.done(n)
}

func (p *parser) slice() *Node {
	start := p.tok.pos
	var first *Node
	if !p.is(":") {
		first = p.starOr(p.named)
		if !p.is(":") {
			return first
		}
	}
	n := p.node(Slice, start)
	for p.eat(":") {
		if !p.is(":") && !p.is("]") && !p.is(",") {
			n.List = append(n.List, p.test())
		}
	}
	return p.done(n)
}

func (p *parser) arguments() []*Node {
	var list []*Node
	p.want("(")
	for !p.is(")") {
		list = append(list, p.argument())
		if !p.is(")") {
			p.want(",")
		}
	}
	p.next()
	return list
}

func (p *parser) argument() *Node {
	if p.is("*") || p.is("**") {
		n := p.start(Star)
		n.Str = p.tok.text
		p.next()
		n.A = p.test()
		return p.done(n)
	}
	if p.tok.kind == tName && p.peek().text == "=" && p.ahead[0].kind == tOp {
		n := p.start(Keyword)
		n.Str = p.tok.text
		p.next()
		p.next()
		n.A = p.test()
		return p.done(n)
	}
	n := p.named()
	if p.is("for") || p.is("async") {
		return p.comprehension(n, "(")
	}
	return n
}

// comprehension reads the fors and ifs after a value.
func (p *parser) comprehension(value *Node, bracket string) *Node {
	n := p.node(Comp, value.Pos)
	n.A, n.Str = value, bracket
	for p.is("for") || p.is("async") {
		p.eat("async")
		f := p.start(CompFor)
		p.want("for")
		f.A = p.targets()
		p.want("in")
		f.B = p.binary(-2)
		for p.is("if") {
			p.next()
			c := p.binary(-2)
			if p.is(":=") {
				w := p.node(Walrus, c.Pos)
				p.next()
				w.A, w.B = c, p.binary(-2)
				c = p.done(w)
			}
			f.List = append(f.List, c)
		}
		n.List = append(n.List, p.done(f))
	}
	return p.done(n)
}

func (p *parser) atom() *Node {
	p.enter()
	defer p.leave()
	switch p.tok.kind {
	case tName:
		return p.word()
	case tNumber:
		n := p.start(Number)
		n.Str = p.tok.text
		p.next()
		return p.done(n)
	case tString:
		return p.strings()
	case tOp:
		switch p.tok.text {
		case "(":
			return p.paren()
		case "[":
			return p.bracket()
		case "{":
			return p.brace()
		case "...":
			n := p.start(Literal)
			n.Str = "..."
			p.next()
			return p.done(n)
		}
	default:
	}
	p.fail("wants an expression")
	return nil
}

func (p *parser) word() *Node {
	switch p.tok.text {
	case "None", "True", "False":
		n := p.start(Literal)
		n.Str = p.tok.text
		p.next()
		return p.done(n)
	}
	n := p.start(Name)
	n.Str = p.name()
	return p.done(n)
}

func (p *parser) paren() *Node {
	start := p.tok.pos
	p.next()
	if p.is(")") {
		n := p.node(List, start)
		p.next()
		return p.done(n)
	}
	n := p.starOr(p.named)
	switch {
	case p.is("for") || p.is("async"):
		n = p.comprehension(n, "(")
	case p.is(","):
		t := p.node(List, start)
		t.List = []*Node{n}
		for p.eat(",") {
			if p.is(")") {
				break
			}
			t.List = append(t.List, p.starOr(p.named))
		}
		n = p.done(t)
	}
	p.want(")")
	if n.Kind == Binary {
		n.Mark = "("
	}
	return n
}

func (p *parser) bracket() *Node {
	n := p.start(List)
	p.next()
	for !p.is("]") {
		item := p.starOr(p.named)
		if len(n.List) == 0 && (p.is("for") || p.is("async")) {
			c := p.comprehension(item, "[")
			p.want("]")
			return c
		}
		n.List = append(n.List, item)
		if !p.is("]") {
			p.want(",")
		}
	}
	p.next()
	return p.done(n)
}

// brace reads a dictionary or set.
func (p *parser) brace() *Node {
	n := p.start(Dict)
	p.next()
	for !p.is("}") {
		var item *Node
		if p.is("**") {
			item = p.start(Star)
			item.Str = "**"
			p.next()
			item.A = p.operand()
		} else {
			item = p.starOr(p.named)
			if p.is(":") {
				pair := p.node(Pair, item.Pos)
				p.next()
				pair.A, pair.B = item, p.test()
				item = p.done(pair)
			} else if item.Kind != Star || item.Str == "*" {
				n.Kind = List
			}
		}
		if len(n.List) == 0 && (p.is("for") || p.is("async")) {
			c := p.comprehension(item, "{")
			p.want("}")
			return c
		}
		n.List = append(n.List, item)
		if !p.is("}") {
			p.want(",")
		}
	}
	p.next()
	return p.done(n)
}
