package inject

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/engine"
	"github.com/fnvet/fnvet/inject/ir"
)

// A start is a handler as somebody states it.
type start struct {
	handler string
	root    string
	fn      *fnvet.Function
}

// starts are the handlers that options, templates and the configuration state.
func (p *program) starts() []start {
	var list []start
	if p.d.options.Handler != "" {
		var fn *fnvet.Function
		for i := range p.d.functions {
			if p.d.functions[i].Handler == p.d.options.Handler {
				fn = &p.d.functions[i]
			}
		}
		return []start{{handler: p.d.options.Handler, fn: fn}}
	}
	for i := range p.d.functions {
		f := &p.d.functions[i]
		if f.Handler != "" {
			list = append(list, start{f.Handler, f.Root, f})
		}
	}
	c := &p.d.artifact.Config
	if len(list) == 0 && c.Handler != "" {
		list = append(list, start{handler: c.Handler})
	}
	if len(list) == 0 && p.d.artifact.Type == "image" {
		for _, word := range append(slices.Clone(c.Entrypoint), c.Cmd...) {
			list = append(list, start{handler: word, root: strings.TrimPrefix(c.WorkingDir, "/")})
			list = append(list, start{handler: word, root: "var/task"})
		}
	}
	return list
}

// stated enters the handlers that are stated; false when none is, or one of them
// was not there: conventions are asked then.
func (p *program) stated(ctx context.Context) (bool, error) {
	found, missed := false, false
	for _, s := range p.starts() {
		f, export := p.statedFile(s.root, s.handler)
		if f == nil {
			p.unplaced(s.fn)
			continue
		}
		ok, err := p.enter(ctx, f, export, s.fn)
		if err != nil {
			return false, err
		}
		if !ok {
			p.notExported(f, s.handler)
			p.unplaced(s.fn)
		}
		found, missed = found || ok, missed || !ok
	}
	return found && !missed, nil
}

// unplaced notes a function of the templates whose handler is not in the package.
func (p *program) unplaced(fn *fnvet.Function) {
	if fn != nil && !slices.Contains(p.lost, fn) {
		p.lost = append(p.lost, fn)
	}
}

// fallback is the function whose events what conventions find may get: the only one
// whose stated handler is not in the package. Its triggers and its role hold then.
func (p *program) fallback() *fnvet.Function {
	if len(p.lost) == 1 {
		return p.lost[0]
	}
	return nil
}

// statedFile finds the file of a handler and the export in it, which is "" for a
// script (node server.js).
func (p *program) statedFile(root, handler string) (f *ir.File, export string) {
	name, export := splitHandler(handler)
	for _, root := range []string{root, "", "var/task"} {
		if f := p.file(path.Join(root, handler)); f != nil {
			return f, ""
		}
		if f := p.entryFile(path.Join(root, name)); f != nil {
			return f, export
		}
		if f := p.entryFile(path.Join(root, handler)); f != nil {
			return f, ""
		}
	}
	return nil, ""
}

// notExported tells that a stated handler is not in its file, unless a gap says
// already that the file was not understood or not followed to its end.
func (p *program) notExported(f *ir.File, handler string) {
	if len(f.Faults) > 0 {
		return
	}
	g := fnvet.Gap{Path: f.Path, Reason: fnvet.GapUnsupported,
		Detail: fmt.Sprintf("the handler %s is not exported by %s", short(handler), path.Base(f.Name))}
	for _, old := range p.gaps {
		if old == g || old.Path == f.Path && old.Reason == fnvet.GapLimit {
			return
		}
	}
	p.gaps = append(p.gaps, g)
}

// splitHandler takes "src/index.handler" apart, and "a.b.handler" of Python.
func splitHandler(h string) (file, export string) {
	dir, base := path.Split(h)
	before, after, ok := strings.Cut(base, ".")
	if !ok {
		return h, ""
	}
	return dir + before, after
}

func (p *program) entryFile(base string) *ir.File {
	if f := p.file(base); f != nil {
		return f
	}
	for _, name := range []string{base, strings.ReplaceAll(base, ".", "/")} {
		if f := p.script(name); f != nil {
			return f
		}
		if f := p.file(name + ".py"); f != nil {
			return f
		}
	}
	return nil
}

