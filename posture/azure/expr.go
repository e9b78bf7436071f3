package azure

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
)

type exprKind uint8

const (
	eNull exprKind = iota
	eText
	eList
	eMap
	eName   // a parameter, variable, resource or loop variable
	eMember // args[0].text
	eIndex  // args[0][args[1]]
	eCall   // text(args…), of args[0] as a receiver when method is true
	eConcat // the pieces of a string
	eIf     // args[0] ? args[1] : args[2]
	eFor    // text is the item, args[0] the collection, args[1] the body
	eOther  // what is not worked out, such as arithmetic
)

// An expr is an expression of ARM or Bicep.
type expr struct {
	kind exprKind
	pos  model.Pos
	text string
	args []*expr
	keys []key // of a map, beside args
}

type key struct {
	name *expr
	pos  model.Pos
}

// A stack is one template: what it declares, in order.
type stack struct {
	name      string // of the file in FS
	prefix    string // of ids: "" or "module/"
	params    map[string]*param
	order     []string // of parameters
	vars      map[string]*expr
	resources []*declaredResource
	modules   []*moduleCall
	given     map[string]*val // parameters' values, of a module
	depth     int
}

type param struct {
	pos     model.Pos
	typ     string
	def     *expr
	secure  bool
	allowed *expr
}

type declaredResource struct {
	pos       model.Pos
	id        string // symbol in Bicep, type/name in ARM
	typ       string
	body      *expr
	condition *expr
	existing  bool
	parent    *declaredResource
	loop      *expr // an eFor around the body
}

type moduleCall struct {
	pos       model.Pos
	id, path  string
	params    *expr
	inline    *stack
	condition *expr
}

// An evaluator works out the expressions of one stack.
type evaluator struct {
	b     *builder
	s     *stack
	scope map[string]*val
	busy  map[string]bool
	depth int
	// asks is true in a condition: what a parameter is by default decides nothing there.
	asks bool
	// assumed are conditions, as text, that hold or not in the part that is evaluated.
	assumed map[string]bool
}

const (
	maxExprDepth = 200
	maxSteps     = 500_000
	maxChoice    = 16
)

func (ev *evaluator) eval(e *expr) *val {
	if e == nil {
		return nil
	}
	ev.b.steps++
	if ev.depth > maxExprDepth || ev.b.steps > maxSteps {
		return unknown(e.pos, "the template is larger than the limits of the evaluation")
	}
	ev.depth++
	defer func() { ev.depth-- }()
	switch e.kind {
	case eNull:
		return &val{kind: kNull, pos: e.pos}
	case eText:
		return lit(e.pos, e.text)
	case eList:
		v := &val{kind: kList, pos: e.pos}
		for _, a := range e.args {
			v.items = append(v.items, ev.eval(a))
		}
		return v
	case eMap:
		return ev.object(e)
	case eName:
		return ev.name(e)
	case eMember:
		return ev.member(ev.eval(e.args[0]), e)
	case eIndex:
		return ev.index(e)
	case eCall:
		return ev.call(e)
	case eConcat:
		return ev.concat(e.pos, ev.all(e.args))
	case eIf:
		return ev.conditional(e)
	case eFor:
		return ev.loop(e)
	default:
		return unknown(e.pos, "it is worked out on deployment")
	}
}

func (ev *evaluator) all(args []*expr) []*val {
	out := make([]*val, len(args))
	for i, a := range args {
		out[i] = ev.eval(a)
	}
	return out
}

func (ev *evaluator) object(e *expr) *val {
	v := &val{kind: kMap, pos: e.pos}
	for i, k := range e.keys {
		name := ev.eval(k.name)
		if name == nil || name.kind != kText {
			continue
		}
		v.fields = append(v.fields, entry{name.text.String(), k.pos, ev.eval(e.args[i])})
	}
	return v
}

// name resolves a name: of a loop, a parameter, a variable or a resource.
func (ev *evaluator) name(e *expr) *val {
	if v, ok := ev.scope[e.text]; ok {
		return v
	}
	s := ev.s
	if p := s.params[e.text]; p != nil {
		return ev.param(e, p)
	}
	if x := s.vars[e.text]; x != nil {
		if ev.busy[e.text] {
			return unknown(e.pos, e.text+" refers to itself")
		}
		ev.busy[e.text] = true
		defer delete(ev.busy, e.text)
		inner := *ev
		inner.scope = nil
		return inner.eval(x)
	}
	for _, r := range s.resources {
		if r.id == e.text {
			return link(e.pos, model.RefResource, s.prefix+r.id, "")
		}
	}
	return unknown(e.pos, e.text+" is not declared here")
}

// param is what a module is given, or a link to a parameter of the template itself,
// with its default beside it for what is no text.
func (ev *evaluator) param(e *expr, p *param) *val {
	if v := ev.s.given[e.text]; v != nil {
		if ev.asks && v.def != nil {
			open := *v
			open.def = nil
			return &open
		}
		return v
	}
	if ev.s.depth > 0 {
		if p.def == nil || ev.busy["param "+e.text] {
			return unknown(e.pos, "parameter "+e.text+" is not given")
		}
		ev.busy["param "+e.text] = true
		defer delete(ev.busy, "param "+e.text)
		return ev.eval(p.def)
	}
	v := &val{kind: kText, pos: e.pos, text: model.To(e.pos, model.RefParameter, e.text, "")}
	if p.def != nil && !ev.asks && !ev.busy["param "+e.text] {
		ev.busy["param "+e.text] = true
		defer delete(ev.busy, "param "+e.text)
		v.def = ev.eval(p.def)
	}
	return v
}

