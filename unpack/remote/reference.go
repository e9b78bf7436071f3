package remote

import (
	"fmt"
	"path"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"

	"github.com/google/go-containerregistry/pkg/name"
)

// A Reference names an image in a registry.
type Reference struct {
	Registry   string // host, with a port if it is not the usual one
	Repository string
	Tag        string // or ""
	Digest     string // "sha256:…", or ""
}

// identifier is what the registry is asked for.
func (r Reference) identifier() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// ParseReference reads an image reference. Unless "docker://" forces it, the
// first segment must be a host (with a dot or a port, or localhost), so that a
// mistyped file name is not looked for on a network.
func ParseReference(target string) (Reference, error) {
	rest, forced := strings.CutPrefix(target, dockerPrefix)
	if !forced && !looksRemote(target) {
		return Reference{}, errNotReference
	}
	ref, err := name.ParseReference(rest, name.WeakValidation)
	if err != nil {
		return Reference{}, fmt.Errorf("%w: %q", errNotReference, rest)
	}
	r := Reference{Registry: ref.Context().RegistryStr(), Repository: ref.Context().RepositoryStr()}
	for segment := range strings.SplitSeq(r.Repository, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return Reference{}, fmt.Errorf("%w: %q", errNotReference, rest)
		}
	}
	switch ref := ref.(type) {
	case name.Digest:
		r.Digest = ref.DigestStr()
	case name.Tag:
		r.Tag = ref.TagStr()
	}
	if r.Digest != "" && !IsDigest(r.Digest) {
		return Reference{}, fmt.Errorf("%w: %q is not a SHA-256 digest", errNotReference, r.Digest)
	}
	return r, nil
}

// looksRemote reports a reference whose first segment is a host.
func looksRemote(target string) bool {
	host, rest, found := strings.Cut(target, "/")
	switch {
	case !found, host == ".", host == "..", strings.HasPrefix(host, "."), rest == "", strings.Contains(target, `\`):
		return false
	case len(host) == 2 && host[1] == ':': // a drive
		return false
	case host != "localhost" && !strings.ContainsAny(host, ".:"):
		return false
	}
	switch strings.ToLower(path.Ext(rest)) { // a file in a folder with a dot in its name
	case ".zip", ".jar", ".war", ".tar", ".tgz", ".gz", ".zst", ".xz", ".bz2", ".7z", ".rar", ".json", ".xml", ".lock", ".txt":
		return strings.ContainsAny(rest, ":@")
	}
	return true
}

var digestForm = lazyregexp.New(`^sha256:[0-9a-f]{64}$`)

// IsDigest reports whether s is a SHA-256 digest as registries write it.
func IsDigest(s string) bool { return digestForm().MatchString(s) }
