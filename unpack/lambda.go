package unpack

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack/remote"
)

// A lambdaLayer is a zip that a function finds unpacked under /opt.
type lambdaLayer struct {
	name   string
	open   func() (source, func(), error)
	stated string // SHA-256 in base64, or ""

	info   fnvet.Layer
	prefix string
	names  *names
}

// names are the files that one layer brings.
type names struct {
	mu   sync.Mutex
	tree *tree
}

func (n *names) add(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tree.nodes[strings.Clone(name)] |= nodeFile
}

// layerFiles are the layers given as files.
func layerFiles(files []string) ([]*lambdaLayer, error) {
	var layers []*lambdaLayer
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %s", file, reason(err))
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("layer %s is not a file", file)
		}
		open := func() (source, func(), error) {
			f, err := os.Open(file)
			if err != nil {
				return source{}, func() {}, err
			}
			return source{r: f, n: info.Size()}, func() { _ = f.Close() }, nil
		}
		layers = append(layers, &lambdaLayer{name: baseName(file), open: open})
	}
	return layers, nil
}

// compose walks the layers, lowest first. At run time they are unpacked over
// each other into /opt, so that a file of a later layer replaces that of an
// earlier one; the function's own files lie elsewhere and replace none.
func (w *walker) compose(layers []*lambdaLayer) {
	if len(layers) == 0 {
		return
	}
	if w.artifact.Type == "image" {
		w.gap(w.artifact.Name, fnvet.GapUnsupported, "an image runs without Lambda layers; those given were not scanned")
		return
	}
	byDigest := map[string]int{}
	var digests []string
	var trees []*tree
	var order stack
	prefixes := map[string]string{} // by digest
	taken := map[string]bool{w.artifact.Name: true}
	for _, l := range layers {
		l.prefix = freeName(l.name, taken) + "!/"
		if !w.layer(l, byDigest) {
			continue
		}
		at, known := byDigest[l.info.Digest]
		if !known {
			at = len(digests)
			byDigest[l.info.Digest] = at
			digests, trees = append(digests, l.info.Digest), append(trees, l.names.tree)
			prefixes[l.info.Digest] = l.prefix
		}
		order = append(order, at)
		l.info.Index = len(w.artifact.Layers)
		w.artifact.Layers = append(w.artifact.Layers, l.info)
	}
	inner := removal(digests, trees, []stack{order})
	w.removed = func(path, layer string) (string, bool) {
		name, ours := strings.CutPrefix(path, prefixes[layer])
		if !ours || layer == "" {
			return "", false
		}
		return inner(name, layer)
	}
}

// freeName numbers a name that is taken.
func freeName(name string, taken map[string]bool) string {
	free := name
	for i := 2; taken[free]; i++ {
		free = fmt.Sprintf("%s#%d", name, i)
	}
	taken[free] = true
	return free
}

// layer offers the files of one layer, unless its bytes were seen before. It
// reports false for a layer of which nothing could be had.
func (w *walker) layer(l *lambdaLayer, seen map[string]int) bool {
	where := strings.TrimSuffix(l.prefix, "!/")
	src, done, err := l.open()
	defer done()
	if err != nil {
		why := fnvet.GapUnreadable
		if errors.Is(err, remote.ErrTooLarge) {
			why = fnvet.GapLimit
		}
		w.gap(where, why, "the layer is missing: "+reason(err))
		return false
	}
	sum := w.hash(src)
	l.info = fnvet.Layer{Digest: "sha256:" + hex.EncodeToString(sum), Size: src.n, Name: l.name}
	w.checkStated(where, l.stated, sum)
	if _, twice := seen[l.info.Digest]; twice {
		return true
	}
	l.names = &names{tree: newTree()}
	sc := &scope{prefix: l.prefix, container: where, layer: l.info.Digest, names: l.names, meter: w.newMeter(where, src.n, w.root)}
	kind := sniff(src)
	if kind != zipFormat {
		w.gap(where, fnvet.GapUnsupported, "a Lambda layer is a zip, and this is none")
		return true
	}
	w.guard(sc, func() { w.archive(sc, src, kind) })
	return true
}

// checkStated notes a gap if the bytes are not those the API states.
func (w *walker) checkStated(where, stated string, sum []byte) {
	if got := base64.StdEncoding.EncodeToString(sum); stated != "" && stated != got {
		w.gap(where, fnvet.GapDigest, "the API states the SHA-256 "+stated+", the bytes have "+got)
	}
}

// downloads walks an object or a function's package and its layers.
func (w *walker) downloads(plan *remote.Plan, opts Options) ([]*lambdaLayer, error) {
	limit := min(w.limits.TotalBytes, w.limits.Nested)
	data, err := remote.Fetch(w.ctx, plan.Code, limit, opts.Remote)
	switch {
	case errors.Is(err, remote.ErrTooLarge):
		w.gap(w.artifact.Name, fnvet.GapLimit, "larger than the download limit of "+bytesText(limit))
	case err != nil && len(data) == 0:
		return nil, fmt.Errorf("download of %s: %w", w.artifact.Name, err)
	case err != nil:
		w.gap(w.artifact.Name, fnvet.GapUnreadable, "cut off: "+reason(err))
	}
	w.top(memorySource(data), w.artifact.Name)
	if plan.Code.SHA256 != "" {
		w.checkStated(w.artifact.Name, plan.Code.SHA256, w.hash(memorySource(data)))
	}
	var layers []*lambdaLayer
	for i := range plan.Layers {
		d := &plan.Layers[i]
		layers = append(layers, &lambdaLayer{name: d.Name, stated: d.SHA256, open: func() (source, func(), error) {
			data, err := remote.Fetch(w.ctx, d, limit, opts.Remote)
			return memorySource(data), func() {}, err
		}})
	}
	return layers, nil
}

// stated adds what the API says of a function to what its image does.
func (w *walker) stated(c fnvet.Config) {
	if c.Function == "" {
		return
	}
	im := &w.artifact.Config
	c.OS, c.Architecture, c.Created, c.User, c.LabelNames = im.OS, im.Architecture, im.Created, im.User, im.LabelNames
	c.EnvNames = slices.Compact(slices.Sorted(slices.Values(slices.Concat(c.EnvNames, im.EnvNames))))
	if c.Cmd == nil {
		c.Cmd = im.Cmd
	}
	if c.Entrypoint == nil {
		c.Entrypoint = im.Entrypoint
	}
	c.WorkingDir = orDefault(c.WorkingDir, im.WorkingDir)
	w.artifact.Config = c
}
