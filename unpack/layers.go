package unpack

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A layer is one distinct layer of the images of an artifact.
type layer struct {
	layerRef
	info fnvet.Layer
	src  source
	done func()
	tree *tree
	err  error
	from blobs // to open it again
}

// walkImages walks every distinct layer of images once, all of them at the same
// time, and then knows what hides what.
func (w *walker) walkImages(b blobs, images []image) {
	var layers []*layer
	var stacks []stack
	byName := map[string]int{}
	for i := range images {
		im := &images[i]
		var s stack
		commands := im.config.commands()
		for at, ref := range im.layers {
			key := path.Clean(ref.name) + "\x00" + ref.diffID
			index, known := byName[key]
			if !known {
				index = len(layers)
				byName[key] = index
				l := &layer{layerRef: ref, from: b}
				if at < len(commands) {
					l.info.Command = commands[at]
				}
				l.info.Index, l.info.DiffID = index, ref.diffID
				layers = append(layers, l)
			}
			s = append(s, index)
		}
		stacks = append(stacks, s)
	}
	for _, l := range layers {
		l.src, l.done, l.err = b.open(l.name)
		defer l.done()
		l.info.Size = l.src.n
	}
	w.parallel(len(layers), func(i int) { layers[i].name2digest(w) })
	w.readLayers(layers)
	w.finishImages(images, layers, stacks)
}

// finishImages fills the artifact and the settings, and sets removed.
func (w *walker) finishImages(images []image, layers []*layer, stacks []stack) {
	digests := make([]string, len(layers))
	trees := make([]*tree, len(layers))
	for i, l := range layers {
		digests[i], trees[i] = l.info.Digest, l.tree
		w.artifact.Layers = append(w.artifact.Layers, l.info)
	}
	for i := range images {
		var of []string
		for _, index := range stacks[i] {
			of = append(of, digests[index])
		}
		w.describe(&images[i].config, of, i == 0)
	}
	w.removed = removal(digests, trees, stacks)
}

// name2digest settles under which digest the layer's files are reported: the
// stated one, or, for the compressed layers of archives that state none, the real.
func (l *layer) name2digest(w *walker) {
	switch {
	case l.digest != "":
		l.info.Digest = l.digest
	case l.err != nil:
		l.info.Digest = cmp.Or(l.diffID, l.name)
	case sniff(l.src) == tarFormat && l.diffID != "":
		l.info.Digest = l.diffID
		l.digest = l.diffID
	default:
		l.info.Digest = "sha256:" + hex.EncodeToString(w.hash(l.src))
	}
}

// readLayers walks the layers, the largest first so that none is left to the end.
func (w *walker) readLayers(layers []*layer) {
	order := make([]*layer, 0, len(layers))
	seen := map[string]bool{}
	for _, l := range layers {
		if key := l.info.Digest + l.name; !seen[key] {
			seen[key] = true
			order = append(order, l)
		}
	}
	slices.SortStableFunc(order, func(a, b *layer) int { return cmp.Compare(b.src.n, a.src.n) })
	for _, l := range order {
		w.progress(0, l.src.n)
	}
	w.parallel(len(order), func(i int) {
		sc := &scope{image: true, layer: order[i].info.Digest, diffID: order[i].diffID, tree: newTree(), meter: w.newMeter(order[i].info.Digest, order[i].src.n, w.root)}
		w.guard(sc, func() { w.readLayer(sc, order[i]) })
	})
	for _, l := range layers { // the same blob under another name
		for _, other := range order {
			if l.tree == nil && other.info.Digest == l.info.Digest {
				l.tree = other.tree
			}
		}
	}
}

// missing is how the gap of a layer that is not there is told.
const missing = " is missing: "

// Undelivered reports the gap of a layer that its source did not deliver, or with
// other bytes than its digest says: another try may mend it.
func Undelivered(g fnvet.Gap) bool {
	return strings.HasPrefix(g.Path, "sha256:") && (g.Reason == fnvet.GapDigest || g.Reason == fnvet.GapUnreadable && strings.Contains(g.Detail, missing))
}

