package cloudformation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// Limits of evaluation.
const (
	maxSteps        = 2_000_000 // over a stack with its nested ones
	maxNesting      = 64        // intrinsic functions and parameters in each other
	maxAlternatives = 24        // of one value
)

// A value is one way an expression may go: a part of the tree, in the template it
// is evaluated in, or a text when node is nil.
type value struct {
	node *doc.Node
	in   *template
	text model.Text
}

// A result is all ways an expression may go.
type result struct {
	pos   model.Pos
	vals  []value
	open  bool // others are possible
	maybe bool // absent under some condition
	why   string
}

func (r result) absent() bool { return len(r.vals) == 0 && !r.open }

// also adds what another branch may be.
func (r *result) also(o result) {
	if len(r.vals)+len(o.vals) > maxAlternatives {
		r.open, r.why = true, "too many alternatives"
		o.vals = o.vals[:max(0, maxAlternatives-len(r.vals))]
	}
	r.vals = append(r.vals, o.vals...)
	r.open, r.maybe = r.open || o.open, r.maybe || o.maybe
	if r.why == "" {
		r.why = o.why
	}
}

func (t *template) pos(n *doc.Node) model.Pos {
	if n == nil {
		return model.Pos{}
	}
	return model.Pos{File: n.File, Line: n.Line, Column: n.Column}
}

// eval evaluates a node as far as its outermost value. Parameters become their
// defaults.
func (t *template) eval(n *doc.Node) result { return t.expand(n, 0, false) }

// literal evaluates a node and leaves references to parameters as they are.
func (t *template) literal(n *doc.Node) result { return t.expand(n, 0, true) }

func (t *template) expand(n *doc.Node, depth int, keep bool) result {
	r := result{pos: t.pos(n)}
	if n == nil || n.Kind == doc.Null {
		r.maybe = true
		return r
	}
	if *t.steps++; *t.steps > maxSteps || depth > maxNesting {
		return t.unknown(n, "a limit of evaluation was reached")
	}
	name, arg := intrinsic(n)
	if name == "" {
		if s, ok := n.Scalar(); ok {
			r.vals = []value{{in: t, text: dynamic(t.pos(n), s)}}
			return r
		}
		r.vals = []value{{node: n, in: t}}
		return r
	}
	r = t.call(n, name, arg, depth+1, keep)
	r.pos = t.pos(n)
	return r
}

// call evaluates one intrinsic function.
func (t *template) call(n *doc.Node, name string, arg *doc.Node, depth int, keep bool) result {
	switch name {
	case "Ref":
		return t.ref(n, arg.Str(), depth, keep)
	case reference:
		return t.refTo(n, model.RefKind(arg.Items[0].Str()), arg.Items[1].Str(), "")
	case "Fn::GetAtt":
		return t.getAtt(n, arg, depth)
	case "Fn::Sub":
		return t.sub(n, arg, depth, keep)
	case "Fn::Join":
		return t.join(n, arg, depth, keep)
	case "Fn::If":
		return t.branch(n, arg, depth, keep)
	case "Fn::FindInMap":
		return t.find(n, arg, depth, keep)
	case "Fn::Select":
		return t.pick(n, arg, depth, keep)
	case "Fn::Split":
		return t.split(n, arg, depth, keep)
	case "Fn::Base64":
		return t.expand(arg, depth, keep)
	case "Fn::ImportValue":
		export, _ := t.oneText(arg, depth)
		t.unresolved(n, "Fn::ImportValue "+export.String(), "it is exported by another stack")
		return t.refTo(n, model.RefImport, export.String(), "")
	case "Fn::GetAZs", "Fn::Cidr":
		return t.unknown(n, "it depends on where the stack is deployed")
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition":
		if known, is := t.condition(n, depth); known {
			return result{vals: []value{{in: t, text: model.Lit(t.pos(n), strconv.FormatBool(is))}}}
		}
		return t.unknown(n, "it depends on a condition")
	case "Fn::Transform":
		if one(t.eval(arg).get("Name").str()) == "AWS::Include" {
			return t.include(n, arg, depth)
		}
	}
	t.unresolved(n, name, "fnvet does not evaluate it")
	return t.unknown(n, name+" is not evaluated")
}

func (t *template) unknown(n *doc.Node, why string) result {
	return result{pos: t.pos(n), open: true, why: why}
}

func (t *template) refTo(n *doc.Node, kind model.RefKind, id, attr string) result {
	return result{pos: t.pos(n), vals: []value{{in: t, text: model.To(t.pos(n), kind, id, attr)}}}
}

