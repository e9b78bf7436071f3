package azure

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
)

// enter bounds the depth and the number of nodes.
func (p *bicepParser) enter() bool {
	p.depth++
	p.nodes++
	return p.depth <= maxExprDepth && p.nodes <= maxSteps
}

var operators = []string{"??", "||", "&&", "==", "!=", "=~", "!~", "<=", ">=", "<", ">", "+", "-", "*", "/", "%"}

// expr reads operators without regard to their rank: what they come to matters only
// where they compare two things.
func (p *bicepParser) expr() *expr {
	defer func() { p.depth-- }()
	if !p.enter() {
		return nil
	}
	left := p.unary()
	for left != nil {
		p.spaces()
		i := slices.IndexFunc(operators, func(op string) bool { return p.has(op) })
		if i < 0 {
			break
		}
		op := operators[i]
		pos := p.pos(p.at)
		p.at += len(op)
		p.blank()
		right := p.unary()
		if right == nil || !p.enter() {
			return nil
		}
		p.depth--
		left = combine(op, pos, left, right)
	}
	if left == nil || !p.question() {
		return left
	}
	p.blank()
	yes := p.expr()
	p.blank()
	if yes == nil || !p.take(":") {
		return nil
	}
	p.blank()
	no := p.expr()
	if no == nil {
		return nil
	}
	return &expr{kind: eIf, pos: left.pos, args: []*expr{left, yes, no}}
}

// question takes the ? of a ternary, which may begin the next line.
func (p *bicepParser) question() bool {
	save := p.lexer
	p.blank()
	if p.has("?") && !p.has("??") && !p.has("?.") {
		p.at++
		return true
	}
	p.lexer = save
	return false
}

func combine(op string, pos model.Pos, left, right *expr) *expr {
	switch op {
	case "??", "==", "!=":
		return &expr{kind: eCall, pos: pos, text: op, args: []*expr{left, right}}
	case "||":
		return &expr{kind: eCall, pos: pos, text: "or", args: []*expr{left, right}}
	case "&&":
		return &expr{kind: eCall, pos: pos, text: "and", args: []*expr{left, right}}
	}
	return &expr{kind: eOther, pos: pos}
}

func (p *bicepParser) unary() *expr {
	defer func() { p.depth-- }()
	if !p.enter() {
		return nil
	}
	pos := p.pos(p.at)
	switch {
	case p.take("!"):
		x := p.unary()
		if x == nil {
			return nil
		}
		return &expr{kind: eCall, pos: pos, text: "not", args: []*expr{x}}
	case p.take("-"):
		x := p.unary()
		if x == nil {
			return nil
		}
		if x.kind == eText {
			return &expr{kind: eText, pos: pos, text: "-" + x.text}
		}
		return &expr{kind: eOther, pos: pos}
	}
	return p.postfix()
}

// postfix reads what follows a primary: .a .?a ::a [i] .f(x) !
func (p *bicepParser) postfix() *expr {
	e := p.primary()
	for n := 0; e != nil && n < maxExprDepth; n++ {
		pos := p.pos(p.at)
		switch {
		case p.at < len(p.data) && (p.data[p.at] == '.' || p.has("::")):
			p.at++
			if p.has(":") || p.has("?") {
				p.at++
			}
			name := p.ident()
			if p.at < len(p.data) && p.data[p.at] == '(' {
				args, ok := p.callArgs()
				if !ok {
					return nil
				}
				e = &expr{kind: eCall, pos: pos, text: name, args: args}
				continue
			}
			e = &expr{kind: eMember, pos: pos, text: name, args: []*expr{e}}
		case p.at < len(p.data) && p.data[p.at] == '[':
			p.at++
			p.take("?")
			i := p.expr()
			if i == nil || !p.take("]") {
				return nil
			}
			e = &expr{kind: eIndex, pos: pos, args: []*expr{e, i}}
		case p.at < len(p.data) && p.data[p.at] == '!' && !p.has("!=") && !p.has("!~"):
			p.at++
		default:
			return e
		}
	}
	return e
}

func (p *bicepParser) callArgs() ([]*expr, bool) {
	var out []*expr
	p.at++ // (
	for {
		p.blank()
		if p.take(")") {
			return out, true
		}
		a := p.expr()
		if a == nil {
			return nil, false
		}
		if p.take("=>") { // a lambda, of which only the call is noted
			if p.blank(); p.expr() == nil {
				return nil, false
			}
			a = &expr{kind: eOther, pos: a.pos}
		}
		out = append(out, a)
	}
}

