package posture

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/model"
)

// A match is a function whose code is, or may be, in the artifact.
type match struct {
	function *model.Function
	stack    *stack
	root     string // folder of the code in the artifact
	sure     bool
}

// match finds the functions of the artifact. What is certain: the code of a
// template in the artifact lies where it says; the artifact has the name of the
// code, or of the function; there is but one function; the handlers of functions
// that share their code are there.
func (d *Detector) match(stacks []*stack) {
	if d.artifact.Type == "sbom" {
		return
	}
	names := d.codeNames()
	var guesses []match
	total := 0
	for _, s := range stacks {
		for _, f := range s.model.Functions {
			total++
			if m, ok := d.place(s, f, names); ok {
				guesses = append(guesses, m)
			}
		}
	}
	if total == 1 && len(guesses) == 0 && len(names) > 0 && (d.artifact.Type == "zip" || d.artifact.Type == "jar") {
		for _, s := range stacks {
			for _, f := range s.model.Functions {
				if s.tree == nil { // the template is about this package, or about none
					guesses = []match{{function: f, stack: s, sure: true}}
				}
			}
		}
	}
	if total == 1 && len(guesses) == 1 {
		guesses[0].sure = true
	}
	d.mine = d.beside(stacks, certain(guesses))
}

// beside adds the functions of a directory whose code lies in the same folder as
// that of one which is there, though their handlers are not. Packages may hold one
// function's files of many.
func (d *Detector) beside(stacks []*stack, mine []match) []match {
	if d.artifact.Type != "directory" {
		return mine
	}
	out := slices.Clone(mine)
	for _, s := range stacks {
		for _, f := range s.model.Functions {
			code := textOf(f.Code.Path)
			if code == "" || slices.ContainsFunc(mine, func(m match) bool { return m.function == f }) {
				continue
			}
			i := slices.IndexFunc(mine, func(m match) bool { return m.stack == s && m.sure && textOf(m.function.Code.Path) == code })
			if i >= 0 {
				out = append(out, match{function: f, stack: s, root: mine[i].root, sure: true})
			}
		}
	}
	return out
}

// codeNames are the names of the files of the artifact that may be code: of the
// artifact itself, not of archives in it.
func (d *Detector) codeNames() map[string]struct{} {
	if t := d.trees[""]; t != nil {
		return t.names
	}
	return nil
}

// place says where the code of a function is in the artifact.
func (d *Detector) place(s *stack, f *model.Function, names map[string]struct{}) (match, bool) {
	m := match{function: f, stack: s}
	handler, _ := f.Handler.Known()
	runtime, _ := f.Runtime.Known()
	if s.own {
		m.sure = true
		return m, true
	}
	if pack, _ := f.PackageType.Known(); pack == "Image" || !f.Code.Image.Absent() {
		return d.image(m)
	}
	local := ""
	if p, ok := f.Code.Path.Known(); ok {
		local, ok = p.Literal()
		if ok && d.named(local) { // fn.zip, or the folder's name
			m.sure = true
			return m, handler == "" || found(names, "", handler, runtime) || path.Ext(local) != ""
		}
	}
	if s.tree != nil && s.tree.container == "" && local != "" && handler != "" && found(names, local, handler, runtime) {
		m.root, m.sure = strings.Trim(strings.TrimPrefix(path.Clean(local), "."), "/"), true
		return m, true
	}
	if key, ok := f.Code.Key.Known(); ok {
		if lit, ok := key.Literal(); ok && d.named(lit) {
			m.sure = true
			return m, true
		}
	}
	if d.called(f) {
		m.sure = true
		return m, true
	}
	if handler != "" && found(names, "", handler, runtime) {
		return m, true
	}
	return m, false
}

// image matches functions of images with an image that is scanned.
func (d *Detector) image(m match) (match, bool) {
	if d.artifact.Type != "image" {
		return m, false
	}
	if uri, ok := m.function.Code.Image.Known(); ok {
		repository, _, _ := strings.Cut(path.Base(uri.String()), ":")
		name, _, _ := strings.Cut(path.Base(d.artifact.Name), ":")
		m.sure = repository != "" && strings.HasPrefix(strings.TrimSuffix(name, path.Ext(name)), repository)
	}
	return m, true
}

// stem is the name of the artifact without the extension of an archive.
func (d *Detector) stem() string {
	base := path.Base(strings.ReplaceAll(d.artifact.Name, "\\", "/"))
	for _, ext := range []string{".zip", ".jar", ".tar", ".tgz", ".tar.gz", ".war"} {
		if s, ok := strings.CutSuffix(base, ext); ok {
			return s
		}
	}
	return base
}

// named reports a path that ends with the artifact's name.
func (d *Detector) named(local string) bool {
	base := path.Base(local)
	switch base {
	case ".", "/", "":
		return false
	}
	artifact := path.Base(strings.ReplaceAll(d.artifact.Name, "\\", "/"))
	return base == artifact || base == d.stem() && path.Ext(base) == ""
}

