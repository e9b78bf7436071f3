package azure

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// A builder fills a model from stacks: each resource by itself, then the links.
type builder struct {
	ctx     context.Context
	src     *model.Source
	m       *model.Model
	steps   int
	modules int
	links   []func()
	sites   map[string]*model.Function // by id
	roleOf  map[string]*model.Role     // by id of what has the identity
}

func newBuilder(ctx context.Context, src *model.Source, d model.Dialect) *builder {
	return &builder{ctx: ctx, src: src, sites: map[string]*model.Function{}, roleOf: map[string]*model.Role{},
		m: &model.Model{Dialect: d, Cloud: model.Azure, File: src.Pos(src.Name, 0, 0).File}}
}

func (b *builder) later(link func()) { b.links = append(b.links, link) }

func (b *builder) unresolved(pos model.Pos, what, why string, refused bool) {
	b.m.Unresolved = append(b.m.Unresolved, model.Unresolved{Pos: pos, What: what, Why: why, Refused: refused, Partial: true})
}

func (b *builder) skippedLines(s *stack, bad []model.Pos) {
	for _, p := range bad {
		b.unresolved(p, path.Base(s.name), "the statement could not be read", false)
		b.m.Partial = true
	}
}

func (b *builder) finish() (*model.Model, error) {
	for len(b.links) > 0 { // a link may ask for another
		links := b.links
		b.links = nil
		for _, link := range links {
			link()
		}
	}
	if b.steps > maxSteps {
		b.unresolved(model.Pos{File: b.m.File}, "the template", "it is larger than the limits of the evaluation", false)
		b.m.Partial = true
	}
	return b.m, b.ctx.Err()
}

func (b *builder) build(s *stack) {
	if b.ctx.Err() != nil {
		return
	}
	if s.depth == 0 {
		b.parameters(s)
	}
	for _, r := range s.resources {
		b.resource(s, r)
	}
	for _, c := range s.modules {
		b.module(s, c)
	}
}

func (b *builder) evaluator(s *stack) *evaluator {
	return &evaluator{b: b, s: s, busy: map[string]bool{}}
}

func (b *builder) parameters(s *stack) {
	ev := b.evaluator(s)
	for _, name := range s.order {
		p := s.params[name]
		x := &model.Parameter{Resource: model.Resource{Pos: p.pos, ID: name, Cloud: model.Azure, Type: "parameter"}, ParamType: p.typ, Default: ev.eval(p.def).textValue()}
		if p.secure {
			x.NoEcho = model.Is(p.pos, true)
		}
		for _, a := range ev.eval(p.allowed).list().Items {
			if s, ok := a.Literal(); ok {
				x.Allowed = append(x.Allowed, s)
			}
		}
		b.m.Parameters = append(b.m.Parameters, x)
	}
}

// module reads a nested template: written in place, or a file of the root.
func (b *builder) module(s *stack, c *moduleCall) {
	ev := b.evaluator(s)
	if ev.holds(c.condition) == "false" {
		return
	}
	ev = ev.assume(c.condition, true)
	child := c.inline
	if b.modules++; child == nil && b.modules <= 200 && s.depth < 8 {
		child = b.moduleFile(s, c)
	}
	if child == nil {
		b.m.Partial = true
		return
	}
	child.prefix, child.depth, child.given = s.prefix+c.id+"/", s.depth+1, map[string]*val{}
	params := ev.eval(c.params)
	if params != nil {
		for _, f := range params.fields {
			child.given[f.key] = f.v
		}
	}
	b.build(child)
}

func (b *builder) moduleFile(s *stack, c *moduleCall) *stack {
	name := path.Join(path.Dir(s.name), c.path)
	switch {
	case c.path == "" || strings.HasPrefix(c.path, "br:") || strings.HasPrefix(c.path, "br/") || strings.HasPrefix(c.path, "ts:") || strings.Contains(c.path, "://"):
		b.unresolved(c.pos, "module "+c.id+" "+c.path, "a module that is not in the folder is not read", false)
		return nil
	case !fs.ValidPath(name) || strings.HasPrefix(c.path, "/"):
		b.unresolved(c.pos, "module "+c.id+" "+c.path, "it is outside the folder", true)
		return nil
	case b.src.FS == nil:
		return nil
	}
	data, err := readFile(b.src.FS, name)
	if err != nil {
		b.unresolved(c.pos, "module "+c.id+" "+c.path, "the file is not there or too large", false)
		return nil
	}
	file := b.src.Pos(name, 0, 0).File
	if path.Ext(name) == ".bicep" {
		child, bad := bicepStack(file, name, data)
		b.skippedLines(child, bad)
		return child
	}
	root, err := doc.JSON(file, data, true)
	if err != nil {
		b.unresolved(c.pos, "module "+c.id+" "+c.path, err.Error(), false)
		return nil
	}
	return armStack(root, name, s.depth+1)
}

