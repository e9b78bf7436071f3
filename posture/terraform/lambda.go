package terraform

import (
	"io/fs"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

type fnvetKind = fnvet.TriggerKind

func lambdaFunction(b *builder, r *res) {
	f := &model.Function{Resource: r.named("function_name"), Runtime: r.get("runtime").str(), Handler: r.get("handler").str(),
		PackageType: r.get("package_type").str(), Architectures: r.get("architectures").list(), TimeoutS: r.get("timeout").int(),
		MemoryMB: r.get("memory_size").int(), EphemeralMB: r.get("ephemeral_storage", "size").int(), Concurrency: reserved(r.get("reserved_concurrent_executions")),
		Layers: r.get("layers").list(), KMSKey: r.get("kms_key_arn").text(), CodeSigning: r.get("code_signing_config_arn").text(),
		LogGroup: r.get("logging_config", "log_group").text(), LogFormat: r.get("logging_config", "log_format").str(),
		Role: r.get("role").text(), Tracing: r.get("tracing_config", "mode").str(), DeadLetter: r.get("dead_letter_config", "target_arn").text()}
	f.Env, f.EnvOpen = r.get("environment", "variables").variables()
	f.Network = network(r.get("vpc_config"), "subnet_ids", "security_group_ids")
	f.Code = model.Code{Pos: r.first("filename", "s3_key", "image_uri").at(), Bucket: r.get("s3_bucket").text(), Key: r.get("s3_key").text(),
		Image: r.get("image_uri").text(), Path: b.codePath(r.get("filename"))}
	b.add(f)
}

// reserved is the reserved concurrency; -1 is none.
func reserved(p prop) model.Value[int] {
	v := p.int()
	if n, ok := v.Known(); ok && n < 0 {
		return model.Value[int]{}
	}
	return v
}

// add takes a function into the model and links its role.
func (b *builder) add(f *model.Function) {
	b.m.Functions = append(b.m.Functions, f)
	b.later(func() {
		for _, x := range f.Role.Alts {
			for _, role := range b.m.Roles {
				if role.Denotes(x) {
					f.Roles = append(f.Roles, role.ID)
				}
			}
		}
	})
}

// variables reads a map of environment variables. Links to variables of the root
// module stay links, so that what feeds them is seen.
func (p prop) variables() (vars []model.Variable, open bool) {
	open = p.open
	seen := map[string]int{}
	for _, a := range p.alts {
		if a.Kind != eval.Map {
			open = true
			continue
		}
		for _, f := range a.Fields {
			if f.Key == "" {
				open = true
				continue
			}
			v := p.b.prop(f.Value, f.KeyPos).variable()
			v.Maybe = v.Maybe || p.maybe || len(p.alts) > 1
			if i, ok := seen[f.Key]; ok {
				vars[i].Value.Alts = append(vars[i].Value.Alts, v.Alts...)
				vars[i].Value.Open = vars[i].Value.Open || v.Open
				continue
			}
			seen[f.Key] = len(vars)
			vars = append(vars, model.Variable{Pos: v.Pos, Name: f.Key, Value: v})
		}
	}
	return vars, open
}

// variable is the value of a setting; the empty string is one.
func (p prop) variable() model.Value[model.Text] {
	return convert(p, func(v *eval.Value) (model.Text, bool) {
		if len(v.Vars) > 0 && v.Kind == eval.String { // a function of a variable is the variable's, too
			if t, ok := p.fromVariable(v); ok {
				return t, true
			}
		}
		return p.textOf(v, true)
	})
}

// fromVariable makes text that was worked out of variables without a trace of them
// a link to them.
func (p prop) fromVariable(v *eval.Value) (model.Text, bool) {
	t, ok := p.textOf(v, true)
	if !ok || len(t.Refs()) > 0 {
		return t, ok
	}
	for _, x := range v.Vars {
		t = model.To(t.Pos, model.RefParameter, "var."+x.Name, "")
	}
	return t, true
}

// mayBe reports that the first block is there only under a condition.
func (p prop) mayBe() bool {
	blocks := p.blocks()
	return len(blocks) > 0 && blocks[0].maybe
}

func network(p prop, subnets, groups string) *model.Network {
	if p.absent() {
		return nil
	}
	n := &model.Network{Pos: p.at(), Subnets: p.get(subnets).list(), SecurityGroups: p.get(groups).list(), Maybe: p.maybe || len(p.alts) > 1 || p.mayBe()}
	if n.Subnets.Absent() && n.SecurityGroups.Absent() {
		return nil
	}
	return n
}

// codePath is a local file or folder of code: the file that is uploaded, or what an
// archive_file packs into it. It is relative to the root of the source.
func (b *builder) codePath(p prop) model.Value[model.Text] {
	if p.absent() {
		return model.Value[model.Text]{}
	}
	for _, a := range p.alts {
		for _, ref := range a.Links() {
			if r := b.find(ref.Address); r != nil && r.Type == "archive_file" {
				if packed := b.of(r).first("source_dir", "source_file"); !packed.absent() {
					return b.inRoot(packed.text())
				}
			}
		}
	}
	return b.inRoot(p.text())
}

// inRoot makes a path relative to the root of the source. Terraform's are relative
// to the root module, unless they were made with path.module.
func (b *builder) inRoot(v model.Value[model.Text]) model.Value[model.Text] {
	return mapped(v, func(x model.Text) model.Text {
		s, ok := x.Literal()
		if !ok || s == "" || path.IsAbs(s) {
			return x
		}
		s = path.Clean(s)
		in := path.Join(b.dir, s)
		if b.dir == "." || s == b.dir || strings.HasPrefix(s, b.dir+"/") {
			in = s
		}
		if b.src.FS != nil && in != s && fs.ValidPath(s) {
			if _, err := fs.Stat(b.src.FS, s); err == nil {
				in = s
			}
		}
		return model.Lit(x.Pos, in)
	})
}

func lambdaURL(b *builder, r *res) {
	e := &model.Endpoint{Pos: r.Pos, Auth: r.get("authorization_type").str(), CORS: cors(r.get("cors")), Maybe: r.Maybe}
	if !e.Auth.Absent() {
		e.Pos = e.Auth.Pos
	}
	b.each(r.get("function_name").text(), func(f *model.Function) { address(f, e, r) })
}

// address gives a function a URL, which is a trigger too.
func address(f *model.Function, e *model.Endpoint, r *res) {
	f.Endpoint = e
	f.Triggers = append(f.Triggers, &model.Trigger{Pos: e.Pos, ID: r.ID, Type: r.Type, Kind: fnvet.TriggerURL, Maybe: e.Maybe,
		Route: &model.Route{Pos: e.Pos, Function: f.ID, Auth: mapped(e.Auth, authName)}})
}

func cors(p prop) *model.CORS {
	if p.absent() {
		return nil
	}
	return &model.CORS{Pos: p.at(), Origins: p.first("allow_origins", "allowed_origins").list(), Methods: p.first("allow_methods", "allowed_methods").list(),
		Headers: p.first("allow_headers", "allowed_headers").list(), Credentials: p.first("allow_credentials", "support_credentials").bool()}
}

func lambdaPermission(b *builder, r *res) {
	p := &model.Permission{Resource: r.Resource, Function: r.get("function_name").text(), Action: r.get("action").str(), Principal: r.get("principal").text(),
		SourceARN: r.get("source_arn").text(), SourceAccount: r.get("source_account").text(), Organization: r.get("principal_org_id").text(),
		URLAuth: r.get("function_url_auth_type").str(), Token: r.get("event_source_token").text()}
	b.m.Permissions = append(b.m.Permissions, p)
	b.each(p.Function, func(f *model.Function) { p.FunctionID = f.ID })
}

// lambdaAlias reads aliases, which stand for their function.
func lambdaAlias(b *builder, r *res) {
	b.each(r.get("function_name").text(), func(f *model.Function) { b.function[r.ID] = f.ID })
}

func provisionedConcurrency(b *builder, r *res) {
	n := r.get("provisioned_concurrent_executions").int()
	b.each(r.get("function_name").text(), func(f *model.Function) { f.Provisioned = n })
}

// eventInvokeConfig reads what happens to asynchronous calls.
func eventInvokeConfig(b *builder, r *res) {
	b.each(r.get("function_name").text(), func(f *model.Function) {
		f.Retries, f.MaxAgeS = r.get("maximum_retry_attempts").int(), r.get("maximum_event_age_in_seconds").int()
		f.OnFailure = r.get("destination_config", "on_failure", "destination").text()
		f.OnSuccess = r.get("destination_config", "on_success", "destination").text()
	})
}

func eventSourceMapping(b *builder, r *res) { b.mapping(r, r.get("function_name").text()) }

func (b *builder) mapping(r *res, target model.Value[model.Text]) {
	p := r.prop
	tr := r.event(p, fnvet.TriggerOther)
	tr.Source, tr.BatchSize, tr.WindowS = r.get("event_source_arn").text(), r.get("batch_size").int(), r.get("maximum_batching_window_in_seconds").int()
	tr.Concurrency, tr.Retries = r.get("scaling_config", "maximum_concurrency").int(), r.get("maximum_retry_attempts").int()
	tr.MaxAgeS, tr.Bisect = r.get("maximum_record_age_in_seconds").int(), r.get("bisect_batch_on_function_error").bool()
	tr.OnFailure = r.get("destination_config", "on_failure", "destination_arn").text()
	tr.Enabled, tr.Filtered = r.get("enabled").bool(), !r.get("filter_criteria").absent()
	if types := r.get("function_response_types").list(); !types.Absent() {
		tr.Partial = model.Value[bool]{Pos: types.Pos, Alts: []bool{has(types, "ReportBatchItemFailures")}, Open: types.Open}
	}
	b.later(func() {
		tr.Kind = b.kindOfSource(r, tr.Source)
		b.trigger(target, tr)
	})
}

// kindOfSource tells from an ARN, or the resource it refers to, what a source is.
func (b *builder) kindOfSource(r *res, source model.Value[model.Text]) fnvetKind {
	switch {
	case !r.get("self_managed_event_source").absent():
		return fnvet.TriggerStream
	case !r.get("queues").absent():
		return fnvet.TriggerQueue
	case !r.get("document_db_event_source_config").absent():
		return fnvet.TriggerTable
	}
	for _, x := range source.Alts {
		for _, id := range idsOf(x) {
			if found := b.byAddress[id]; found != nil {
				if kind, ok := sourceKinds[found.Type]; ok {
					return kind
				}
			}
		}
		for _, k := range sourceARNs {
			if strings.Contains(x.String(), k.part) {
				return k.kind
			}
		}
	}
	if !r.get("starting_position").absent() { // only streams have one
		return fnvet.TriggerStream
	}
	return fnvet.TriggerOther
}

var sourceKinds = map[string]fnvetKind{"aws_sqs_queue": fnvet.TriggerQueue, "aws_dynamodb_table": fnvet.TriggerTable, "aws_kinesis_stream": fnvet.TriggerStream,
	"aws_kinesis_stream_consumer": fnvet.TriggerStream, "aws_msk_cluster": fnvet.TriggerStream, "aws_msk_serverless_cluster": fnvet.TriggerStream,
	"aws_mq_broker": fnvet.TriggerQueue, "aws_docdb_cluster": fnvet.TriggerTable}

var sourceARNs = [...]struct {
	part string
	kind fnvetKind
}{{":sqs:", fnvet.TriggerQueue}, {":dynamodb:", fnvet.TriggerTable}, {":kinesis:", fnvet.TriggerStream}, {":kafka:", fnvet.TriggerStream},
	{":mq:", fnvet.TriggerQueue}, {":rds:", fnvet.TriggerTable}, {".stream_arn}", fnvet.TriggerTable}, {".stream}", fnvet.TriggerTable}}
