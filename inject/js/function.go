package js

// asyncArrow reads async x => … ; nil when the word means something else.
func (p *parser) asyncArrow() *Node {
	start := int(p.tok.pos)
	single := p.ahead(func() bool {
		return p.isName() && !p.tok.newline && p.ahead(func() bool { return p.is("=>") })
	})
	if single {
		p.next()
		return p.arrow(start, []*Node{p.ident()}, Async)
	}
	if p.opt.Types && p.ahead(func() bool { return p.is("<") }) {
		var n *Node
		p.try(func() bool {
			p.next()
			p.typeParameters()
			n = p.arrowAfterTypes(start, Async)
			return n != nil
		})
		return n
	}
	return nil
}

// genericArrow reads <T>(x: T) => … ; nil when the bracket means something else.
func (p *parser) genericArrow() *Node {
	start := int(p.tok.pos)
	if p.opt.JSX && !p.ahead(func() bool {
		return p.is("const") || p.isName() && p.ahead(func() bool { return p.is(",") || p.is("extends") })
	}) {
		return nil
	}
	var n *Node
	p.try(func() bool {
		p.typeParameters()
		n = p.arrowAfterTypes(start, 0)
		return n != nil
	})
	return n
}

func (p *parser) arrowAfterTypes(start int, flags Flag) *Node {
	if !p.is("(") {
		return nil
	}
	list := p.parameters()
	p.returnType()
	if !p.is("=>") {
		return nil
	}
	return p.arrow(start, list, flags)
}

// arrow reads from the => on.
func (p *parser) arrow(start int, params []*Node, flags Flag) *Node {
	n := p.node(Func, start)
	n.Flags, n.List = flags|Arrow, params
	p.want("=>")
	if p.is("{") {
		noIn := p.noIn
		p.noIn = false
		n.B = p.block()
		p.noIn = noIn
	} else {
		n.B = p.assignment()
	}
	return p.done(n)
}

func (p *parser) array() *Node {
	n := p.start(Array)
	noIn := p.noIn
	p.noIn = false
	p.want("[")
	for !p.is("]") {
		if p.eat(",") {
			n.List = append(n.List, nil)
			continue
		}
		n.List = append(n.List, p.argument())
		if !p.is("]") {
			p.want(",")
		}
	}
	p.next()
	p.noIn = noIn
	return p.done(n)
}

func (p *parser) object() *Node {
	n := p.start(Object)
	noIn := p.noIn
	p.noIn = false
	p.want("{")
	for !p.is("}") {
		if p.is("...") {
			n.List = append(n.List, p.argument())
		} else {
			n.List = append(n.List, p.property())
		}
		if !p.is("}") {
			p.want(",")
		}
	}
	p.next()
	p.noIn = noIn
	return p.done(n)
}

// modifiers reads async, get, set, static and * before a name; keyed says whether
// a token continues a member rather than naming it.
func (p *parser) modifiers() Flag {
	var flags Flag
	for p.tok.kind == tName {
		var f Flag
		switch p.tok.text {
		case "async":
			f = Async
		case "get":
			f = Getter
		case "set":
			f = Setter
		default:
			return flags
		}
		if p.ahead(func() bool {
			switch p.tok.text {
			case "(", ",", "}", ":", "=", ";", "<", "?", "!":
				return p.tok.kind != tString
			}
			return p.tok.kind == tEOF || p.tok.newline && f == Async
		}) {
			return flags
		}
		flags |= f
		p.next()
	}
	return flags
}

func (p *parser) property() *Node {
	n := p.start(Prop)
	n.Flags = p.modifiers()
	if p.eat("*") {
		n.Flags |= Generator
	}
	key := p.tok
	p.propertyName(n)
	switch {
	case p.is("(") || p.is("<"):
		n.Flags |= Method
		n.B = p.method(int(n.Pos), n.Flags)
	case p.eat(":"):
		n.B = p.assignment()
	case key.kind == tName:
		id := p.node(Ident, int(key.pos))
		id.Str, id.End = key.text, key.end
		n.Flags |= Shorthand
		n.B = p.withDefault(id)
	default:
		p.fail("wants :")
	}
	return p.done(n)
}

