package azure

import (
	"bytes"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
)

// A declaration is a function that code declares.
type declaration struct {
	name, handler string
	pos           model.Pos
	bindings      []binding
}

type binding struct {
	typ string // as in function.json
	v   *val
}

// mentions is the cheap question whether a file can declare functions.
func mentions(data []byte, lang language) bool {
	if lang == python {
		return bytes.Contains(data, []byte("azure.functions")) || bytes.Contains(data, []byte("azure.durable_functions"))
	}
	return bytes.Contains(data, []byte("@azure/functions"))
}

func declared(file string, data []byte, lang language) []declaration {
	p := &codeParser{toks: tokens(file, data, lang), lang: lang, apps: map[string]*val{}}
	if lang == python {
		return p.python()
	}
	return p.script()
}

type codeParser struct {
	toks []token
	at   int
	lang language
	apps map[string]*val // names of apps and blueprints → their default auth level
}

func (p *codeParser) peek(i int) token {
	if p.at+i < len(p.toks) {
		return p.toks[p.at+i]
	}
	return token{}
}

func (p *codeParser) is(i int, texts ...string) bool {
	for j, s := range texts {
		if t := p.peek(i + j); t.text != s || t.kind != tOther && t.kind != tWord {
			return false
		}
	}
	return true
}

// python finds decorated functions: @app.route(…), @bp.timer_trigger(…).
func (p *codeParser) python() []declaration {
	var out []declaration
	var now declaration
	for p.at < len(p.toks) {
		switch {
		case p.peek(0).first && p.is(0, "@"):
			p.at++
			p.decorator(&now)
		case p.is(0, "def") && p.peek(1).kind == tWord:
			if len(now.bindings) > 0 {
				now.handler = p.peek(1).text
				if now.name == "" {
					now.name = now.handler
				}
				out = append(out, now)
			}
			now = declaration{}
			p.at += 2
		case p.peek(0).kind == tWord && p.is(1, "="):
			p.assignment()
		default:
			p.at++
		}
	}
	return out
}

// assignment notes apps and blueprints: app = func.FunctionApp(http_auth_level=…).
func (p *codeParser) assignment() {
	name := p.peek(0).text
	p.at += 2
	save := p.at
	for i := 0; i < 8 && p.peek(0).kind == tWord; i++ {
		switch p.peek(0).text {
		case "FunctionApp", "AsgiFunctionApp", "WsgiFunctionApp", "DFApp", "Blueprint":
			p.at++
			args := p.arguments()
			p.apps[name] = enum(args["http_auth_level"])
			if args["http_auth_level"] == nil {
				p.apps[name] = nil
			}
			return
		}
		p.at++
		if p.is(0, ".") {
			p.at++
		}
	}
	p.at = save
}

// decorator reads one after its @.
func (p *codeParser) decorator(now *declaration) {
	pos := p.peek(0).pos
	level, ok := p.apps[p.peek(0).text]
	if p.peek(0).kind != tWord || !p.is(1, ".") || p.peek(2).kind != tWord || !ok {
		return
	}
	method := p.peek(2).text
	p.at += 3
	args := p.arguments()
	if now.pos.File == "" {
		now.pos = pos
	}
	if method == "function_name" {
		now.name = first(args["name"], args["0"]).one()
		return
	}
	typ, ok := pythonType(method, args)
	if !ok {
		return
	}
	v := &val{kind: kMap, pos: pos}
	for key, a := range args {
		v.fields = append(v.fields, entry{camel(key), a.pos, a})
	}
	if typ == "httpTrigger" {
		auth := enum(args["auth_level"])
		if args["auth_level"] == nil {
			auth = level
		}
		if auth != nil {
			v.fields = append(v.fields, entry{"authLevel", auth.pos, auth})
		}
	}
	now.bindings = append(now.bindings, binding{typ, &val{kind: kMap, pos: pos, fields: without(v.fields, "authLevel", typ == "httpTrigger")}})
}

