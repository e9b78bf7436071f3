package google

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// IsFirebase tells by its name whether a file is firebase.json with functions.
func IsFirebase(name string, data []byte) bool {
	return path.Base(name) == "firebase.json" && bytes.Contains(data, []byte(`"functions"`))
}

// ReadFirebase reads firebase.json. It states folders of functions, their runtime
// and, by .env files in the folder, their environment; the functions themselves are
// declared by the code. Each folder is one function of the model.
func ReadFirebase(ctx context.Context, src *model.Source) (*model.Model, error) {
	r := newReader(src, model.Firebase)
	root, err := doc.JSON(r.file, src.Data, true)
	if err != nil {
		r.m.Partial = true
		return r.m, fmt.Errorf("%s: %w", src.Name, err)
	}
	functions := root.Get("functions")
	all := functions.Elements()
	if functions.Is(doc.Map) {
		all = []*doc.Node{functions}
	}
	for _, n := range all {
		r.codebase(n)
	}
	r.rewrites(root.Get("hosting"))
	return r.m, ctx.Err()
}

func (r *reader) codebase(n *doc.Node) {
	id, dir := n.Get("codebase").Str(), n.Get("source").Str()
	if dir == "" {
		dir = "functions"
	}
	if id == "" {
		id = dir
	}
	f := &model.Function{Resource: model.Resource{Pos: pos(n), ID: id, Cloud: model.Google, Type: "firebase"}, Runtime: str(n.Get("runtime"))}
	in := path.Join(path.Dir(r.src.Name), dir)
	f.Code = model.Code{Pos: pos(n), Path: model.Is(pos(n), model.Lit(pos(n), in))}
	if fs.ValidPath(in) && r.src.FS != nil {
		r.folder(f, in)
	}
	r.m.Functions = append(r.m.Functions, f)
}

// folder reads the .env files and the engine of package.json in a folder of code.
func (r *reader) folder(f *model.Function, dir string) {
	entries, err := fs.ReadDir(r.src.FS, dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() || e.Name() != ".env" && !strings.HasPrefix(e.Name(), ".env.") && e.Name() != "package.json" {
			continue
		}
		data, err := readFile(r.src.FS, name)
		if err != nil {
			continue
		}
		file := r.src.Pos(name, 0, 0).File
		if e.Name() != "package.json" {
			f.Env = append(f.Env, dotenv(file, data)...)
			continue
		}
		p, err := doc.JSON(file, data, true)
		if err != nil {
			continue
		}
		if node := p.At("engines", "node"); node != nil && f.Runtime.Absent() {
			f.Runtime = engine(node)
		}
	}
}

// engine is the runtime that "engines": {"node": "20"} asks for.
func engine(n *doc.Node) model.Value[string] {
	version := strings.TrimLeft(n.Str(), "^~>=v ")
	major, _, _ := strings.Cut(version, ".")
	if _, ok := integer(major); !ok {
		return model.Unknown[string](pos(n), "the engine is a range")
	}
	return model.Is(pos(n), "nodejs"+major)
}

// rewrites are what the hosting hands to functions: anyone may ask for it.
func (r *reader) rewrites(hosting *doc.Node) {
	all := hosting.Elements()
	if hosting.Is(doc.Map) {
		all = []*doc.Node{hosting}
	}
	for _, h := range all {
		for _, w := range h.Get("rewrites").Elements() {
			name := first(w.Get("function"), w.At("run", "serviceId"))
			if name == nil {
				continue
			}
			if name.Is(doc.Map) {
				name = name.Get("functionId")
			}
			r.m.Others = append(r.m.Others, &model.Resource{Pos: pos(w), ID: "rewrite " + name.Str(), Cloud: model.Google, Type: "firebase rewrite", Name: text(name)})
		}
	}
}

// IsAppEngine tells by name and content whether a file is an app.yaml of App Engine.
func IsAppEngine(name string, data []byte) bool {
	base := path.Base(name)
	return (base == "app.yaml" || base == "app.yml") && bytes.Contains(data, []byte("runtime:")) && !bytes.Contains(data, []byte("apiVersion:"))
}

// ReadAppEngine reads app.yaml: a service that takes requests of everyone unless its
// handlers ask for a login.
func ReadAppEngine(ctx context.Context, src *model.Source) (*model.Model, error) {
	r := newReader(src, model.GCloud)
	docs, err := doc.YAML(r.file, src.Data)
	for _, n := range docs {
		if n.Get("runtime") == nil {
			continue
		}
		id := n.Get("service").Str()
		if id == "" {
			id = "default"
		}
		f := &model.Function{Resource: model.Resource{Pos: pos(n), ID: id, Cloud: model.Google, Type: "app.yaml"}, Runtime: str(n.Get("runtime")), Handler: str(n.Get("entrypoint")),
			Concurrency: parsed(n.At("automatic_scaling", "max_instances"), integer), Provisioned: parsed(n.At("automatic_scaling", "min_instances"), integer),
			PerInstance: parsed(n.At("automatic_scaling", "max_concurrent_requests"), integer)}
		r.pairs(f, n.Get("env_variables"))
		if v := n.At("vpc_access_connector", "name"); v != nil {
			f.Network = &model.Network{Pos: pos(v), Subnets: model.List[model.Text]{Pos: pos(v), Items: text(v).Alts}, Egress: str(n.At("vpc_access_connector", "egress_setting"))}
		}
		f.Endpoint = &model.Endpoint{Pos: pos(n)}
		for _, h := range n.Get("handlers").Elements() {
			if s := h.Get("secure"); s != nil && f.Endpoint.HTTPSOnly.Absent() {
				f.Endpoint.HTTPSOnly = model.Is(pos(s), s.Str() == "always")
			}
		}
		http(f, pos(n))
		r.role(f, n.Get("service_account"))
		r.m.Functions = append(r.m.Functions, f)
	}
	if err != nil {
		r.m.Partial = true
		return r.m, fmt.Errorf("%s: %w", src.Name, err)
	}
	return r.m, ctx.Err()
}
