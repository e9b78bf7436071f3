package python

import "strings"

// strings reads adjacent literals as one.
func (p *parser) strings() *Node {
	n := p.start(FString)
	format := false
	for p.tok.kind == tString {
		format = p.literal(n) || format
		p.next()
	}
	p.done(n)
	if !format {
		var b strings.Builder
		for _, part := range n.List {
			b.WriteString(part.Str)
		}
		n.Kind, n.Str, n.List = String, b.String(), nil
	}
	return n
}

// literal adds the parts of one literal; true when it has values in it.
func (p *parser) literal(n *Node) bool {
	text := p.tok.text
	i := strings.IndexAny(text, `"'`)
	prefix := strings.ToLower(text[:i])
	q := text[i : i+1]
	if strings.HasPrefix(text[i:], strings.Repeat(q, 3)) && len(text) >= i+6 {
		q = strings.Repeat(q, 3)
	}
	if len(text) < i+2*len(q) || !strings.HasSuffix(text, q) {
		p.fail("a text does not end")
	}
	start := int(p.tok.pos) + i + len(q)
	end := int(p.tok.end) - len(q)
	raw := strings.Contains(prefix, "r")
	if !strings.ContainsAny(prefix, "ft") {
		s := p.node(String, int32(start))
		s.Str, s.End = unescape(p.lex.src[start:end], raw), int32(end)
		n.List = append(n.List, s)
		return false
	}
	return p.fields(n, start, end, raw)
}

// fields reads the texts and replacement fields between two offsets.
func (p *parser) fields(n *Node, i, end int, raw bool) bool {
	p.enter()
	defer p.leave()
	src := p.lex.src
	found := false
	text := i
	flush := func(to int) {
		to = min(to, end)
		if to > text {
			s := p.node(String, int32(text))
			s.Str, s.End = strings.NewReplacer("{{", "{", "}}", "}").Replace(unescape(src[text:to], raw)), int32(to)
			n.List = append(n.List, s)
		}
	}
	for i < end {
		switch {
		case src[i] == '{' && i+1 < end && src[i+1] == '{', src[i] == '}':
			i += 2
		case src[i] == '{':
			flush(i)
			value, next := p.replacement(i+1, end)
			n.List = append(n.List, value)
			found = true
			i, text = next, next
		case src[i] == '\\' && !raw:
			i += escape(src[i:end])
		default:
			i++
		}
	}
	flush(end)
	return found
}

// replacement reads one field from after its brace and says where it ends.
func (p *parser) replacement(i, end int) (*Node, int) {
	sub := &parser{lex: &lexer{src: p.lex.src, pos: i, stop: end, inline: true, nested: 1}, depth: p.depth, steps: p.steps, faults: p.faults, nodes: p.nodes}
	sub.next()
	value := sub.testlist()
	p.steps = sub.steps
	sub.eat("=")
	if sub.is("!") {
		sub.next()
		sub.next()
	}
	if sub.is(":") { // a format, which may hold fields too
		j := int(sub.tok.end)
		level := 0
		for ; j < end; j++ {
			switch p.lex.src[j] {
			case '{':
				level++
			case '}':
				if level == 0 {
					return value, j + 1
				}
				level--
			}
		}
		return value, end
	}
	if !sub.is("}") {
		sub.fail("a replacement field wants }")
	}
	return value, int(sub.tok.end)
}
