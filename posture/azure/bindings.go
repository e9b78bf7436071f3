package azure

import (
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// triggers are the kinds of bindings that start a function or are written to, by
// the type in function.json without "Trigger".
var triggers = map[string]fnvet.TriggerKind{
	"http": fnvet.TriggerHTTP, "httpfunction": fnvet.TriggerHTTP, "warmup": fnvet.TriggerOther, "timer": fnvet.TriggerSchedule,
	"blob": fnvet.TriggerBucket, "queue": fnvet.TriggerQueue, "servicebus": fnvet.TriggerQueue, "servicebusqueue": fnvet.TriggerQueue,
	"servicebustopic": fnvet.TriggerTopic, "eventgrid": fnvet.TriggerTopic, "eventhub": fnvet.TriggerStream, "eventhubmessage": fnvet.TriggerStream,
	"kafka": fnvet.TriggerStream, "rabbitmq": fnvet.TriggerQueue, "cosmosdb": fnvet.TriggerTable, "sql": fnvet.TriggerTable, "mysql": fnvet.TriggerTable,
	"signalr": fnvet.TriggerOther, "webpubsub": fnvet.TriggerOther, "daprserviceinvocation": fnvet.TriggerOther, "table": fnvet.TriggerTable,
}

// kindOf is the kind of a binding by its type.
func kindOf(typ string) (fnvet.TriggerKind, bool) {
	low := strings.ToLower(typ)
	k, ok := triggers[strings.TrimSuffix(low, "trigger")]
	if !ok && strings.HasSuffix(low, "trigger") {
		return fnvet.TriggerOther, true
	}
	return k, ok
}

// bind adds a binding, in the words of function.json, to a function.
func bind(f *model.Function, typ string, b *val) {
	kind, ok := kindOf(typ)
	if !ok {
		return
	}
	source := b.first("queueName", "topicName", "eventHubName", "containerName", "collectionName", "tableName", "topic", "path", "commandText")
	if strings.HasSuffix(strings.ToLower(typ), "trigger") {
		trigger(f, typ, kind, b, source)
		return
	}
	if strings.EqualFold(b.get("direction").one(), "in") || kind == fnvet.TriggerHTTP {
		return
	}
	out := model.Output{Pos: b.at(), Kind: kind, Target: source.textValue()}
	if kind == fnvet.TriggerBucket {
		out.Target, out.Key = container(source)
	}
	f.Outputs = append(f.Outputs, out)
}

func trigger(f *model.Function, typ string, kind fnvet.TriggerKind, b, source *val) {
	tr := &model.Trigger{Pos: b.at(), ID: b.get("name").one(), Type: typ, Kind: kind, Source: source.textValue(), Schedule: b.get("schedule").str(),
		Connection: b.first("connection", "connectionStringSetting").textValue(), Enabled: mapped(b.get("disabled").bool(), func(off bool) bool { return !off })}
	switch kind {
	case fnvet.TriggerBucket:
		tr.Source, tr.Prefix = container(source)
	case fnvet.TriggerQueue:
		if !b.get("topicName").absent() {
			tr.Kind = fnvet.TriggerTopic
		}
	case fnvet.TriggerHTTP:
		tr.Source = model.Value[model.Text]{}
		tr.Route = &model.Route{Pos: b.at(), Function: f.ID, Path: b.get("route").str(), Method: methods(b), Auth: mapped(b.get("authLevel").str(), strings.ToLower)}
	default:
	}
	f.Triggers = append(f.Triggers, tr)
}

// methods are the HTTP methods of a trigger; none are all.
func methods(b *val) model.Value[string] {
	l := b.get("methods").list()
	if l.Absent() {
		return model.Is(b.at(), "ANY")
	}
	out := model.Value[string]{Pos: l.Pos, Open: l.Open}
	var all []string
	for _, t := range l.Items {
		if s, ok := t.Literal(); ok {
			all = append(all, strings.ToUpper(s))
		}
	}
	if len(all) > 0 {
		out.Alts = []string{strings.Join(all, ",")}
	}
	return out
}

// container splits the path of blobs, "in/{name}.txt", into the container and what
// names begin with.
func container(v *val) (of, prefix model.Value[model.Text]) {
	s, ok := v.str().Known()
	if !ok {
		return v.textValue(), prefix
	}
	name, rest, _ := strings.Cut(s, "/")
	of = model.Is(v.pos, model.Lit(v.pos, name))
	if fixed, _, _ := strings.Cut(rest, "{"); fixed != "" {
		prefix = model.Is(v.pos, model.Lit(v.pos, fixed))
	}
	return of, prefix
}
