package eval

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
)

// ErrNotPlan is returned for JSON that is neither a plan nor a state.
var ErrNotPlan = errors.New("neither a plan nor a state of Terraform")

// JSON reads the output of "terraform show -json" (a plan, or a state in that form)
// or a state file of version 4. Positions are those in the JSON. Values that a plan
// does not know yet are links, as the configuration in it states them.
func JSON(name string, data []byte) (*Result, error) {
	root, err := doc.JSON(name, data, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &plan{file: name, config: map[string]*doc.Node{}, calls: map[string]*doc.Node{}, unknown: map[string]*doc.Node{}, ids: map[string]Ref{}, out: &Result{Files: []string{name}}}
	switch {
	case root.Get("planned_values") != nil:
		p.configuration(root.At("configuration", "root_module"), "", 0)
		for _, c := range root.Get("resource_changes").Elements() {
			p.unknown[c.Get("address").Str()] = c.At("change", "after_unknown")
		}
		p.variables(root)
		p.module(root.At("planned_values", "root_module"), "", 0)
	case root.At("values", "root_module") != nil:
		p.module(root.At("values", "root_module"), "", 0)
	case root.Get("version").Str() == "4" && root.Get("resources") != nil:
		p.state(root)
	default:
		return nil, fmt.Errorf("%s: %w", name, ErrNotPlan)
	}
	p.link()
	return p.out, nil
}

type plan struct {
	file    string
	config  map[string]*doc.Node // resources of the configuration, by address without keys
	calls   map[string]*doc.Node // module calls of the configuration, by address without keys
	unknown map[string]*doc.Node // after_unknown, by address
	ids     map[string]Ref       // physical identifiers → whose they are
	out     *Result
	steps   int
}

func (p *plan) pos(n *doc.Node) Pos {
	if n == nil {
		return Pos{File: p.file}
	}
	return Pos{p.file, n.Line, n.Column}
}

// configuration indexes the resources of a module and of those it calls.
func (p *plan) configuration(mod *doc.Node, prefix string, depth int) {
	if mod == nil || depth > maxCalls {
		return
	}
	for _, r := range mod.Get("resources").Elements() {
		p.config[prefix+r.Get("address").Str()] = r
	}
	for _, c := range mod.Get("module_calls").All() {
		p.calls[prefix+"module."+c.Key] = c.Value
		p.configuration(c.Value.Get("module"), prefix+"module."+c.Key+".", depth+1)
	}
}

// variables are those of the root module, with the values of the plan.
func (p *plan) variables(root *doc.Node) {
	for _, m := range root.At("configuration", "root_module", "variables").All() {
		v := Variable{Var: Var{Name: m.Key, Pos: Pos{p.file, m.Line, m.Column}, Sensitive: m.Value.Get("sensitive").True()}}
		if d := root.At("variables", m.Key, "value"); d != nil {
			v.Value, v.HasDefault = p.value(d, nil, nil), true
		}
		p.out.Variables = append(p.out.Variables, v)
	}
}

// module reads the resources of a module of planned_values.
func (p *plan) module(mod *doc.Node, address string, depth int) {
	if depth > maxCalls {
		return
	}
	for _, r := range mod.Get("resources").Elements() {
		if len(p.out.Resources) >= maxResources {
			return
		}
		p.resource(r, address)
	}
	for _, c := range mod.Get("child_modules").Elements() {
		p.module(c, c.Get("address").Str(), depth+1)
	}
}

func (p *plan) resource(r *doc.Node, module string) {
	address := r.Get("address").Str()
	out := &Resource{Address: address, Mode: r.Get("mode").Str(), Type: r.Get("type").Str(), Name: r.Get("name").Str(), Module: module, Pos: p.pos(r)}
	out.Base = strings.TrimSuffix(address, indexKey(r.Get("index")))
	config := p.config[withoutKeys(out.Base)]
	out.Body = p.body(r.Get("values"), p.unknown[address], config, modulePrefix(out.Base))
	p.add(out, r.Get("values"))
}

// Plain is an address without the keys of instances, as the configuration has it.
func Plain(address string) string { return withoutKeys(address) }

func withoutKeys(address string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := range len(address) {
		c := address[i]
		switch {
		case depth > 0 && c == '"' && address[i-1] != '\\':
			quoted = !quoted
		case c == '[' && !quoted:
			depth++
		case c == ']' && !quoted && depth > 0:
			depth--
			continue
		}
		if depth == 0 {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// modulePrefix is the module of an address, with its last dot.
func modulePrefix(address string) string {
	end := 0
	for strings.HasPrefix(address[end:], "module.") {
		quoted := false
		i := end + len("module.")
		for ; i < len(address) && (address[i] != '.' || quoted); i++ {
			if address[i] == '"' && address[i-1] != '\\' {
				quoted = !quoted
			}
		}
		if i >= len(address) {
			break
		}
		end = i + 1
	}
	return address[:end]
}

func indexKey(n *doc.Node) string {
	switch {
	case n == nil || n.Kind == doc.Null:
		return ""
	case n.Kind == doc.Number:
		return "[" + n.Text + "]"
	}
	return "[" + strconv.Quote(n.Text) + "]"
}

// body is the values of a resource; what is not known yet is taken from the
// expressions of the configuration.
func (p *plan) body(values, unknown, config *doc.Node, prefix string) *Value {
	expressions := config.Get("expressions")
	v := p.value(values, unknown, func(path []string) *Value {
		n := expressions
		for _, k := range path {
			if n.Is(doc.List) {
				i, err := strconv.Atoi(k)
				if err != nil || i >= len(n.Items) || i < 0 {
					break
				}
				n = n.Items[i]
				continue
			}
			next := n.Get(k)
			if next == nil {
				break
			}
			n = next
		}
		return p.expression(n, prefix, 0)
	})
	if v.Kind != Map {
		return mapOf(p.pos(values), nil)
	}
	return v
}

// value is a JSON value beside its mask of what is unknown.
func (p *plan) value(n, mask *doc.Node, expr func(path []string) *Value, path ...string) *Value {
	pos := p.pos(n)
	if mask.Is(doc.Bool) && mask.True() {
		if expr != nil {
			return expr(path)
		}
		return unknown(pos)
	}
	switch {
	case n == nil, n.Kind == doc.Null:
		return null(pos)
	case n.Kind == doc.Bool:
		return boolean(pos, n.True())
	case n.Kind == doc.Number:
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			return unknown(pos)
		}
		return number(pos, f)
	case n.Kind == doc.String:
		return text(pos, n.Text)
	case n.Kind == doc.List:
		var out []*Value
		masks := mask.Elements()
		for i, e := range n.Items {
			var m *doc.Node
			if i < len(masks) {
				m = masks[i]
			}
			out = append(out, p.value(e, m, expr, append(slices.Clip(path), strconv.Itoa(i))...))
		}
		return list(pos, out)
	}
	return p.object(n, mask, expr, path)
}

func (p *plan) object(n, mask *doc.Node, expr func(path []string) *Value, path []string) *Value {
	var out []Field
	for _, m := range n.All() {
		out = append(out, Field{m.Key, Pos{p.file, m.Line, m.Column}, p.value(m.Value, mask.Get(m.Key), expr, append(slices.Clip(path), m.Key)...)})
	}
	for _, m := range mask.All() { // what is wholly unknown is not among the values
		if n.Get(m.Key) == nil && m.Value.Is(doc.Bool) && m.Value.True() {
			v := p.value(nil, m.Value, expr, append(slices.Clip(path), m.Key)...)
			at := v.Pos
			if at.Line == 0 {
				at = p.pos(n)
			}
			out = append(out, Field{m.Key, at, v})
		}
	}
	return mapOf(p.pos(n), out)
}

// expression is what the configuration says of a value: a constant, references, or
// nested blocks of them.
func (p *plan) expression(n *doc.Node, prefix string, depth int) *Value {
	pos := p.pos(n)
	p.steps++
	switch {
	case n == nil || depth > 20 || p.steps > maxSteps:
		return unknown(pos)
	case n.Is(doc.List):
		var out []*Value
		for _, e := range n.Items {
			out = append(out, p.expression(e, prefix, depth+1))
		}
		return list(pos, out)
	case n.Get("constant_value") != nil:
		return p.value(n.Get("constant_value"), nil, nil)
	case n.Get("references") != nil:
		return p.references(n.Get("references"), prefix, pos, depth)
	}
	var out []Field
	for _, m := range n.All() {
		out = append(out, Field{m.Key, Pos{p.file, m.Line, m.Column}, p.expression(m.Value, prefix, depth+1)})
	}
	return mapOf(pos, out)
}

// references are longest first: "aws_sqs_queue.q.arn" is followed by "aws_sqs_queue.q".
func (p *plan) references(n *doc.Node, prefix string, pos Pos, depth int) *Value {
	var refs []Ref
	var last string
	for _, e := range n.Items {
		s := e.Str()
		if last != "" && strings.HasPrefix(last, s) {
			continue
		}
		last = s
		refs = append(refs, p.reference(s, prefix))
	}
	if len(refs) != 1 {
		return unknown(pos, refs...)
	}
	if v := p.through(refs[0], prefix, depth); v != nil {
		return v
	}
	if strings.HasPrefix(refs[0].Address[len(modulePrefix(refs[0].Address)):], "data.aws_iam_policy_document.") {
		if d := p.config[withoutKeys(refs[0].Address)]; d != nil && strings.HasSuffix(refs[0].Attr, "json") {
			return p.document(d, prefix, depth+1)
		}
	}
	return unknown(pos, refs...)
}

// through follows an input of a module to what its caller gives, and an output to
// what the module states.
func (p *plan) through(ref Ref, prefix string, depth int) *Value {
	local := strings.TrimPrefix(ref.Address, prefix)
	if name, ok := strings.CutPrefix(local, "var."); ok && prefix != "" {
		module := strings.TrimSuffix(prefix, ".")
		outer := modulePrefix(module)
		if e := p.calls[withoutKeys(module)].At("expressions", name); e != nil {
			return p.expression(e, outer, depth+1)
		}
		return nil
	}
	if !strings.HasPrefix(local, "module.") || ref.Attr == "" {
		return nil
	}
	if e := p.calls[withoutKeys(ref.Address)].At("module", "outputs", ref.Attr, "expression"); e != nil {
		return p.expression(e, ref.Address+".", depth+1)
	}
	return nil
}

// reference splits a reference into an address and an attribute.
func (p *plan) reference(s, prefix string) Ref {
	parts := strings.Split(s, ".")
	n := 2
	if parts[0] == "data" {
		n = 3
	}
	if len(parts) <= n {
		return Ref{Address: prefix + s}
	}
	return Ref{Address: prefix + strings.Join(parts[:n], "."), Attr: strings.Join(parts[n:], ".")}
}

// document is a policy that is rendered only when the plan is applied.
func (p *plan) document(d *doc.Node, prefix string, depth int) *Value {
	pos := p.pos(d)
	var out []*Value
	for _, b := range p.expression(d.At("expressions", "statement"), prefix, depth).Blocks() {
		if b.Kind == Map {
			out = append(out, StatementBlock(b))
		}
	}
	for _, key := range [...]string{"source_policy_documents", "override_policy_documents", "source_json", "override_json"} {
		if e := d.At("expressions", key); e != nil {
			out = append(out, unknown(p.pos(e)))
		}
	}
	return encoded(mapOf(pos, []Field{{"Statement", pos, list(pos, out)}}), pos)
}

// state reads a state file.
func (p *plan) state(root *doc.Node) {
	for _, r := range root.Get("resources").Elements() {
		prefix := ""
		if m := r.Get("module").Str(); m != "" {
			prefix = m + "."
		}
		base := r.Get("type").Str() + "." + r.Get("name").Str()
		if r.Get("mode").Str() == "data" {
			base = "data." + base
		}
		for _, i := range r.Get("instances").Elements() {
			if len(p.out.Resources) >= maxResources {
				return
			}
			out := &Resource{Address: prefix + base + indexKey(i.Get("index_key")), Base: prefix + base, Mode: r.Get("mode").Str(), Type: r.Get("type").Str(),
				Name: r.Get("name").Str(), Module: strings.TrimSuffix(prefix, "."), Pos: p.pos(i), Body: p.body(i.Get("attributes"), nil, nil, "")}
			p.add(out, i.Get("attributes"))
		}
	}
}

// add takes a resource and notes what identifies it once it is there.
func (p *plan) add(r *Resource, values *doc.Node) {
	p.out.Resources = append(p.out.Resources, r)
	for _, attr := range [...]string{"id", "url", "invoke_arn", "execution_arn", "arn"} {
		if s := values.Get(attr).Str(); s != "" && r.Mode == "managed" {
			p.ids[s] = Ref{Address: r.Address, Attr: attr}
		}
	}
}

// link makes identifiers of other resources links to them.
func (p *plan) link() {
	for _, r := range p.out.Resources {
		r.Body = p.linked(r.Body, r.Address, "")
	}
}

func (p *plan) linked(v *Value, self, key string) *Value {
	switch v.Kind {
	case String:
		s, _ := v.Text()
		rest := strings.TrimPrefix(s, "integrations/")
		ref, ok := p.ids[rest]
		if !ok || ref.Address == self || !identifier(key, rest) {
			return v
		}
		return stringOf(v.Pos, []Part{{Text: s, Known: true, Ref: &ref}})
	case List:
		out := make([]*Value, len(v.Items))
		for i, e := range v.Items {
			out[i] = p.linked(e, self, key)
		}
		return list(v.Pos, out)
	case Map:
		out := make([]Field, len(v.Fields))
		for i, f := range v.Fields {
			out[i] = Field{f.Key, f.KeyPos, p.linked(f.Value, self, f.Key)}
		}
		return mapOf(v.Pos, out)
	default:
		return v
	}
}

// identifier reports text that is an identifier by its form, or by the attribute it
// is in; names that are the same by chance are not.
func identifier(key, s string) bool {
	return strings.HasPrefix(s, "arn:") || strings.HasPrefix(s, "https://") || strings.HasSuffix(key, "_id") || key == "target" || key == "resource_arn"
}
