// Package azure reads what Azure Functions are declared with into the function
// model: the folder of a function app (host.json, function.json, local.settings.json,
// decorators of Python's v2 model, calls of Node's v4 model), ARM templates and
// Bicep. It compiles nothing, runs nothing and asks no registry of modules.
package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// Limits of what is read of one app or template.
const (
	maxFile  = 4 << 20 // bytes of one file
	maxFiles = 2000    // files looked at
)

// IsApp tells by its name whether a file is the host.json of a function app, whose
// folder is then the app.
func IsApp(name string, data []byte) bool {
	return path.Base(name) == "host.json" && len(data) > 0
}

// IsCode tells whether a file is code that may declare functions of Azure, which an
// app is read together with.
func IsCode(name string, data []byte) bool {
	switch path.Ext(name) {
	case ".py":
		return mentions(data, python)
	case ".js", ".mjs", ".cjs", ".ts", ".mts":
		return mentions(data, script)
	}
	return false
}

// An app is the folder of a function app while it is read.
type app struct {
	src   *model.Source
	m     *model.Model
	id    string
	base  model.Function // what all its functions share
	files int
}

// ReadApp reads the function app in the folder src.Name. What was read before a
// mistake is returned beside the error.
func ReadApp(ctx context.Context, src *model.Source) (*model.Model, error) {
	a := &app{src: src, id: path.Base(src.Name), m: &model.Model{Dialect: model.AzureFunction, Cloud: model.Azure, File: src.Pos(src.Name, 0, 0).File}}
	if src.FS == nil {
		return a.m, fmt.Errorf("azure %s: no folder to read", src.Name)
	}
	if a.id == "." {
		a.id = "app"
	}
	a.base = model.Function{Resource: model.Resource{Cloud: model.Azure, Type: "function"}, App: a.id}
	a.host()
	a.settings()
	err := fs.WalkDir(src.FS, path.Clean(src.Name), func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || d.IsDir() && skipped(d.Name()) {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			a.file(name)
		}
		if a.files > maxFiles {
			a.unresolved(name, "the folder", "it has too many files")
			return fs.SkipAll
		}
		return nil
	})
	for _, f := range a.m.Functions {
		for _, t := range f.Triggers {
			if t.Route != nil {
				t.Route.Function = f.ID
			}
		}
	}
	return a.m, err
}

func skipped(name string) bool {
	return name == "node_modules" || name == ".venv" || name == "venv" || name == ".python_packages" || name == "__pycache__" || name == ".git"
}

func (a *app) unresolved(name, what, why string) {
	a.m.Unresolved = append(a.m.Unresolved, model.Unresolved{Pos: a.src.Pos(name, 0, 0), What: what, Why: why, Partial: true})
}

func (a *app) read(name string) ([]byte, error) { return readFile(a.src.FS, name) }

// readFile reads a file of the root, within bounds.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New("the file is too large")
	}
	return data, err
}

// json reads a file of the app, or nil.
func (a *app) json(name string) *val {
	data, err := a.read(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.unresolved(name, path.Base(name), err.Error())
		}
		return nil
	}
	n, err := doc.JSON(a.src.Pos(name, 0, 0).File, data, true)
	if err != nil {
		a.unresolved(name, path.Base(name), err.Error())
		return nil
	}
	return fromDoc(n)
}

// host reads what host.json sets for all functions.
func (a *app) host() {
	h := a.json(path.Join(a.src.Name, "host.json"))
	a.base.Pos = h.at()
	a.base.TimeoutS = convert(h.get("functionTimeout"), func(t model.Text) (int, bool) {
		s, _ := t.Literal()
		return timeSpan(s)
	})
}

// timeSpan reads "00:10:00" or "1.00:00:00" as seconds. "-1" is no limit.
func timeSpan(s string) (int, bool) {
	days := 0
	if d, rest, ok := strings.Cut(s, "."); ok && strings.Contains(rest, ":") {
		n, err := strconv.Atoi(d)
		if err != nil || n < 0 || n > 1000 {
			return 0, false
		}
		days, s = n, rest
	}
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, false
	}
	total := 0
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 1000 {
			return 0, false
		}
		total = total*60 + n
	}
	return days*86400 + total, true
}

