package unpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack/remote"
)

// Remote reports whether Walk would look for target on a network: an image
// reference, s3://bucket/key or lambda:NAME[:QUALIFIER]. An existing file or
// directory of that name wins, except over docker://.
func Remote(target string) bool {
	if strings.HasPrefix(target, "docker://") {
		return true
	}
	if _, err := os.Lstat(target); err == nil {
		return false
	}
	return remote.Is(target)
}

// Prepare does the part of a walk that needs the user's credentials, and puts
// the outcome in Options.Plan: for a caller that confines itself before Walk. It
// leaves the options of other targets as they are.
func Prepare(ctx context.Context, target string, opts Options) (Options, error) {
	if opts.Plan != nil || !Remote(target) {
		return opts, nil
	}
	plan, err := remote.Prepare(ctx, target, opts.Remote)
	if err != nil {
		return opts, err
	}
	opts.Plan = plan
	return opts, nil
}

// remote walks a target on a network and returns the layers it states.
func (w *walker) remote(target string, opts Options) ([]*lambdaLayer, error) {
	opts, err := Prepare(w.ctx, target, opts)
	if err != nil {
		return nil, err
	}
	plan := opts.Plan
	name := orDefault(opts.Name, plan.Name)
	w.artifact.Name, w.root.path = name, name
	for _, g := range plan.Gaps {
		w.gap(g.Path, g.Reason, g.Detail)
	}
	for _, s := range plan.Settings {
		w.setting(s)
	}
	defer w.stated(plan.Config)
	if plan.Image == nil {
		return w.downloads(plan, opts)
	}
	err = w.registry(plan.Image, opts.Remote)
	if errors.Is(err, remote.ErrNoHost) && !strings.Contains(target, "://") {
		return nil, fmt.Errorf("%s: there is no such file, and as an image: %w", target, err)
	}
	return nil, err
}

// registry walks an image in a registry.
func (w *walker) registry(im *remote.Image, opts remote.Options) error {
	client, err := remote.Dial(w.ctx, im, opts)
	if err != nil {
		return err
	}
	raw, media, stated, err := client.Root(w.ctx, maxManifest)
	if err != nil {
		return err
	}
	digest := digestOf(raw)
	if want := im.Reference.Digest; want != "" && want != digest {
		return fmt.Errorf("the registry answers to %s with a manifest that has the digest %s", want, digest)
	}
	w.artifact.Type, w.artifact.Digest, w.artifact.Manifest = "image", digest, true
	if int64(len(raw)) > maxManifest {
		w.gap(digest, fnvet.GapLimit, "larger than the metadata limit of "+bytesText(maxManifest))
		return nil
	}
	if remote.IsDigest(stated) && stated != digest {
		w.gap(digest, fnvet.GapDigest, "the registry says that the manifest has the digest "+stated)
	}
	b := newRegistryBlobs(w.ctx, client)
	b.keep(digest, raw)
	r := &imageReader{w: w, blobs: b, seen: map[string]bool{digest: true}, at: digest, manifests: "manifests"}
	if found := r.manifest(descriptor{Digest: digest, MediaType: media}, 0, !w.platformSet); found == 0 && len(r.images) == 0 {
		w.gap(digest, fnvet.GapUnreadable, "no image for "+w.platform+r.others())
	}
	if len(r.images) > 0 {
		w.artifact.Hashes = r.images[0].hashes
	}
	if len(r.images) > 0 && r.images[0].digest != digest {
		w.artifact.Digest, w.artifact.IndexDigest = r.images[0].digest, digest
	}
	w.walkImages(b, r.images)
	for i := range w.artifact.Layers {
		w.artifact.Size += w.artifact.Layers[i].Size
	}
	return nil
}

// registryBlobs are the parts of an image in a registry: manifests in memory,
// configs and layers as streams of the sizes that the manifests state.
type registryBlobs struct {
	ctx    context.Context //nolint:containedctx // of the walk
	client *remote.Client
	known  map[string][]byte // manifests by digest
	sizes  map[string]int64  // of blobs, by digest
}

func newRegistryBlobs(ctx context.Context, client *remote.Client) *registryBlobs {
	return &registryBlobs{ctx: ctx, client: client, known: map[string][]byte{}, sizes: map[string]int64{}}
}

// keep remembers a manifest and the sizes it states.
func (b *registryBlobs) keep(digest string, raw []byte) {
	b.known[digest] = raw
	var m manifest
	if unmarshalManifest(raw, &m) != nil {
		return // noted where it is read
	}
	for _, d := range append(m.Layers, m.Config) {
		if _, listed := b.sizes[d.Digest]; !listed {
			b.sizes[d.Digest] = max(d.Size, 0)
		}
	}
}

var errNotSHA256 = errors.New("is not named by a SHA-256 digest")

// open returns a manifest, or a blob of which nothing has been fetched yet.
func (b *registryBlobs) open(name string) (source, func(), error) {
	none := func() {}
	folder, value, _ := strings.Cut(name, "/")
	digest := strings.Replace(value, "/", ":", 1)
	if !remote.IsDigest(digest) {
		return source{}, none, errNotSHA256
	}
	if folder != "manifests" {
		s := &stream{r: b.client.Blob(b.ctx, digest)}
		return source{r: s, n: b.sizes[digest]}, func() { _ = s.r.Close() }, nil
	}
	raw, known := b.known[digest]
	if !known {
		var err error
		if raw, err = b.client.Manifest(b.ctx, digest, maxManifest); err != nil {
			return source{}, none, err
		}
		b.keep(digest, raw)
	}
	return memorySource(raw), none, nil
}

// streamHead is how much of a stream can be read more than once.
const streamHead = 64 << 10

// A stream is what is read once, from front to back, as an io.ReaderAt. Its
// first bytes can be read again.
type stream struct {
	r    io.ReadCloser
	head []byte
	pos  int64
}

// begin fetches the first bytes: an error says that there are none to be had.
func (s *stream) begin() error {
	var first [1]byte
	if _, err := s.ReadAt(first[:], 0); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return nil
}

var errStream = errors.New("can be read only from front to back")

// ReadAt reads at off, which is within the head or where the last read ended.
func (s *stream) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		if at < int64(len(s.head)) {
			n += copy(p[n:], s.head[at:])
			continue
		}
		if at != s.pos {
			return n, errStream
		}
		got, err := s.r.Read(p[n:])
		if room := streamHead - len(s.head); room > 0 && s.pos == int64(len(s.head)) {
			s.head = append(s.head, p[n:n+min(got, room)]...)
		}
		s.pos += int64(got)
		n += got
		if errors.Is(err, io.EOF) && n < len(p) {
			return n, io.ErrUnexpectedEOF // the reader around knows the size
		}
		if err != nil && n < len(p) {
			return n, err
		}
	}
	return n, nil
}
