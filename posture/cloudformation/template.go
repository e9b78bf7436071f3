// Package cloudformation reads CloudFormation and SAM templates into the model. It
// evaluates every intrinsic function as far as the template alone allows, conditions
// both ways, and expands what SAM makes of its own resources. Macros are not run,
// other stacks are not asked.
package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// Limits of a stack.
const (
	maxResources = 5000
	maxStacks    = 100 // nested ones
	maxStackDeep = 8
)

// A template is one template in evaluation.
type template struct {
	ctx    context.Context
	src    *model.Source
	name   string // of the file in src.FS
	root   *doc.Node
	m      *model.Model
	prefix string // of the ids: "Nested/"
	sam    bool

	parameters map[string]*doc.Node
	resources  map[string]*doc.Node
	order      []doc.Member // of resources
	conditions *doc.Node
	mappings   *doc.Node
	// assumed are conditions that are taken to hold, or not, in a part of the template;
	// asked are those that were not known, over the whole of it.
	assumed map[string]bool
	asked   map[string]bool

	// implicit are the APIs that events need and no one states, with where.
	implicit map[string]model.Pos

	parent   *template
	given    map[string]*doc.Node // by the parent, evaluated in it
	children map[string]*template
	depth    int

	steps  *int
	stacks *int
	listed map[string]bool
	files  map[string]*doc.Node // that are included, nil for those that are not there
}

// Read reads a template and the nested ones beside it.
func Read(ctx context.Context, src *model.Source) (*model.Model, error) {
	root, err := parse(src.Pos(src.Name, 0, 0).File, src.Data)
	if err != nil {
		return nil, err
	}
	m, err := Build(ctx, src, root, model.CloudFormation)
	if m != nil {
		for _, w := range append([]*model.Model{m}, m.Worlds...) {
			w.Account, w.Region = environment(src)
		}
	}
	return m, err
}

// environment is where CDK deploys a template: its manifest lies beside it.
func environment(src *model.Source) (account, region string) {
	data, err := readFile(src, path.Join(path.Dir(src.Name), "manifest.json"))
	if err != nil || src.FS == nil {
		return "", ""
	}
	root, err := parse("manifest.json", data)
	if err != nil {
		return "", ""
	}
	for _, a := range root.Get("artifacts").All() {
		if a.Value.At("properties", "templateFile").Str() != path.Base(src.Name) {
			continue
		}
		account, region, _ = strings.Cut(strings.TrimPrefix(a.Value.Get("environment").Str(), "aws://"), "/")
		if strings.HasPrefix(account, "unknown") {
			account = ""
		}
		if strings.HasPrefix(region, "unknown") {
			region = ""
		}
		return account, region
	}
	return "", ""
}

// Build makes the model of a tree that has been read, as frameworks that write
// CloudFormation need it. The tree is Normalised.
func Build(ctx context.Context, src *model.Source, root *doc.Node, dialect model.Dialect) (*model.Model, error) {
	m := &model.Model{Dialect: dialect, Cloud: model.AWS, File: src.Pos(src.Name, 0, 0).File}
	t := &template{ctx: ctx, src: src, name: src.Name, m: m, steps: new(int), stacks: new(int), listed: map[string]bool{},
		files: map[string]*doc.Node{}}
	t.open(root)
	if t.sam && dialect == model.CloudFormation {
		m.Dialect = model.SAM
	}
	b := newBuilder(m)
	err := t.build(b)
	b.link()
	if err == nil {
		m.Worlds = t.worlds(root, dialect)
	}
	slices.SortStableFunc(m.Unresolved, func(a, b model.Unresolved) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return m, err
}

// open takes the sections of a template.
func (t *template) open(root *doc.Node) {
	t.root = root
	t.conditions, t.mappings = root.Get("Conditions"), root.Get("Mappings")
	t.parameters, t.resources, t.children = map[string]*doc.Node{}, map[string]*doc.Node{}, map[string]*template{}
	t.implicit, t.asked = map[string]model.Pos{}, map[string]bool{}
	for _, m := range root.Get("Parameters").All() {
		if m.Value.Is(doc.Map) {
			t.parameters[m.Key] = m.Value
			t.parameter1(m)
		}
	}
	t.transforms(root.Get("Transform"))
	for _, m := range t.unroll(root.Get("Resources")) {
		if t.resources[m.Key] != nil || !m.Value.Is(doc.Map) {
			continue
		}
		if len(t.order) >= maxResources {
			t.missing(m.Value, "Resources", "there are too many")
			break
		}
		t.resources[m.Key] = m.Value
		t.order = append(t.order, m)
		t.sam = t.sam || strings.HasPrefix(m.Value.Get("Type").Str(), "AWS::Serverless::")
	}
}

// parameter1 adds a parameter to the model.
func (t *template) parameter1(m doc.Member) {
	p := &model.Parameter{Resource: model.Resource{Pos: t.pos(m.Value), ID: t.prefix + m.Key, Cloud: model.AWS, Type: "Parameter"}}
	p.Line, p.Column = m.Line, m.Column
	whole := result{vals: []value{{node: m.Value, in: t}}}
	p.ParamType, p.Default, p.NoEcho = m.Value.Get("Type").Str(), whole.env("Default").textValue(), whole.get("NoEcho").bool()
	for _, a := range m.Value.Get("AllowedValues").Elements() {
		p.Allowed = append(p.Allowed, a.Str())
	}
	t.m.Parameters = append(t.m.Parameters, p)
}

// transforms notes what rewrites the template before it is deployed.
func (t *template) transforms(n *doc.Node) {
	names := []*doc.Node{n}
	if n.Is(doc.List) {
		names = n.Items
	}
	for _, name := range names {
		s, ok := name.Scalar()
		switch {
		case name == nil, s == "AWS::LanguageExtensions", strings.HasPrefix(s, "AWS::CodeDeploy"), strings.HasPrefix(s, "AWS::SecretsManager"):
		case strings.HasPrefix(s, "AWS::Serverless"):
			t.sam = true
		default:
			if !ok {
				s = name.Get("Name").Str()
			}
			t.missing(name, "Transform "+s, "a macro may change the whole template")
		}
	}
}

// unroll expands the loops of a section.
func (t *template) unroll(section *doc.Node) []doc.Member {
	var out []doc.Member
	for _, m := range section.All() {
		if !strings.HasPrefix(m.Key, "Fn::ForEach::") {
			out = append(out, m)
			continue
		}
		out = append(out, t.loop(m.Value, 0)...)
	}
	return out
}

// loop expands one Fn::ForEach: [identifier, collection, body].
func (t *template) loop(n *doc.Node, depth int) []doc.Member {
	parts := n.Elements()
	if len(parts) != 3 || depth > 4 {
		t.missing(n, "Fn::ForEach", "it is not as CloudFormation writes it")
		return nil
	}
	items := t.eval(parts[1]).list()
	if items.Open {
		t.missing(parts[1], "Fn::ForEach", "what it goes over is known on deployment only")
	}
	var out []doc.Member
	for _, item := range items.Items {
		text, ok := item.Literal()
		if !ok {
			continue
		}
		for _, m := range parts[2].All() {
			v := substitute(m.Value, parts[0].Str(), text)
			key := fillIn(m.Key, parts[0].Str(), text)
			if strings.HasPrefix(key, "Fn::ForEach::") {
				out = append(out, t.loop(v, depth+1)...)
			} else {
				out = append(out, doc.Member{Key: key, Line: m.Line, Column: m.Column, Value: v})
			}
			if len(out) > maxResources {
				return out
			}
		}
	}
	return out
}

func fillIn(s, name, with string) string {
	s = strings.ReplaceAll(s, "${"+name+"}", with)
	return strings.ReplaceAll(s, "&{"+name+"}", keepLetters(with))
}

// keepLetters is what &{} makes of a value: letters and digits only.
func keepLetters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, s)
}

