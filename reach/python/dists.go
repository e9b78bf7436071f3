package python

import (
	"path"
	"slices"
	"strings"
)

// joined is one distribution with all its files of information.
type joined struct {
	name     string
	dir      string // its *.dist-info or *.egg-info
	manifest int    // index of METADATA or PKG-INFO, or -1
	needs    []string
	plugins  bool
	members  []int // its modules
	known    bool  // RECORD or top_level.txt says which
	marked   bool
}

// join makes distributions of their files of information and says what is theirs.
func (w *walk) join() {
	infos := make(map[string]*joined)
	tops := make(map[string][]string)
	for i := range w.files {
		d := w.files[i].dist
		if d == nil {
			continue
		}
		j := infos[d.dir]
		if j == nil {
			name, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(path.Base(d.dir), ".dist-info"), ".egg-info"), "-")
			j = &joined{name: normal(name), dir: d.dir, manifest: -1}
			infos[d.dir] = j
			w.dists = append(w.dists, j)
			w.byName[j.name] = append(w.byName[j.name], j)
		}
		if d.manifest {
			j.manifest = i
		}
		j.needs = append(j.needs, d.needs...)
		j.plugins = j.plugins || d.plugins
		tops[d.dir] = append(tops[d.dir], d.top...)
		if d.record && len(d.packages)+len(d.modules) > 0 {
			j.known = true
			root := path.Dir(d.dir)
			for _, m := range d.modules {
				w.own(j, path.Join(root, m))
			}
			for _, dir := range d.packages {
				for _, f := range w.base[path.Join(root, dir)] {
					w.give(j, f)
				}
			}
		}
	}
	for _, j := range w.dists {
		if !j.known {
			w.byTop(j, tops[j.dir])
		}
	}
}

// byTop gives a distribution without a RECORD what top_level.txt names, else
// what goes by its own name.
func (w *walk) byTop(j *joined, top []string) {
	root := path.Dir(j.dir)
	j.known = len(top) > 0
	if len(top) == 0 {
		top = []string{strings.ReplaceAll(j.name, "-", "_")}
	}
	for _, t := range top {
		at := path.Join(root, t)
		for _, i := range w.beside(at) {
			w.give(j, i)
		}
		if w.dirs[at] && !w.tired() {
			w.spent += len(w.at)
			for name, i := range w.at {
				if strings.HasPrefix(name, at+"/") {
					w.give(j, i)
				}
			}
		}
	}
	slices.Sort(j.members)
}

func (w *walk) own(j *joined, name string) {
	if i, ok := w.at[name]; ok {
		w.give(j, i)
	}
}

func (w *walk) give(j *joined, i int) {
	if !slices.Contains(w.owners[i], j) {
		w.owners[i] = append(w.owners[i], j)
		j.members = append(j.members, i)
	}
}
