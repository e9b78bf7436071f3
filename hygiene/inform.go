package hygiene

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// maxFolders bounds the folders whose sizes are kept.
const maxFolders = 50_000

// Inform tells which functions templates state, before Finish. Those that may mean
// the code of another artifact are left out.
func (d *Detector) Inform(functions []fnvet.Function) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.functions = slices.DeleteFunc(slices.Clone(functions), func(f fnvet.Function) bool { return !f.Sure || f.Path == "" })
}

// folder adds to the size of the folder of a file.
func (d *Detector) folder(f *fnvet.File) {
	dir := path.Dir(f.Name)
	if n, ok := d.folders[dir]; ok || len(d.folders) < maxFolders {
		d.folders[strings.Clone(dir)] = n + f.Size
	}
}

// sourceFile notes what is built before it is packed.
func sourceFile(ext string) bool {
	switch ext {
	case ".ts", ".mts", ".cts", ".tsx", ".jsx":
		return true
	}
	return false
}

// statedHandlers reports handlers that templates state and that are not where the
// template says their code is.
func (d *Detector) statedHandlers() []fnvet.Finding {
	if !d.whole || d.cut {
		return nil
	}
	var found []fnvet.Finding
	for i := range d.functions {
		f := &d.functions[i]
		if f.Cloud != "aws" || f.Handler == "" || d.artifact.Config.Handler != "" || d.options.Handler != "" {
			continue // the artifact says for itself which handler it has
		}
		if d.artifact.Type == "directory" && !interpreted(f.Runtime) {
			continue // the sources of what is compiled
		}
		wanted := candidates(f.Handler, f.Runtime)
		if len(wanted) == 0 || slices.ContainsFunc(append(wanted, builtFrom(wanted)...), func(name string) bool { return d.there(path.Join(f.Root, name)) }) {
			continue
		}
		where := "none of " + strings.Join(wanted, ", ") + " is there"
		if f.Root != "" {
			where = "none of " + strings.Join(wanted, ", ") + " is in " + f.Root
		}
		x := finding(missingHandler, "", f.Path, "", "the handler of "+f.Name+" is "+f.Handler+"; "+where)
		x.Line, x.Resource, x.Salt = f.Line, f.Name, f.Handler
		found = append(found, x)
	}
	return found
}

func interpreted(runtime string) bool {
	return strings.HasPrefix(runtime, "nodejs") || strings.HasPrefix(runtime, "python") || strings.HasPrefix(runtime, "ruby")
}

// builtFrom are the sources that scripts are built from.
func builtFrom(scripts []string) []string {
	var out []string
	for _, s := range scripts {
		if stem, ok := strings.CutSuffix(s, ".js"); ok {
			out = append(out, stem+".ts", stem+".tsx", stem+".mts", stem+".cts", stem+".jsx")
		}
	}
	return out
}

func (d *Detector) there(name string) bool {
	_, there := d.code[nameHash(name)]
	return there
}

// statedPlatform is the processor on which all functions run that templates state.
func (d *Detector) statedPlatform() platforms {
	var all platforms
	for i := range d.functions {
		f := &d.functions[i]
		var one platforms
		for _, a := range f.Architectures {
			one |= architecture(a)
		}
		if one == 0 {
			return 0
		}
		all |= one
	}
	if all == linuxAMD64 || all == linuxARM64 {
		return all
	}
	return 0
}

// statedSizes compares the folders of functions with Lambda's limit, where a
// directory holds several. ok is false when it is one function's as a whole.
func (d *Detector) statedSizes() (found []fnvet.Finding, ok bool) {
	if d.artifact.Type != "directory" || len(d.functions) == 0 {
		return nil, false
	}
	said := map[string]bool{}
	for i := range d.functions {
		f := &d.functions[i]
		if f.Root == "" {
			return nil, false
		}
		if f.Cloud != "aws" || said[f.Root] {
			continue
		}
		said[f.Root] = true
		n := int64(0)
		for dir, size := range d.folders {
			if dir == f.Root || strings.HasPrefix(dir, f.Root+"/") {
				n += size
			}
		}
		if n > lambdaUnzipped {
			x := finding(unzippedSize, "", f.Root, "", "the code of "+f.Name+" has "+megabytes(n)+", the limit is "+megabytes(lambdaUnzipped))
			x.Resource, x.Salt = f.Name, f.Root
			found = append(found, x)
		}
	}
	return found, true
}