// enter runs a file and its export as a handler; false when it does not export it.
func (p *program) enter(ctx context.Context, f *ir.File, export string, fn *fnvet.Function) (bool, error) {
	if err := p.work(ctx, f, "what the file does when it is loaded", func() error { return p.machine.Load(f) }); err != nil {
		return false, err
	}
	if fn != nil && p.fnOf[f] == nil {
		p.fnOf[f] = fn
	}
	if export == "" {
		return true, nil
	}
	e, ok := p.machine.Export(f, export)
	if !ok {
		return p.machine.Defines(f, export), nil // what a package made: serverless(app)
	}
	e.Params = p.params(f, &e, fn)
	if fn != nil && p.busOnly(f, export) {
		e.Params = fromBus(e.Params)
	}
	return true, p.start(ctx, f, e, fn)
}

func (p *program) start(ctx context.Context, f *ir.File, e engine.Entry, fn *fnvet.Function) error {
	key := f.Name + "\x00" + e.Name
	if p.entered[key] {
		return nil
	}
	p.entered[key] = true
	err := p.work(ctx, f, e.Name, func() error { return p.machine.Enter(e) })
	for range len(p.machine.Hits()) - len(p.owners) {
		p.owners = append(p.owners, fn)
	}
	return err
}

// params are what the parameters of a handler get, by its cloud and its shape.
func (p *program) params(f *ir.File, e *engine.Entry, fn *fnvet.Function) []string {
	names := e.ParamNames()
	first, second := "", ""
	if len(names) > 0 {
		first = names[0]
	}
	if len(names) > 1 {
		second = names[1]
	}
	kind, azure := p.d.bindings[p.container+"\x00"+path.Dir(f.Name)]
	switch {
	case f.Lang == ir.JS && azure:
		return []string{"source:azure.context", azureRoot(kind)}
	case f.Lang == ir.JS && (first == "context" || first == "ctx") && len(names) > 1:
		return []string{"source:azure.context", "source:http.request"}
	case f.Lang == ir.Python && azure:
		return []string{azureRoot(kind), azureRoot(kind)}
	case fn != nil && fn.Cloud == "google" || (first == "req" || first == "request") && (len(names) == 1 || second == "res" || second == "response"):
		return []string{"source:http.request", "ext:http.response"}
	case first == "req" && f.Lang == ir.Python:
		return []string{"source:http.request", "ext:azure.context"}
	case fn != nil && fn.Cloud == "google" || first == "cloud_event" || first == "cloudEvent" || first == "cloudevent":
		return []string{"source:cloudevent"}
	}
	return []string{"source:event", "ext:lambda.context", "ext:lambda.callback"}
}

// azureRoot is the source that a binding of function.json is.
func azureRoot(kind string) string {
	switch {
	case strings.HasPrefix(kind, "queue"), strings.HasPrefix(kind, "serviceBus"):
		return "source:queue.message"
	case strings.HasPrefix(kind, "blob"):
		return "source:blob"
	case strings.HasPrefix(kind, "eventHub"):
		return "source:stream.event"
	case strings.HasPrefix(kind, "cosmos"):
		return "source:table.document"
	case strings.HasPrefix(kind, "eventGrid"):
		return "source:topic.message"
	case strings.HasPrefix(kind, "timer"):
		return "ext:timer"
	}
	return "source:http.request"
}

// binding reads the trigger of an Azure function.
func (d *Detector) binding(f *fnvet.File) {
	var doc struct {
		Bindings []struct {
			Type      string `json:"type"`
			Direction string `json:"direction"`
		} `json:"bindings"`
	}
	if len(f.Data) > 1<<20 || json.Unmarshal(f.Data, &doc) != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range doc.Bindings {
		if strings.HasSuffix(b.Type, "Trigger") && len(d.bindings) < 10_000 {
			d.bindings[f.Container+"\x00"+path.Dir(f.Name)] = strings.Clone(b.Type)
			return
		}
	}
}

