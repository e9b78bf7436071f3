package python

// match reads a match statement; nil when the word is a name.
func (p *parser) match() *Node {
	switch t := p.peek(); t.kind {
	case tOp:
		switch t.text {
		case "(", "[", "{", "-", "*", "...":
			if !p.matchAhead() {
				return nil
			}
		default:
			return nil
		}
	case tName:
		switch t.text {
		case "in", "is", "and", "or", "if", "else", "as", "for":
			return nil
		}
	case tString, tNumber:
	default:
		return nil
	}
	n := p.start(Match)
	p.next()
	n.A = p.testlist()
	p.want(":")
	for p.tok.kind == tNewline {
		p.next()
	}
	if p.tok.kind != tIndent {
		p.fail("wants an indented block")
	}
	p.next()
	for p.is("case") {
		c := p.start(Case)
		p.next()
		c.A = p.patterns()
		if p.eat("if") {
			c.B = p.named()
		}
		c.Body = p.block()
		n.List = append(n.List, p.done(c))
		for p.tok.kind == tNewline {
			p.next()
		}
	}
	if p.tok.kind == tDedent {
		p.next()
	} else {
		p.fail("wants case")
	}
	return p.done(n)
}

// matchAhead says whether the line that begins with match ends in a colon.
func (p *parser) matchAhead() bool {
	look := *p.lex
	level := 0
	// The token that was peeked at may be an open bracket, which look is past.
	last := p.ahead[0].text
	if last == "(" || last == "[" || last == "{" {
		level = 1
	}
	for range 4000 {
		t := look.next()
		if t.kind == tNewline || t.kind == tEOF {
			return last == ":" && level == 0
		}
		switch t.text {
		case "(", "[", "{":
			level++
		case ")", "]", "}":
			level--
		case "=":
			if level == 0 {
				return false
			}
		}
		last = t.text
	}
	return false
}

// patterns reads a pattern with commas.
func (p *parser) patterns() *Node {
	first := p.pattern()
	if !p.is(",") {
		return first
	}
	n := p.node(List, first.Pos)
	n.List = []*Node{first}
	for p.eat(",") {
		if p.is(":") || p.is("if") {
			break
		}
		n.List = append(n.List, p.pattern())
	}
	return p.done(n)
}

// pattern reads alternatives and a name. Alternatives are a Compare with "|".
func (p *parser) pattern() *Node {
	p.enter()
	defer p.leave()
	n := p.closed()
	if p.is("|") {
		alt := p.node(Binary, n.Pos)
		alt.Str, alt.List = "|", []*Node{n}
		for p.eat("|") {
			alt.List = append(alt.List, p.closed())
		}
		n = p.done(alt)
	}
	if p.eat("as") {
		c := p.start(Capture)
		c.Str = p.name()
		c.A = n
		return p.done(c)
	}
	return n
}

func (p *parser) closed() *Node {
	switch {
	case p.is("*"):
		n := p.start(Star)
		n.Str = "*"
		p.next()
		n.A = p.closed()
		return p.done(n)
	case p.is("("), p.is("["):
		end := ")"
		if p.is("[") {
			end = "]"
		}
		n := p.start(List)
		p.next()
		comma := false
		for !p.is(end) {
			n.List = append(n.List, p.pattern())
			if !p.is(end) {
				p.want(",")
				comma = true
			}
		}
		p.next()
		if end == ")" && len(n.List) == 1 && !comma {
			return n.List[0]
		}
		return p.done(n)
	case p.is("{"):
		return p.mapping()
	case p.tok.kind == tName && !reserved(p.tok.text):
		return p.patternName()
	}
	return p.operand0()
}

// operand0 reads a literal, with a sign or an imaginary part; alternatives are
// the pattern's.
func (p *parser) operand0() *Node { return p.binary(5) }

func (p *parser) patternName() *Node {
	n := p.start(Capture)
	n.Str = p.name()
	if !p.is(".") && !p.is("(") {
		return p.done(n)
	}
	n.Kind = Name
	value := n
	for p.eat(".") {
		a := p.node(Attribute, n.Pos)
		a.A, a.Str = value, p.name()
		value = p.done(a)
	}
	if !p.is("(") {
		return value
	}
	c := p.node(Call, n.Pos)
	c.A = value
	p.next()
	for !p.is(")") {
		if p.tok.kind == tName && p.peek().text == "=" {
			k := p.start(Keyword)
			k.Str = p.name()
			p.next()
			k.A = p.pattern()
			c.List = append(c.List, p.done(k))
		} else {
			c.List = append(c.List, p.pattern())
		}
		if !p.is(")") {
			p.want(",")
		}
	}
	p.next()
	return p.done(c)
}

func (p *parser) mapping() *Node {
	n := p.start(Dict)
	p.next()
	for !p.is("}") {
		if p.is("**") {
			s := p.start(Star)
			s.Str = "**"
			p.next()
			s.A = p.closed()
			n.List = append(n.List, p.done(s))
		} else {
			pair := p.start(Pair)
			pair.A = p.operand0()
			p.want(":")
			pair.B = p.pattern()
			n.List = append(n.List, p.done(pair))
		}
		if !p.is("}") {
			p.want(",")
		}
	}
	p.next()
	return p.done(n)
}
