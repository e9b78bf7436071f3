package google

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// IsFlags tells by content whether a file is one of flags for gcloud, as --flags-file
// takes it, that deploys a function or service.
func IsFlags(name string, data []byte) bool {
	if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" && ext != ".json" {
		return false
	}
	n := 0
	for _, flag := range [...]string{"--runtime", "--entry-point", "--trigger-", "--allow-unauthenticated", "--max-instances", "--service-account", "--set-env-vars",
		"--set-secrets", "--env-vars-file", "--ingress", "--memory", "--image"} {
		if i := bytes.Index(data, []byte(flag)); i >= 0 && keyAt(data, i) {
			n++
		}
	}
	return n >= 2
}

// keyAt reports that what is at i begins a line, but for quotes, brackets and dashes of a list.
func keyAt(data []byte, i int) bool {
	line := data[bytes.LastIndexByte(data[:i], '\n')+1 : i]
	return len(bytes.Trim(line, " \t\"'{,-")) == 0
}

// ReadFlags reads a file of flags: a map, or a list of maps.
func ReadFlags(ctx context.Context, src *model.Source) (*model.Model, error) {
	r := newReader(src, model.GCloud)
	docs, err := parse(r.file, src)
	for i, n := range docs {
		all := n.Elements()
		if n.Is(doc.Map) {
			all = []*doc.Node{n}
		}
		flags := doc.NewMap(n)
		for _, x := range all {
			flags.Members = append(flags.Members, x.All()...)
		}
		if len(flags.Members) > 0 {
			r.flags(flags, i)
		}
	}
	if err != nil {
		r.m.Partial = true
		return r.m, fmt.Errorf("%s: %w", src.Name, err)
	}
	return r.m, ctx.Err()
}

func (r *reader) flags(n *doc.Node, i int) {
	id := strings.TrimSuffix(path.Base(r.src.Name), path.Ext(r.src.Name))
	if i > 0 {
		id += fmt.Sprintf("-%d", i+1)
	}
	flag := func(name string) *doc.Node { return n.Get("--" + name) }
	f := &model.Function{Resource: model.Resource{Pos: pos(n), ID: id, Cloud: model.Google, Type: "gcloud"}, Runtime: str(flag("runtime")), Handler: str(flag("entry-point")),
		TimeoutS: parsed(flag("timeout"), seconds), MemoryMB: parsed(flag("memory"), megabytes), Concurrency: parsed(flag("max-instances"), integer),
		Provisioned: parsed(flag("min-instances"), integer), PerInstance: parsed(flag("concurrency"), integer), KMSKey: text(flag("kms-key"))}
	f.Code = model.Code{Pos: pos(flag("source")), Path: r.path(flag("source")), Image: text(flag("image"))}
	if !f.Code.Image.Absent() {
		f.PackageType = model.Is(pos(flag("image")), "Image")
	}
	for _, name := range [...]string{"set-env-vars", "update-env-vars"} {
		r.pairs(f, flag(name))
	}
	r.envFile(f, flag("env-vars-file"))
	r.secrets(f, flag("set-secrets"))
	if v := flag("vpc-connector"); v != nil {
		f.Network = &model.Network{Pos: pos(v), Subnets: model.List[model.Text]{Pos: pos(v), Items: text(v).Alts}, Egress: str(flag("egress-settings"))}
	}
	r.triggers(f, flag)
	r.role(f, first(flag("service-account"), flag("run-service-account")))
	r.m.Functions = append(r.m.Functions, f)
}

func first(all ...*doc.Node) *doc.Node {
	i := slices.IndexFunc(all, func(n *doc.Node) bool { return n != nil })
	if i < 0 {
		return nil
	}
	return all[i]
}

// path is a local path, relative to the root of the source.
func (r *reader) path(n *doc.Node) model.Value[model.Text] {
	s := n.Str()
	in := path.Join(path.Dir(r.src.Name), s)
	if s == "" || strings.Contains(s, "://") || !fs.ValidPath(in) {
		return text(n)
	}
	return model.Is(pos(n), model.Lit(pos(n), in))
}

// triggers reads what starts it. Without any it takes requests.
func (r *reader) triggers(f *model.Function, flag func(string) *doc.Node) {
	for _, k := range [...]struct {
		flag string
		kind fnvet.TriggerKind
	}{{"trigger-topic", fnvet.TriggerTopic}, {"trigger-bucket", fnvet.TriggerBucket}, {"trigger-resource", ""}} {
		if n := flag(k.flag); n != nil {
			kind := k.kind
			if kind == "" {
				kind = eventKind(flag("trigger-event").Str())
			}
			f.Triggers = append(f.Triggers, &model.Trigger{Pos: pos(n), ID: k.flag, Type: "--" + k.flag, Kind: kind, Source: text(n)})
		}
	}
	if n := flag("trigger-event-filters"); n != nil {
		f.Triggers = append(f.Triggers, &model.Trigger{Pos: pos(n), ID: "trigger-event-filters", Type: "--trigger-event-filters", Kind: eventKind(flat(n)), Filtered: true})
	}
	if len(f.Triggers) > 0 {
		return
	}
	f.Endpoint = &model.Endpoint{Pos: f.Pos, Ingress: parsed(first(flag("ingress"), flag("ingress-settings")), ingress)}
	if level := flag("security-level"); level != nil {
		f.Endpoint.HTTPSOnly = model.Is(pos(level), level.Str() == "secure-always")
	}
	if open := flag("allow-unauthenticated"); open != nil && open.Str() != "false" {
		f.Endpoint.Pos = pos(open)
		f.Endpoint.Invokers = model.List[model.Text]{Pos: pos(open), Items: []model.Text{model.Lit(pos(open), "allUsers")}}
		if pos(open) == (model.Pos{}) {
			f.Endpoint.Pos = f.Pos
		}
	}
	http(f, f.Endpoint.Pos)
}

