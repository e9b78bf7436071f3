package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// recursion finds functions that write to what starts them, so that one event
// becomes any number of them.
func (r *run) recursion() {
	for _, f := range r.m.Functions {
		a := r.about[f.ID]
		for _, t := range f.Triggers {
			writes := recursive[t.Kind]
			if len(writes) == 0 || !startsOnWrite(t) {
				continue
			}
			if pos, ok := r.writesBack(a, t, writes); ok {
				r.add(recursiveTrigger, at{pos: model.At(t.Pos, f.Pos), resource: f.ID, key: string(t.Kind) + t.ID},
					"%s starts it, and it may write there (%s)", source(t), place(pos))
			} else if pos, ok := r.writesAnywhere(a, writes); ok {
				r.add(recursiveTrigger, at{pos: model.At(t.Pos, f.Pos), resource: f.ID, key: string(t.Kind) + t.ID, severity: r.overreach(f, writes)},
					"%s starts it, and it may write anywhere, there too (%s)", source(t), place(pos))
			}
			if pos, ok := r.boundBack(f, t); ok {
				r.add(recursiveTrigger, at{pos: model.At(t.Pos, f.Pos), resource: f.ID, key: string(t.Kind) + t.ID},
					"%s starts it, and its account may write there (%s)", source(t), place(pos))
			}
			if o, ok := outputBack(f, t); ok {
				r.add(recursiveTrigger, at{pos: model.At(o.Pos, t.Pos), resource: f.ID, key: "output" + t.ID}, "its output binding writes to %s, which starts it", source(t))
			}
		}
	}
}

func place(p model.Pos) string {
	if p.Line > 0 {
		return "granted at line " + itoa(p.Line)
	}
	return "granted"
}

// recursive are the actions that bring an event of the kind about.
var recursive = map[fnvet.TriggerKind][]string{
	fnvet.TriggerBucket: {"s3:PutObject"},
	fnvet.TriggerQueue:  {"sqs:SendMessage"},
	fnvet.TriggerTopic:  {"sns:Publish"},
	fnvet.TriggerTable:  {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"},
	fnvet.TriggerStream: {"kinesis:PutRecord", "kinesis:PutRecords"},
}

func source(t *model.Trigger) string {
	if s, ok := t.Source.Known(); ok {
		if ref, ok := s.Ref(); ok {
			return string(t.Kind) + " " + ref.ID
		}
		return string(t.Kind) + " " + strings.NewReplacer("${", "", "}", "").Replace(s.String())
	}
	return "its " + string(t.Kind)
}

// startsOnWrite reports whether new objects or records are among the events.
func startsOnWrite(t *model.Trigger) bool {
	if t.Enabled.All(no) {
		return false
	}
	if t.Kind != fnvet.TriggerBucket || t.Events.Absent() {
		return true
	}
	return slices.ContainsFunc(t.Events.Items, func(e model.Text) bool {
		s := e.String()
		return strings.Contains(s, "ObjectCreated") || strings.Contains(s, "FINALIZE") || strings.Contains(s, "finalized") || strings.Contains(s, "Object Created") || s == "s3:*"
	})
}

// overreach is how much a grant that names no source weighs: more where the code is
// seen to write.
func (r *run) overreach(f *model.Function, writes []string) fnvet.Severity {
	if r.ctx.Usage == nil {
		return fnvet.Low
	}
	if u := r.ctx.Usage(f); u != nil {
		sure := u.Actions(false)
		return worse(fnvet.Low, slices.ContainsFunc(writes, func(a string) bool { return slices.Contains(sure, a) }))
	}
	return fnvet.Low
}

// writesAnywhere reports whether the role may do one of the actions on whatever is
// of the kind, without a condition or a Deny, unless the code is seen not to.
func (r *run) writesAnywhere(a *about, actions []string) (model.Pos, bool) {
	if !r.calls(a.f, actions) {
		return model.Pos{}, false
	}
	for _, action := range actions {
		if slices.ContainsFunc(a.grants, func(g grant) bool { return denies(g, action) }) {
			continue
		}
		for _, g := range a.grants {
			if !g.conditional && !g.notResource && !pollerTemplate(g.template) && g.may(action) && g.fits(action) && g.everywhere() {
				return g.pos, true
			}
		}
	}
	return model.Pos{}, false
}

// writesBack reports whether the role may write to the source by name.
func (r *run) writesBack(a *about, t *model.Trigger, actions []string) (model.Pos, bool) {
	src, ok := t.Source.Known()
	if !ok {
		return model.Pos{}, false
	}
	for _, g := range a.grants {
		if g.template != "" && pollerTemplate(g.template) || g.s == nil {
			continue
		}
		if !slices.ContainsFunc(actions, g.may) || !r.calls(a.f, actions) {
			continue
		}
		for _, res := range g.resources {
			if r.sameThing(t.Kind, src, res) && keysMeet(t, res) {
				return model.At(res.Pos, g.pos), true
			}
		}
	}
	return model.Pos{}, false
}

func pollerTemplate(name string) bool {
	return name == "SQSPollerPolicy" || name == "DynamoDBStreamReadPolicy" || name == "KinesisStreamReadPolicy"
}

// calls reports whether the code calls one of the actions, as far as that is known.
func (r *run) calls(f *model.Function, actions []string) bool {
	if r.ctx.Usage == nil {
		return true
	}
	u := r.ctx.Usage(f)
	if u == nil || u.Files == 0 || u.Dynamic {
		return true
	}
	used := u.Actions(true)
	return slices.ContainsFunc(actions, func(a string) bool { return slices.Contains(used, a) })
}

// sameThing reports whether a resource of a statement is the trigger's source, or
// what is in it.
func (r *run) sameThing(kind fnvet.TriggerKind, src, res model.Text) bool {
	for _, x := range r.resources(kind) {
		if x.Denotes(src) && (x.Denotes(res) || x.Denotes(container(res))) {
			return true
		}
	}
	s, o := plain(container(src)), plain(container(res))
	if strings.HasPrefix(s, "arn:") != strings.HasPrefix(o, "arn:") { // one of them says the name alone
		s, o = s[strings.LastIndexByte(s, ':')+1:], o[strings.LastIndexByte(o, ':')+1:]
	}
	return s != "" && !strings.ContainsRune(s, hidden) && s == o && !strings.Contains(s, "*")
}

// container cuts what is in a bucket or of a table off: objects, streams, indexes.
func container(t model.Text) model.Text {
	out := model.Text{Pos: t.Pos}
	for i, p := range t.Parts {
		if p.Ref == nil {
			lit := p.Literal
			from := 0
			if j := strings.Index(lit, "table/"); j >= 0 {
				from = j + len("table/")
			}
			if j := strings.IndexByte(lit[from:], '/'); j >= 0 && (i > 0 || strings.HasPrefix(lit, "arn:")) {
				return out.Append(model.Part{Literal: lit[:from+j]})
			}
		}
		out = out.Append(p)
	}
	return out
}

func (r *run) resources(kind fnvet.TriggerKind) []*model.Resource {
	var out []*model.Resource
	switch kind {
	case fnvet.TriggerBucket:
		for _, x := range r.m.Buckets {
			out = append(out, &x.Resource)
		}
	case fnvet.TriggerQueue:
		for _, x := range r.m.Queues {
			out = append(out, &x.Resource)
		}
	case fnvet.TriggerTopic:
		for _, x := range r.m.Topics {
			out = append(out, &x.Resource)
		}
	case fnvet.TriggerTable, fnvet.TriggerStream:
		for _, x := range r.m.Tables {
			out = append(out, &x.Resource)
		}
	default:
	}
	return out
}

// keysMeet reports whether objects that the statement lets be written may have the
// prefix and suffix that the trigger listens for.
func keysMeet(t *model.Trigger, res model.Text) bool {
	if t.Kind != fnvet.TriggerBucket {
		return true
	}
	_, key, ok := strings.Cut(tail(res), "/")
	if !ok {
		return true // the bucket as a whole
	}
	for _, f := range []struct {
		v    model.Value[model.Text]
		meet func(key, want string) bool
	}{{t.Prefix, prefixMeets}, {t.Suffix, suffixMeets}} {
		if want, known := literal(f.v); known && !f.meet(key, want) {
			return false
		}
	}
	return true
}

// tail is what of a resource follows the bucket's name, from its first slash.
func tail(res model.Text) string {
	s := plain(res)
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		s = s[i+1:]
	}
	return s
}

