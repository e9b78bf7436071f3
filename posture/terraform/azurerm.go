package terraform

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// functionApp reads a function app of Azure as one function, in the place of those
// in it, which its configuration seldom states.
func functionApp(b *builder, r *res) {
	site := r.get("site_config")
	f := &model.Function{Resource: r.named("name"), App: r.ID, Runtime: azureRuntime(r), Concurrency: site.first("app_scale_limit", "maximum_instance_count").int(),
		Provisioned: site.first("elastic_instance_minimum", "pre_warmed_instance_count").int(), Role: r.self("identity"), Code: model.Code{Pos: r.get("zip_deploy_file").at(), Path: b.codePath(r.get("zip_deploy_file"))}}
	f.Env, f.EnvOpen = r.get("app_settings").variables()
	for _, c := range r.get("connection_string").blocks() {
		name := one(c.get("name").str())
		v := c.get("value").variable()
		f.Env = append(f.Env, model.Variable{Pos: v.Pos, Name: name, Value: v})
	}
	if n := r.first("virtual_network_subnet_id"); !n.absent() {
		f.Network = &model.Network{Pos: n.at(), Subnets: n.list(), Maybe: n.maybe}
	}
	if insights := site.first("application_insights_connection_string", "application_insights_key"); !insights.absent() || hasEnv(f, "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPINSIGHTS_INSTRUMENTATIONKEY") {
		f.Tracing = model.Is(r.Pos, "Active")
	}
	f.Endpoint = &model.Endpoint{Pos: r.Pos, CORS: cors(site.get("cors")), HTTPSOnly: r.get("https_only").bool(), ClientCerts: r.first("client_certificate_enabled", "client_cert_mode").bool(),
		MinTLS: site.first("minimum_tls_version", "min_tls_version").str(), Limited: len(site.get("ip_restriction").blocks()) > 0 || isFalse(r.get("public_network_access_enabled"))}
	if f.Endpoint.HTTPSOnly.Absent() { // the provider's default is off
		f.Endpoint.HTTPSOnly = model.Is(r.Pos, false)
	}
	b.m.Functions = append(b.m.Functions, f)
	b.apps[r.ID] = append(b.apps[r.ID], f)
	b.identity(r, f)
}

func hasEnv(f *model.Function, names ...string) bool {
	return slices.ContainsFunc(f.Env, func(v model.Variable) bool { return slices.Contains(names, v.Name) })
}

func isFalse(p prop) bool { return p.bool().All(func(on bool) bool { return !on }) }

// azureRuntime is the application stack in one word: "nodejs20", "python3.12".
func azureRuntime(r *res) model.Value[string] {
	stack := r.get("site_config", "application_stack")
	if strings.Contains(r.Type, "flex") {
		name := one(r.get("runtime_name").str())
		return mapped(r.get("runtime_version").str(), func(v string) string { return name + v })
	}
	for _, k := range [...]struct{ attr, name string }{{"node_version", "node"}, {"python_version", "python"}, {"java_version", "java"},
		{"dotnet_version", "dotnet"}, {"powershell_core_version", "powershell"}} {
		v := stack.get(k.attr).str()
		if v.Absent() {
			continue
		}
		name := k.name
		if k.name == "dotnet" && stack.get("use_dotnet_isolated_runtime").bool().Any(func(on bool) bool { return on }) {
			name = "dotnet-isolated"
		}
		return mapped(v, func(s string) string { return name + strings.TrimLeft(s, "~v") })
	}
	return mapped(r.get("site_config", "linux_fx_version").str(), func(s string) string {
		return strings.ToLower(strings.Replace(s, "|", "", 1))
	})
}

// identity makes a role of the managed identity of an app.
func (b *builder) identity(r *res, f *model.Function) {
	if r.get("identity").absent() {
		f.Role = model.Value[model.Text]{}
		return
	}
	role := &model.Role{Resource: model.Resource{Pos: r.Pos, ID: r.ID + ".identity", Cloud: model.Azure, Type: "identity", Implicit: true, Maybe: r.Maybe}}
	f.Roles = []string{role.ID}
	b.m.Roles = append(b.m.Roles, role)
	own := r.get("identity", "identity_ids").list()
	for _, x := range own.Items {
		for _, id := range idsOf(x) {
			b.function["identity "+id] = role.ID
		}
	}
	b.function["identity "+r.ID] = role.ID
}