// without drops a key's raw entry in favour of the last one.
func without(fields []entry, key string, drop bool) []entry {
	if !drop {
		return fields
	}
	var out []entry
	for i, f := range fields {
		if f.key == key && i < len(fields)-1 {
			continue
		}
		out = append(out, f)
	}
	return out
}

func first(all ...*val) *val {
	for _, v := range all {
		if v != nil {
			return v
		}
	}
	return nil
}

// enum is func.AuthLevel.ANONYMOUS as "anonymous".
func enum(v *val) *val {
	if v == nil || v.kind != kText {
		return v
	}
	s := v.one()
	return lit(v.pos, strings.ToLower(s[strings.LastIndexByte(s, '.')+1:]))
}

// pythonType is the type of binding that a decorator stands for: route is an HTTP
// trigger, queue_trigger a queueTrigger, blob_output a blob.
func pythonType(method string, args map[string]*val) (string, bool) {
	switch method {
	case "route":
		return "httpTrigger", true
	case "schedule":
		return "timerTrigger", true
	case "generic_trigger", "generic_output_binding":
		return args["type"].one(), args["type"] != nil
	}
	name, trigger := strings.CutSuffix(method, "_trigger")
	name, output := strings.CutSuffix(name, "_output")
	name = strings.ReplaceAll(strings.TrimSuffix(name, "_v3"), "_", "")
	if _, ok := kindOf(name); !ok || !trigger && !output {
		return "", false
	}
	if trigger {
		return name + "Trigger", true
	}
	return name, true
}

