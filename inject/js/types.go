package js

import "strings"

// typeStatement reads what only TypeScript has; false when it is something else.
func (p *parser) typeStatement() (*Node, bool) {
	named := func() bool { return p.isName() && !p.tok.newline }
	switch p.tok.text {
	case "type":
		if !p.ahead(named) {
			return nil, false
		}
		p.next()
		p.ident()
		p.typeParameters()
		p.want("=")
		p.typeExpr()
		p.semicolon()
		return nil, true
	case "interface":
		if !p.ahead(named) {
			return nil, false
		}
		p.next()
		p.ident()
		p.typeParameters()
		if p.eat("extends") {
			p.typeList()
		}
		p.typeMembers()
		return nil, true
	case "enum":
		return p.enum(), true
	case "abstract":
		if p.ahead(func() bool { return p.is("class") }) {
			p.next()
			n := p.class()
			n.Flags |= Declaration
			return n, true
		}
	case "global":
		if p.ahead(func() bool { return p.is("{") && !p.tok.newline }) {
			p.next()
			return p.block(), true
		}
	case "declare":
		if !p.ahead(func() bool { return p.tok.kind == tName && !p.tok.newline }) {
			return nil, false
		}
		p.next()
		p.declared()
		return nil, true
	case "namespace", "module":
		if !p.ahead(func() bool { return !p.tok.newline && (p.isName() || p.tok.kind == tString) }) {
			return nil, false
		}
		p.next()
		p.next()
		for p.eat(".") {
			p.ident()
		}
		if p.is("{") {
			return p.block(), true
		}
		p.semicolon()
		return nil, true
	}
	return nil, false
}

// declared passes over what follows declare.
func (p *parser) declared() {
	if p.is("global") {
		p.next()
		p.block()
		return
	}
	if p.is("function") || p.is("async") {
		p.function(Declaration)
		return
	}
	p.statement()
}

// enum reads an enumeration as a variable with an object.
func (p *parser) enum() *Node {
	n := p.start(VarDecl)
	n.Str = "const"
	p.want("enum")
	d := p.start(Declarator)
	d.A = p.ident()
	d.B = p.start(Object)
	p.want("{")
	for !p.is("}") {
		m := p.start(Prop)
		p.propertyName(m)
		if p.eat("=") {
			m.B = p.assignment()
		} else {
			m.B = p.start(Number)
			m.B.Str = "0"
			m.B.End = m.B.Pos
		}
		d.B.List = append(d.B.List, p.done(m))
		if !p.is("}") {
			p.want(",")
		}
	}
	p.next()
	p.done(d.B)
	n.List = []*Node{p.done(d)}
	return p.done(n)
}

// annotation passes over ": Type" where there is one.
func (p *parser) annotation() {
	if p.opt.Types && p.is(":") {
		p.next()
		p.typeExpr()
	}
}

// returnType passes over that of a function, which may be a predicate.
func (p *parser) returnType() {
	if p.opt.Types && p.is(":") {
		p.next()
		p.typeOrPredicate()
	}
}

func (p *parser) typeOrPredicate() {
	if p.is("asserts") && p.ahead(func() bool { return p.tok.kind == tName && !p.is("is") && !p.tok.newline }) {
		p.next()
	}
	p.typeExpr()
	if p.is("is") && !p.tok.newline {
		p.next()
		p.typeExpr()
	}
}

func (p *parser) typeParameters() {
	if !p.opt.Types || !p.is("<") {
		return
	}
	p.next()
	for !p.is(">") {
		for p.is("const") || (p.is("in") || p.is("out")) && p.ahead(func() bool { return p.tok.kind == tName && !p.is("extends") }) {
			p.next()
		}
		p.ident()
		if p.eat("extends") {
			p.typeExpr()
		}
		if p.eat("=") {
			p.typeExpr()
		}
		if !p.is(">") {
			p.want(",")
		}
	}
	p.next()
}

// typeArguments passes over <A, B>; it fails where there are none.
func (p *parser) typeArguments() bool {
	p.want("<")
	if p.is(">") {
		p.next()
		return true
	}
	p.typeList()
	p.closeAngle()
	return true
}

// closeAngle takes one > off the present token.
func (p *parser) closeAngle() {
	if p.tok.kind != tPunct || !strings.HasPrefix(p.tok.text, ">") {
		p.fail("wants >")
	}
	if p.tok.text == ">" {
		p.next()
		return
	}
	p.last = p.tok.pos + 1
	p.tok.pos++
	p.tok.text = p.tok.text[1:]
	p.tok.newline = false
}

func (p *parser) typeList() {
	for {
		p.typeExpr()
		if !p.eat(",") {
			return
		}
		if p.is(">") {
			return
		}
	}
}

// typeExpr passes over a type with its operators.
func (p *parser) typeExpr() {
	p.enter()
	defer p.leave()
	p.typeUnion()
	if p.is("extends") && !p.tok.newline {
		p.next()
		p.typeUnion()
		if p.eat("?") {
			p.typeExpr()
			p.want(":")
			p.typeExpr()
		}
	}
}