// readLayer offers the files of one layer and checks its digests.
func (w *walker) readLayer(sc *scope, l *layer) {
	where := l.info.Digest
	if s, ok := l.src.r.(*stream); ok && l.err == nil {
		l.err = s.begin()
	}
	switch {
	case l.err != nil && l.foreign:
		w.gap(where, fnvet.GapUnsupported, "a foreign layer, which is not with the image; its URL is not followed")
		return
	case l.err != nil:
		w.gap(where, fnvet.GapUnreadable, "the layer "+quoted(l.name)+missing+reason(l.err))
		return
	case strings.HasSuffix(l.media, "+encrypted"):
		w.gap(where, fnvet.GapEncrypted, "an encrypted layer")
		return
	}
	kind := sniff(l.src)
	stored, plain := sha256.New(), sha256.New()
	in := io.Reader(&contextReader{w: w, r: pacedReader{w, io.TeeReader(l.src.reader(), stored)}})
	out := in
	switch kind {
	case tarFormat:
		plain = stored
	case gzipFormat, zstdFormat, bzip2Format, xzFormat, lz4Format, lzipFormat:
		z, done, err := decompress(kind, in)
		if err != nil {
			w.damage(where, err)
			return
		}
		defer done()
		out = io.TeeReader(z, plain)
	default:
		w.oddLayer(sc, l)
		return
	}
	l.tree = sc.tree
	w.tar(sc, bufio.NewReaderSize(&chargedReader{w: w, sc: sc, r: out}, 64<<10), w.layerAgain(l, kind))
	if w.stopped() {
		return
	}
	whole := true
	var cut error
	for _, r := range []io.Reader{out, in} {
		if _, cut = io.Copy(io.Discard, &chargedReader{w: w, sc: sc, r: r}); cut != nil {
			whole = false
		}
	}
	if _, streamed := l.src.r.(*stream); streamed && !whole && !w.stopped() { // whose fault is it?
		switch {
		case cut == nil:
			w.checkDigest(where, "digest", l.digest, stored)
		case !errors.Is(cut, errLimit):
			w.gap(where, fnvet.GapUnreadable, "the end of the layer "+quoted(l.name)+missing+reason(cut))
		}
	}
	if whole {
		w.checkDigest(where, "digest", l.digest, stored)
		if w.checkDigest(where, "diff_id", l.diffID, plain) && l.diffID != "" {
			w.verified.Store(layerID{where, l.diffID}, true)
		}
	}
}

// A layerID is an image layer by its digest and its diff_id.
type layerID struct{ digest, diffID string }

// layerAgain opens the tar of a layer once more. What comes over a network is read
// to its end and checked a second time as well.
func (w *walker) layerAgain(l *layer, kind format) reopen {
	return func() (io.Reader, func(), error) {
		from := l.from
		if t, ok := from.(tracked); ok {
			from = t.blobs // what is used is known
		}
		src, closeBlob, err := from.open(l.name)
		if err != nil {
			return nil, closeBlob, err
		}
		sum := sha256.New()
		in := io.Reader(&contextReader{w: w, r: src.reader()})
		_, streamed := src.r.(*stream)
		if streamed {
			in = io.TeeReader(in, sum)
		}
		out, closeDecoder := in, func() {}
		if kind != tarFormat {
			out, closeDecoder, err = decompress(kind, in)
		}
		return out, func() {
			closeDecoder()
			if !streamed {
				closeBlob()
				return
			}
			if _, err := io.Copy(io.Discard, in); err == nil {
				w.checkDigest(l.info.Digest, "digest", l.digest, sum)
			}
			closeBlob()
		}, err
	}
}

// checkDigest notes a gap if the bytes are not those the image names, and
// reports whether they are.
func (w *walker) checkDigest(where, what, stated string, sum hash.Hash) bool {
	got := "sha256:" + hex.EncodeToString(sum.Sum(nil))
	if stated == "" || stated == got {
		return true
	}
	if !strings.HasPrefix(stated, "sha256:") {
		w.gap(where, fnvet.GapUnsupported, "the "+what+" "+quoted(stated)+" is not a SHA-256 digest, so the bytes were not checked")
		return false
	}
	w.gap(where, fnvet.GapDigest, "the "+what+" is "+stated+", the bytes have "+got)
	return false
}

// oddLayer offers a layer that is no tar as one file, named by its digest.
func (w *walker) oddLayer(sc *scope, l *layer) {
	where := l.info.Digest
	if l.src.n == 0 {
		w.gap(where, fnvet.GapUnreadable, "an empty blob is not a layer")
		return
	}
	if strings.Contains(l.media, "tar") || l.media == "" {
		w.gap(where, fnvet.GapUnreadable, "the layer is not a tar archive")
	}
	if !w.fits(where, l.src.n) || !w.charge(sc, l.src.n) || w.chargeEntries(1) == 0 {
		return
	}
	lease := w.mem.acquire(l.src.n, sc.depth)
	defer w.mem.release(&lease)
	data, err := w.readAll(&lease, l.src.reader(), l.src.n, l.src.n, where)
	if err != nil && !errors.Is(err, errLimit) {
		w.damage(where, err)
	}
	if l.digest != "" && err == nil && digestOf(data) != l.digest {
		w.gap(where, fnvet.GapDigest, "the digest is "+l.digest+", the bytes have "+digestOf(data))
	}
	w.offer(sc, entry{name: strings.ReplaceAll(where, ":", "-"), mode: 0o644, data: data})
}
