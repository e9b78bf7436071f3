package unpack

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// Bounds of an image's own metadata.
const (
	maxManifest   = 8 << 20 // bytes of one index or manifest
	maxConfig     = 64 << 20
	maxIndexDepth = 8
	maxManifests  = 1024 // manifests looked at in all
	maxLayers     = 4096
)

// A descriptor names a blob (OCI image specification, descriptor.md).
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	} `json:"platform"`
}

// A manifest is an image manifest or an index, whichever fields it has.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Manifests     []descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations"`
}

// An image is one manifest with its config.
type image struct {
	digest string       // of the manifest, or ""
	hashes []fnvet.Hash // of the manifest
	config imageConfig
	id     string // digest of the config
	layers []layerRef
}

// A layerRef is a layer as a manifest names it.
type layerRef struct {
	name    string // of the blob
	digest  string // stated for the stored bytes, or ""
	diffID  string // stated for the tar inside, or ""
	media   string
	foreign bool
}

// An imageReader resolves the manifests of an archive or layout.
type imageReader struct {
	w      *walker
	blobs  blobs
	seen   map[string]bool // digests of manifests looked at
	images []image
	other  []string // platforms that were not chosen
	// at is what gaps call the index.
	at string
	// manifests is the folder of the manifests: "blobs", where they are blobs.
	manifests string
}

// image walks the images that b holds: those docker save lists, and those of an
// OCI index for the wanted platform. It returns which parts it used.
func (w *walker) image(parts blobs) tracked {
	b := tracked{blobs: parts, used: map[string]bool{}}
	w.artifact.Type = "image"
	r := &imageReader{w: w, blobs: b, seen: map[string]bool{}, at: "index.json", manifests: "blobs"}
	saved := looksSaved(b)
	if saved {
		r.saved()
	}
	listed := len(r.images)
	if _, done, err := b.open("index.json"); err == nil {
		done()
		r.layout()
	}
	if !saved && len(r.images) > 0 {
		w.artifact.Digest, w.artifact.Hashes = r.images[0].digest, r.images[0].hashes
		w.artifact.Manifest = w.artifact.Digest != ""
	}
	if listed > 0 && len(r.images) > listed {
		w.findingAs(fnvet.High, ambiguousArchive, &scope{}, "manifest.json", "manifest.json and index.json name different images")
	}
	w.walkImages(b, r.images)
	return b
}

// saved reads the manifest.json of docker save.
func (r *imageReader) saved() {
	var items []struct {
		Config string
		Layers []string
	}
	raw, ok := r.read("manifest.json", "", maxManifest)
	if !ok {
		return
	}
	if err := json.Unmarshal(raw, &items); err != nil {
		r.w.gap("manifest.json", fnvet.GapUnparsable, jsonReason(err))
	} else if len(items) == 0 {
		r.w.gap("manifest.json", fnvet.GapNothingFound, "it names no image")
	}
	for _, item := range items {
		im := image{id: digestOfName(item.Config)}
		if len(item.Layers) > maxLayers {
			r.w.gap("manifest.json", fnvet.GapLimit, "more than "+itoa(maxLayers)+" layers")
			item.Layers = item.Layers[:maxLayers]
		}
		for _, name := range item.Layers {
			if climbs(name) || path.IsAbs(name) {
				r.w.gap("manifest.json", fnvet.GapUnsafePath, "the layer "+quoted(name)+" lies outside the archive")
			}
			ref := layerRef{name: name}
			if strings.HasPrefix(name, "blobs/") {
				ref.digest = digestOfName(name)
			}
			im.layers = append(im.layers, ref)
		}
		im.config = r.config(item.Config, im.id)
		r.add(im)
	}
}

// digestName matches the blobs whose name is their digest.
var digestName = lazyregexp.New(`^(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.json)?$`)

func digestOfName(name string) string {
	if m := digestName().FindStringSubmatch(name); m != nil {
		return "sha256:" + m[1]
	}
	return ""
}

// layout reads the index.json of an OCI layout.
func (r *imageReader) layout() {
	raw, ok := r.read("index.json", "", maxManifest)
	if !ok {
		return
	}
	var index manifest
	if err := json.Unmarshal(raw, &index); err != nil {
		r.w.gap("index.json", fnvet.GapUnparsable, jsonReason(err))
	}
	before := len(r.images)
	found := r.index(index, 0)
	if len(r.images) == before && found == 0 && before == 0 {
		r.w.gap("index.json", fnvet.GapUnreadable, "no image for "+r.w.platform+r.others())
	}
}

func (r *imageReader) others() string {
	if len(r.other) == 0 {
		return ""
	}
	slices.Sort(r.other)
	return ", only for " + strings.Join(slices.Compact(r.other), ", ")
}

// index follows the manifests of an index that fit the platform, and returns
// how many did.
func (r *imageReader) index(index manifest, depth int) (found int) {
	if depth > maxIndexDepth {
		r.w.gap(r.at, fnvet.GapLimit, "indexes nested deeper than "+itoa(maxIndexDepth))
		return 0
	}
	candidates := slices.DeleteFunc(slices.Clone(index.Manifests), func(d descriptor) bool {
		return d.Annotations["vnd.docker.reference.type"] == "attestation-manifest"
	})
	for _, d := range candidates {
		alone := len(candidates) == 1 && !r.w.platformSet
		if d.Platform != nil && !alone && !r.w.wants(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant) {
			r.other = append(r.other, d.Platform.OS+"/"+d.Platform.Architecture)
			continue
		}
		if len(r.seen) >= maxManifests {
			r.w.gap(r.at, fnvet.GapLimit, "more than "+itoa(maxManifests)+" manifests")
			break
		}
		if r.seen[d.Digest] {
			continue // listed twice, or an index that names itself
		}
		r.seen[d.Digest] = true
		found += r.manifest(d, depth, alone)
	}
	return found
}

