package cloudformation

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// A builder fills a model: first every resource by itself, then the links.
type builder struct {
	m     *model.Model
	links []func()

	attached map[*model.Policy]bool // policies that a role has
	function map[string]string      // of aliases, versions and the like, by id
	managed  map[string]*model.Policy
	paths    map[string]restPath // of AWS::ApiGateway::Resource
	routes   map[string]string   // integrations of HTTP APIs: id → target id
	targets  map[string]model.List[model.Text]
	stageOf  map[string]*model.Stage
}

func newBuilder(m *model.Model) *builder {
	return &builder{m: m, attached: map[*model.Policy]bool{}, function: map[string]string{}, managed: map[string]*model.Policy{},
		paths: map[string]restPath{}, routes: map[string]string{}, targets: map[string]model.List[model.Text]{}, stageOf: map[string]*model.Stage{}}
}

// later runs once all resources are there, in the order asked for.
func (b *builder) later(link func()) { b.links = append(b.links, link) }

// A resource is one resource of a template while it is read.
type resource struct {
	t     *template
	node  *doc.Node
	props result
	model.Resource
}

func (r *resource) get(keys ...string) result { return r.props.get(keys...) }

// build reads every resource of a template and its nested ones.
func (t *template) build(b *builder) error {
	for _, m := range t.order {
		if err := t.ctx.Err(); err != nil {
			t.m.Partial = true
			return err
		}
		typ := m.Value.Get("Type").Str()
		r := &resource{t: t, node: m.Value, Resource: model.Resource{
			Pos: model.Pos{File: m.Value.File, Line: m.Line, Column: m.Column}, ID: t.prefix + m.Key, Cloud: model.AWS, Type: typ, Maybe: t.conditional(m.Value)}}
		if known, is := t.named(m.Value.Get("Condition").Str(), 0); known && !is {
			continue // its condition is certain not to hold
		}
		if r.Maybe {
			r.t = t.assume(m.Value.Get("Condition").Str(), true)
		}
		props := m.Value.Get("Properties")
		if t.sam {
			props = t.withGlobals(typ, props)
		}
		if props == nil {
			props = doc.NewMap(m.Value)
		}
		r.props = r.t.eval(props)
		r.tags()
		switch read := resources[typ]; {
		case read != nil:
			read(b, r)
		case strings.HasPrefix(typ, "Custom::"):
			b.custom(r)
		default:
			other := r.Resource
			b.m.Others = append(b.m.Others, &other)
		}
		if child := t.nested(m.Key); child != nil {
			if err := child.build(b); err != nil {
				return err
			}
		}
	}
	t.implicitAPIs(b)
	return nil
}

func (t *template) conditional(n *doc.Node) bool {
	name := n.Get("Condition").Str()
	if name == "" {
		return false
	}
	known, _ := t.named(name, 0)
	return !known
}

// tags notes the names of a resource's tags: a list of Key and Value, or a map.
func (r *resource) tags() {
	tags := r.get("Tags")
	for _, v := range tags.vals {
		switch {
		case v.node.Is(doc.Map):
			for _, m := range v.node.All() {
				r.Tags = append(r.Tags, m.Key)
			}
		case v.node.Is(doc.List):
			for _, n := range v.node.Items {
				if key := n.Get("Key").Str(); key != "" {
					r.Tags = append(r.Tags, key)
				}
			}
		}
	}
}

// named is the resource with its physical name.
func (r *resource) named(key string) model.Resource {
	out := r.Resource
	out.Name = r.get(key).textValue()
	return out
}

// link runs what needs all resources.
func (b *builder) link() {
	for len(b.links) > 0 { // a link may ask for others
		now := b.links
		b.links = nil
		for _, link := range now {
			link()
		}
	}
	for _, p := range b.m.Policies {
		if b.attached[p] {
			b.m.Policies = slices.DeleteFunc(slices.Clone(b.m.Policies), func(p *model.Policy) bool { return b.attached[p] })
			break
		}
	}
	for _, api := range b.m.APIs {
		finishAPI(api)
	}
}

// ids are the logical ids that a value refers to.
func ids(v model.Value[model.Text]) []string {
	var out []string
	for _, x := range v.Alts {
		out = append(out, idsOf(x)...)
	}
	return out
}

func idsOf(x model.Text) []string {
	var out []string
	for _, ref := range x.Refs() {
		if ref.Kind == model.RefResource && !slices.Contains(out, ref.ID) {
			out = append(out, ref.ID)
		}
	}
	return out
}

// functionsOf are the functions that a text stands for, by reference, alias,
// version, name or ARN.
func (b *builder) functionsOf(x model.Text) []*model.Function {
	var out []*model.Function
	for _, f := range b.m.Functions {
		if f.Denotes(x) || b.denotes(x, f.ID) || f.Denotes(unqualified(x)) {
			out = append(out, f)
		}
	}
	return out
}

// denotes reports a reference to an alias or version of a function.
func (b *builder) denotes(x model.Text, function string) bool {
	for _, id := range idsOf(x) {
		if b.function[id] == function || strings.HasPrefix(id, function+".") {
			return true
		}
	}
	return false
}

// unqualified is the ARN of a function without its version or alias.
func unqualified(x model.Text) model.Text {
	s, ok := x.Literal()
	if parts := strings.Split(s, ":"); ok && len(parts) == 8 && parts[2] == "lambda" {
		return model.Lit(x.Pos, strings.Join(parts[:7], ":"))
	}
	return x
}

// trigger gives a trigger to every function that a value may mean.
func (b *builder) trigger(target model.Value[model.Text], tr model.Trigger) {
	b.later(func() {
		for _, x := range target.Alts {
			for _, f := range b.functionsOf(x) {
				one := tr
				one.Maybe = one.Maybe || len(target.Alts) > 1 || target.Maybe
				f.Triggers = append(f.Triggers, &one)
			}
		}
	})
}