// ref evaluates Ref and the plain variables of Fn::Sub.
func (t *template) ref(n *doc.Node, id string, depth int, keep bool) result {
	switch {
	case id == "AWS::NoValue":
		return result{pos: t.pos(n), maybe: true}
	case strings.HasPrefix(id, "AWS::"):
		return t.refTo(n, model.RefPseudo, id, "")
	}
	if p := t.parameters[id]; p != nil {
		return t.parameter(n, id, p, depth, keep)
	}
	if t.resources[id] == nil && !t.sam {
		t.unresolved(n, "Ref "+id, "the template names nothing so")
	}
	return t.refTo(n, model.RefResource, t.prefix+id, "")
}

// parameter evaluates a reference to a parameter: what a parent stack gives it,
// its default, or one of its allowed values.
func (t *template) parameter(n *doc.Node, id string, p *doc.Node, depth int, keep bool) result {
	if given, ok := t.given[id]; ok {
		r := t.parent.expand(given, depth+1, keep)
		return at(r, t.pos(n))
	}
	kind := p.Get("Type").Str()
	def, has := p.Get("Default").Scalar()
	if strings.HasPrefix(kind, "AWS::SSM::Parameter::") {
		return t.refTo(n, model.RefSetting, def, "")
	}
	list := kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<")
	switch {
	case keep || !has && p.Get("AllowedValues") == nil, has && def == "":
		return t.refTo(n, model.RefParameter, t.prefix+id, "")
	case has && list:
		var items []*doc.Node
		for item := range strings.SplitSeq(def, ",") {
			items = append(items, doc.New(n, strings.TrimSpace(item)))
		}
		return result{pos: t.pos(n), vals: []value{{node: doc.NewList(n, items...), in: t}}}
	case has:
		return result{pos: t.pos(n), vals: []value{{in: t, text: dynamic(t.pos(n), def)}}}
	}
	r := result{pos: t.pos(n)}
	for _, a := range p.Get("AllowedValues").Elements() {
		r.also(result{vals: []value{{in: t, text: model.Lit(t.pos(n), a.Str())}}})
	}
	return r
}

// at moves the texts of a result to where they are used.
func at(r result, pos model.Pos) result {
	r.pos = pos
	r.vals = slices.Clone(r.vals)
	for i := range r.vals {
		r.vals[i].text.Pos = pos
	}
	return r
}

// attributes are the names of Fn::GetAtt that mean the same for all resources.
var attributes = map[string]string{
	"Arn": "arn", "TopicArn": "arn", "QueueName": "name", "TopicName": "name", "QueueUrl": "url", "StreamArn": "stream",
	"FunctionArn": "arn", "LayerVersionArn": "arn", "RootResourceId": "root", "Name": "name", "FunctionUrl": "url",
}

func (t *template) getAtt(n, arg *doc.Node, depth int) result {
	var id, attr string
	switch {
	case arg.Is(doc.List) && len(arg.Items) >= 2:
		first, _ := t.oneText(arg.Items[0], depth)
		second, _ := t.oneText(arg.Items[1], depth)
		id, attr = first.String(), second.String()
		for _, more := range arg.Items[2:] {
			attr += "." + more.Str()
		}
	default:
		id, attr, _ = strings.Cut(arg.Str(), ".")
	}
	return t.attribute(n, id, attr, depth)
}

func (t *template) attribute(n *doc.Node, id, attr string, depth int) result {
	if output, ok := strings.CutPrefix(attr, "Outputs."); ok {
		if child := t.nested(id); child != nil {
			if v := child.root.At("Outputs", output, "Value"); v != nil {
				return at(child.expand(v, depth+1, false), t.pos(n))
			}
		}
		t.unresolved(n, "Fn::GetAtt "+id+"."+attr, "the nested stack was not read")
		return t.refTo(n, model.RefImport, id+"."+attr, "")
	}
	if name, ok := attributes[attr]; ok {
		attr = name
	}
	return t.refTo(n, model.RefResource, t.prefix+id, attr)
}

// branch evaluates Fn::If. Both ways are taken unless the condition is certain.
func (t *template) branch(n, arg *doc.Node, depth int, keep bool) result {
	items := arg.Elements()
	if len(items) != 3 {
		return t.unknown(n, "Fn::If without its three parts")
	}
	name := items[0].Str()
	known, is := t.named(name, depth)
	r := result{pos: t.pos(n)}
	if !known || is {
		r.also(t.assume(name, true).expand(items[1], depth, keep))
	}
	if !known || !is {
		r.also(t.assume(name, false).expand(items[2], depth, keep))
	}
	return r
}

