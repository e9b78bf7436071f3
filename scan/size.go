package scan

import (
	"path"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
)

// maxFolders bounds the folders whose size is counted.
const maxFolders = 100_000

// A Folder is where a package may lie.
type Folder struct{ Path, Layer string }

// sizes counts the bytes of files by the folder of the package they may belong to.
type sizes struct {
	mu sync.Mutex
	by map[Folder]int64
}

func (s *sizes) add(f *fnvet.File) {
	if f.Link != "" || f.Archive {
		return
	}
	at := Folder{strings.TrimSuffix(f.Path, f.Name) + packageFolder(f.Name), f.Layer}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.by[at]; known || len(s.by) < maxFolders {
		if s.by == nil {
			s.by = make(map[Folder]int64)
		}
		s.by[at] += f.Size
	}
}

// packageFolder is the innermost folder of a path that a package manager may have
// made for one package: below node_modules or site-packages, else the first (the
// second below python, as in layers of functions).
func packageFolder(name string) string {
	if i := strings.LastIndex("/"+name, "/node_modules/"); i >= 0 {
		start := i + len("node_modules/")
		n := 1
		if strings.HasPrefix(name[start:], "@") {
			n = 2
		}
		return name[:start] + segments(name[start:], n)
	}
	for _, mark := range []string{"site-packages/", "dist-packages/"} {
		if i := strings.Index(name, mark); i >= 0 {
			return name[:i+len(mark)] + segments(name[i+len(mark):], 1)
		}
	}
	if rest, ok := strings.CutPrefix(name, "python/"); ok {
		return "python/" + segments(rest, 1)
	}
	return segments(name, 1)
}

// segments is the first n segments of a path.
func segments(p string, n int) string {
	end := 0
	for range n {
		i := strings.IndexByte(p[end:], '/')
		if i < 0 {
			return p
		}
		end += i + 1
	}
	return p[:end-1]
}

// sized gives packages the size of what is installed of them: what a distribution
// states, the archive that a package is, or the files in its folder.
func (h *Harvest) sized(pkgs []fnvet.Package, archives []fnvet.Archive) {
	jars := make(map[Folder]int64, len(archives))
	for _, a := range archives {
		jars[Folder{a.Path, a.Layer}] = a.Size
	}
	for i := range pkgs {
		p := &pkgs[i]
		if p.Size > 0 {
			continue
		}
		for _, l := range p.Locations {
			if l.Kind != fnvet.Installed {
				continue
			}
			p.Size += jars[Folder{l.Path, l.Layer}]
			switch dir := path.Dir(l.Path); p.Ecosystem {
			case "npm":
				p.Size += h.Sizes[Folder{dir, l.Layer}]
			case "PyPI":
				module := strings.ReplaceAll(p.Name, "-", "_")
				n := h.Sizes[Folder{beside(dir, module), l.Layer}] + h.Sizes[Folder{beside(dir, module+".py"), l.Layer}]
				if n > 0 { // else its modules have another name, and the metadata alone is not its size
					p.Size += n + h.Sizes[Folder{dir, l.Layer}]
				}
			}
		}
	}
}

// beside is a name in the folder or archive that dir lies in.
func beside(dir, name string) string {
	if i := strings.LastIndex(dir, "/"); i >= 0 {
		return dir[:i+1] + name // after "!/" too
	}
	return name
}
