package unpack

import (
	"path"
	"slices"
	"strings"
)

// The names by which a layer deletes what is below it (OCI image specification,
// layer.md, "Whiteouts").
const (
	whiteoutPrefix = ".wh."
	whiteoutMeta   = ".wh..wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// A tree is what one layer holds and hides, by cleaned path. It is filled by one
// goroutine and read when the walk is over.
type tree struct {
	nodes map[string]node
	links map[string]string   // hard link to the file it shares
	named map[string][]string // the names of one file, where it has several
}

// A node says what a layer does at a path. A path can be hidden and made anew.
type node uint8

const (
	nodeFile node = 1 << iota
	nodeDir
	nodeWhiteout
	nodeOpaque
)

func newTree() *tree {
	return &tree{nodes: map[string]node{}, links: map[string]string{}, named: map[string][]string{}}
}

// note records an entry and reports whether it is a whiteout, which is no file.
func (t *tree) note(raw string, dir bool) (whiteout bool) {
	name, _ := cleanName(raw, false, true)
	name = strings.Clone(name)
	parent, base := path.Split(name)
	parent = strings.TrimSuffix(parent, "/")
	switch {
	case base == whiteoutOpaque:
		t.nodes[parent] |= nodeOpaque
	case strings.HasPrefix(base, whiteoutMeta): // bookkeeping of AUFS
	case strings.HasPrefix(base, whiteoutPrefix):
		t.nodes[path.Join(parent, base[len(whiteoutPrefix):])] |= nodeWhiteout
	case dir:
		t.nodes[name] |= nodeDir
		return false
	default:
		t.nodes[name] |= nodeFile
		return false
	}
	return true
}

// link records that name is a hard link to target.
func (t *tree) link(name, target string) {
	if first, ok := t.links[target]; ok {
		target = first
	}
	if name == target {
		return
	}
	t.links[name] = target
	t.named[target] = append(t.named[target], name)
}

// names returns every name of the file at name in this layer.
func (t *tree) names(name string) []string {
	if target, ok := t.links[name]; ok {
		name = target
	}
	return append([]string{name}, t.named[name]...)
}

// file is the part of an offered path that is the layer's own: the path up to
// the first "!/" that ends a file of the layer.
func (t *tree) file(offered string) string {
	if t.nodes[offered]&nodeFile != 0 {
		return offered
	}
	for i := 0; ; {
		next := strings.Index(offered[i:], "!/")
		if next < 0 {
			return offered
		}
		i += next
		if t.nodes[offered[:i]]&nodeFile != 0 {
			return offered[:i]
		}
		i += len("!/")
	}
}

// hides reports whether the layer deletes or replaces a file of a lower one.
func (t *tree) hides(name string) bool {
	if t.nodes[name] != 0 && t.nodes[name] != nodeOpaque {
		return true
	}
	for name != "" {
		parent, _ := path.Split(name)
		name = strings.TrimSuffix(parent, "/")
		n := t.nodes[name]
		if n&(nodeWhiteout|nodeOpaque) != 0 || n&nodeFile != 0 && n&nodeDir == 0 {
			return true
		}
	}
	return false
}

// A stack is the layers of one image, lowest first, as indexes into all layers.
type stack []int

// removal answers Result.Removed for files of images: digests and trees are of
// all layers, by index. A tree is nil where the layer could not be read.
func removal(digests []string, trees []*tree, stacks []stack) func(offered, layer string) (string, bool) {
	return func(offered, layer string) (by string, removed bool) {
		for _, s := range stacks {
			for at, index := range s {
				if digests[index] != layer || trees[index] == nil {
					continue
				}
				above := s[at+1:]
				hidden := ""
				for _, name := range trees[index].names(trees[index].file(offered)) {
					i := slices.IndexFunc(above, func(j int) bool { return trees[j] != nil && trees[j].hides(name) })
					if i < 0 {
						return "", false // this name of it is still there
					}
					hidden = digests[above[i]]
				}
				by, removed = hidden, true
			}
		}
		return by, removed
	}
}