// roleAssignment gives an identity a role.
func roleAssignment(b *builder, r *res) {
	principal := r.get("principal_id").text()
	name := r.first("role_definition_name", "role_definition_id").list()
	b.later(func() {
		for _, id := range ids(principal) {
			role := b.m.FindRole(b.function["identity "+id])
			if role == nil {
				continue
			}
			role.Managed.Items = append(role.Managed.Items, name.Items...)
			role.Managed.Pos = model.At(role.Managed.Pos, r.Pos)
			role.Open = role.Open || name.Open
		}
	})
}

// appFunction reads a function of an app with its bindings.
func appFunction(b *builder, r *res) {
	app := r.get("function_app_id").text()
	config := r.get("config_json").document()
	b.later(func() {
		for _, id := range ids(app) {
			for _, whole := range b.apps[id] {
				f := *whole
				f.Resource, f.Triggers, f.Code = r.named("name"), nil, model.Code{}
				for _, x := range config.get("bindings").blocks() {
					b.binding(&f, r, x)
				}
				b.m.Functions = append(slices.DeleteFunc(b.m.Functions, func(f *model.Function) bool { return f == whole }), &f)
			}
		}
	})
}

func (b *builder) binding(f *model.Function, r *res, x prop) {
	typ := one(x.get("type").str())
	kind, ok := AzureTrigger(typ)
	if !ok {
		return
	}
	tr := r.event(x, kind)
	tr.Type, tr.Schedule, tr.Connection = typ, x.get("schedule").str(), x.get("connection").text()
	tr.Source = x.first("queueName", "topicName", "eventHubName", "collectionName", "containerName", "path").text()
	if kind == fnvet.TriggerHTTP {
		tr.Route = &model.Route{Pos: tr.Pos, Function: f.ID, Path: x.get("route").str(), Auth: x.get("authLevel").str(), Method: model.Is(tr.Pos, "ANY")}
	}
	f.Triggers = append(f.Triggers, &tr)
}

// AzureTrigger is the kind of a trigger binding's type; false for other bindings.
func AzureTrigger(typ string) (fnvet.TriggerKind, bool) {
	switch strings.ToLower(typ) {
	case "httptrigger":
		return fnvet.TriggerHTTP, true
	case "timertrigger":
		return fnvet.TriggerSchedule, true
	case "blobtrigger":
		return fnvet.TriggerBucket, true
	case "queuetrigger", "servicebustrigger", "rabbitmqtrigger":
		return fnvet.TriggerQueue, true
	case "eventgridtrigger":
		return fnvet.TriggerTopic, true
	case "eventhubtrigger", "kafkatrigger":
		return fnvet.TriggerStream, true
	case "cosmosdbtrigger", "sqltrigger":
		return fnvet.TriggerTable, true
	}
	return fnvet.TriggerOther, strings.HasSuffix(strings.ToLower(typ), "trigger")
}

// storageAccount reads a storage account, whose containers may be public unless it forbids that.
func storageAccount(b *builder, r *res) {
	q := &model.Bucket{Resource: r.named("name"), Versioned: r.get("blob_properties", "versioning_enabled").bool()}
	q.BlockPublic = mapped(r.first("allow_nested_items_to_be_public", "allow_blob_public_access").bool(), func(on bool) bool { return !on })
	b.m.Buckets = append(b.m.Buckets, q)
}

func storageContainer(b *builder, r *res) {
	q := &model.Bucket{Resource: r.named("name"), ACL: mapped(r.get("container_access_type").str(), func(s string) string {
		if s == "" {
			return s
		}
		return strings.ToUpper(s[:1]) + s[1:]
	})}
	b.m.Buckets = append(b.m.Buckets, q)
	of := r.first("storage_account_name", "storage_account_id").text()
	b.later(func() {
		for _, account := range b.m.Buckets {
			if account != q && account.Type == "azurerm_storage_account" && account.May(of) {
				q.BlockPublic = account.BlockPublic
			}
		}
	})
}

func isQueue(b *builder, r *res) {
	b.m.Queues = append(b.m.Queues, &model.Queue{Resource: r.named("name")})
}
