package terraform

import (
	"math"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// cloudFunction reads a function of the first generation.
func cloudFunction(b *builder, r *res) {
	f := &model.Function{Resource: r.named("name"), Runtime: r.get("runtime").str(), Handler: r.get("entry_point").str(), TimeoutS: r.get("timeout").int(),
		MemoryMB: r.get("available_memory_mb").int(), Concurrency: r.get("max_instances").int(), Provisioned: r.get("min_instances").int(),
		Role: r.get("service_account_email").text(), KMSKey: r.get("kms_key_name").text(), Code: model.Code{Pos: r.get("source_archive_bucket").at(),
			Bucket: r.get("source_archive_bucket").text(), Key: r.get("source_archive_object").text(), Path: b.objectSource(r.get("source_archive_object"))}}
	f.Env, f.EnvOpen = r.get("environment_variables").variables()
	f.Env = append(f.Env, secretVariables(r.get("secret_environment_variables"))...)
	f.Network = googleNetwork(r.get("vpc_connector"), r.get("vpc_connector_egress_settings"))
	event := r.get("event_trigger")
	if event.absent() {
		f.Endpoint = &model.Endpoint{Pos: r.Pos, Ingress: mapped(r.get("ingress_settings").str(), Ingress), HTTPSOnly: mapped(r.get("https_trigger_security_level").str(), func(s string) bool { return s == "SECURE_ALWAYS" })}
	}
	b.googleFunction(r, f)
	b.httpUnless(r, f, event)
	for _, e := range event.blocks() {
		b.googleEvent(r, f, e, e.get("event_type").str(), e.get("resource").text())
	}
}

// httpUnless gives what takes requests a trigger that says so. Who may send them is
// a matter of its invokers.
func (b *builder) httpUnless(r *res, f *model.Function, event prop) {
	if !event.absent() {
		return
	}
	tr := r.event(r.prop, fnvet.TriggerHTTP)
	tr.Route = &model.Route{Pos: tr.Pos, Function: f.ID}
	f.Triggers = append(f.Triggers, &tr)
}

// cloudFunction2 reads a function of the second generation.
func cloudFunction2(b *builder, r *res) {
	build, service := r.get("build_config"), r.get("service_config")
	storage := build.get("source", "storage_source")
	f := &model.Function{Resource: r.named("name"), Runtime: build.get("runtime").str(), Handler: build.get("entry_point").str(), TimeoutS: service.get("timeout_seconds").int(),
		MemoryMB: service.get("available_memory").megabytes(), Concurrency: service.get("max_instance_count").int(), Provisioned: service.get("min_instance_count").int(),
		PerInstance: service.get("max_instance_request_concurrency").int(), Role: service.get("service_account_email").text(), KMSKey: r.get("kms_key_name").text(),
		Code: model.Code{Pos: storage.at(), Bucket: storage.get("bucket").text(), Key: storage.get("object").text(), Path: b.objectSource(storage.get("object"))}}
	f.Env, f.EnvOpen = service.get("environment_variables").variables()
	f.Env = append(f.Env, secretVariables(service.get("secret_environment_variables"))...)
	f.Network = googleNetwork(service.get("vpc_connector"), service.get("vpc_connector_egress_settings"))
	f.Endpoint = &model.Endpoint{Pos: r.Pos, Ingress: mapped(service.get("ingress_settings").str(), Ingress)}
	b.googleFunction(r, f)
	b.httpUnless(r, f, r.get("event_trigger"))
	for _, e := range r.get("event_trigger").blocks() {
		source := e.get("pubsub_topic").text()
		for _, x := range e.get("event_filters").blocks() {
			if one(x.get("attribute").str()) == "bucket" {
				source = x.get("value").text()
			}
		}
		b.googleEvent(r, f, e, e.get("event_type").str(), source)
	}
}

// cloudRun reads a service of either version of the API.
func cloudRun(b *builder, r *res) {
	spec, scaling := r.get("template"), r.get("template", "scaling")
	notes := r.get("template", "metadata", "annotations")
	if r.Type == "google_cloud_run_service" {
		spec = r.get("template", "spec")
	}
	container := spec.get("containers")
	f := &model.Function{Resource: r.named("name"), PackageType: model.Is(r.Pos, "Image"), TimeoutS: spec.first("timeout_seconds", "timeout").seconds(),
		MemoryMB: container.get("resources", "limits", "memory").megabytes(), Concurrency: scaling.get("max_instance_count").int(), Provisioned: scaling.get("min_instance_count").int(),
		PerInstance: spec.first("container_concurrency", "max_instance_request_concurrency").int(), Role: spec.first("service_account_name", "service_account").text(),
		Code: model.Code{Pos: container.get("image").at(), Image: container.get("image").text()}}
	if f.Concurrency.Absent() {
		f.Concurrency, f.Provisioned = notes.get("autoscaling.knative.dev/maxScale").int(), notes.get("autoscaling.knative.dev/minScale").int()
	}
	for _, c := range spec.get("containers").blocks() {
		for _, e := range c.get("env").blocks() {
			f.Env = append(f.Env, containerVariable(e))
		}
	}
	access := spec.get("vpc_access")
	f.Network = googleNetwork(access.get("connector"), access.get("egress"))
	if f.Network == nil {
		f.Network = googleNetwork(notes.get("run.googleapis.com/vpc-access-connector"), notes.get("run.googleapis.com/vpc-access-egress"))
	}
	ingress := r.get("ingress").str()
	if ingress.Absent() {
		ingress = r.get("metadata", "annotations", "run.googleapis.com/ingress").str()
	}
	f.Endpoint = &model.Endpoint{Pos: r.Pos, Ingress: mapped(ingress, Ingress)}
	if r.get("invoker_iam_disabled").bool().Any(func(on bool) bool { return on }) {
		f.Endpoint.Auth = model.Is(r.get("invoker_iam_disabled").at(), "NONE")
	}
	b.googleFunction(r, f)
	b.httpUnless(r, f, prop{})
}

func containerVariable(e prop) model.Variable {
	v := e.get("value").variable()
	if secret := e.first("value_source", "value_from").get("secret_key_ref").first("secret", "name"); !secret.absent() {
		v = secretRef(secret)
	}
	return model.Variable{Pos: model.At(v.Pos, e.at()), Name: one(e.get("name").str()), Value: v}
}

// secretRef is a reference that the platform resolves at run time.
func secretRef(p prop) model.Value[model.Text] {
	name := ""
	for _, a := range p.alts {
		name = a.Template()
	}
	return model.Is(p.at(), model.To(p.at(), model.RefSecret, name, ""))
}

func secretVariables(p prop) []model.Variable {
	var out []model.Variable
	for _, s := range p.blocks() {
		v := secretRef(s.get("secret"))
		out = append(out, model.Variable{Pos: v.Pos, Name: one(s.first("key", "name").str()), Value: v})
	}
	return out
}

// Ingress brings the ways to write ingress settings into one: "all", "internal-only",
// "internal-and-gclb".
func Ingress(s string) string {
	switch low := strings.ToLower(s); {
	case strings.HasSuffix(low, "all"):
		return "all"
	case strings.Contains(low, "gclb"), strings.Contains(low, "load_balanc"), strings.Contains(low, "load-balanc"):
		return "internal-and-gclb"
	case strings.Contains(low, "internal"):
		return "internal-only"
	}
	return s
}

func googleNetwork(connector, egress prop) *model.Network {
	if connector.absent() {
		return nil
	}
	return &model.Network{Pos: connector.at(), Subnets: connector.list(), Egress: egress.str(), Maybe: connector.maybe}
}

// megabytes reads "256M", "1Gi", "512Mi" or a number of bytes.
func (p prop) megabytes() model.Value[int] {
	return convert(p, func(v *eval.Value) (int, bool) {
		s, ok := v.Text()
		mb, ok2 := Megabytes(s)
		return mb, ok && ok2
	})
}

// Megabytes reads a quantity of memory as Kubernetes and Google write it.
func Megabytes(s string) (int, bool) {
	for _, u := range [...]struct {
		suffix string
		bytes  float64
	}{{"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}, {"G", 1e9}, {"M", 1e6}, {"k", 1e3}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"", 1}} {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			n, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				continue
			}
			if u.suffix == "G" || u.suffix == "M" { // what functions call 256M are mebibytes
				u.bytes = map[string]float64{"G": 1 << 30, "M": 1 << 20}[u.suffix]
			}
			mb := n * u.bytes / (1 << 20)
			return int(mb), mb >= 0 && mb < math.MaxInt32
		}
	}
	return 0, false
}