// http is the trigger of what takes requests. Who may send them is a matter of its
// invokers.
func http(f *model.Function, at model.Pos) {
	f.Triggers = append(f.Triggers, &model.Trigger{Pos: at, ID: "http", Type: "http", Kind: fnvet.TriggerHTTP, Route: &model.Route{Pos: at, Function: f.ID}})
}

func flat(n *doc.Node) string {
	all := []string{n.Str()}
	for _, m := range n.All() {
		all = append(all, m.Key+"="+m.Value.Str())
	}
	for _, i := range n.Elements() {
		all = append(all, i.Str())
	}
	return strings.Join(all, ",")
}

func eventKind(s string) fnvet.TriggerKind {
	switch {
	case strings.Contains(s, "pubsub"):
		return fnvet.TriggerTopic
	case strings.Contains(s, "storage"):
		return fnvet.TriggerBucket
	case strings.Contains(s, "firestore"), strings.Contains(s, "database"):
		return fnvet.TriggerTable
	case strings.Contains(s, "auth"):
		return fnvet.TriggerIdentity
	}
	return fnvet.TriggerBus
}

// pairs reads KEY=VALUE,… or a map.
func (r *reader) pairs(f *model.Function, n *doc.Node) {
	for _, m := range n.All() {
		v := text(m.Value)
		f.Env = append(f.Env, model.Variable{Pos: v.Pos, Name: m.Key, Value: v})
	}
	s := n.Str()
	if s == "" {
		return
	}
	sep := ","
	if rest, ok := strings.CutPrefix(s, "^"); ok { // ^:^A=1:B=2
		if own, list, ok := strings.Cut(rest, "^"); ok && own != "" {
			sep, s = own, list
		}
	}
	for pair := range strings.SplitSeq(s, sep) {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		f.Env = append(f.Env, model.Variable{Pos: pos(n), Name: strings.TrimSpace(name), Value: model.Is(pos(n), model.Lit(pos(n), value))})
	}
}

// secrets reads NAME=SECRET:VERSION,… or a map.
func (r *reader) secrets(f *model.Function, n *doc.Node) {
	add := func(name, secret string, at model.Pos) {
		secret, _, _ = strings.Cut(secret, ":")
		if name != "" && !strings.HasPrefix(name, "/") { // a path is a file
			f.Env = append(f.Env, model.Variable{Pos: at, Name: name, Value: model.Is(at, model.To(at, model.RefSecret, secret, ""))})
		}
	}
	for _, m := range n.All() {
		add(m.Key, m.Value.Str(), pos(m.Value))
	}
	for pair := range strings.SplitSeq(n.Str(), ",") {
		name, secret, _ := strings.Cut(pair, "=")
		add(strings.TrimSpace(name), secret, pos(n))
	}
}

// envFile reads a YAML or .env file of variables beside the flags.
func (r *reader) envFile(f *model.Function, n *doc.Node) {
	s := n.Str()
	if s == "" {
		return
	}
	name := path.Join(path.Dir(r.src.Name), s)
	if !fs.ValidPath(name) || path.IsAbs(s) {
		r.m.Unresolved = append(r.m.Unresolved, model.Unresolved{Pos: pos(n), What: "--env-vars-file " + s, Why: "it is outside the folder", Refused: true})
		f.EnvOpen = true
		return
	}
	data, err := readFile(r.src.FS, name)
	if err != nil {
		r.m.Unresolved = append(r.m.Unresolved, model.Unresolved{Pos: pos(n), What: "--env-vars-file " + s, Why: "the file is not there or too large"})
		f.EnvOpen = true
		return
	}
	file := r.src.Pos(name, 0, 0).File
	if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
		f.Env = append(f.Env, dotenv(file, data)...)
		return
	}
	docs, err := doc.YAML(file, data)
	if err != nil {
		f.EnvOpen = true
	}
	for _, d := range docs {
		r.pairs(f, d)
	}
}

// dotenv reads NAME=value lines. Quotes around a value are taken off.
func dotenv(file string, data []byte) []model.Variable {
	var out []model.Variable
	line := 0
	for row := range bytes.Lines(data) {
		line++
		s := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(row)), "export "))
		name, value, ok := strings.Cut(s, "=")
		if !ok || strings.HasPrefix(s, "#") || strings.ContainsAny(name, " \t") {
			continue
		}
		at := model.Pos{File: file, Line: line, Column: bytes.IndexByte(row, '=') + 2}
		value = strings.TrimSpace(value)
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		out = append(out, model.Variable{Pos: at, Name: name, Value: model.Is(at, model.Lit(at, value))})
	}
	return out
}
