// Package remote fetches what a target names on a network: images in a
// registry, objects in S3, and Lambda functions with their layers. It gives
// bytes and checks nothing about them but their size; package unpack checks the
// digests and reads them.
//
// It sends credentials to no host but the one they are for, uses plain http only
// when asked to, and puts no credential into an error. It keeps nothing.
package remote

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

// Options says how to reach a target. The zero value is usable.
type Options struct {
	// Insecure allows plain http to a registry.
	Insecure bool
	// Endpoint replaces the address of the AWS APIs, as in
	// "http://127.0.0.1:4566". Default: AWS_ENDPOINT_URL, if it is set.
	Endpoint string
	// Fence, when set, bounds where requests to a registry may go.
	Fence *Fence
	// Transport replaces the network, for tests.
	Transport http.RoundTripper `json:"-"`
}

// A Plan is a target that was looked up: all that is needed to fetch it, and no
// more. It can be encoded (gob) and given to a process that must not see the
// user's credentials; those in it open this one target only. It holds secrets
// and is never printed.
type Plan struct {
	Name string // for reports, if the user chose none
	// Image is set for an image in a registry.
	Image *Image
	// Code is set for an object in S3 or a function's package.
	Code *Download
	// Layers are those of a Lambda function, lowest first.
	Layers []Download
	// Config is what the API states of the function.
	Config   fnvet.Config
	Settings []fnvet.Setting
	Gaps     []fnvet.Gap
}

// String hides what a Plan holds.
func (p *Plan) String() string { return "plan of " + p.Name }

// GoString hides what a Plan holds.
func (p *Plan) GoString() string { return p.String() }

// An Image is a reference and the credentials for its registry.
type Image struct {
	Reference Reference
	Login     Login
	Insecure  bool
}

// A Login is what authenticates to a registry, as the docker config has it.
// The zero value is anonymous.
type Login struct{ Username, Password, Auth, IdentityToken, RegistryToken string }

// String hides the credentials.
func (Login) String() string { return "***" }

// GoString hides the credentials.
func (Login) GoString() string { return "***" }

// A Download is a file to fetch with one GET.
type Download struct {
	Name string // for reports
	URL  string // signed: whoever has it may read the file
	// SHA256 is the digest the API states, in base64, or "".
	SHA256 string
	Size   int64 // as the API states it, or 0
	// Plain allows http.
	Plain bool
}

// Is reports whether target names something on a network. A Lambda function and
// an object do so by their prefix, an image by "docker://" or by a first segment
// that is a host.
func Is(target string) bool {
	if strings.HasPrefix(target, lambdaPrefix) || strings.HasPrefix(target, s3Prefix) || strings.HasPrefix(target, dockerPrefix) {
		return true
	}
	_, err := ParseReference(target)
	return err == nil
}

const (
	lambdaPrefix = "lambda:"
	s3Prefix     = "s3://"
	dockerPrefix = "docker://"
)

// lookupTimeout bounds what Prepare may take.
const lookupTimeout = 60 * time.Second

// Prepare looks a target up with the user's own credentials: the docker config
// and its credential helpers for an image, the AWS configuration for the others.
// An error says why that was not possible.
func Prepare(ctx context.Context, target string, opts Options) (*Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	switch {
	case strings.HasPrefix(target, lambdaPrefix):
		return function(ctx, strings.TrimPrefix(target, lambdaPrefix), opts)
	case strings.HasPrefix(target, s3Prefix):
		return object(ctx, strings.TrimPrefix(target, s3Prefix), opts)
	}
	ref, err := ParseReference(target)
	if err != nil {
		return nil, err
	}
	im, err := login(ctx, ref, opts)
	if err != nil {
		return nil, err
	}
	return &Plan{Name: strings.TrimPrefix(target, dockerPrefix), Image: im}, nil
}

// errNotReference says that a target is no image reference.
var errNotReference = errors.New("not an image reference")