// conventions looks for entry points by the names and shapes that runtimes know.
func (p *program) conventions(ctx context.Context) error {
	for _, name := range p.names {
		if ext := path.Ext(name); strings.HasPrefix(name, "opt/") || ext == ".class" || ext == ".go" {
			continue
		}
		if !p.mayStart(name) {
			continue
		}
		f := p.file(name)
		if f == nil {
			continue
		}
		if err := p.work(ctx, f, "what the file does when it is loaded", func() error { return p.machine.Load(f) }); err != nil {
			return err
		}
		for _, h := range p.d.rules.Handlers() {
			if h.Lang != f.Lang {
				continue
			}
			for _, export := range h.Names {
				e, ok := p.machine.Export(f, export)
				if !ok || !p.plausible(f, export, &e) {
					continue
				}
				e.Params = p.params(f, &e, p.fallback())
				if err := p.start(ctx, f, e, p.fallback()); err != nil {
					return err
				}
			}
		}
		if err := p.shapes(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// mayStart says whether a file has to be read to know its entry points.
func (p *program) mayStart(name string) bool {
	s := p.byName[name]
	if s == nil {
		return false
	}
	text := p.text(s)
	for _, word := range []string{"handler", "Handler", "express", "flask", "Flask", "chalice", "functions", "app.", "main", "exports", "export ", "fastapi", "FastAPI"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// plausible says whether an exported function can be a handler by its parameters.
func (p *program) plausible(f *ir.File, export string, e *engine.Entry) bool {
	names := e.ParamNames()
	if len(names) == 0 || len(names) > 4 {
		return false
	}
	if f.Lang == ir.JS && (names[0] == "argv" || names[0] == "args") { // of a command line
		return false
	}
	if !p.machine.Names(f, export) && !eventLike(names[0]) { // exports[name] = …, with a name that is not known
		return false
	}
	if strings.Contains(strings.ToLower(export), "handler") {
		if f.Lang == ir.Python {
			return len(names) == 2 || eventLike(names[0])
		}
		return true
	}
	return eventLike(names[0])
}

func eventLike(name string) bool {
	switch name {
	case "event", "evt", "lambda_event", "req", "request", "cloud_event", "cloudEvent", "message", "msg":
		return true
	}
	return false
}

// ofEvents are fields that only what a cloud sends has: a function that reads one
// of its first parameter is a handler, whatever its name.
var ofEvents = []string{"Records", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "requestContext", "rawPath",
	"rawQueryString", "isBase64Encoded", "httpMethod", "awslogs", "detail-type", "userPoolId", "triggerSource", "methodArn"}

// mayBeEvent says whether a parameter's name leaves open that it is the event; ""
// is one that is taken apart at once.
func mayBeEvent(name string) bool {
	switch name {
	case "", "event", "evt", "ev", "e", "lambda_event", "_event", "input", "payload", "msg", "message":
		return true
	}
	return false
}

// shapes looks at what a file exports otherwise: a function as the whole module,
// HTTP functions by their parameters.
func (p *program) shapes(ctx context.Context, f *ir.File) error {
	root := !strings.Contains(f.Name, "/")
	for _, e := range p.machine.Functions(f) {
		names := e.ParamNames()
		if len(names) == 0 {
			continue
		}
		_, azure := p.d.bindings[p.container+"\x00"+path.Dir(f.Name)]
		switch {
		case azure:
		case f.Lang == ir.JS && e.Name == "" && names[0] == "context" && len(names) == 2:
		case f.Lang == ir.JS && e.Name == "" && names[0] == "event":
		case f.Lang == ir.JS && root && len(names) == 2 && names[0] == "req" && names[1] == "res":
		case f.Lang == ir.Python && root && path.Base(f.Name) == "main.py" && len(names) == 1 && names[0] == "request":
		case f.Lang == ir.Python && len(names) == 2 && names[0] == "event" && names[1] == "context":
		case f.Lang == ir.JS && len(names) == 2 && names[0] == "event" && names[1] == "context":
		case f.Lang != ir.JS && f.Lang != ir.Python || len(names) > 3 || !mayBeEvent(names[0]) || !e.Reads(ofEvents) && (names[0] != "event" || !e.Reads([]string{"body", "headers"})):
			continue
		}
		e.Params = p.params(f, &e, p.fallback())
		if err := p.start(ctx, f, e, p.fallback()); err != nil {
			return err
		}
	}
	return nil
}

// registered enters what the code registered: routes and the like.
func (p *program) registered(ctx context.Context) error {
	for i := range len(p.machine.Entries()) {
		e := p.machine.Entries()[i]
		fn := p.fnOf[e.File]
		if fn == nil && len(p.d.functions) == 1 {
			fn = &p.d.functions[0]
		}
		e.Name = fmt.Sprintf("%s (entry %d)", e.Name, i+1)
		if e.File.Lang == ir.Go {
			e.Params = goParams(&e)
			if fn != nil && p.allBus() {
				e.Params = fromBus(e.Params)
			}
		}
		if err := p.start(ctx, e.File, e, fn); err != nil {
			return err
		}
	}
	return nil
}