// seconds reads 60 or "60s".
func (p prop) seconds() model.Value[int] {
	return convert(p, func(v *eval.Value) (int, bool) {
		s, ok := v.Text()
		n, err := strconv.ParseFloat(strings.TrimSuffix(s, "s"), 64)
		return int(n), ok && err == nil && n >= 0 && n < 1e9
	})
}

// objectSource is the local file that is uploaded as the object.
func (b *builder) objectSource(object prop) model.Value[model.Text] {
	for _, a := range object.alts {
		for _, ref := range a.Links() {
			if r := b.find(ref.Address); r != nil && r.Type == "google_storage_bucket_object" {
				return b.codePath(b.of(r).get("source"))
			}
		}
	}
	return model.Value[model.Text]{}
}

// googleFunction takes a function in; its role is that of its service account.
func (b *builder) googleFunction(r *res, f *model.Function) {
	b.add(f)
	tags := r.get("labels")
	for _, t := range tags.fields() {
		f.Tags = append(f.Tags, t.name)
	}
}

func (b *builder) googleEvent(r *res, f *model.Function, e prop, typ model.Value[string], source model.Value[model.Text]) {
	tr := r.event(e, GoogleEvent(one(typ)))
	tr.Source = source
	if s := one(typ); s != "" {
		tr.Events = model.List[model.Text]{Pos: typ.Pos, Items: []model.Text{model.Lit(typ.Pos, s)}}
		tr.Type = s
	}
	f.Triggers = append(f.Triggers, &tr)
}