// substitute puts a loop's value in the place of its identifier.
func substitute(n *doc.Node, name, with string) *doc.Node {
	if n == nil {
		return nil
	}
	if fn, arg := intrinsic(n); fn == "Ref" && arg.Str() == name {
		return doc.New(n, with)
	}
	out := *n
	out.Text = fillIn(n.Text, name, with)
	out.Items, out.Members = slices.Clone(n.Items), slices.Clone(n.Members)
	for i := range out.Items {
		out.Items[i] = substitute(out.Items[i], name, with)
	}
	for i := range out.Members {
		out.Members[i].Key = fillIn(out.Members[i].Key, name, with)
		out.Members[i].Value = substitute(out.Members[i].Value, name, with)
	}
	return &out
}

// nested opens the template of a stack in this one, once, when it is a local file.
func (t *template) nested(id string) *template {
	if child, ok := t.children[id]; ok {
		return child
	}
	t.children[id] = nil
	n := t.resources[id]
	props := n.Get("Properties")
	var place *doc.Node
	switch n.Get("Type").Str() {
	case "AWS::CloudFormation::Stack":
		place = props.Get("TemplateURL")
		if asset := n.At("Metadata", "aws:asset:path"); asset != nil { // CDK; of a function it is the code
			place = asset
		}
	case "AWS::Serverless::Application":
		place = props.Get("Location")
	}
	if place == nil {
		return nil
	}
	child, err := t.enter(id, place, props.Get("Parameters"))
	switch {
	case errors.Is(err, errRefused): // listed already
		t.m.Partial = true
	case errors.Is(err, errElsewhere): // as ordinary as an import
		t.m.Partial = true
		t.unresolved(place, id, err.Error())
	case err != nil:
		t.missing(place, id, err.Error())
	}
	t.children[id] = child
	return child
}

var (
	errElsewhere = errors.New("the nested template is not a local file")
	errRefused   = errors.New("the nested template is outside the folder")
)

// enter reads a nested template.
func (t *template) enter(id string, place, given *doc.Node) (*template, error) {
	file, known := t.oneText(place, 0)
	local, literal := file.Literal()
	if !known || !literal || strings.Contains(local, "://") {
		return nil, errElsewhere
	}
	name := path.Join(path.Dir(t.name), local)
	switch {
	case strings.HasPrefix(local, "/") || name == ".." || strings.HasPrefix(name, "../"):
		t.list(model.Unresolved{Pos: t.pos(place), What: shorten(local), Why: "it is outside the folder of the template", Refused: true})
		return nil, errRefused
	case t.depth >= maxStackDeep || *t.stacks >= maxStacks:
		return nil, fmt.Errorf("too many nested templates")
	}
	*t.stacks++
	data, err := readFile(t.src, name)
	if err != nil {
		return nil, fmt.Errorf("the nested template is not there")
	}
	root, err := parse(t.src.Pos(name, 0, 0).File, data)
	if err != nil {
		return nil, fmt.Errorf("the nested template: %w", err)
	}
	child := &template{ctx: t.ctx, src: t.src, name: name, m: t.m, prefix: t.prefix + id + "/", parent: t, depth: t.depth + 1,
		given: map[string]*doc.Node{}, steps: t.steps, stacks: t.stacks, listed: t.listed, files: t.files}
	for _, m := range given.All() {
		child.given[m.Key] = m.Value
	}
	child.open(root)
	return child, nil
}