// find evaluates Fn::FindInMap: the entry where the keys are certain, else all
// that the map has.
func (t *template) find(n, arg *doc.Node, depth int, keep bool) result {
	items := arg.Elements()
	if len(items) < 3 {
		return t.unknown(n, "Fn::FindInMap without its parts")
	}
	maps := t.entries(t.mappings, items[0], depth)
	var firsts, seconds []*doc.Node
	for _, m := range maps {
		firsts = append(firsts, t.entries(m, items[1], depth)...)
	}
	for _, f := range firsts {
		seconds = append(seconds, t.entries(f, items[2], depth)...)
	}
	r := result{pos: t.pos(n)}
	for _, s := range seconds {
		r.also(at(t.expand(s, depth, keep), t.pos(n)))
	}
	if len(items) > 3 && items[3].Get("DefaultValue") != nil {
		r.also(t.expand(items[3].Get("DefaultValue"), depth, keep))
	}
	if r.absent() {
		t.unresolved(n, "Fn::FindInMap", "the mapping has no such entry")
		return t.unknown(n, "the mapping has no such entry")
	}
	return r
}

// entries are the values of a map under the key that an expression gives; all of
// them when the key is known on deployment only.
func (t *template) entries(m *doc.Node, key *doc.Node, depth int) []*doc.Node {
	r := t.expand(key, depth+1, true)
	var keys []string
	for _, v := range r.vals {
		if s, ok := v.text.Literal(); ok && v.node == nil {
			keys = append(keys, s)
		}
	}
	var out []*doc.Node
	if len(keys) == len(r.vals) && !r.open {
		for _, k := range keys {
			if v := m.Get(k); v != nil {
				out = append(out, v)
			}
		}
		return out
	}
	for _, e := range m.All() {
		out = append(out, e.Value)
	}
	return out
}

// pick evaluates Fn::Select.
func (t *template) pick(n, arg *doc.Node, depth int, keep bool) result {
	items := arg.Elements()
	if len(items) != 2 {
		return t.unknown(n, "Fn::Select without its parts")
	}
	at, known := t.oneText(items[0], depth)
	i, err := strconv.Atoi(at.String())
	if !known || err != nil {
		return t.unknown(n, "the index of Fn::Select is not known")
	}
	r := result{pos: t.pos(n)}
	list := t.expand(items[1], depth, false)
	for _, v := range list.vals {
		if v.node.Is(doc.List) && i >= 0 && i < len(v.node.Items) {
			r.also(v.in.expand(v.node.Items[i], depth, keep))
		} else {
			r.open, r.why = true, "Fn::Select from a list that is not known"
		}
	}
	r.open, r.why = r.open || list.open, r.why+list.why
	return r
}

func (t *template) split(n, arg *doc.Node, depth int, keep bool) result {
	items := arg.Elements()
	if len(items) != 2 || items[0].Str() == "" {
		return t.unknown(n, "Fn::Split without its parts")
	}
	whole := t.expand(items[1], depth, keep)
	r := result{pos: t.pos(n), open: whole.open, why: whole.why}
	for _, v := range whole.vals {
		s, ok := v.text.Literal()
		if v.node != nil || !ok {
			r.open, r.why = true, "Fn::Split of a text that is not known"
			continue
		}
		var parts []*doc.Node
		for p := range strings.SplitSeq(s, items[0].Str()) {
			parts = append(parts, doc.New(n, p))
		}
		r.also(result{vals: []value{{node: doc.NewList(n, parts...), in: t}}})
	}
	return r
}

// unresolved lists what could not be worked out, each expression once.
func (t *template) unresolved(n *doc.Node, what, why string) {
	t.list(model.Unresolved{Pos: t.pos(n), What: shorten(what), Why: why})
}

// missing lists what may state resources.
func (t *template) missing(n *doc.Node, what, why string) {
	t.m.Partial = true
	t.list(model.Unresolved{Pos: t.pos(n), What: shorten(what), Why: why, Partial: true})
}

func (t *template) list(u model.Unresolved) {
	key := fmt.Sprint(u.Pos, u.What)
	if t.listed[key] || len(t.listed) >= maxListed {
		return
	}
	t.listed[key] = true
	t.m.Unresolved = append(t.m.Unresolved, u)
}

// maxListed bounds the list of what could not be resolved.
const maxListed = 500

func shorten(s string) string {
	if len(s) > 120 {
		return s[:117] + "..."
	}
	return s
}