// method reads parameters and body.
func (p *parser) method(start int, flags Flag) *Node {
	n := p.node(Func, start)
	n.Flags = flags & (Async | Generator)
	p.typeParameters()
	n.List = p.parameters()
	p.returnType()
	if p.is("{") {
		noIn := p.noIn
		p.noIn = false
		n.B = p.block()
		p.noIn = noIn
	} else {
		p.semicolon() // an overload or an abstract method
	}
	return p.done(n)
}

func (p *parser) parameters() []*Node {
	var list []*Node
	noIn := p.noIn
	p.noIn = false
	p.want("(")
	for !p.is(")") {
		p.decorators()
		var flags Flag
		for p.opt.Types && parameterWord(p.tok.text) && p.ahead(func() bool { return p.tok.kind == tName || p.is("{") || p.is("[") }) {
			flags = Property
			p.next()
		}
		item := p.parameter()
		item.Flags |= flags
		if item.Kind != This {
			list = append(list, item)
		}
		if !p.is(")") {
			p.want(",")
		}
	}
	p.next()
	p.noIn = noIn
	return list
}

func parameterWord(s string) bool {
	switch s {
	case "public", "private", "protected", "readonly", "override":
		return true
	}
	return false
}

func (p *parser) parameter() *Node {
	if p.is("...") {
		n := p.element()
		p.annotation()
		return n
	}
	target := p.pattern()
	if p.opt.Types {
		p.eat("?")
		p.annotation()
	}
	return p.withDefault(target)
}

func (p *parser) function(flags Flag) *Node {
	start := int(p.tok.pos)
	if p.eat("async") {
		flags |= Async
	}
	p.want("function")
	if p.eat("*") {
		flags |= Generator
	}
	name := ""
	if p.isName() {
		name = p.tok.text
		p.next()
	}
	n := p.method(start, flags)
	n.Flags |= flags
	n.Str = name
	return n
}

func (p *parser) class() *Node {
	n := p.start(Class)
	p.want("class")
	if p.isName() && (!p.opt.Types || !p.is("implements")) {
		n.Str = p.tok.text
		p.next()
	}
	p.typeParameters()
	if p.eat("extends") {
		n.A = p.postfix(p.primary())
		if p.opt.Types && p.is("<") {
			p.typeArguments()
		}
	}
	if p.opt.Types && p.eat("implements") {
		p.typeList()
	}
	p.want("{")
	for !p.is("}") {
		if p.eat(";") {
			continue
		}
		if m := p.classMember(); m != nil {
			n.List = append(n.List, m)
		}
	}
	p.next()
	return p.done(n)
}

func (p *parser) classMember() *Node {
	p.decorators()
	n := p.start(Member)
	for p.tok.kind == tName && memberWord(p.tok.text, p.opt.Types) && !p.ahead(func() bool {
		switch p.tok.text {
		case "(", "=", ";", "}", ":", "<", "?", "!":
			return p.tok.kind == tPunct
		}
		return false
	}) {
		if p.eat("static") {
			n.Flags |= Static
			if p.is("{") {
				n.B = p.node(Func, int(n.Pos))
				n.B.B = p.block()
				p.done(n.B)
				n.Flags |= Getter // run at once, see lower
				return p.done(n)
			}
			continue
		}
		p.next()
	}
	n.Flags |= p.modifiers()
	if p.eat("*") {
		n.Flags |= Generator
	}
	if p.opt.Types && p.is("[") && p.indexSignature() {
		return nil
	}
	p.propertyName(n)
	if p.opt.Types && (p.is("?") || p.is("!")) {
		p.next()
	}
	if p.is("(") || p.is("<") {
		n.Flags |= Method
		n.B = p.method(int(n.Pos), n.Flags)
		if n.B.B == nil {
			return nil
		}
		return p.done(n)
	}
	p.annotation()
	if p.eat("=") {
		n.B = p.assignment()
	}
	p.semicolon()
	return p.done(n)
}

func memberWord(s string, types bool) bool {
	switch s {
	case "static", "accessor":
		return true
	case "public", "private", "protected", "readonly", "override", "abstract", "declare":
		return types
	}
	return false
}

// indexSignature passes over [key: string]: Type.
func (p *parser) indexSignature() bool {
	return p.try(func() bool {
		p.want("[")
		p.ident()
		if !p.is(":") {
			return false
		}
		p.annotation()
		p.want("]")
		p.annotation()
		p.semicolon()
		return true
	})
}
