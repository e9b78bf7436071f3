package azure

import (
	"context"
	"path"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
)

// IsBicep tells by its name whether a file is Bicep.
func IsBicep(name string, _ []byte) bool { return path.Ext(name) == ".bicep" }

// ReadBicep reads a Bicep file and the local modules that it calls.
func ReadBicep(ctx context.Context, src *model.Source) (*model.Model, error) {
	b := newBuilder(ctx, src, model.Bicep)
	s, why := bicepStack(src.Pos(src.Name, 0, 0).File, src.Name, src.Data)
	b.skippedLines(s, why)
	b.build(s)
	return b.finish()
}

// bicepStack parses a file; the positions are those of statements that could not be read.
func bicepStack(file, name string, data []byte) (*stack, []model.Pos) {
	s := &stack{name: name, params: map[string]*param{}, vars: map[string]*expr{}}
	p := &bicepParser{lexer: lexer{file: file, data: data, line: 1}, s: s}
	for {
		p.blank()
		if p.at >= len(p.data) {
			return s, p.bad
		}
		begin := p.at
		if !p.statement() {
			p.bad = append(p.bad, p.pos(begin))
			p.at = max(p.at, begin+1)
			p.toLine()
		}
		if len(p.bad) > 100 {
			return s, p.bad
		}
	}
}

// A bicepParser reads statements by recursive descent over bytes. It takes what the
// language allows and more.
type bicepParser struct {
	lexer
	s          *stack
	bad        []model.Pos
	decorators []*expr
	depth      int
	nodes      int
}

// blank skips white space, line breaks and comments; spaces skips within a line.
func (p *bicepParser) blank() {
	for p.at < len(p.data) {
		before := p.at
		p.spaces()
		if p.at < len(p.data) && (p.data[p.at] == '\n' || p.data[p.at] == '\r' || p.data[p.at] == ',') {
			p.skip(1)
		}
		if p.at == before {
			return
		}
	}
}

func (p *bicepParser) spaces() {
	for p.at < len(p.data) {
		switch {
		case p.data[p.at] == ' ' || p.data[p.at] == '\t':
			p.at++
		case p.has("//") || p.has("#disable") || p.has("#restore"):
			for p.at < len(p.data) && p.data[p.at] != '\n' {
				p.at++
			}
		case p.has("/*"):
			begin := p.at
			for p.at < len(p.data) && (p.at < begin+2 || !p.has("*/")) {
				p.skip(1)
			}
			p.skip(2)
		default:
			return
		}
	}
}

func (p *bicepParser) toLine() {
	for p.at < len(p.data) && p.data[p.at] != '\n' {
		p.at++
	}
}

func (p *bicepParser) ident() string {
	p.spaces()
	begin := p.at
	for p.at < len(p.data) && word(p.data[p.at]) {
		p.at++
	}
	return string(p.data[begin:p.at])
}

func (p *bicepParser) take(s string) bool {
	p.spaces()
	if !p.has(s) {
		return false
	}
	p.at += len(s)
	return true
}

// peekWord reports whether a word comes next, without taking it.
func (p *bicepParser) peekWord(s string) bool {
	p.spaces()
	end := p.at + len(s)
	return p.has(s) && (end >= len(p.data) || !word(p.data[end]))
}

func (p *bicepParser) statement() bool {
	if p.take("@") {
		e := p.postfix()
		if e == nil {
			return false
		}
		p.decorators = append(p.decorators, e)
		return true
	}
	defer func() { p.decorators = nil }()
	pos := p.pos(p.at)
	switch p.ident() {
	case "param":
		return p.param(pos)
	case "var":
		name := p.ident()
		if name == "" || !p.take("=") {
			return false
		}
		p.s.vars[name] = p.expr()
		return p.s.vars[name] != nil
	case "resource":
		return p.resource(pos, nil)
	case "module":
		return p.module(pos)
	case "output":
		name, typ := p.ident(), p.typeText()
		return name != "" && typ != "" && p.take("=") && p.expr() != nil
	case "targetScope", "type", "func", "metadata", "import", "using", "extension", "assert", "provider":
		p.restOfStatement()
		return true
	}
	return false
}

// restOfStatement skips to the end of the line, outside of brackets.
func (p *bicepParser) restOfStatement() {
	depth := 0
	for p.at < len(p.data) && (depth > 0 || p.data[p.at] != '\n') {
		switch p.data[p.at] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		}
		p.skip(1)
	}
}

// typeText skips a type and returns its text: string, 'a' | 'b', string[].
func (p *bicepParser) typeText() string {
	p.spaces()
	begin, depth := p.at, 0
	for p.at < len(p.data) {
		c := p.data[p.at]
		if depth == 0 && (c == '\n' || c == '=') {
			break
		}
		switch c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		}
		p.skip(1)
	}
	return strings.TrimSpace(string(p.data[begin:p.at]))
}

func (p *bicepParser) param(pos model.Pos) bool {
	name := p.ident()
	x := &param{pos: pos, typ: p.typeText()}
	for _, d := range p.decorators {
		switch d.text {
		case "secure":
			x.secure = true
		case "allowed":
			if len(d.args) == 1 {
				x.allowed = d.args[0]
			}
		}
	}
	if p.take("=") {
		if x.def = p.expr(); x.def == nil {
			return false
		}
	}
	p.s.params[name] = x
	p.s.order = append(p.s.order, name)
	return name != ""
}

func (p *bicepParser) resource(pos model.Pos, parent *declaredResource) bool {
	r := &declaredResource{pos: pos, id: p.ident(), parent: parent}
	typ := p.str()
	if typ == nil || typ.kind != eText {
		return false
	}
	r.typ, _, _ = strings.Cut(typ.text, "@")
	if parent != nil {
		r.typ = parent.typ + "/" + r.typ
	}
	if p.peekWord("existing") {
		p.ident()
		r.existing = true
	}
	if !p.take("=") || len(p.s.resources) > maxFiles {
		return false
	}
	p.s.resources = append(p.s.resources, r)
	r.body, r.condition = p.guarded(r)
	if r.body != nil && r.body.kind == eFor {
		r.loop, r.body = r.body, r.body.args[1]
	}
	return r.body != nil
}

// guarded reads an object, or one under if, or one for each of a list.
func (p *bicepParser) guarded(r *declaredResource) (body, condition *expr) {
	if p.peekWord("if") {
		p.ident()
		if condition = p.primary(); condition == nil {
			return nil, nil
		}
	}
	p.spaces()
	if p.has("[") {
		return p.array(r), condition
	}
	return p.object(r), condition
}

func (p *bicepParser) module(pos model.Pos) bool {
	c := &moduleCall{pos: pos, id: p.ident()}
	source := p.str()
	if source == nil || source.kind != eText || !p.take("=") {
		return false
	}
	c.path = source.text
	body, condition := p.guarded(nil)
	if body != nil && body.kind == eFor {
		body = body.args[1]
	}
	if body == nil {
		return false
	}
	c.condition = condition
	for i, k := range body.keys {
		if k.name.text == "params" {
			c.params = body.args[i]
		}
	}
	p.s.modules = append(p.s.modules, c)
	return true
}
