package inject

import (
	"context"
	"path"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/engine"
	"github.com/fnvet/fnvet/inject/golang"
	"github.com/fnvet/fnvet/inject/ir"
)

// goCode is the Go source of one file system.
type goCode struct {
	index   *golang.Index
	sources map[string]*golang.Source
}

// golang parses the sources and runs those that start something: main and init.
func (p *program) golang(ctx context.Context) error {
	var list []*golang.Source
	p.goCode.sources = map[string]*golang.Source{}
	for _, name := range p.names {
		if path.Ext(name) != ".go" || ctx.Err() != nil {
			continue
		}
		s := golang.Parse(name, p.text(p.byName[name]))
		p.goCode.sources[name] = s
		list = append(list, s)
	}
	p.goCode.index = golang.NewIndex(list, p.d.modules[p.container])
	for _, s := range list {
		f := p.goFile(s.Name)
		if err := p.work(ctx, f, "what the file does when it is loaded", func() error { return p.machine.Load(f) }); err != nil {
			return err
		}
		for _, e := range p.machine.Functions(f) {
			types := e.ParamTypes()
			if len(types) != 2 || types[0] != "net/http.ResponseWriter" || types[1] != "net/http.Request" || strings.Contains(f.Name, "/") {
				continue // Google runs HTTP functions of the root package by name
			}
			e.Params = goParams(&e)
			if err := p.start(ctx, f, e, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *program) goFile(name string) *ir.File {
	s := p.goCode.sources[name]
	if s == nil {
		return nil
	}
	if f, ok := p.files[name]; ok {
		return f
	}
	src := p.byName[name]
	f := golang.Lower(s, p.goCode.index, src.path)
	p.files[name], p.where[f] = f, src
	return f
}

// goParams are what the parameters of a Go handler get, by their types.
func goParams(e *engine.Entry) []string {
	var out []string
	for _, t := range e.ParamTypes() {
		switch {
		case t == "context.Context":
			out = append(out, "ext:context.Context")
		case t == "net/http.ResponseWriter":
			out = append(out, "ext:net/http.ResponseWriter")
		case t == "net/http.Request", strings.HasSuffix(t, "/gin.Context"), strings.HasSuffix(t, "/echo.Context"), strings.HasSuffix(t, "/fiber.Ctx"):
			out = append(out, "source:go.request")
		case strings.HasSuffix(t, "/event.Event"), strings.HasSuffix(t, "cloudevents.Event"):
			out = append(out, "source:cloudevent")
		default:
			out = append(out, "source:event")
		}
	}
	return out
}

// module keeps the path of a Go module and its folder.
func (d *Detector) module(f *fnvet.File) {
	name := modfile.ModulePath(f.Data)
	d.mu.Lock()
	defer d.mu.Unlock()
	if name == "" || len(d.modules[f.Container]) >= maxConfigs {
		return
	}
	if d.modules[f.Container] == nil {
		d.modules[f.Container] = map[string]string{}
	}
	if dir, ok := d.modules[f.Container][name]; !ok || path.Dir(f.Name) < dir {
		d.modules[f.Container][strings.Clone(name)] = strings.Clone(path.Dir(f.Name))
	}
}
