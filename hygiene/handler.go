package hygiene

import (
	"hash/fnv"
	"io"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
)

// handlerFile notes a file that a handler may name: scripts and programs of the
// package itself, classes in any archive.
func (d *Detector) handlerFile(f *fnvet.File) {
	switch ext := path.Ext(f.Name); {
	case ext == ".class":
	case ext == ".js", ext == ".mjs", ext == ".cjs", ext == ".py", ext == ".rb", ext == ".dll", ext == ".so", ext == ".pyc", ext == "", sourceFile(ext):
		if f.Depth > 0 || strings.Contains(f.Name, "node_modules/") || ext == "" && strings.Contains(f.Name, "/") {
			return
		}
	default:
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.code) >= maxCode {
		d.cut = true
		return
	}
	d.code[nameHash(f.Name)] = struct{}{}
}

// nameHash stands for a name, of which there may be very many.
func nameHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // a hash takes all
	return h.Sum64()
}

// handlerFindings reports a handler that is stated and not in the package. Images
// start whatever their command says, so nothing is said of them.
func (d *Detector) handlerFindings() []fnvet.Finding {
	handler := d.options.Handler
	if handler == "" {
		handler = d.artifact.Config.Handler
	}
	switch d.artifact.Type {
	case "zip", "jar", "directory":
	default:
		return nil
	}
	wanted := candidates(handler, d.artifact.Config.Runtime)
	if len(wanted) == 0 || !d.whole || d.cut {
		return nil
	}
	for _, name := range wanted {
		if d.there(name) || d.there("BOOT-INF/classes/"+name) {
			return nil
		}
	}
	f := finding(missingHandler, "", d.artifact.Name, "", "the handler is "+handler+"; none of "+strings.Join(wanted, ", ")+" is there")
	f.Salt = handler
	return []fnvet.Finding{f}
}

// candidates are the files one of which a handler names, from the documentation of
// the Lambda runtimes. None for what cannot be told.
func candidates(handler, runtime string) []string {
	if handler == "" && !strings.HasPrefix(runtime, "provided") && runtime != "go1.x" {
		return nil
	}
	switch {
	case strings.HasPrefix(runtime, "provided"):
		return []string{"bootstrap"}
	case runtime == "go1.x":
		return []string{handler}
	case strings.HasPrefix(runtime, "java"), runtime == "" && strings.Contains(handler, "::") && strings.Count(handler, "::") == 1:
		class, _, _ := strings.Cut(handler, "::")
		return []string{strings.ReplaceAll(class, ".", "/") + ".class"}
	case strings.HasPrefix(runtime, "dotnet"), strings.Count(handler, "::") == 2:
		assembly, _, _ := strings.Cut(handler, "::")
		return []string{assembly + ".dll", assembly}
	}
	return scriptCandidates(handler, runtime)
}

// scriptCandidates are the files for a handler of an interpreter: a path and,
// after its last dot, a function. Python also takes dots for slashes.
func scriptCandidates(handler, runtime string) []string {
	folder, base := path.Split(path.Clean(handler))
	stem, _, found := strings.Cut(base, ".")
	if !found {
		return nil
	}
	extensions := []string{".js", ".mjs", ".cjs", ".py", ".rb"}
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		extensions = extensions[:3]
	case strings.HasPrefix(runtime, "python"):
		extensions = extensions[3:4]
	case strings.HasPrefix(runtime, "ruby"):
		extensions = extensions[4:]
	case runtime != "":
		return nil
	}
	var wanted []string
	for _, ext := range extensions {
		wanted = append(wanted, folder+stem+ext)
		if ext != ".py" {
			continue
		}
		module := folder + strings.ReplaceAll(base[:strings.LastIndexByte(base, '.')], ".", "/")
		for _, form := range []string{".py", ".pyc", ".so", "/__init__.py"} {
			if name := module + form; name != folder+stem+ext {
				wanted = append(wanted, name)
			}
		}
	}
	return wanted
}