// nameOf is the name of a resource once deployed.
func (b *builder) nameOf(s *stack, r *declaredResource) *val {
	for i, k := range bodyOf(r).keys {
		if k.name.text == "name" {
			return b.evaluator(s).eval(bodyOf(r).args[i])
		}
	}
	return nil
}

func bodyOf(r *declaredResource) *expr {
	if r.body == nil {
		return &expr{}
	}
	return r.body
}

// A found is a resource while it is read.
type found struct {
	model.Resource
	s *stack
	d *declaredResource
	v *val
}

func (b *builder) resource(s *stack, d *declaredResource) {
	ev := b.evaluator(s)
	exists := ev.holds(d.condition)
	if d.existing || d.body == nil || exists == "false" {
		return
	}
	if d.condition != nil {
		ev = ev.assume(d.condition, true)
	}
	body := ev.eval(d.body)
	if d.loop != nil { // one stands for all
		if all := ev.loop(d.loop); all.kind == kList && len(all.items) > 0 {
			body = all.items[0]
		}
	}
	r := &found{Resource: model.Resource{Pos: d.pos, ID: s.prefix + d.id, Cloud: model.Azure, Type: d.typ, Name: body.get("name").textValue(),
		Maybe: exists == ""}, s: s, d: d, v: body}
	tags, _ := body.get("tags").alts()
	for _, t := range tags {
		for _, f := range t.fields {
			r.Tags = append(r.Tags, f.key)
		}
	}
	if read := readers[strings.ToLower(d.typ)]; read != nil {
		read(b, r)
		return
	}
	b.m.Others = append(b.m.Others, &r.Resource)
}

// readers is the whole table of types that mean something to the model.
var readers = map[string]func(*builder, *found){
	"microsoft.web/sites":                                           site,
	"microsoft.web/sites/slots":                                     site,
	"microsoft.web/sites/config":                                    siteConfig,
	"microsoft.web/sites/slots/config":                              siteConfig,
	"microsoft.web/sites/functions":                                 siteFunction,
	"microsoft.authorization/roleassignments":                       roleAssignment,
	"microsoft.storage/storageaccounts":                             storageAccount,
	"microsoft.storage/storageaccounts/blobservices/containers":     storageContainer,
	"microsoft.storage/storageaccounts/queueservices/queues":        queue,
	"microsoft.servicebus/namespaces/queues":                        queue,
	"microsoft.servicebus/namespaces/topics":                        topic,
	"microsoft.eventgrid/topics":                                    topic,
	"microsoft.eventhub/namespaces/eventhubs":                       table,
	"microsoft.documentdb/databaseaccounts":                         table,
	"microsoft.documentdb/databaseaccounts/sqldatabases/containers": table,
	"microsoft.insights/metricalerts":                               alarm,
	"microsoft.insights/scheduledqueryrules":                        alarm,
	"microsoft.consumption/budgets":                                 budget,
}