func (p *bicepParser) primary() *expr {
	defer func() { p.depth-- }()
	p.spaces()
	if !p.enter() || p.at >= len(p.data) {
		return nil
	}
	pos := p.pos(p.at)
	switch c := p.data[p.at]; {
	case c == '\'' || c == '$' && p.at+1 < len(p.data) && p.data[p.at+1] == '\'':
		return p.str()
	case c == '{':
		return p.object(nil)
	case c == '[':
		return p.array(nil)
	case c == '(':
		p.at++
		p.blank()
		e := p.expr()
		p.blank()
		if e == nil || !p.take(")") {
			return nil
		}
		return e
	case word(c):
		name := p.ident()
		switch {
		case p.at < len(p.data) && p.data[p.at] == '(':
			args, ok := p.callArgs()
			if !ok {
				return nil
			}
			return &expr{kind: eCall, pos: pos, text: name, args: args}
		case name == "null":
			return &expr{kind: eNull, pos: pos}
		case name == "true" || name == "false" || c >= '0' && c <= '9':
			return &expr{kind: eText, pos: pos, text: name}
		}
		return &expr{kind: eName, pos: pos, text: name}
	}
	return nil
}

// str reads 'a ${b}' or text between three quotes.
func (p *bicepParser) str() *expr {
	p.spaces()
	pos := p.pos(p.at)
	if p.has("'''") {
		begin := p.at + 3
		p.skip(3)
		for p.at < len(p.data) && !p.has("'''") {
			p.skip(1)
		}
		text := string(p.data[min(begin, p.at):p.at])
		p.skip(3)
		return &expr{kind: eText, pos: pos, text: strings.TrimPrefix(text, "\n")}
	}
	if !p.take("'") {
		return nil
	}
	var parts []*expr
	var b strings.Builder
	for p.at < len(p.data) && p.data[p.at] != '\n' {
		switch {
		case p.has("'"):
			p.at++
			if parts == nil {
				return &expr{kind: eText, pos: pos, text: b.String()}
			}
			return &expr{kind: eConcat, pos: pos, args: append(parts, &expr{kind: eText, pos: pos, text: b.String()})}
		case p.has("${"):
			p.at += 2
			parts = append(parts, &expr{kind: eText, pos: pos, text: b.String()})
			b.Reset()
			e := p.expr()
			if e == nil || !p.take("}") {
				return nil
			}
			parts = append(parts, e)
		case p.has(`\`) && p.at+1 < len(p.data):
			b.WriteString(unescape(p.data[p.at+1]))
			p.skip(2)
		default:
			b.WriteByte(p.data[p.at])
			p.at++
		}
	}
	return nil
}

// object reads { key: value }. Resources nested in the body of one are taken too.
func (p *bicepParser) object(owner *declaredResource) *expr {
	e := &expr{kind: eMap, pos: p.pos(p.at)}
	if !p.take("{") {
		return nil
	}
	for {
		p.blank()
		pos := p.pos(p.at)
		switch {
		case p.at >= len(p.data):
			return nil
		case p.take("}"):
			return e
		case p.take("..."):
			if p.expr() == nil {
				return nil
			}
			continue
		case p.take("@"):
			if p.postfix() == nil {
				return nil
			}
			continue
		case owner != nil && p.peekWord("resource") && !p.keyed("resource"):
			p.ident()
			if !p.resource(pos, owner) {
				return nil
			}
			continue
		}
		name := p.key()
		if name == nil || !p.take(":") {
			return nil
		}
		p.blank()
		v := p.valueOf()
		if v == nil {
			return nil
		}
		e.keys, e.args = append(e.keys, key{name, pos}), append(e.args, v)
	}
}

// valueOf is an expression, or a nested object under if.
func (p *bicepParser) valueOf() *expr { return p.expr() }

func (p *bicepParser) keyed(word string) bool {
	save := p.lexer
	defer func() { p.lexer = save }()
	p.at += len(word)
	return p.take(":")
}

func (p *bicepParser) key() *expr {
	pos := p.pos(p.at)
	if p.has("'") {
		return p.str()
	}
	if name := p.ident(); name != "" {
		return &expr{kind: eText, pos: pos, text: name}
	}
	return nil
}

// array reads [a, b], with line breaks for commas, or [for x in y: z].
func (p *bicepParser) array(owner *declaredResource) *expr {
	e := &expr{kind: eList, pos: p.pos(p.at)}
	if !p.take("[") {
		return nil
	}
	p.blank()
	if p.peekWord("for") {
		return p.forOf(owner, e.pos)
	}
	for {
		p.blank()
		if p.take("]") {
			return e
		}
		p.take("...")
		v := p.expr()
		if v == nil {
			return nil
		}
		e.args = append(e.args, v)
	}
}

func (p *bicepParser) forOf(owner *declaredResource, pos model.Pos) *expr {
	p.ident()
	var names []string
	if p.take("(") {
		names = append(names, p.ident())
		p.take(",")
		names = append(names, p.ident())
		p.take(")")
	} else {
		names = append(names, p.ident())
	}
	if p.ident() != "in" {
		return nil
	}
	over := p.expr()
	if over == nil || !p.take(":") {
		return nil
	}
	p.blank()
	if p.peekWord("if") {
		p.ident()
		if p.primary() == nil {
			return nil
		}
	}
	p.spaces()
	var body *expr
	if p.has("{") {
		body = p.object(owner)
	} else {
		body = p.expr()
	}
	p.blank()
	if body == nil || !p.take("]") {
		return nil
	}
	return &expr{kind: eFor, pos: pos, text: strings.Join(names, ","), args: []*expr{over, body}}
}
