// Package serverless reads serverless.yml and its JSON form into the model. It
// replaces the variables, writes what the Serverless Framework would make of the
// file as a tree of SAM and CloudFormation, and has posture/cloudformation read
// that: so resources, roles and events mean the same in both. Plugins and programs
// are not run.
package serverless

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

var (
	hasService  = lazyregexp.New(`(?m)^["']?service["']?\s*:`)
	hasProvider = lazyregexp.New(`(?m)^["']?provider["']?\s*:`)
	hasMore     = lazyregexp.New(`(?m)^["']?(functions|frameworkVersion|resources|plugins|custom)["']?\s*:`)
	jsonKeys    = lazyregexp.New(`"(service|provider|functions|frameworkVersion)"\s*:`)
)

// Is reports a serverless.yml by its content: the keys service and provider at its
// top with functions, resources or the like; or a name of the framework's and one
// of the two.
func Is(name string, data []byte) bool {
	base := strings.ToLower(path.Base(name))
	named := strings.HasPrefix(base, "serverless")
	if !named && (!bytes.Contains(data, []byte("service")) || !bytes.Contains(data, []byte("provider"))) {
		return false // as nearly always, and cheap
	}
	if !named && path.Ext(base) == ".json" && (!bytes.Contains(data, []byte(`"handler"`)) || !bytes.Contains(data, []byte(`"functions"`))) {
		return false
	}
	switch path.Ext(base) {
	case ".yml", ".yaml":
		service, provider := hasService().Match(data), hasProvider().Match(data)
		return service && provider && hasMore().Match(data) || named && (service || provider)
	case ".json":
		keys := map[string]bool{}
		for _, m := range jsonKeys().FindAllSubmatch(data, -1) {
			keys[string(m[1])] = true
		}
		return keys["service"] && keys["provider"] && (named || keys["functions"] && bytes.Contains(data, []byte(`"handler"`)))
	}
	return false
}

// IsProgram reports a serverless.ts or serverless.js, which states a service by
// running.
func IsProgram(name string) bool {
	switch path.Base(name) {
	case "serverless.ts", "serverless.js", "serverless.mjs", "serverless.cjs", "serverless.mts":
		return true
	}
	return false
}

// Read reads a serverless.yml and the files it includes.
func Read(ctx context.Context, src *model.Source) (*model.Model, error) {
	file := src.Pos(src.Name, 0, 0).File
	if len(src.Data) > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	docs, err := doc.YAML(file, src.Data)
	if len(docs) == 0 || !docs[0].Is(doc.Map) {
		if err == nil {
			err = errors.New("it is no mapping")
		}
		return nil, err
	}
	v := &resolver{src: src, root: docs[0], files: map[string]*doc.Node{}, seen: map[string]bool{}, known: map[string]answer{}, failed: map[string]error{}}
	s := &service{v: v, root: cloudformation.Normalise(v.tree(without(docs[0], "custom", "params", "stages"), 0))}
	if name := s.provider("name").Str(); name != "" && name != "aws" {
		return nil, fmt.Errorf("services of the provider %q are not read", name)
	}
	root := s.template()
	m, err := cloudformation.Build(ctx, src, root, model.Serverless)
	if m != nil {
		s.complete(m)
	}
	return m, err
}

// without leaves keys out: what is in them matters where it is referred to.
func without(n *doc.Node, keys ...string) *doc.Node {
	out := *n
	out.Members = slices.DeleteFunc(slices.Clone(n.Members), func(m doc.Member) bool { return slices.Contains(keys, m.Key) })
	return &out
}

// custom is a setting of a plugin.
func (s *service) custom(keys ...string) *doc.Node {
	n, _ := s.v.follow(s.v.root.Get("custom"), 0)
	for _, k := range keys {
		n, _ = s.v.follow(n.Get(k), 0)
	}
	return n
}

// complete adds what the framework's own parts of the model are.
func (s *service) complete(m *model.Model) {
	m.File = s.v.src.Pos(s.v.src.Name, 0, 0).File
	m.Region = s.provider("region").Str()
	if m.Region == "" && s.provider("region") == nil {
		m.Region = "us-east-1" // the framework's default
	}
	m.Unresolved = append(m.Unresolved, s.v.listed...)
	for _, u := range s.v.listed {
		m.Partial = m.Partial || u.Partial
	}
	slices.SortStableFunc(m.Unresolved, func(a, b model.Unresolved) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	for _, f := range m.Functions {
		if fn := s.byID[f.ID]; fn != nil {
			f.Pos = model.Pos{File: fn.node.File, Line: fn.line, Column: fn.column}
			f.Code.Patterns = s.patterns(fn.node)
			if s.root.At("package", "individually").True() || fn.node.At("package", "individually").True() {
				f.Code.Path.Open, f.Code.Path.Why = true, "each function is packed by itself"
			}
		}
	}
	for _, r := range m.Roles {
		if s.roles[r.ID] {
			r.Implicit = true
		}
	}
	for _, a := range m.APIs {
		if s.implicit[a.ID] {
			a.Implicit = true
		}
	}
}

// A service is a serverless.yml without its variables.
type service struct {
	v        *resolver
	root     *doc.Node
	byID     map[string]*function
	roles    map[string]bool // made by the framework
	implicit map[string]bool // APIs that are
	names    map[string]bool // resources of the file's own

	members []doc.Member // of Resources
	taken   map[string]bool
}

func (s *service) provider(keys ...string) *doc.Node { return s.root.Get("provider").At(keys...) }

// A function is one entry of functions.
type function struct {
	key          string
	id           string
	node         *doc.Node
	line, column int
}

// normal is the logical name that the framework makes of a key.
func normal(key string) string {
	key = strings.NewReplacer("-", "Dash", "_", "Underscore").Replace(key)
	if key == "" {
		return ""
	}
	return strings.ToUpper(key[:1]) + key[1:]
}

// alnum keeps letters and digits, as the framework does for other names.
func alnum(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, s)
	return normal(s)
}

