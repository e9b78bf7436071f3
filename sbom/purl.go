package sbom

import (
	"net/url"
	"strings"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// An identity is what a package URL says in the words of OSV.
type identity struct {
	ecosystem, name, version string
	source, sourceVersion    string // of the "upstream" qualifier, or ""
}

// identify reads a package URL. ok is false when it is not one, or of a type
// that has no OSV ecosystem; name and version are then still set if it parses.
func identify(purl string) (id identity, ok bool) {
	p, err := packageurl.FromString(purl)
	if err != nil {
		return identity{}, false
	}
	id = osvIdentity(p, purl)
	for _, s := range []*string{&id.name, &id.version, &id.source, &id.sourceVersion} {
		*s = strings.ToValidUTF8(*s, "\ufffd") // percent-decoding gives any bytes
	}
	return id, id.ecosystem != ""
}

// osvIdentity maps the parts of a package URL; purl is the same as written.
func osvIdentity(p packageurl.PackageURL, purl string) identity {
	id := identity{name: p.Name, version: p.Version}
	q := p.Qualifiers.Map()
	full := p.Name
	if p.Namespace != "" {
		full = p.Namespace + "/" + p.Name
	}
	switch p.Type {
	case "npm":
		id.ecosystem, id.name = "npm", full
	case "golang":
		id.ecosystem, id.name = "Go", golangName(purl)
		id.version = strings.TrimPrefix(p.Version, "v")
	case "maven":
		id.ecosystem = "Maven"
		if p.Namespace != "" {
			id.name = p.Namespace + ":" + p.Name
		}
	case "composer", "swift":
		id.ecosystem, id.name = ecosystems[p.Type], full
	case "deb", "apk", "rpm":
		id.ecosystem = distroEcosystem(p.Type, p.Namespace, q["distro"])
		id.source, id.sourceVersion, _ = strings.Cut(q["upstream"], "@")
		if e := q["epoch"]; p.Type == "rpm" && e != "" && e != "0" {
			id.version = e + ":" + id.version
		}
	default:
		id.ecosystem = ecosystems[p.Type]
	}
	return id
}

// ecosystems of the package URL types whose names need no change.
var ecosystems = map[string]string{
	"bitnami": "Bitnami", "cargo": "crates.io", "composer": "Packagist", "conan": "ConanCenter", "cran": "CRAN",
	"gem": "RubyGems", "githubactions": "GitHub Actions", "hackage": "Hackage", "hex": "Hex", "julia": "Julia",
	"nuget": "NuGet", "pub": "Pub", "pypi": "PyPI", "swift": "SwiftURL",
}

// golangName takes the module path from a package URL as written: the
// specification wants it in lower case, module paths and OSV have case.
func golangName(purl string) string {
	_, s, _ := strings.Cut(purl, "/")
	s = strings.TrimLeft(s, "/")
	if i := strings.IndexAny(s, "@?#"); i >= 0 {
		s = s[:i]
	}
	if u, err := url.PathUnescape(s); err == nil {
		s = u
	}
	return strings.Trim(s, "/")
}

// codenames of releases that package URLs name by word.
var codenames = map[string]string{
	"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
	"bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04",
}

var release = lazyregexp.New(`^(.*?)-?([0-9]+(?:\.[0-9]+)*)?$`)

// distroEcosystem says the OSV ecosystem, with its release, of a package of
// a Linux distribution: "Debian:12", "Alpine:v3.18", "AlmaLinux:9". It is ""
// where OSV has none or the release is not stated.
func distroEcosystem(typ, namespace, distro string) string {
	m := release().FindStringSubmatch(strings.ToLower(distro))
	name, version := "", ""
	if m != nil {
		name, version = m[1], m[2]
	}
	if v, ok := codenames[name]; ok {
		name, version = "", v
	}
	if v, ok := codenames[strings.TrimPrefix(name, namespace+"-")]; ok {
		version = v
	}
	if namespace != "" {
		name = strings.ToLower(namespace)
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch name {
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	}
	if version == "" {
		return ""
	}
	switch typ + "/" + name {
	case "deb/debian":
		return "Debian:" + major
	case "deb/ubuntu":
		return ubuntu(major, minor)
	case "apk/alpine":
		return "Alpine:v" + major + "." + minor
	case "rpm/almalinux", "rpm/alma":
		return "AlmaLinux:" + major
	case "rpm/rocky", "rpm/rockylinux":
		return "Rocky Linux:" + major
	case "rpm/redhat", "rpm/rhel":
		return "Red Hat:enterprise_linux:" + major
	case "rpm/openeuler":
		return "openEuler:" + version
	case "rpm/mageia":
		return "Mageia:" + major
	}
	return ""
}

// ubuntu says the ecosystem of a release; those of April in even years have
// long-term support, which OSV puts in the name.
func ubuntu(major, minor string) string {
	v := "Ubuntu:" + major + "." + minor
	if minor == "04" && len(major) == 2 && (major[1]-'0')%2 == 0 {
		v += ":LTS"
	}
	return v
}

// distroOf completes a distribution package that does not state its release
// with the operating system that the document names ("debian-12").
func distroOf(purl, distro string) string {
	p, err := packageurl.FromString(purl)
	if err != nil || distro == "" {
		return ""
	}
	switch p.Type {
	case "deb", "apk", "rpm":
		return distroEcosystem(p.Type, p.Namespace, distro)
	}
	return ""
}