func (ev *evaluator) member(v *val, e *expr) *val {
	if s := v.settled(); s != nil && s.kind != kText {
		v = s
	}
	if v == nil {
		return unknown(e.pos, e.text+" is not stated")
	}
	switch v.kind {
	case kMap, kChoice:
		if x := v.get(e.text); x != nil {
			return x
		}
		return unknown(e.pos, e.text+" is not stated")
	case kText:
		ref, ok := v.text.Ref()
		if !ok {
			return unknown(e.pos, "it is no object")
		}
		attr := e.text
		if ref.Attr != "" {
			attr = ref.Attr + "." + attr
		}
		if ref.Kind == model.RefPseudo || ref.Kind == model.RefResource || ref.Kind == model.RefDynamic || ref.Kind == model.RefOther {
			return link(e.pos, ref.Kind, ref.ID, attrName(attr))
		}
	default:
	}
	return unknown(e.pos, v.why)
}

// attrName is what the model calls an attribute.
func attrName(attr string) string {
	switch attr {
	case "id":
		return "arn"
	}
	return attr
}

func (ev *evaluator) index(e *expr) *val {
	c, k := ev.eval(e.args[0]).settled(), ev.eval(e.args[1]).settled()
	name := k.one()
	if c != nil && c.kind == kList {
		if i, ok := number(name); ok && i >= 0 && i < len(c.items) {
			return c.items[i]
		}
	}
	if c != nil && (c.kind == kMap || c.kind == kText) && name != "" {
		return ev.member(c, &expr{pos: e.pos, text: name})
	}
	return unknown(e.pos, "the index is known on deployment")
}

func number(s string) (int, bool) {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1e6 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, s != ""
}

// concat joins text; alternatives in a piece are alternatives of the whole.
func (ev *evaluator) concat(pos model.Pos, parts []*val) *val {
	texts := []model.Text{{Pos: pos}}
	for _, p := range parts {
		alts, _ := p.alts()
		if len(alts) == 0 || len(alts)*len(texts) > maxChoice {
			alts = []*val{unknown(pos, "")}
		}
		var next []model.Text
		for _, t := range texts {
			for _, a := range alts {
				if a.kind == kText {
					next = append(next, t.Append(a.text.Parts...))
				} else {
					next = append(next, t.Append(model.Part{Ref: &model.Ref{Kind: model.RefOther, ID: "?"}}))
				}
			}
		}
		texts = next
	}
	if len(texts[0].String()) > maxFile {
		return unknown(pos, "the text is too long")
	}
	out := make([]*val, len(texts))
	for i, t := range texts {
		out[i] = &val{kind: kText, pos: pos, text: t}
	}
	return oneOf(out, false)
}

// holds evaluates a condition: "true", "false", or "" where it depends on what is given
// on deployment.
func (ev *evaluator) holds(c *expr) string {
	if c == nil {
		return "true"
	}
	if key, not := condition(c); key != "" {
		if is, ok := ev.assumed[key]; ok {
			return strconv.FormatBool(is != not)
		}
	}
	inner := *ev
	inner.asks = true
	switch s := inner.eval(c).settled().one(); s {
	case "true", "false":
		return s
	}
	return ""
}

// assume is the evaluator where a condition holds, or not.
func (ev *evaluator) assume(c *expr, is bool) *evaluator {
	key, not := condition(c)
	if key == "" {
		return ev
	}
	out := *ev
	out.assumed = map[string]bool{}
	maps.Copy(out.assumed, ev.assumed)
	out.assumed[key] = is != not
	return &out
}

// condition is a condition as text, and whether it is denied; "" for a long one.
func condition(c *expr) (key string, not bool) {
	for c != nil && c.kind == eCall && c.text == "not" && len(c.args) == 1 {
		c, not = c.args[0], !not
	}
	var b strings.Builder
	c.write(&b, 0)
	if b.Len() > 500 {
		return "", false
	}
	return b.String(), not
}

func (e *expr) write(b *strings.Builder, depth int) {
	if e == nil || depth > 20 || b.Len() > 500 {
		b.WriteString("?")
		return
	}
	fmt.Fprintf(b, "%d:%q(", e.kind, e.text)
	for _, a := range e.args {
		a.write(b, depth+1)
	}
	b.WriteString(")")
}

func (ev *evaluator) conditional(e *expr) *val {
	switch ev.holds(e.args[0]) {
	case "true":
		return ev.eval(e.args[1])
	case "false":
		return ev.eval(e.args[2])
	}
	a, b := ev.assume(e.args[0], true).eval(e.args[1]), ev.assume(e.args[0], false).eval(e.args[2])
	var items []*val
	for _, v := range []*val{a, b} {
		if v != nil && v.kind == kChoice {
			items = append(items, v.items...)
		} else if v != nil {
			items = append(items, v)
		}
	}
	if len(items) > maxChoice || len(items) == 0 {
		return unknown(e.pos, "it depends on the parameters")
	}
	return &val{kind: kChoice, pos: e.pos, items: items}
}

// loop is [for x in y: z].
func (ev *evaluator) loop(e *expr) *val {
	over := ev.eval(e.args[0]).settled()
	if over == nil || over.kind != kList {
		return unknown(e.pos, "what it loops over is known on deployment")
	}
	out := &val{kind: kList, pos: e.pos}
	for i, item := range over.items {
		if i >= 100 {
			break
		}
		inner := *ev
		inner.scope = map[string]*val{}
		maps.Copy(inner.scope, ev.scope)
		for j, n := range strings.Split(e.text, ",") {
			inner.scope[n] = item
			if j == 1 {
				inner.scope[n] = lit(e.pos, itoa(i))
			}
		}
		out.items = append(out.items, inner.eval(e.args[1]))
	}
	return out
}