// GoogleEvent is the kind of a type of event of Google Cloud.
func GoogleEvent(typ string) fnvet.TriggerKind {
	for _, k := range [...]struct {
		part string
		kind fnvet.TriggerKind
	}{{"pubsub", fnvet.TriggerTopic}, {"messagePublished", fnvet.TriggerTopic}, {"storage", fnvet.TriggerBucket}, {"object", fnvet.TriggerBucket},
		{"firestore", fnvet.TriggerTable}, {"database", fnvet.TriggerTable}, {"firebase.auth", fnvet.TriggerIdentity}, {"audit", fnvet.TriggerBus}} {
		if strings.Contains(typ, k.part) {
			return k.kind
		}
	}
	return fnvet.TriggerBus
}

// serviceAccount is the role of whatever runs as it.
func serviceAccount(b *builder, r *res) {
	b.m.Roles = append(b.m.Roles, &model.Role{Resource: r.named("account_id")})
}

// members are those of an IAM member or binding.
func members(r *res) model.List[model.Text] { return r.first("members", "member").list() }

// projectMember gives a service account a role.
func projectMember(b *builder, r *res) {
	who, role := members(r), r.get("role").list()
	b.later(func() {
		for _, x := range who.Items {
			for _, account := range b.m.Roles {
				if account.Denotes(x) || emailOf(x, account) {
					account.Managed.Items = append(account.Managed.Items, role.Items...)
					account.Managed.Pos = model.At(account.Managed.Pos, r.Pos)
					account.Open = account.Open || role.Open
				}
			}
		}
	})
}

// emailOf reports "serviceAccount:NAME@…" of an account by its name.
func emailOf(x model.Text, account *model.Role) bool {
	for _, name := range account.Name.Alts {
		if s, ok := name.Literal(); ok && s != "" && strings.HasPrefix(x.String(), "serviceAccount:"+s+"@") {
			return true
		}
	}
	return false
}

// invoker lets members call a function or service.
func invoker(b *builder, r *res) {
	who := members(r)
	role := r.get("role").str()
	of := r.first("cloud_function", "service", "name").text()
	b.permit(r, of, role, who)
}

