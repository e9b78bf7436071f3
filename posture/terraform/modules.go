package terraform

import (
	"strings"

	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// isLambdaModule reports the module that most configurations make functions with.
// It is not read, but its inputs say what it makes.
func isLambdaModule(source string) bool {
	source = strings.TrimPrefix(source, "registry.terraform.io/")
	source, _, _ = strings.Cut(source, "?")
	return source == "terraform-aws-modules/lambda/aws" || strings.HasSuffix(strings.TrimSuffix(source, ".git"), "terraform-aws-modules/terraform-aws-lambda")
}

// call reads a call of a module that is elsewhere.
func (b *builder) call(c eval.Call) {
	r := &res{prop: b.prop(c.Inputs, c.Pos), Resource: model.Resource{Pos: b.pos(c.Pos), ID: c.Address, Cloud: model.AWS, Type: "module " + c.Source, Maybe: c.Maybe}}
	if !isLambdaModule(c.Source) {
		b.m.Others = append(b.m.Others, &r.Resource)
		return
	}
	if isFalse(r.get("create")) || isFalse(r.get("create_function")) {
		return
	}
	f := &model.Function{Resource: r.named("function_name"), Runtime: r.get("runtime").str(), Handler: r.get("handler").str(), PackageType: r.get("package_type").str(),
		Architectures: r.get("architectures").list(), TimeoutS: r.get("timeout").int(), MemoryMB: r.get("memory_size").int(), EphemeralMB: r.get("ephemeral_storage_size").int(),
		Concurrency: reserved(r.get("reserved_concurrent_executions")), Provisioned: r.get("provisioned_concurrent_executions").int(), Layers: r.get("layers").list(),
		KMSKey: r.get("kms_key_arn").text(), CodeSigning: r.get("code_signing_config_arn").text(), Tracing: r.get("tracing_mode").str(), DeadLetter: r.get("dead_letter_target_arn").text(),
		LogFormat: r.get("logging_log_format").str(), OnFailure: r.get("destination_on_failure").text(), OnSuccess: r.get("destination_on_success").text(),
		Retries: r.get("maximum_retry_attempts").int(), MaxAgeS: r.get("maximum_event_age_in_seconds").int()}
	f.Env, f.EnvOpen = r.get("environment_variables").variables()
	f.Network = network(r.prop, "vpc_subnet_ids", "vpc_security_group_ids")
	f.Code = model.Code{Pos: r.first("source_path", "local_existing_package", "image_uri").at(), Image: r.get("image_uri").text(), Bucket: r.get("s3_existing_package", "bucket").text(),
		Key: r.get("s3_existing_package", "key").text(), Path: b.codePath(sourcePath(r))}
	b.moduleRole(r, f)
	b.add(f)
	b.moduleAround(r, f)
}

// sourcePath is a path, or the first of a list of paths and maps with one.
func sourcePath(r *res) prop {
	p := r.first("source_path", "local_existing_package")
	for _, a := range p.alts {
		if a.Kind == eval.List || a.Kind == eval.Map {
			if inner := p.get("path"); !inner.absent() {
				return inner
			}
			if len(a.Items) > 0 {
				return p.b.prop(a.Items[0], p.pos)
			}
			return prop{b: p.b, pos: p.pos}
		}
	}
	return p
}

// moduleRole is the role that the module makes, unless it is given one.
func (b *builder) moduleRole(r *res, f *model.Function) {
	if given := r.get("lambda_role").text(); !given.Absent() || isFalse(r.get("create_role")) {
		f.Role = given
		return
	}
	role := &model.Role{Resource: model.Resource{Pos: r.Pos, ID: r.ID + ".role", Cloud: model.AWS, Type: r.Type, Implicit: true, Maybe: r.Maybe, Name: r.get("role_name").text()},
		Boundary: r.get("role_permissions_boundary").text()}
	lambda := model.Principal{Kind: "Service", ID: model.Lit(r.Pos, "lambda.amazonaws.com")}
	role.Trust = []*model.Statement{{Pos: r.Pos, Effect: model.Is(r.Pos, "Allow"), Principals: []model.Principal{lambda},
		Actions: model.List[model.Text]{Pos: r.Pos, Items: []model.Text{model.Lit(r.Pos, "sts:AssumeRole")}}}}
	basic := model.Lit(r.Pos, "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	if !isFalse(r.get("attach_cloudwatch_logs_policy")) {
		role.Managed.Pos, role.Managed.Items = r.Pos, append(role.Managed.Items, basic)
	}
	given := append(r.get("policies").list().Items, r.get("policy").list().Items...)
	role.Open = r.get("policies").list().Open
	b.later(func() {
		for _, x := range given {
			b.attachARN(role, x)
		}
	})
	docs := []prop{r.get("policy_json")}
	for _, a := range r.get("policy_jsons").alts {
		for _, i := range a.Items {
			docs = append(docs, b.prop(i, i.Pos))
		}
	}
	for _, d := range docs {
		if !d.absent() {
			role.Policies = append(role.Policies, r.policyOf(d, "inline"))
		}
	}
	if p := b.modulePolicy(r); p != nil {
		role.Policies = append(role.Policies, p)
	}
	b.m.Roles = append(b.m.Roles, role)
	f.Role = model.Is(r.Pos, model.To(r.Pos, model.RefResource, role.ID, "arn"))
}

// modulePolicy reads policy_statements: a map or list of statements in the words of
// aws_iam_policy_document.
func (b *builder) modulePolicy(r *res) *model.Policy {
	all := r.get("policy_statements")
	if all.absent() {
		return nil
	}
	p := &model.Policy{Resource: r.Resource, Open: all.open}
	for _, a := range all.alts {
		entries := a.Items
		for _, f := range a.Fields {
			entries = append(entries, f.Value)
		}
		p.Open = p.Open || a.Kind != eval.Map && a.Kind != eval.List
		for _, e := range entries {
			if e.Kind != eval.Map {
				p.Open = true
				continue
			}
			p.Statements = append(p.Statements, b.statement(eval.StatementBlock(e)))
		}
	}
	return p
}

// moduleAround reads the URL, permissions, triggers and log group that it makes.
func (b *builder) moduleAround(r *res, f *model.Function) {
	if r.get("create_lambda_function_url").bool().Any(func(on bool) bool { return on }) {
		e := &model.Endpoint{Pos: r.get("create_lambda_function_url").at(), Auth: r.get("authorization_type").str(), CORS: cors(r.get("cors")), Maybe: r.Maybe}
		if e.Auth.Absent() { // the module's default
			e.Auth = model.Is(e.Pos, "NONE")
		}
		address(f, e, r)
	}
	for _, t := range r.get("allowed_triggers").fields() {
		p := &model.Permission{Resource: r.Resource, Function: r.self("arn"), FunctionID: f.ID, Principal: t.get("principal").text(), SourceARN: t.get("source_arn").text(),
			SourceAccount: t.get("source_account").text(), Action: model.Is(b.pos(t.pos), "lambda:InvokeFunction")}
		p.ID += "." + t.name
		p.Pos = b.pos(t.pos)
		if service := one(t.get("service").str()); p.Principal.Absent() && service != "" {
			p.Principal = model.Is(p.Pos, model.Lit(p.Pos, service+".amazonaws.com"))
		}
		b.m.Permissions = append(b.m.Permissions, p)
	}
	for _, e := range r.get("event_source_mapping").fields() {
		one := *r
		one.prop = e.prop
		one.Pos = b.pos(e.pos)
		b.mapping(&one, r.self("arn"))
	}
	g := &model.LogGroup{Resource: r.Resource, RetentionDays: r.get("cloudwatch_logs_retention_in_days").int()}
	g.ID, g.Implicit, g.Name = r.ID+".log_group", true, model.Is(r.Pos, model.Lit(r.Pos, "/aws/lambda/").Append(partsOf(f.Name)...))
	b.m.LogGroups = append(b.m.LogGroups, g)
}

func partsOf(v model.Value[model.Text]) []model.Part {
	if t, ok := v.Known(); ok {
		return t.Parts
	}
	return []model.Part{{Ref: &model.Ref{Kind: model.RefOther, ID: "?"}}}
}