// called reports a function of the artifact's name: "orders.zip" is OrdersFunction.
func (d *Detector) called(f *model.Function) bool {
	want := plainName(d.stem())
	if len(want) < 3 {
		return false
	}
	all := []string{f.ID}
	for _, n := range f.Name.Alts {
		all = append(all, n.String())
	}
	for _, n := range all {
		n = n[strings.LastIndexAny(n, "/.")+1:]
		if p := plainName(n); p == want || strings.TrimSuffix(strings.TrimSuffix(p, "lambda"), "function") == want || strings.TrimSuffix(p, "lambdafunction") == want {
			return true
		}
	}
	return false
}

func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

// certain makes guesses sure where they leave no choice: all of them share their code.
func certain(guesses []match) []match {
	sure := slices.ContainsFunc(guesses, func(m match) bool { return m.sure })
	codes := map[string]bool{}
	for _, m := range guesses {
		codes[m.function.Code.Path.File+"\x00"+textOf(m.function.Code.Path)+"\x00"+textOf(m.function.Code.Key)] = true
	}
	if sure || len(codes) > 1 {
		return guesses
	}
	for i := range guesses {
		if guesses[i].function.Code.Image.Absent() {
			guesses[i].sure = true
		}
	}
	return guesses
}

func textOf(v model.Value[model.Text]) string {
	if t, ok := v.Known(); ok {
		return t.String()
	}
	return ""
}

// found reports that a file which the handler names is in a folder.
func found(names map[string]struct{}, root, handler, runtime string) bool {
	root = strings.Trim(strings.TrimPrefix(path.Clean("./"+root), "."), "/")
	for _, c := range handlerFiles(handler, runtime) {
		if _, ok := names[path.Join(root, c)]; ok {
			return true
		}
	}
	return false
}

// handlerFiles are the files that a handler may name, sources before their build too.
func handlerFiles(handler, runtime string) []string {
	switch {
	case strings.HasPrefix(runtime, "provided"):
		return []string{"bootstrap", "main.go"}
	case runtime == "go1.x":
		return []string{handler}
	case strings.HasPrefix(runtime, "java"), strings.Count(handler, "::") == 1 && runtime == "":
		class, _, _ := strings.Cut(handler, "::")
		file := strings.ReplaceAll(class, ".", "/")
		return []string{file + ".class", "src/main/java/" + file + ".java", "src/main/kotlin/" + file + ".kt", "BOOT-INF/classes/" + file + ".class"}
	case strings.HasPrefix(runtime, "dotnet"), strings.Count(handler, "::") == 2:
		assembly, _, _ := strings.Cut(handler, "::")
		return []string{assembly + ".dll", assembly}
	}
	folder, base := path.Split(handler)
	stem := base
	if i := strings.LastIndexByte(base, '.'); i >= 0 {
		stem = base[:i]
	}
	dotted := folder + strings.ReplaceAll(stem, ".", "/")
	var out []string
	for _, ext := range []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".py", ".pyc", ".rb"} {
		out = append(out, folder+stem+ext, dotted+ext)
	}
	return append(out, dotted+"/__init__.py")
}

// function is a match in the vocabulary of the other steps.
func (d *Detector) function(x *match) fnvet.Function {
	f, m := x.function, x.stack.model
	out := fnvet.Function{Name: f.ID, Path: f.File, Line: f.Line, Cloud: string(f.Cloud), Root: x.root, Sure: x.sure}
	if x.stack.own {
		out.Path, out.Line = "", 0
	}
	out.Runtime, _ = f.Runtime.Known()
	out.Handler, _ = f.Handler.Known()
	if !f.Architectures.Open {
		for _, a := range f.Architectures.Items {
			out.Architectures = append(out.Architectures, a.String())
		}
	}
	for _, v := range f.Env {
		out.Env = append(out.Env, v.Name)
	}
	out.Triggers, out.Grants = check.Triggers(m, f), check.Grants(m, f, d.catalog)
	return out
}

// config is what a template states of the artifact, when it is certain which
// function that is.
func (d *Detector) config() *fnvet.Config {
	var only *match
	for i := range d.mine {
		if x := &d.mine[i]; x.sure && !x.stack.own {
			if only != nil {
				return nil
			}
			only = x
		}
	}
	if only == nil {
		return nil
	}
	f := only.function
	var c fnvet.Config
	c.Runtime, _ = f.Runtime.Known()
	c.Handler, _ = f.Handler.Known()
	c.TimeoutS, _ = f.TimeoutS.Known()
	c.MemoryMB, _ = f.MemoryMB.Known()
	c.EphemeralMB, _ = f.EphemeralMB.Known()
	c.Tracing, _ = f.Tracing.Known()
	if !f.Architectures.Open && len(f.Architectures.Items) == 1 {
		c.Architectures = []string{f.Architectures.Items[0].String()}
	}
	if role, ok := f.Role.Known(); ok {
		if lit, ok := role.Literal(); ok {
			c.Role = lit
		} else if ref, ok := role.Ref(); ok {
			c.Role = ref.ID
		}
	}
	return &c
}
