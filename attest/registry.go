package attest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Media types of an attestation beside an image.
const (
	artifactType types.MediaType = PayloadType
	envelopeType types.MediaType = "application/vnd.dsse.envelope.v1+json"
	// predicateKey is the annotation that names what an attestation says.
	predicateKey = "in-toto.io/predicate-type"
)

// Bounds on what is taken from a registry.
const (
	maxReferrers = 200
	maxEnvelope  = 128 << 20
)

// A Registry reaches images. Credentials come from the docker config, unless
// Auth has them.
type Registry struct {
	Insecure  bool                // plain http is allowed
	Auth      authn.Authenticator // instead of the docker config; nil: that
	Transport http.RoundTripper   // nil: the usual one
}

func (r Registry) parse(reference string) (name.Reference, error) {
	var options []name.Option
	if r.Insecure {
		options = append(options, name.Insecure)
	}
	ref, err := name.ParseReference(reference, options...)
	if err != nil {
		return nil, fmt.Errorf("%q is not an image reference: %w", reference, err)
	}
	return ref, nil
}

func (r Registry) options(ctx context.Context) []remote.Option {
	list := []remote.Option{remote.WithContext(ctx)}
	if r.Transport != nil {
		list = append(list, remote.WithTransport(r.Transport))
	}
	if r.Auth != nil {
		return append(list, remote.WithAuth(r.Auth))
	}
	return append(list, remote.WithAuthFromKeychain(authn.DefaultKeychain))
}

// Digests resolves a reference: the digest it names and, where that is an index
// of several platforms, the digest of the image for platform ("linux/amd64") too. For
// an empty platform it is the only image that there is, else that for linux/amd64.
func (r Registry) Digests(ctx context.Context, reference, platform string) ([]string, error) {
	ref, err := r.parse(reference)
	if err != nil {
		return nil, err
	}
	desc, err := remote.Get(ref, r.options(ctx)...)
	if err != nil {
		return nil, err
	}
	out := []string{desc.Digest.String()}
	if !desc.MediaType.IsIndex() {
		return out, nil
	}
	if platform == "" {
		only, err := onlyImage(desc)
		if err != nil {
			return nil, err
		}
		if only != "" {
			return append(out, only), nil
		}
		platform = "linux/amd64"
	}
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, err
	}
	image, err := remote.Image(ref, append(r.options(ctx), remote.WithPlatform(*p))...)
	if err != nil {
		return nil, err
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, err
	}
	return append(out, digest.String()), nil
}

// onlyImage is the digest of the one image of an index, "" where there are several.
// What has no platform of its own, such as the attestations of a build, is none.
func onlyImage(desc *remote.Descriptor) (string, error) {
	index, err := desc.ImageIndex()
	if err != nil {
		return "", err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	var images []string
	for _, m := range manifest.Manifests {
		if m.MediaType.IsImage() && (m.Platform == nil || m.Platform.OS != "unknown") {
			images = append(images, m.Digest.String())
		}
	}
	if len(images) != 1 {
		return "", nil
	}
	return images[0], nil
}

// Push puts a signed envelope beside the image that a reference names by digest:
// an OCI artifact whose subject is the image, listed by the Referrers API or,
// where the registry has none, under the fallback tag of the distribution
// specification. It returns the reference of what was pushed.
func (r Registry) Push(ctx context.Context, reference, digest string, envelope []byte, predicateType string) (string, error) {
	ref, err := r.parse(reference)
	if err != nil {
		return "", err
	}
	subject, err := remote.Get(ref.Context().Digest(digest), r.options(ctx)...)
	if err != nil {
		return "", fmt.Errorf("the image to attest: %w", err)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), artifactType)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer: static.NewLayer(envelope, envelopeType), Annotations: map[string]string{predicateKey: predicateType},
	})
	if err != nil {
		return "", err
	}
	annotated, ok := mutate.Annotations(image, map[string]string{predicateKey: predicateType}).(v1.Image)
	if !ok {
		return "", errors.New("an image with annotations is no image")
	}
	attested, ok := mutate.Subject(annotated, v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}).(v1.Image)
	if !ok {
		return "", errors.New("an image with a subject is no image")
	}
	own, err := attested.Digest()
	if err != nil {
		return "", err
	}
	at := ref.Context().Digest(own.String())
	if err := remote.Write(at, attested, r.options(ctx)...); err != nil {
		return "", err
	}
	return at.String(), nil
}

// Fetch gets the envelopes beside the images of some digests, whoever put them
// there. None is not an error.
func (r Registry) Fetch(ctx context.Context, reference string, digests []string) ([]Envelope, error) {
	ref, err := r.parse(reference)
	if err != nil {
		return nil, err
	}
	var out []Envelope
	for _, d := range digests {
		index, err := remote.Referrers(ref.Context().Digest(d), append(r.options(ctx), remote.WithFilter("artifactType", string(artifactType)))...)
		if err != nil {
			return nil, fmt.Errorf("what refers to %s: %w", d, err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			return nil, err
		}
		if len(manifest.Manifests) > maxReferrers {
			return nil, fmt.Errorf("more than %d attestations of %s", maxReferrers, d)
		}
		for _, m := range manifest.Manifests {
			if m.ArtifactType != string(artifactType) {
				continue // of a registry that does not filter
			}
			found, err := r.envelopesOf(ctx, ref.Context().Digest(m.Digest.String()))
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

// envelopesOf reads the layers of one attestation.
func (r Registry) envelopesOf(ctx context.Context, at name.Digest) ([]Envelope, error) {
	image, err := remote.Image(at, r.options(ctx)...)
	if err != nil {
		return nil, err
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	var out []Envelope
	for _, l := range layers {
		mt, err := l.MediaType()
		if err != nil {
			return nil, err
		}
		if mt != envelopeType {
			continue
		}
		rc, err := l.Compressed() // the bytes as they are: nothing is compressed
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(rc, maxEnvelope+1))
		if err = errors.Join(err, rc.Close()); err != nil {
			return nil, err
		}
		if len(data) > maxEnvelope {
			return nil, fmt.Errorf("%s: an attestation larger than %d bytes", at, maxEnvelope)
		}
		found, err := ReadEnvelopes(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		out = append(out, found...)
	}
	return out, nil
}