func (b *builder) permit(r *res, of model.Value[model.Text], role model.Value[string], who model.List[model.Text]) {
	call := role.Any(func(s string) bool { return strings.HasSuffix(s, ".invoker") || strings.HasSuffix(s, ".admin") })
	for i, x := range who.Items {
		p := &model.Permission{Resource: r.Resource, Function: of, Action: role, Principal: model.Is(x.Pos, x)}
		if i > 0 {
			p.ID += "#" + strconv.Itoa(i)
		}
		b.m.Permissions = append(b.m.Permissions, p)
		b.each(of, func(f *model.Function) {
			p.FunctionID = f.ID
			if f.Endpoint != nil && call {
				f.Endpoint.Invokers.Items = append(f.Endpoint.Invokers.Items, x)
				f.Endpoint.Invokers.Pos = model.At(f.Endpoint.Invokers.Pos, x.Pos)
			}
		})
	}
}

// invokerPolicy reads a whole policy, which google_iam_policy states.
func invokerPolicy(b *builder, r *res) {
	of := r.first("cloud_function", "service", "name").text()
	for _, a := range r.get("policy_data").alts {
		for _, ref := range a.Links() {
			if d := b.find(ref.Address); d != nil && d.Type == "google_iam_policy" {
				for _, x := range b.of(d).get("binding").blocks() {
					b.permit(r, of, x.get("role").str(), x.get("members").list())
				}
			}
		}
	}
}

// storeMember lets members use a topic or bucket.
func storeMember(b *builder, r *res) {
	s := &model.Statement{Pos: r.Pos, Effect: model.Is(r.Pos, "Allow"), Actions: r.get("role").list(), Maybe: r.Maybe, Open: !r.get("condition").absent()}
	for _, x := range members(r).Items {
		s.Principals = append(s.Principals, model.Principal{Kind: "Member", ID: x})
	}
	of := r.first("topic", "bucket").text()
	b.later(func() {
		for _, q := range b.m.Topics {
			if q.May(of) {
				q.Statements = append(q.Statements, s)
			}
		}
		for _, q := range b.m.Buckets {
			if q.May(of) {
				q.Statements = append(q.Statements, s)
			}
		}
	})
}

func googleBucket(b *builder, r *res) {
	q := &model.Bucket{Resource: r.named("name"), KMSKey: r.get("encryption", "default_kms_key_name").text(), Versioned: r.get("versioning", "enabled").bool()}
	q.BlockPublic = mapped(r.get("public_access_prevention").str(), func(s string) bool { return s == "enforced" })
	b.m.Buckets = append(b.m.Buckets, q)
}

func googleBucketACL(b *builder, r *res) {
	acl := mapped(r.get("predefined_acl").str(), func(s string) string {
		switch strings.ToLower(s) {
		case "publicread":
			return "public-read"
		case "publicreadwrite":
			return "public-read-write"
		}
		return s
	})
	if !acl.Absent() {
		b.ofBucket(r, func(q *model.Bucket) { q.ACL = acl })
	}
}

// pushSubscription hands messages of a topic to a function or service.
func pushSubscription(b *builder, r *res) {
	tr := r.event(r.prop, fnvet.TriggerTopic)
	tr.Source, tr.Filtered, tr.OnFailure = r.get("topic").text(), !r.get("filter").absent(), r.get("dead_letter_policy", "dead_letter_topic").text()
	b.trigger(r.get("push_config", "push_endpoint").text(), tr)
}

func eventarc(b *builder, r *res) {
	typ := ""
	tr := r.event(r.prop, fnvet.TriggerBus)
	for _, c := range r.get("matching_criteria").blocks() {
		switch one(c.get("attribute").str()) {
		case "type":
			typ = one(c.get("value").str())
		case "bucket":
			tr.Source = c.get("value").text()
		}
	}
	tr.Kind = GoogleEvent(typ)
	if topic := r.get("transport", "pubsub", "topic").text(); !topic.Absent() {
		tr.Source = topic
	}
	b.trigger(r.get("destination").first("cloud_run_service", "cloud_function").first("service").text(), tr)
}

func schedulerJob(b *builder, r *res) {
	tr := r.event(r.prop, fnvet.TriggerSchedule)
	tr.Schedule = r.get("schedule").str()
	b.trigger(r.get("http_target", "uri").text(), tr)
}