// sections are the maps of a key that may be a list of maps.
func sections(n *doc.Node) []doc.Member {
	if n.Is(doc.Map) {
		return n.All()
	}
	var out []doc.Member
	for _, item := range n.Elements() {
		out = append(out, item.All()...)
	}
	return out
}

func (s *service) functions() []*function {
	var out []*function
	for _, m := range sections(s.root.Get("functions")) {
		if m.Value.Is(doc.Map) {
			out = append(out, &function{key: m.Key, id: normal(m.Key) + "LambdaFunction", node: m.Value, line: m.Line, column: m.Column})
		}
	}
	return out
}

// put adds a resource that the framework makes, unless it is there.
func (s *service) put(id string, at *doc.Node, typ string, props ...doc.Member) {
	if s.taken[id] {
		return
	}
	s.taken[id] = true
	s.members = append(s.members, doc.Pair(id, doc.NewMap(at, doc.Pair("Type", doc.New(at, typ)), doc.Pair("Properties", doc.NewMap(at, compact(props)...)))))
}

// compact drops members without a value.
func compact(members []doc.Member) []doc.Member {
	return slices.DeleteFunc(members, func(m doc.Member) bool { return m.Value == nil || m.Value.Kind == doc.Null })
}

// template is the file as SAM and CloudFormation.
func (s *service) template() *doc.Node {
	s.byID, s.roles, s.implicit, s.names, s.taken = map[string]*function{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	own := map[string][]doc.Member{}
	for _, part := range s.parts() {
		for _, m := range part.All() {
			own[m.Key] = append(own[m.Key], m.Value.All()...)
		}
	}
	for _, m := range own["Resources"] {
		s.names[m.Key] = true
	}
	functions := s.functions()
	for _, f := range functions {
		s.byID[f.id] = f
		s.function(f)
	}
	s.sharedRole(functions)
	s.apis(functions)
	s.machines()
	var out []doc.Member
	for _, section := range [...]string{"Parameters", "Conditions", "Mappings"} {
		out = append(out, doc.Pair(section, doc.NewMap(s.root, own[section]...)))
	}
	out = append(out, doc.Pair("Transform", doc.New(s.root, "AWS::Serverless-2016-10-31")),
		doc.Pair("Resources", doc.NewMap(s.root, s.overlaid(own["Resources"])...)))
	return doc.NewMap(s.root, out...)
}

// parts are the CloudFormation templates among resources.
func (s *service) parts() []*doc.Node {
	n := s.root.Get("resources")
	if n.Is(doc.List) {
		return n.Items
	}
	if n == nil {
		return nil
	}
	return []*doc.Node{n, doc.NewMap(n, doc.Pair("Resources", doc.NewMap(n, n.Get("extensions").All()...)))}
}

// overlaid merges the file's own resources over those that the framework makes.
func (s *service) overlaid(own []doc.Member) []doc.Member {
	out := slices.Clone(s.members)
	for _, m := range own {
		i := slices.IndexFunc(out, func(o doc.Member) bool { return o.Key == m.Key })
		if i < 0 {
			out = append(out, m)
			continue
		}
		merged := cloudformation.Merge(out[i].Value, m.Value)
		if t := out[i].Value.Get("Type"); t != nil { // the framework's own kind of resource stays what it is here
			merged = cloudformation.Merge(merged, doc.NewMap(t, doc.Pair("Type", t)))
		}
		out[i].Value = merged
	}
	return out
}

// patterns are what is packed.
func (s *service) patterns(fn *doc.Node) []string {
	var out []string
	for _, pack := range []*doc.Node{s.root.Get("package"), fn.Get("package")} {
		for _, p := range pack.Get("patterns").Elements() {
			out = append(out, p.Str())
		}
		for _, p := range pack.Get("exclude").Elements() {
			out = append(out, "!"+p.Str())
		}
		for _, p := range pack.Get("include").Elements() {
			out = append(out, p.Str())
		}
	}
	return out
}