// site reads a function app as one function, in the place of those in it.
func site(b *builder, r *found) {
	kind, known := r.v.get("kind").str().Known()
	if known && !strings.Contains(strings.ToLower(kind), "functionapp") {
		b.m.Others = append(b.m.Others, &r.Resource)
		return
	}
	p := r.v.get("properties")
	f := &model.Function{Resource: r.Resource, App: r.ID, Runtime: p.get("functionAppConfig", "runtime", "name").str(),
		Concurrency: p.get("functionAppConfig", "scaleAndConcurrency", "maximumInstanceCount").int()}
	version := p.get("functionAppConfig", "runtime", "version")
	if !f.Runtime.Absent() && !version.absent() {
		f.Runtime = mapped(f.Runtime, func(s string) string { return s + version.one() })
	}
	f.Endpoint = &model.Endpoint{Pos: r.Pos, HTTPSOnly: p.get("httpsOnly").bool(), ClientCerts: p.get("clientCertEnabled").bool(),
		Limited: strings.EqualFold(p.get("publicNetworkAccess").one(), "Disabled")}
	if f.Endpoint.HTTPSOnly.Absent() && !p.absent() { // off unless it is stated
		f.Endpoint.HTTPSOnly = model.Is(r.Pos, false)
	}
	if subnet := p.get("virtualNetworkSubnetId"); !subnet.absent() {
		f.Network = &model.Network{Pos: subnet.at(), Subnets: subnet.list()}
	}
	if !r.v.get("identity").absent() {
		role := &model.Role{Resource: model.Resource{Pos: r.v.get("identity").at(), ID: r.ID + "/identity", Cloud: model.Azure, Type: "identity", Implicit: true}}
		b.m.Roles = append(b.m.Roles, role)
		f.Roles, b.roleOf[r.ID] = []string{role.ID}, role
	}
	b.sites[r.ID] = f
	b.m.Functions = append(b.m.Functions, f)
	configure(b, f, p.get("siteConfig"))
}

// configure reads siteConfig, or the config resource "web".
func configure(b *builder, f *model.Function, c *val) {
	settings, open := c.get("appSettings").elements()
	f.EnvOpen = f.EnvOpen || open
	for _, x := range settings {
		if name := x.get("name").one(); name != "" {
			b.setting(f, name, x.get("value"))
		} else {
			f.EnvOpen = true
		}
	}
	if x := c.get("cors"); !x.absent() {
		f.Endpoint.CORS = &model.CORS{Pos: x.at(), Origins: x.get("allowedOrigins").list(), Credentials: x.get("supportCredentials").bool()}
	}
	if x := c.get("minTlsVersion").str(); !x.Absent() {
		f.Endpoint.MinTLS = x
	}
	if x := c.get("functionAppScaleLimit").int(); !x.Absent() {
		f.Concurrency = x
	}
	if rules, _ := c.get("ipSecurityRestrictions").elements(); len(rules) > 0 {
		f.Endpoint.Limited = true
	}
	for _, k := range [...]struct{ key, name string }{{"linuxFxVersion", ""}, {"nodeVersion", "node"}, {"pythonVersion", "python"}, {"javaVersion", "java"}, {"powerShellVersion", "powershell"}, {"netFrameworkVersion", "dotnet"}} {
		if x := c.get(k.key).str(); !x.Absent() && f.Runtime.Absent() {
			f.Runtime = mapped(x, func(v string) string {
				return k.name + strings.TrimLeft(strings.ToLower(strings.Replace(v, "|", "", 1)), "~v")
			})
			break
		}
	}
}

// setting adds an app setting, a later one in the place of a former.
func (b *builder) setting(f *model.Function, name string, v *val) {
	x := keyVault(v).textValue()
	one := model.Variable{Pos: x.Pos, Name: name, Value: x}
	switch strings.ToUpper(name) {
	case "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPINSIGHTS_INSTRUMENTATIONKEY":
		f.Tracing = model.Is(x.Pos, "Active")
	case "WEBSITE_NODE_DEFAULT_VERSION":
		if f.Runtime.Absent() {
			f.Runtime = mapped(v.str(), func(s string) string { return "node" + strings.TrimLeft(s, "~") })
		}
	}
	if i := slices.IndexFunc(f.Env, func(v model.Variable) bool { return v.Name == name }); i >= 0 {
		f.Env[i] = one
		return
	}
	f.Env = append(f.Env, one)
}

// parentSites are the function apps that a resource is a part of: by parent, or by
// the first segment of its name.
func (b *builder) parentSites(r *found) []*model.Function {
	if r.d.parent != nil {
		if f := b.sites[r.s.prefix+r.d.parent.id]; f != nil {
			return []*model.Function{f}
		}
	}
	if t, ok := r.v.get("parent").textValue().Known(); ok {
		for _, ref := range t.Refs() {
			if f := b.sites[ref.ID]; f != nil {
				return []*model.Function{f}
			}
		}
	}
	name := textKey(r.v.get("name"))
	var out []*model.Function
	for _, f := range b.m.Functions {
		if t, ok := f.Name.Known(); ok && b.sites[f.ID] == f && strings.HasPrefix(name, t.String()+"/") {
			out = append(out, f)
		}
	}
	return out
}

