package advisory

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The media types of a database as an OCI artifact: an image manifest whose
// config type names the artifact, as registries that know only images want it,
// with the index file as its one layer.
// https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
const (
	artifactType = "application/vnd.fnvet.advisories.config.v1+json"
	indexType    = "application/vnd.fnvet.advisories.index"
)

// maxIndex bounds an index file that is pulled.
const maxIndex = 4 << 30

// ErrNotDatabase says that a reference names something other than a database.
var ErrNotDatabase = errors.New("not an advisory database")

// RegistryOptions says how to talk to a registry. The credentials are those of
// the docker config.
type RegistryOptions struct {
	Insecure  bool              // plain http will do
	Transport http.RoundTripper // nil for one with time-outs
}

// Push stores the database of a directory in a registry under ref
// ("registry.example/fnvet/advisories:latest") and returns the digest of its
// manifest. The same file always has the same digest.
func Push(ctx context.Context, dir, ref string, o RegistryOptions) (digest string, err error) {
	to, err := o.parse(ref)
	if err != nil {
		return "", err
	}
	data, err := readIndex(dir)
	if err != nil {
		return "", err
	}
	db, err := Open(dir)
	if err != nil {
		return "", err
	}
	st := db.Status()
	if err := db.Close(); err != nil {
		return "", err
	}
	image, err := artifact(data, st)
	if err != nil {
		return "", err
	}
	if err := remote.Write(to, image, o.remote(ctx)...); err != nil {
		return "", fmt.Errorf("push %s: %w", ref, err)
	}
	sum, err := image.Digest()
	return sum.String(), err
}

// readIndex reads the whole index file after it was verified.
func readIndex(dir string) ([]byte, error) {
	if err := Verify(dir); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, indexName))
}

func artifact(data []byte, st Status) (v1.Image, error) {
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), artifactType)
	image, err := mutate.Append(base, mutate.Addendum{
		Layer:       static.NewLayer(data, indexType),
		Annotations: map[string]string{"org.opencontainers.image.title": indexName},
	})
	if err != nil {
		return nil, err
	}
	annotated, ok := mutate.Annotations(image, map[string]string{
		"org.opencontainers.image.created":     st.Updated.UTC().Format(time.RFC3339),
		"org.opencontainers.image.description": "fnvet advisory database, " + strconv.Itoa(st.Advisories) + " records",
	}).(v1.Image)
	if !ok {
		return nil, errors.New("annotations of a manifest")
	}
	return annotated, nil
}

// Pull fetches a database that Push stored and puts it in the place of the one of
// a directory, which is kept beside it, in one step. The file is compared with the
// digest of the manifest and, like a reference with a digest, refused if it differs;
// then it is verified. After an error the directory is as it was.
func Pull(ctx context.Context, dir, ref string, o RegistryOptions) (st Status, digest string, err error) {
	from, err := o.parse(ref)
	if err != nil {
		return Status{}, "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return Status{}, "", err
	}
	defer unlock()
	layer, digest, err := o.layer(ctx, from)
	if err != nil {
		return Status{}, "", fmt.Errorf("pull %s: %w", ref, err)
	}
	f, err := os.CreateTemp(dir, tempPattern)
	if err != nil {
		return Status{}, "", err
	}
	defer os.Remove(f.Name()) // gone after the swap
	err = errors.Join(save(layer, f), f.Close())
	if err != nil {
		return Status{}, "", fmt.Errorf("pull %s: %w", ref, err)
	}
	if st, err = inspect(f.Name()); err != nil {
		return Status{}, "", fmt.Errorf("pull %s: %w", ref, err)
	}
	return st, digest, swap(dir, f.Name())
}

// layer finds the index file in what a reference names.
func (o *RegistryOptions) layer(ctx context.Context, from name.Reference) (v1.Layer, string, error) {
	image, err := remote.Image(from, o.remote(ctx)...)
	if err != nil {
		return nil, "", err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, "", err
	}
	if manifest.Config.MediaType != artifactType || len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != indexType {
		return nil, "", fmt.Errorf("%w: its manifest is one of %q", ErrNotDatabase, oneLine(string(manifest.Config.MediaType)))
	}
	if size := manifest.Layers[0].Size; size < 0 || size > maxIndex {
		return nil, "", fmt.Errorf("%d bytes: %w of %d", size, errTooLarge, int64(maxIndex))
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, "", err
	}
	layer, err := image.LayerByDigest(manifest.Layers[0].Digest)
	return layer, digest.String(), err
}

// save copies a layer and checks its size and digest.
func save(layer v1.Layer, f *os.File) error {
	want, err := layer.Digest()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	r, err := layer.Compressed() // as stored
	if err != nil {
		return err
	}
	defer r.Close() // read to its end
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(r, size+1))
	if err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); n != size || want.Algorithm != "sha256" || got != want.Hex {
		return fmt.Errorf("%w: sha256:%s instead of %s", errChecksum, got, want)
	}
	if err := f.Chmod(0o644); err != nil && runtime.GOOS != "windows" {
		return err
	}
	return f.Sync()
}

// inspect reads a whole index file against its own checksums.
func inspect(path string) (Status, error) {
	db, err := openFile(path)
	if err != nil {
		return Status{}, err
	}
	st := db.Status()
	return st, errors.Join(db.verify(), db.Close())
}

func (o *RegistryOptions) parse(ref string) (name.Reference, error) {
	var options []name.Option
	if o.Insecure {
		options = append(options, name.Insecure)
	}
	r, err := name.ParseReference(ref, options...)
	if err != nil {
		return nil, fmt.Errorf("%q is no reference such as registry.example/fnvet/advisories:latest", ref)
	}
	return r, nil
}

func (o *RegistryOptions) remote(ctx context.Context) []remote.Option {
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent("fnvet")}
	if o.Transport != nil {
		options = append(options, remote.WithTransport(o.Transport))
	}
	return options
}
