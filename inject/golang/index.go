// Package golang parses Go source with the standard parser and lowers it to ir.
// It has no type checker: names are resolved by imports, declarations of the
// program, and the types that variables, parameters and fields are declared with.
package golang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Source is one parsed file.
type Source struct {
	Name    string // slash-separated, in the function's file system
	text    string
	file    *ast.File
	base    int // the position of the first byte
	broken  string
	imports map[string]*imported // by local name
}

// An imported is one import of a file.
type imported struct {
	path string
	from string // the file's folder
	// dir is the folder of the program that it means, or "", once own asked.
	dir        string
	own, asked bool
}

// Parse reads a file; mistakes are kept and told when it is lowered.
func Parse(name, text string) *Source {
	set := token.NewFileSet()
	s := &Source{Name: name, text: text, base: set.Base(), imports: map[string]*imported{}}
	f, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		s.broken = "it is not Go that can be read"
	}
	if f == nil {
		f = &ast.File{Name: ast.NewIdent("_")}
	}
	s.file = f
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil || p == "" {
			continue
		}
		local := path.Base(p)
		if len(local) > 1 && local[0] == 'v' && strings.Trim(local[1:], "0123456789") == "" {
			local = path.Base(path.Dir(p))
		}
		if i, _, ok := strings.Cut(local, ".v"); ok { // gopkg.in/yaml.v3
			local = i
		}
		local = strings.TrimPrefix(strings.TrimSuffix(local, "-go"), "go-")
		if i.Name != nil {
			local = i.Name.Name
		}
		s.imports[local] = &imported{path: p, from: path.Dir(name)}
	}
	return s
}

// pos is the offset of a place, inside the text.
func (s *Source) pos(p token.Pos) int32 {
	if !p.IsValid() {
		return 0
	}
	return int32(min(max(int(p)-s.base, 0), len(s.text)))
}

// A decl is a name that a package declares.
type decl struct {
	src    *Source
	fn     *ast.FuncDecl
	typ    *ast.TypeSpec
	vartyp ast.Expr
	value  ast.Expr
}

type pkg struct {
	decls   map[string]*decl
	methods map[string]map[string]*decl // by type and name
}

// An Index knows the packages of a program, by folder.
type Index struct {
	pkgs    map[string]*pkg
	modules map[string]string // path: folder
	ends    map[string]string // the first folder with each end, of two parts up to maxEnd, that is not all of it
}

// NewIndex joins files. modules are the paths of the program's modules, as go.mod
// states them, with their folders ("." for the top); where there are none, an
// import is the program's own if its path ends in one of its folders.
func NewIndex(sources []*Source, modules map[string]string) *Index {
	x := &Index{pkgs: map[string]*pkg{}, modules: modules}
	for _, s := range sources {
		dir := path.Dir(s.Name)
		p := x.pkgs[dir]
		if p == nil {
			p = &pkg{decls: map[string]*decl{}, methods: map[string]map[string]*decl{}}
			x.pkgs[dir] = p
		}
		for _, d := range s.file.Decls {
			p.add(s, d)
		}
	}
	if len(modules) == 0 {
		x.index()
	}
	return x
}

// Limits of looking for the folder that an import means.
const (
	maxEnd  = 20  // parts of a name
	maxPath = 500 // bytes of an import's path
)

// index notes the ends of the names of folders.
func (x *Index) index() {
	x.ends = map[string]string{}
	for _, dir := range slices.Sorted(maps.Keys(x.pkgs)) {
		parts := strings.Count(dir, "/")
		for _, end, ok := strings.Cut(dir, "/"); ok && strings.Contains(end, "/"); _, end, ok = strings.Cut(end, "/") {
			if _, known := x.ends[end]; !known && parts <= maxEnd {
				x.ends[end] = dir
			}
			parts--
		}
	}
}

func (p *pkg) add(s *Source, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || len(d.Recv.List) == 0 {
			p.put(d.Name.Name, &decl{src: s, fn: d})
			return
		}
		t := baseName(d.Recv.List[0].Type)
		if p.methods[t] == nil {
			p.methods[t] = map[string]*decl{}
		}
		p.methods[t][d.Name.Name] = &decl{src: s, fn: d}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				p.put(spec.Name.Name, &decl{src: s, typ: spec})
			case *ast.ValueSpec:
				for i, n := range spec.Names {
					v := &decl{src: s, vartyp: spec.Type}
					if i < len(spec.Values) && len(spec.Values) == len(spec.Names) {
						v.value = spec.Values[i]
					} else if len(spec.Values) == 1 && i == 0 {
						v.value = spec.Values[0]
					}
					p.put(n.Name, v)
				}
			}
		}
	}
}

func (p *pkg) put(name string, d *decl) {
	if name != "_" && name != "init" && p.decls[name] == nil {
		p.decls[name] = d
	}
}

// baseName is the name of a type without pointers and type arguments.
func baseName(x ast.Expr) string {
	for range 10 {
		switch t := x.(type) {
		case *ast.StarExpr:
			x = t.X
		case *ast.ParenExpr:
			x = t.X
		case *ast.IndexExpr:
			x = t.X
		case *ast.IndexListExpr:
			x = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
	return ""
}

// own finds the folder of the program that an import means. i may be nil.
func (x *Index) own(i *imported) (string, bool) {
	if i == nil {
		return "", false
	}
	if !i.asked {
		i.asked = true
		i.dir, i.own = x.folder(i)
	}
	return i.dir, i.own
}

// folder is the one that the longest end of the import path names: below the
// folder of the importer or one above it, else anywhere.
func (x *Index) folder(i *imported) (string, bool) {
	first, rest, ok := strings.Cut(i.path, "/")
	if slices.Contains(standard, first) || len(i.path) > maxPath {
		return "", false
	}
	if len(x.modules) > 0 {
		return x.inModule(i.path)
	}
	for ; ok; _, rest, ok = strings.Cut(rest, "/") {
		at := i.from
		for n := 0; n < maxEnd && at != "." && strings.Contains(rest, "/"); n++ {
			if dir := path.Join(at, rest); x.pkgs[dir] != nil {
				return dir, true
			}
			at = path.Dir(at)
		}
		if x.pkgs[rest] != nil {
			return rest, true
		}
		if dir := x.ends[rest]; dir != "" {
			return dir, true
		}
	}
	return "", false
}

// inModule finds the folder of a path by the module, of those that the program has,
// whose path is the longest beginning of it.
func (x *Index) inModule(importPath string) (string, bool) {
	for at := importPath; at != "." && at != "/"; at = path.Dir(at) {
		if dir, ok := x.modules[at]; ok {
			dir = path.Join(dir, strings.TrimPrefix(importPath, at))
			return dir, x.pkgs[dir] != nil
		}
	}
	return "", false
}

// standard are the first parts of the paths of the standard library.
var standard = []string{"archive", "bufio", "bytes", "cmp", "compress", "container", "context", "crypto", "database", "debug", "embed", "encoding",
	"errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path",
	"plugin", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "sync", "syscall", "testing", "text", "time", "unicode", "unsafe"}