func (p *parser) typeUnion() {
	if p.is("|") || p.is("&") {
		p.next()
	}
	p.typePostfix()
	for n := 0; p.is("|") || p.is("&"); n++ {
		if n > maxChain {
			p.limit("a type has too many parts")
		}
		p.next()
		p.typePostfix()
	}
}

func (p *parser) typePostfix() {
	for p.is("keyof") || p.is("unique") || p.is("readonly") || p.is("infer") || p.is("abstract") {
		word := p.tok.text
		p.next()
		if word == "infer" {
			p.ident()
			if p.is("extends") {
				p.next()
				p.typeUnion()
			}
			return
		}
		if p.tok.kind == tPunct && !p.is("[") && !p.is("{") && !p.is("(") || p.tok.kind == tEOF {
			break // the word was the name of a type
		}
	}
	p.typePrimary()
	for n := 0; (p.is("[") || p.is("!")) && !p.tok.newline; n++ {
		if n > maxChain {
			p.limit("a type has too many parts")
		}
		if p.eat("!") {
			continue
		}
		p.next()
		if !p.is("]") {
			p.typeExpr()
		}
		p.want("]")
	}
}

func (p *parser) typePrimary() {
	switch p.tok.kind {
	case tString, tNumber:
		p.next()
		return
	case tTemplate:
		p.typeTemplate()
		return
	case tName:
		p.typeName()
		return
	case tPunct:
		switch p.tok.text {
		case "(":
			p.typeFunction()
			return
		case "<":
			p.typeParameters()
			p.typeFunction()
			return
		case "{":
			p.typeMembers()
			return
		case "[":
			p.typeTuple()
			return
		case "-":
			p.next()
			p.next()
			return
		case ">", ",", ")", "]", "}", ";", "=", "=>":
			// The name of a type that looked like an operator came before.
			if p.last == p.tok.pos || p.depth > 0 {
				return
			}
		}
	}
	p.fail("wants a type")
}

func (p *parser) typeName() {
	word := p.tok.text
	p.next()
	switch word {
	case "typeof":
		if p.is("import") {
			p.typeName()
			return
		}
		p.next()
	case "new":
		p.typeParameters()
		p.typeFunction()
		return
	case "import":
		p.want("(")
		p.typeList()
		p.want(")")
	}
	for p.eat(".") {
		p.next()
	}
	if p.is("<") && !p.tok.newline {
		p.typeArguments()
	}
}

// typeTemplate passes over a template literal type.
func (p *parser) typeTemplate() {
	i := int(p.tok.end)
	for {
		for i < len(p.src) && p.src[i] != '`' && !strings.HasPrefix(p.src[i:], "${") {
			if p.src[i] == '\\' {
				i++
			}
			i++
		}
		if i >= len(p.src) {
			p.tok.end = int32(len(p.src))
			p.fail("a template does not end")
		}
		if p.src[i] == '`' {
			p.tok.end = int32(i + 1)
			p.next()
			return
		}
		p.scan(i + 2)
		p.typeExpr()
		if !p.is("}") {
			p.fail("a template wants }")
		}
		i = int(p.tok.end)
	}
}

// typeFunction passes over (a: A) => B, or a type in parentheses.
func (p *parser) typeFunction() {
	p.want("(")
	n, params := 0, p.is(")")
	for !p.is(")") {
		n++
		params = p.eat("...") || params || n > 1 || p.bareParameter()
		p.typeExpr()
		params = p.eat("?") || params
		if p.eat(":") {
			p.typeExpr()
			params = true
		}
		if p.eat("=") {
			p.assignment()
		}
		if !p.is(")") {
			p.want(",")
		}
	}
	p.next()
	// (A | B) => after the colon of an arrow function is its return type and the
	// arrow its own.
	if params && p.eat("=>") {
		p.typeOrPredicate()
	}
}

// bareParameter says whether the present token is the whole of a parameter
// without a type, or begins a pattern.
func (p *parser) bareParameter() bool {
	if p.is("{") || p.is("[") {
		return true
	}
	return p.tok.kind == tName && p.ahead(func() bool { return p.is(")") || p.is(",") || p.is("=") })
}

func (p *parser) typeTuple() {
	p.want("[")
	for !p.is("]") {
		p.eat("...")
		p.typeExpr()
		p.eat("?")
		if p.eat(":") {
			p.typeExpr()
		}
		if !p.is("]") {
			p.want(",")
		}
	}
	p.next()
}

// typeMembers passes over the braces of an interface, object or mapped type.
func (p *parser) typeMembers() {
	p.want("{")
	level := 1
	for level > 0 {
		switch {
		case p.tok.kind == tEOF:
			p.fail("a type does not end")
		case p.tok.kind == tTemplate:
			p.typeTemplate()
			continue
		case p.is("{"):
			level++
		case p.is("}"):
			level--
		}
		p.next()
	}
}