// camel writes queue_name as queueName.
func camel(s string) string {
	parts := strings.Split(s, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

// arguments reads (a, key=value, …) by position and by name.
func (p *codeParser) arguments() map[string]*val {
	out := map[string]*val{}
	if !p.is(0, "(") {
		return out
	}
	p.at++
	for n := 0; p.at < len(p.toks) && !p.is(0, ")"); n++ {
		before := p.at
		key := string(rune('0' + min(n, 9)))
		if p.peek(0).kind == tWord && p.is(1, "=") && p.peek(2).text != "=" {
			key = p.peek(0).text
			p.at += 2
		}
		if v := p.value(0, ",", ")"); v != nil {
			out[key] = v
		}
		if p.is(0, ",") || p.at == before {
			p.at++
		}
	}
	p.at++
	return out
}

// value reads a literal, a list or map of them, or a dotted name; anything else up
// to one of the stops is unknown.
func (p *codeParser) value(depth int, stops ...string) *val {
	t := p.peek(0)
	var v *val
	switch {
	case depth > 50:
	case t.kind == tString:
		v = lit(t.pos, t.text)
		p.at++
	case t.kind == tNumber:
		v = lit(t.pos, t.text)
		p.at++
	case t.kind == tWord:
		names := []string{t.text}
		p.at++
		for p.is(0, ".") && p.peek(1).kind == tWord {
			names = append(names, p.peek(1).text)
			p.at += 2
		}
		v = named(t.pos, strings.Join(names, "."))
	case p.is(0, "["):
		v = p.sequence(depth)
	case p.is(0, "{"):
		v = p.mapping(depth)
	}
	if v == nil || !p.stopped(stops) {
		v = unknown(t.pos, "it is worked out by the code")
		p.until(stops)
	}
	return v
}

// named is what a name of the code stands for: a switch, a level, or something that
// is known only when it runs.
func named(pos model.Pos, name string) *val {
	setting, ok := strings.CutPrefix(name, "process.env.")
	switch {
	case ok:
		return link(pos, model.RefSetting, setting, "")
	case strings.Contains(name, "AuthLevel."), strings.EqualFold(name, "true"), strings.EqualFold(name, "false"):
		return lit(pos, name)
	}
	return unknown(pos, name+" is a variable of the code")
}

func (p *codeParser) stopped(stops []string) bool {
	for _, s := range stops {
		if p.is(0, s) {
			return true
		}
	}
	return p.at >= len(p.toks)
}

// until skips to a stop outside of brackets.
func (p *codeParser) until(stops []string) {
	depth := 0
	for p.at < len(p.toks) {
		if depth == 0 && p.stopped(stops) {
			return
		}
		if t := p.peek(0); t.kind == tOther {
			switch t.text {
			case "(", "[", "{":
				depth++
			case ")", "]", "}":
				if depth--; depth < 0 {
					return
				}
			}
		}
		p.at++
	}
}

func (p *codeParser) sequence(depth int) *val {
	v := &val{kind: kList, pos: p.peek(0).pos}
	p.at++
	for p.at < len(p.toks) && !p.is(0, "]") {
		before := p.at
		if x := p.value(depth+1, ",", "]"); x != nil {
			v.items = append(v.items, x)
		}
		if p.is(0, ",") || p.at == before {
			p.at++
		}
	}
	p.at++
	return v
}

// mapping reads {key: value}; shorthands and spreads are left out.
func (p *codeParser) mapping(depth int) *val {
	v := &val{kind: kMap, pos: p.peek(0).pos}
	p.at++
	for p.at < len(p.toks) && !p.is(0, "}") {
		before := p.at
		t := p.peek(0)
		if (t.kind == tWord || t.kind == tString) && p.is(1, ":") {
			p.at += 2
			v.fields = append(v.fields, entry{t.text, t.pos, p.value(depth+1, ",", "}")})
		} else {
			p.until([]string{",", "}"})
		}
		if p.is(0, ",") || p.at == before {
			p.at++
		}
	}
	p.at++
	return v
}

// script finds calls of Node's v4 model: app.http('name', {…}).
func (p *codeParser) script() []declaration {
	var out []declaration
	for p.at < len(p.toks) {
		if !p.is(0, "app", ".") || p.peek(2).kind != tWord || !p.is(3, "(") || p.peek(4).kind != tString {
			p.at++
			continue
		}
		typ, ok := scriptType(p.peek(2).text)
		if !ok {
			p.at += 4
			continue
		}
		d := declaration{name: p.peek(4).text, pos: p.peek(0).pos}
		method := p.peek(2).text
		p.at += 5
		options := &val{kind: kMap, pos: d.pos}
		if p.is(0, ",", "{") {
			p.at++
			options = p.mapping(0)
		}
		if t := options.get("type").one(); typ == "generic" {
			typ = t
			options = first(options.get("trigger"), options)
		}
		d.bindings = append(d.bindings, binding{typ, scriptOptions(method, typ, options, d.pos)})
		out = append(out, d)
	}
	return out
}

// scriptOptions puts in what Node's model takes for granted: an HTTP trigger is
// anonymous unless it says otherwise.
func scriptOptions(method, typ string, o *val, pos model.Pos) *val {
	v := &val{kind: kMap, pos: pos, fields: o.fields}
	if typ != "httpTrigger" {
		return v
	}
	if o.get("authLevel").absent() {
		v.fields = append(slices.Clip(v.fields), entry{"authLevel", pos, lit(pos, "anonymous")})
	}
	if method != "http" {
		verb := lit(pos, strings.TrimSuffix(method, "Request"))
		v.fields = append(slices.Clip(v.fields), entry{"methods", pos, &val{kind: kList, pos: pos, items: []*val{verb}}})
	}
	return v
}

func scriptType(method string) (string, bool) {
	switch method {
	case "http", "get", "post", "put", "patch", "deleteRequest":
		return "httpTrigger", true
	case "storageBlob":
		return "blobTrigger", true
	case "storageQueue":
		return "queueTrigger", true
	case "generic":
		return "generic", true
	case "timer", "serviceBusQueue", "serviceBusTopic", "eventHub", "eventGrid", "cosmosDB", "sql", "mySql", "warmup", "webPubSub":
		return method + "Trigger", true
	}
	return "", false
}