// settings reads local.settings.json, which is an environment like any other.
func (a *app) settings() {
	s := a.json(path.Join(a.src.Name, "local.settings.json"))
	all, _ := s.get("Values").alts()
	for _, v := range all {
		for _, e := range v.fields {
			x := keyVault(e.v).textValue()
			a.base.Env = append(a.base.Env, model.Variable{Pos: x.Pos, Name: e.key, Value: x})
		}
	}
	if origins := s.get("Host", "CORS"); !origins.absent() {
		c := &model.CORS{Pos: origins.at(), Credentials: s.get("Host", "CORSCredentials").bool()}
		c.Origins = model.List[model.Text]{Pos: origins.at()}
		for o := range strings.SplitSeq(origins.one(), ",") {
			c.Origins.Items = append(c.Origins.Items, model.Lit(origins.at(), strings.TrimSpace(o)))
		}
		a.base.Endpoint = &model.Endpoint{Pos: origins.at(), CORS: c}
	}
}

var vaultRef = lazyregexp.New(`(?i)^@Microsoft\.KeyVault\((.*)\)$`)

// keyVault makes a reference to a secret that the platform resolves at run time.
func keyVault(v *val) *val {
	if s, ok := v.str().Known(); ok {
		if m := vaultRef().FindStringSubmatch(strings.TrimSpace(s)); m != nil {
			return link(v.pos, model.RefSecret, m[1], "")
		}
	}
	return v
}

func (a *app) file(name string) {
	switch path.Ext(name) {
	case ".json":
		if path.Base(name) == "function.json" && path.Dir(path.Dir(name)) == path.Clean(a.src.Name) {
			a.files++
			a.function(name)
		}
	case ".py":
		a.code(name, python)
	case ".js", ".mjs", ".cjs", ".ts", ".mts":
		if !strings.HasSuffix(name, ".d.ts") {
			a.code(name, script)
		}
	}
}

// function reads a function.json; the function has the name of its folder.
func (a *app) function(name string) {
	v := a.json(name)
	if v.absent() {
		return
	}
	f := a.base
	f.ID = path.Base(path.Dir(name))
	f.Pos, f.Name = v.at(), model.Is(v.at(), model.Lit(v.at(), f.ID))
	f.Handler = v.get("entryPoint").str()
	dir := path.Dir(name)
	f.Code = model.Code{Pos: v.at(), Path: mapped(v.get("scriptFile").textValue(), func(t model.Text) model.Text {
		if s, ok := t.Literal(); ok && fs.ValidPath(path.Join(dir, s)) {
			return model.Lit(t.Pos, path.Join(dir, s))
		}
		return t
	})}
	bindings, _ := v.get("bindings").elements()
	for _, b := range bindings {
		bind(&f, b.get("type").one(), b)
	}
	if off := v.get("disabled").bool(); off.All(func(b bool) bool { return b }) {
		for _, t := range f.Triggers {
			t.Enabled = model.Is(off.Pos, false)
		}
	}
	a.add(&f)
}

func (a *app) add(f *model.Function) { a.m.Functions = append(a.m.Functions, f) }

func (a *app) code(name string, lang language) {
	data, err := a.read(name)
	if err != nil {
		a.unresolved(name, path.Base(name), err.Error())
		return
	}
	if !mentions(data, lang) {
		return
	}
	a.files++
	file := a.src.Pos(name, 0, 0).File
	for _, f := range declared(file, data, lang) {
		one := a.base
		one.ID, one.Pos, one.Handler = f.name, f.pos, model.Is(f.pos, f.handler)
		if f.handler == "" {
			one.Handler = model.Value[string]{}
		}
		one.Name = model.Is(f.pos, model.Lit(f.pos, f.name))
		one.Code = model.Code{Pos: f.pos, Path: model.Is(f.pos, model.Lit(f.pos, name))}
		for _, b := range f.bindings {
			bind(&one, b.typ, b.v)
		}
		a.add(&one)
	}
}