// manifest reads what d names: an image, or an index again.
func (r *imageReader) manifest(d descriptor, depth int, alone bool) (found int) {
	raw, ok := r.read(nameIn(r.manifests, d.Digest), d.Digest, maxManifest)
	if !ok {
		return 1 // its gap has been noted
	}
	var m manifest
	if err := unmarshalManifest(raw, &m); err != nil {
		r.w.gap(d.Digest, fnvet.GapUnparsable, jsonReason(err))
		return 1
	}
	if len(m.Manifests) > 0 {
		return r.index(m, depth+1)
	}
	if m.Config.Digest == "" && len(m.Layers) == 0 {
		r.w.gap(d.Digest, fnvet.GapUnsupported, "neither an image manifest nor an index"+m.kind())
		return 1
	}
	im := image{digest: d.Digest, id: m.Config.Digest, config: r.config(blobName(m.Config.Digest), m.Config.Digest)}
	short, long := sha256.Sum256(raw), sha512.Sum512(raw)
	im.hashes = hashPair(short[:], long[:])
	c := &im.config
	if d.Platform == nil && !alone && c.OS != "" && !r.w.wants(c.OS, c.Architecture, c.Variant) {
		r.other = append(r.other, c.OS+"/"+c.Architecture)
		return 0
	}
	if len(m.Layers) > maxLayers {
		r.w.gap(d.Digest, fnvet.GapLimit, "more than "+itoa(maxLayers)+" layers")
		m.Layers = m.Layers[:maxLayers]
	}
	for _, l := range m.Layers {
		im.layers = append(im.layers, layerRef{
			name: blobName(l.Digest), digest: l.Digest, media: l.MediaType, foreign: len(l.URLs) > 0 || strings.Contains(l.MediaType, "foreign"),
		})
	}
	for _, annotations := range []map[string]string{d.Annotations, m.Annotations} {
		r.w.settingsOf("metadata", d.Digest, annotations)
	}
	r.add(im)
	return 1
}

// add keeps an image unless it is the same as one before.
func (r *imageReader) add(im image) {
	if n := len(im.config.RootFS.DiffIDs); n != len(im.layers) && im.config.read {
		r.w.gap("image-config", fnvet.GapDigest, fmt.Sprintf("the config lists %d layers, the manifest %d", n, len(im.layers)))
	}
	for i := range im.layers {
		if i < len(im.config.RootFS.DiffIDs) {
			im.layers[i].diffID = im.config.RootFS.DiffIDs[i]
		}
	}
	for i := range r.images {
		if r.images[i].id == im.id && im.id != "" && sameLayers(&r.images[i], &im) {
			return
		}
	}
	r.images = append(r.images, im)
}

// sameLayers reports whether two images with one config read the same blobs.
func sameLayers(a, b *image) bool {
	return slices.EqualFunc(a.layers, b.layers, func(x, y layerRef) bool {
		return path.Clean(x.name) == path.Clean(y.name) || x.digest == y.digest && x.digest != "" || x.diffID == y.diffID && x.diffID != "" && (x.digest == "" || y.digest == "")
	})
}

// read returns a metadata blob of at most limit bytes, checked against its digest.
func (r *imageReader) read(name, digest string, limit int64) (raw []byte, ok bool) {
	where := orDefault(digest, name)
	src, done, err := r.blobs.open(name)
	defer done()
	if err != nil {
		r.w.gap(where, fnvet.GapUnreadable, "missing: "+reason(err))
		return nil, false
	}
	if src.n > limit {
		r.w.gap(where, fnvet.GapLimit, "larger than the metadata limit of "+bytesText(limit))
		return nil, false
	}
	raw, err = src.view(0, src.n, nil)
	if err != nil {
		r.w.damage(where, err)
		return nil, false
	}
	if digest != "" && digest != digestOf(raw) {
		r.w.gap(where, fnvet.GapDigest, "the bytes have the digest "+digestOf(raw))
	}
	return raw, true
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// blobName is where an OCI layout keeps the blob with that digest.
func blobName(digest string) string { return nameIn("blobs", digest) }

func nameIn(folder, digest string) string {
	algorithm, value, _ := strings.Cut(digest, ":")
	return folder + "/" + algorithm + "/" + value
}

func unmarshalManifest(raw []byte, m *manifest) error { return json.Unmarshal(raw, m) }

// kind says what a manifest that is no image calls itself.
func (m *manifest) kind() string {
	switch {
	case m.SchemaVersion == 1:
		return ": schema version 1, which registries gave up; push the image again"
	case m.MediaType != "":
		return ": " + quoted(m.MediaType)
	}
	return ""
}

// wants reports whether an image for that platform is the one to walk.
func (w *walker) wants(os, architecture, variant string) bool {
	want := strings.Split(w.platform, "/")
	if len(want) < 2 || os != want[0] || architecture != want[1] {
		return false
	}
	return len(want) < 3 || variant == want[2] || variant == "" && architecture == "arm64" && want[2] == "v8"
}

func jsonReason(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%v at byte %d", err, syntax.Offset)
	}
	return err.Error()
}