// prefixMeets reports whether a key pattern can begin with want.
func prefixMeets(pattern, want string) bool {
	fixed, _, wild := strings.Cut(pattern, "*")
	if strings.ContainsRune(fixed, hidden) {
		return true
	}
	if wild {
		return strings.HasPrefix(fixed, want) || strings.HasPrefix(want, fixed)
	}
	return strings.HasPrefix(fixed, want)
}

// suffixMeets reports whether a key pattern can end with want.
func suffixMeets(pattern, want string) bool {
	fixed := pattern[strings.LastIndexByte(pattern, '*')+1:]
	if strings.ContainsRune(fixed, hidden) {
		return true
	}
	if strings.Contains(pattern, "*") {
		return strings.HasSuffix(fixed, want) || strings.HasSuffix(want, fixed)
	}
	return strings.HasSuffix(fixed, want)
}

// outputBack finds an output binding that writes to the trigger's source.
func outputBack(f *model.Function, t *model.Trigger) (model.Output, bool) {
	src, ok := t.Source.Known()
	if !ok {
		return model.Output{}, false
	}
	for _, o := range f.Outputs {
		to, known := o.Target.Known()
		if !known || o.Kind != t.Kind || to.String() != src.String() || to.String() == "" {
			continue
		}
		if t.Kind == fnvet.TriggerBucket {
			key, okK := literal(o.Key)
			prefix, okP := literal(t.Prefix)
			if okK && okP && !prefixMeets(braces(key), strings.TrimSuffix(prefix, "*")) {
				continue
			}
		}
		return o, true
	}
	return model.Output{}, false
}

// braces turns the first binding expression of a path and what follows into "*".
func braces(path string) string {
	before, _, ok := strings.Cut(path, "{")
	if !ok {
		return path
	}
	return before + "*"
}
