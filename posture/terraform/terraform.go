// Package terraform reads Terraform directories, and the JSON of plans and states,
// into the function model: AWS, Azure and Google resources that functions are made
// of and hang on. The configuration is evaluated by posture/terraform/eval; here is
// what its resources mean. It asks no provider, no registry and no state backend.
package terraform

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// Is tells by its name whether a file is Terraform configuration. All such files of
// a folder are one module.
func Is(name string, _ []byte) bool {
	base := path.Base(name)
	return strings.HasSuffix(base, ".tf") || strings.HasSuffix(base, ".tf.json")
}

// Read evaluates the root module in the folder src.Name. What was read before a
// mistake is returned beside the error; mistakes in single files are Unresolved.
func Read(ctx context.Context, src *model.Source) (*model.Model, error) {
	m := &model.Model{Dialect: model.Terraform, Cloud: model.AWS, File: src.Pos(src.Name, 0, 0).File}
	if src.FS == nil {
		return m, fmt.Errorf("terraform %s: no directory to read", src.Name)
	}
	res, err := eval.Directory(ctx, src.FS, src.Name)
	if res == nil {
		m.Partial = true
		return m, err
	}
	b := newBuilder(m, src, path.Clean(src.Name))
	for i := range res.Variables {
		b.variable(&res.Variables[i])
	}
	b.build(res.Resources, res.Calls)
	b.issues(res)
	return m, err
}

// Modules lists the folders among dirs that are a root module of their own: that no
// other of them calls.
func Modules(ctx context.Context, src *model.Source, dirs []string) []string {
	return eval.Roots(ctx, src.FS, dirs)
}

// issues lists what was not resolved. What a module or file that was not read
// would state may be anything; the module that is read by its inputs is no such. Nor
// is a file for what has no part in the model.
func (b *builder) issues(res *eval.Result) {
	for _, i := range res.Issues {
		address, _, _ := strings.Cut(i.What, " (")
		partial := b.calls[address] == "" && (strings.HasPrefix(i.What, "module.") || Is(i.What, nil) || i.What == "terraform") ||
			(strings.HasPrefix(i.What, "file(") || strings.HasPrefix(i.What, "templatefile(")) && !aside(i.Pos, res.Resources)
		b.m.Partial = b.m.Partial || partial
		b.m.Unresolved = append(b.m.Unresolved, model.Unresolved{Pos: b.pos(i.Pos), What: shorten(i.What), Why: i.Why, Refused: i.Refused, Partial: partial})
	}
}

// aside reports a place in a resource that the model has no part for, or in an
// attribute that states nothing.
func aside(p eval.Pos, resources []*eval.Resource) bool {
	for _, r := range resources {
		if r.Mode != "managed" || r.Pos.File != p.File || r.Pos.Line > p.Line || r.Body == nil {
			continue
		}
		last, name := 0, ""
		for _, f := range r.Body.Fields {
			if f.KeyPos.File == p.File && f.KeyPos.Line <= p.Line && f.KeyPos.Line >= last {
				last, name = f.KeyPos.Line, f.Key
			}
		}
		if within(p, r.Body, 0) && (readers[r.Type] == nil || idle[name]) {
			return true
		}
	}
	return false
}

// idle are attributes that say nothing of what a function may do or holds.
var idle = map[string]bool{"source_code_hash": true, "code_sha256": true, "source_hash": true, "etag": true, "description": true, "tags": true}

// within reports whether some value in v is at the line of p, or after it.
func within(p eval.Pos, v *eval.Value, depth int) bool {
	if v == nil || depth > 50 {
		return false
	}
	if v.Pos.File == p.File && v.Pos.Line >= p.Line {
		return true
	}
	for _, f := range v.Fields {
		if f.KeyPos.File == p.File && f.KeyPos.Line >= p.Line || within(p, f.Value, depth+1) {
			return true
		}
	}
	return slices.ContainsFunc(v.Items, func(x *eval.Value) bool { return within(p, x, depth+1) })
}

func shorten(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}

// A builder fills a model: first every resource by itself, then the links.
type builder struct {
	m         *model.Model
	src       *model.Source
	dir       string
	byAddress map[string]*eval.Resource
	byBase    map[string]*eval.Resource
	calls     map[string]string // address of a module call that was read as a function → source
	links     []func()

	function map[string]string        // aliases and the like → function id
	managed  map[string]*model.Policy // customer managed policies, by id
	attached map[*model.Policy]bool
	targets  map[string]model.Value[model.Text] // integrations and target groups → what they lead to
	methods  map[string]*restMethod
	stages   map[string]*model.Stage
	apps     map[string][]*model.Function // of an Azure app or Google service account: who is in it
}

func newBuilder(m *model.Model, src *model.Source, dir string) *builder {
	return &builder{m: m, src: src, dir: dir, byAddress: map[string]*eval.Resource{}, byBase: map[string]*eval.Resource{}, calls: map[string]string{},
		function: map[string]string{}, managed: map[string]*model.Policy{}, attached: map[*model.Policy]bool{},
		targets: map[string]model.Value[model.Text]{}, methods: map[string]*restMethod{}, stages: map[string]*model.Stage{}, apps: map[string][]*model.Function{}}
}

func (b *builder) pos(p eval.Pos) model.Pos {
	if p.File == "" {
		return model.Pos{}
	}
	return b.src.Pos(p.File, p.Line, p.Column)
}

