package vex

import (
	"path"
	"strings"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/fnvet/fnvet"
)

// isPackage compares package URLs: type, namespace and name must be equal, and
// so must the version, the subpath and every qualifier that the statement gives.
func (id *identity) isPackage(purl string) bool {
	if id.purl == "" || purl == "" {
		return false
	}
	said, err := packageurl.FromString(id.purl)
	if err != nil {
		return false
	}
	is, err := packageurl.FromString(purl)
	if err != nil || !strings.EqualFold(said.Type, is.Type) {
		return false
	}
	same := func(a, b string) bool { return a == b }
	if is.Type == "golang" {
		same = strings.EqualFold // some tools write module paths in lower case
		said.Version, is.Version = strings.TrimPrefix(said.Version, "v"), strings.TrimPrefix(is.Version, "v")
	}
	if !same(said.Namespace, is.Namespace) || !same(said.Name, is.Name) || said.Version != "" && said.Version != is.Version {
		return false
	}
	has := is.Qualifiers.Map()
	for k, v := range said.Qualifiers.Map() {
		if has[k] != v {
			return false
		}
	}
	return said.Subpath == "" || said.Subpath == is.Subpath
}

// isArtifact says whether the identity is of what was scanned: by its digest, as
// hash or in a package URL; by an image's repository, where no digest is given;
// by the name or digest it is called in the report.
func (id *identity) isArtifact(a *fnvet.Artifact) bool {
	digest := strings.TrimPrefix(a.Digest, "sha256:")
	if len(id.sha256) > 0 {
		return digest != "" && containsFold(id.sha256, digest)
	}
	if id.purl == "" {
		return id.id != "" && (id.id == a.Name || id.id == a.Digest)
	}
	p, err := packageurl.FromString(id.purl)
	if err != nil {
		return false
	}
	q := p.Qualifiers.Map()
	if sum := q["checksum"]; sum != "" {
		return digest != "" && containsFold(strings.Split(sum, ","), "sha256:"+digest)
	}
	if p.Type != "oci" && p.Type != "docker" || a.Type != "image" {
		return false
	}
	if p.Version != "" && strings.Contains(p.Version, ":") {
		return digest != "" && strings.EqualFold(p.Version, a.Digest)
	}
	repository, tag := splitReference(a.Name)
	if p.Version != "" && p.Version != tag || q["tag"] != "" && q["tag"] != tag {
		return false
	}
	if url := strings.Trim(q["repository_url"], "/"); url != "" {
		return repository == url || repository == url+"/"+p.Name
	}
	name := p.Name
	if p.Namespace != "" {
		return repository == p.Namespace+"/"+name || strings.HasSuffix(repository, "/"+p.Namespace+"/"+name)
	}
	return path.Base(repository) == name
}

func containsFold(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}

// splitReference parts "registry.example:5000/app:1.2@sha256:…".
func splitReference(name string) (repository, tag string) {
	name = strings.TrimPrefix(name, "docker://")
	name, _, _ = strings.Cut(name, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[:i], name[i+1:]
	}
	return name, ""
}

// withVersion is the identity with a version, which must not contradict its own.
func withVersion(id *identity, version string) *identity {
	p, err := packageurl.FromString(id.purl)
	if err != nil || p.Version != "" && p.Version != version {
		return &identity{}
	}
	p.Version = version
	return &identity{purl: p.ToString()}
}