func siteConfig(b *builder, r *found) {
	b.later(func() {
		name := textKey(r.v.get("name"))
		for _, f := range b.parentSites(r) {
			p := r.v.get("properties")
			switch name[strings.LastIndexByte(name, '/')+1:] {
			case "appsettings":
				all, _ := p.alts()
				for _, a := range all {
					f.EnvOpen = f.EnvOpen || a.kind != kMap
					for _, e := range a.fields {
						b.setting(f, e.key, e.v)
					}
				}
			case "web":
				configure(b, f, p)
			case "authsettingsV2":
				if p.get("globalValidation", "requireAuthentication").one() == "true" {
					f.Endpoint.Limited = true
				}
			}
		}
	})
}

func siteFunction(b *builder, r *found) {
	b.later(func() {
		for _, app := range b.parentSites(r) {
			f := *app
			f.Resource, f.Triggers = r.Resource, nil
			bindings, _ := r.v.get("properties", "config", "bindings").elements()
			for _, x := range bindings {
				bind(&f, x.get("type").one(), x)
			}
			b.m.Functions = append(slices.DeleteFunc(b.m.Functions, func(x *model.Function) bool { return x == app }), &f)
		}
	})
}

// builtIn are the ids of the built-in roles that allow most, as Azure's
// documentation of built-in roles lists them.
var builtIn = map[string]string{
	"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
	"b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
	"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
	"acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
	"b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
	"ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
	"00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
}

var guid = lazyregexp.New(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

func roleAssignment(b *builder, r *found) {
	role := r.v.get("properties", "roleDefinitionId").list()
	for i, t := range role.Items {
		if name := builtIn[strings.ToLower(guid().FindString(t.String()))]; name != "" {
			role.Items[i] = model.Lit(t.Pos, name)
		}
	}
	principal := r.v.get("properties", "principalId").textValue()
	b.later(func() {
		for _, t := range principal.Alts {
			for _, ref := range t.Refs() {
				if x := b.roleOf[ref.ID]; x != nil {
					x.Managed.Items = append(x.Managed.Items, role.Items...)
					x.Managed.Pos = model.At(x.Managed.Pos, r.Pos)
					x.Open = x.Open || role.Open
				}
			}
		}
	})
}

func storageAccount(b *builder, r *found) {
	q := &model.Bucket{Resource: r.Resource}
	q.BlockPublic = mapped(r.v.get("properties", "allowBlobPublicAccess").bool(), func(on bool) bool { return !on })
	b.m.Buckets = append(b.m.Buckets, q)
}

func storageContainer(b *builder, r *found) {
	q := &model.Bucket{Resource: r.Resource, ACL: r.v.get("properties", "publicAccess").str()}
	if t, ok := q.Name.Known(); ok {
		s := t.String()
		q.Name = model.Is(t.Pos, model.Lit(t.Pos, s[strings.LastIndexByte(s, '/')+1:]))
	}
	b.m.Buckets = append(b.m.Buckets, q)
}

func queue(b *builder, r *found) {
	b.m.Queues = append(b.m.Queues, &model.Queue{Resource: r.Resource})
}

func topic(b *builder, r *found) {
	b.m.Topics = append(b.m.Topics, &model.Topic{Resource: r.Resource})
}

func table(b *builder, r *found) {
	b.m.Tables = append(b.m.Tables, &model.Table{Resource: r.Resource})
}

func alarm(b *builder, r *found) {
	p := r.v.get("properties")
	criteria, _ := p.get("criteria", "allOf").elements()
	a := &model.Alarm{Resource: r.Resource, Targets: p.get("scopes").list()}
	for _, c := range criteria {
		a.Namespace, a.Metric = c.get("metricNamespace").str(), c.get("metricName").str()
	}
	actions, _ := p.get("actions").elements()
	for _, x := range actions {
		a.Actions.Items = append(a.Actions.Items, x.get("actionGroupId").list().Items...)
	}
	b.m.Alarms = append(b.m.Alarms, a)
}

func budget(b *builder, r *found) {
	p := r.v.get("properties")
	b.m.Budgets = append(b.m.Budgets, &model.Budget{Resource: r.Resource, Notifies: !p.get("notifications").absent(),
		Limit: mapped(p.get("amount").int(), func(n int) float64 { return float64(n) })})
}