// A res is one resource while it is read.
type res struct {
	prop
	model.Resource
	addr *eval.Resource
}

func (b *builder) of(r *eval.Resource) prop { return b.prop(r.Body, r.Pos) }

func (b *builder) res(r *eval.Resource) *res {
	cloud := model.AWS
	switch {
	case strings.HasPrefix(r.Type, "azurerm_"), strings.HasPrefix(r.Type, "azapi_"):
		cloud = model.Azure
	case strings.HasPrefix(r.Type, "google_"):
		cloud = model.Google
	}
	out := &res{prop: b.of(r), addr: r, Resource: model.Resource{Pos: b.pos(r.Pos), ID: r.Address, Cloud: cloud, Type: r.Type, Maybe: r.Maybe}}
	for _, a := range out.get("tags").alts {
		for _, f := range a.Fields {
			if f.Key != "" {
				out.Tags = append(out.Tags, f.Key)
			}
		}
	}
	return out
}

func (r *res) named(names ...string) model.Resource {
	out := r.Resource
	out.Name = r.first(names...).text()
	return out
}

// later runs once all resources are there.
func (b *builder) later(link func()) { b.links = append(b.links, link) }

func (b *builder) build(resources []*eval.Resource, calls []eval.Call) {
	for _, r := range resources {
		b.byAddress[r.Address] = r
		for _, base := range [...]string{r.Base, eval.Plain(r.Address)} {
			if b.byBase[base] == nil {
				b.byBase[base] = r
			}
		}
	}
	for _, c := range calls {
		if isLambdaModule(c.Source) {
			b.calls[c.Address] = c.Source
		}
	}
	clouds := map[model.Cloud]int{}
	for _, r := range resources {
		if r.Mode != "managed" {
			continue
		}
		one := b.res(r)
		clouds[one.Cloud]++
		if read := readers[r.Type]; read != nil {
			read(b, one)
		} else {
			other := one.named("name")
			b.m.Others = append(b.m.Others, &other)
		}
	}
	for _, c := range calls {
		b.call(c)
	}
	for len(b.links) > 0 { // a link may ask for another
		links := b.links
		b.links = nil
		for _, link := range links {
			link()
		}
	}
	b.m.Policies = slices.DeleteFunc(b.m.Policies, func(p *model.Policy) bool { return b.attached[p] })
	for _, api := range b.m.APIs {
		finishAPI(api)
	}
	for cloud, n := range clouds {
		if n > clouds[b.m.Cloud] || n == clouds[b.m.Cloud] && cloud < b.m.Cloud {
			b.m.Cloud = cloud
		}
	}
}

// variable is an input of the root module.
func (b *builder) variable(v *eval.Variable) {
	p := &model.Parameter{Resource: model.Resource{Pos: b.pos(v.Pos), ID: "var." + v.Name, Cloud: model.AWS, Type: "variable"}, ParamType: v.Type}
	p.NoEcho = model.Is(p.Pos, v.Sensitive)
	if !v.Sensitive {
		p.NoEcho = model.Value[bool]{}
	}
	if v.Value != nil && v.Value.Kind != eval.Null {
		if s, ok := v.Value.Text(); ok {
			at := b.pos(v.Value.Pos)
			p.Default = model.Is(at, model.Lit(at, s))
		} else {
			p.Default = model.Unknown[model.Text](b.pos(v.Value.Pos), "it is no text")
		}
	}
	b.m.Parameters = append(b.m.Parameters, p)
}

// functionsOf are the functions that a text stands for, by reference, alias, name
// or ARN.
func (b *builder) functionsOf(x model.Text) []*model.Function {
	var out []*model.Function
	for _, f := range b.m.Functions {
		if f.Denotes(x) || b.aliased(x, f.ID) || f.Denotes(unqualified(x)) {
			out = append(out, f)
		}
	}
	return out
}

func (b *builder) aliased(x model.Text, function string) bool {
	return slices.ContainsFunc(idsOf(x), func(id string) bool { return b.function[id] == function })
}

// unqualified is the ARN of a function without its version or alias.
func unqualified(x model.Text) model.Text {
	s, ok := x.Literal()
	if parts := strings.Split(s, ":"); ok && len(parts) == 8 && parts[2] == "lambda" {
		return model.Lit(x.Pos, strings.Join(parts[:7], ":"))
	}
	return x
}

// ids are the resources that a value refers to.
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

// each calls f for every function that a value may mean, once all are there.
func (b *builder) each(v model.Value[model.Text], f func(*model.Function)) {
	b.later(func() {
		for _, x := range v.Alts {
			for _, fn := range b.functionsOf(x) {
				f(fn)
			}
		}
	})
}

// trigger gives a trigger to every function that a value may mean.
func (b *builder) trigger(target model.Value[model.Text], tr model.Trigger) {
	b.each(target, func(f *model.Function) {
		one := tr
		one.Maybe = one.Maybe || len(target.Alts) > 1 || target.Maybe
		f.Triggers = append(f.Triggers, &one)
	})
}

// self is a reference to the resource.
func (r *res) self(attr string) model.Value[model.Text] {
	return model.Is(r.Pos, model.To(r.Pos, model.RefResource, r.ID, attr))
}

// event is a trigger that the resource states.
func (r *res) event(p prop, kind fnvetKind) model.Trigger {
	return model.Trigger{Pos: p.b.pos(p.pos), ID: r.ID, Type: r.Type, Kind: kind, Maybe: r.Maybe || p.maybe}
}
