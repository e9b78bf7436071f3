package js

import "strings"

// jsx reads an element or fragment; the present token is its <.
func (p *parser) jsx() *Node {
	n := p.start(JSX)
	end := p.jsxInner(n)
	p.tok.end = int32(end)
	p.next()
	n.End = p.last
	return n
}

// jsxInner reads from the < on and returns where the element ends.
func (p *parser) jsxInner(n *Node) int {
	p.enter()
	defer p.leave()
	p.want("<")
	name := ""
	if !p.is(">") {
		name = p.jsxName(n)
		if p.opt.Types && p.is("<") {
			p.typeArguments()
		}
		for !p.is(">") && !p.is("/") {
			p.attribute(n)
		}
	}
	if p.is("/") {
		p.next()
		if !p.is(">") {
			p.fail("an element wants >")
		}
		return int(p.tok.end)
	}
	if !p.is(">") {
		p.fail("an element wants >")
	}
	return p.children(n, name, int(p.tok.end))
}

// jsxName reads a tag: names with dashes, dots and colons.
func (p *parser) jsxName(n *Node) string {
	start := int(p.tok.pos)
	if p.tok.kind != tName {
		p.fail("an element wants a name")
	}
	i := start
	for i < len(p.src) && (nameStart(p.src[i]) || p.src[i] >= '0' && p.src[i] <= '9' || strings.IndexByte("-.:", p.src[i]) >= 0) {
		i++
	}
	name := p.src[start:i]
	parts := strings.Split(name, ".")
	if parts[0] != "" && (parts[0][0] < 'a' || parts[0][0] > 'z' || len(parts) > 1) {
		n.A = p.node(Ident, start)
		n.A.Str, n.A.End = parts[0], int32(start+len(parts[0]))
		for _, part := range parts[1:] {
			d := p.node(Dot, start)
			d.A, d.Str, d.End = n.A, part, int32(i)
			n.A = d
		}
	}
	n.Str = name
	p.last = int32(i)
	p.scan(i)
	return name
}

func (p *parser) attribute(n *Node) {
	if p.is("{") {
		p.next()
		s := p.start(Spread)
		p.want("...")
		s.A = p.assignment()
		n.List = append(n.List, p.done(s))
		p.want("}")
		return
	}
	if p.tok.kind != tName {
		p.fail("an element wants an attribute")
	}
	a := p.start(Prop)
	start := int(p.tok.pos)
	i := start
	for i < len(p.src) && (nameStart(p.src[i]) || p.src[i] >= '0' && p.src[i] <= '9' || p.src[i] == '-' || p.src[i] == ':') {
		i++
	}
	a.Str = p.src[start:i]
	p.last = int32(i)
	p.scan(i)
	if p.is("=") {
		p.next()
		a.B = p.attributeValue()
	} else {
		a.B = p.node(Literal, start)
		a.B.Str, a.B.End = "true", int32(i)
	}
	n.List = append(n.List, p.done(a))
}

func (p *parser) attributeValue() *Node {
	switch {
	case p.tok.kind == tString || p.tok.kind == tBad || strings.HasPrefix(p.tok.text, `"`) || strings.HasPrefix(p.tok.text, "'"):
		start := int(p.tok.pos)
		end := strings.IndexByte(p.src[start+1:], p.src[start])
		if end < 0 {
			p.fail("an attribute does not end")
		}
		s := p.node(String, start)
		s.Str = p.src[start+1 : start+1+end]
		p.tok.end = int32(start + end + 2)
		p.next()
		return p.done(s)
	case p.is("{"):
		p.next()
		v := p.assignment()
		p.want("}")
		return v
	case p.is("<"):
		return p.jsx()
	}
	p.fail("an attribute wants a value")
	return nil
}

// children reads what is between the tags, from i on, and returns where the
// closing tag ends.
func (p *parser) children(n *Node, name string, i int) int {
	for {
		next := strings.IndexAny(p.src[min(i, len(p.src)):], "<{")
		if next < 0 {
			p.tok.pos, p.tok.end = int32(len(p.src)), int32(len(p.src))
			p.tok.kind, p.tok.text = tEOF, ""
			p.fail("an element does not end")
		}
		i += next
		p.scan(i)
		if p.src[i] == '{' {
			p.next()
			switch {
			case p.is("}"):
			case p.is("..."):
				p.next()
				n.List = append(n.List, p.expression())
			default:
				n.List = append(n.List, p.expression())
			}
			if !p.is("}") {
				p.fail("an element wants }")
			}
			i = int(p.tok.end)
			continue
		}
		if rest := strings.TrimLeft(p.src[i+1:], " \t\r\n"); strings.HasPrefix(rest, "/") {
			end := strings.IndexByte(p.src[i:], '>')
			if end < 0 {
				p.fail("an element does not end")
			}
			if got := strings.TrimSpace(strings.TrimPrefix(rest, "/")[:strings.IndexByte(rest, '>')-1]); got != name {
				p.fail("an element is closed by another")
			}
			return i + end + 1
		}
		if !strings.HasPrefix(p.tok.text, "<") {
			p.fail("an element wants <")
		}
		p.tok.text, p.tok.end, p.tok.kind = "<", int32(i+1), tPunct
		child := p.start(JSX)
		i = p.jsxInner(child)
		child.End = int32(i)
		n.List = append(n.List, child)
	}
}
