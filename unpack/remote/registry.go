package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ErrNoHost is a registry whose name is no host's.
var ErrNoHost = errors.New("there is no host")

// login finds the credentials for a registry in the docker config, asking the
// credential helpers it names.
func login(ctx context.Context, ref Reference, opts Options) (*Image, error) {
	repo, err := name.NewRepository(ref.Registry + "/" + ref.Repository)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNotReference, ref.Repository)
	}
	im := &Image{Reference: ref, Insecure: opts.Insecure}
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, repo)
	if err == nil {
		var c *authn.AuthConfig
		if c, err = authn.Authorization(ctx, auth); err == nil && c != nil {
			im.Login = Login{c.Username, c.Password, c.Auth, c.IdentityToken, c.RegistryToken}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", ref.Registry, plain(err, nil))
	}
	return im, nil
}

// A Client fetches the manifests and blobs of one image. Its methods may be
// called concurrently.
type Client struct {
	ref   Reference
	base  string // of the repository: "https://host/v2/app"
	http  *http.Client
	guard *guard
}

// Dial finds out how the registry wants to be talked to and logs in.
func Dial(ctx context.Context, im *Image, opts Options) (*Client, error) {
	nameOptions := []name.Option{name.WeakValidation}
	if im.Insecure {
		nameOptions = append(nameOptions, name.Insecure)
	}
	repo, err := name.NewRepository(im.Reference.Registry+"/"+im.Reference.Repository, nameOptions...)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNotReference, im.Reference.Repository)
	}
	g := newGuard(opts.Transport, im.Insecure)
	g.fence = opts.Fence
	if opts.Fence != nil && opts.Transport == nil {
		g.inner = opts.Fence.Transport()
	}
	g.home = repo.RegistryStr()
	c := &Client{ref: im.Reference, guard: g}
	auth := authn.Anonymous
	if l := im.Login; l != (Login{}) {
		auth = authn.FromConfig(authn.AuthConfig{
			Username: l.Username, Password: l.Password, Auth: l.Auth, IdentityToken: l.IdentityToken, RegistryToken: l.RegistryToken,
		})
	}
	t, err := transport.NewWithContext(ctx, repo.Registry, auth, g, []string{repo.Scope(transport.PullScope)})
	if err != nil {
		if isNoHost(err) {
			return nil, fmt.Errorf("%w %s", ErrNoHost, im.Reference.Registry)
		}
		return nil, fmt.Errorf("registry %w", plain(err, g.secrets()))
	}
	// The transport sets the scheme that the registry answered to.
	c.base = "https://" + repo.RegistryStr() + "/v2/" + repo.RepositoryStr()
	c.http = &http.Client{Transport: t, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return nil
	}}
	return c, nil
}

// The kinds of manifest this program reads, and those it asks for only to be
// able to say what they are.
const accept = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, " +
	"application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, " +
	"application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1, */*;q=0.1"

// Root fetches the manifest that the reference names: at most limit bytes and
// one, its media type, and the digest the registry says it has, if any.
func (c *Client) Root(ctx context.Context, limit int64) (raw []byte, media, digest string, err error) {
	return c.manifest(ctx, c.ref.identifier(), limit)
}

// Manifest fetches the manifest with that digest: at most limit bytes and one.
func (c *Client) Manifest(ctx context.Context, digest string, limit int64) ([]byte, error) {
	raw, _, _, err := c.manifest(ctx, digest, limit)
	return raw, err
}

func (c *Client) manifest(ctx context.Context, identifier string, limit int64) (raw []byte, media, digest string, err error) {
	resp, err := c.get(ctx, "/manifests/"+identifier, accept, 0)
	if err != nil {
		return nil, "", "", err
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, "", "", plain(err, c.guard.secrets())
	}
	media, _, _ = strings.Cut(resp.Header.Get("Content-Type"), ";")
	return raw, media, resp.Header.Get("Docker-Content-Digest"), nil
}

// get asks for a path of the repository, from an offset on.
func (c *Client) get(ctx context.Context, path, accept string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, plain(err, nil)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, plain(err, c.guard.secrets())
	}
	want := []int{http.StatusOK}
	if from > 0 {
		want = []int{http.StatusPartialContent}
	}
	if err := transport.CheckError(resp, want...); err != nil {
		_ = resp.Body.Close()
		return nil, plain(err, c.guard.secrets())
	}
	return resp, nil
}

// Blob returns the bytes of the blob with that digest, which are fetched ahead of
// the reader from its first read on, and from where they broke off if the
// connection does. Nothing checks them.
func (c *Client) Blob(ctx context.Context, digest string) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	return newAhead(&blob{ctx: ctx, client: c, digest: digest}, cancel)
}

// A blob reads a blob and goes on where a connection broke.
type blob struct {
	ctx    context.Context //nolint:containedctx // of one download
	client *Client
	digest string
	body   io.ReadCloser
	at     int64
	broken int
}

// Read reads on.
func (b *blob) Read(p []byte) (int, error) {
	if b.body == nil {
		resp, err := b.client.get(b.ctx, "/blobs/"+b.digest, "", b.at) //nolint:bodyclose // Close does
		if err != nil {
			return 0, err
		}
		b.body = resp.Body
	}
	n, err := b.body.Read(p)
	b.at += int64(n)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if b.ctx.Err() == nil && b.broken < maxTries {
		b.broken++
		_ = b.body.Close()
		b.body = nil
		return n, nil
	}
	return n, plain(err, b.client.guard.secrets())
}

// Close ends the download.
func (b *blob) Close() error {
	if b.body == nil {
		return nil
	}
	return b.body.Close()
}
