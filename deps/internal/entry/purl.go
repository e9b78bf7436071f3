package entry

import (
	"strings"

	packageurl "github.com/package-url/packageurl-go"
)

// PURL writes a package URL (https://github.com/package-url/purl-spec) for an
// OSV ecosystem, or "" for an ecosystem that has no purl type here. An empty
// version is left out, which is how detectors name a dependency whose version
// they do not know.
func PURL(ecosystem, name, version string) string {
	typ, namespace, short := "", "", name
	switch ecosystem {
	case NPM:
		typ = packageurl.TypeNPM
		namespace, short = scope(name)
	case PyPI:
		typ, short = packageurl.TypePyPi, NormalPython(name)
	case Maven:
		typ = packageurl.TypeMaven
		if group, artifact, ok := strings.Cut(name, ":"); ok {
			namespace, short = group, artifact
		}
	case Go:
		// The letters of Go module paths keep their case here, as in syft,
		// osv-scanner and govulncheck: lower-cased ones cannot be matched.
		typ = packageurl.TypeGolang
		namespace, short = lastSlash(name)
		if version != "" && name != "stdlib" && version[0] >= '0' && version[0] <= '9' {
			version = "v" + version
		}
	case Crates:
		typ = packageurl.TypeCargo
	case NuGet:
		typ = packageurl.TypeNuget
	case RubyGems:
		typ = packageurl.TypeGem
	case Packagist:
		typ = packageurl.TypeComposer
		namespace, short = lastSlash(strings.ToLower(name))
	case Conda:
		typ = packageurl.TypeConda
	case Generic:
		typ = packageurl.TypeGeneric
	default:
		return ""
	}
	return packageurl.NewPackageURL(typ, namespace, short, version, nil, "").ToString()
}

// Linux writes the package URL of a distribution package without its
// distribution: kind is "deb", "apk" or "rpm". Empty values are left out.
func Linux(kind, name, version, arch, epoch string) string {
	q := packageurl.Qualifiers{}
	if arch != "" {
		q = append(q, packageurl.Qualifier{Key: "arch", Value: arch})
	}
	if epoch != "" && epoch != "0" {
		q = append(q, packageurl.Qualifier{Key: "epoch", Value: epoch})
	}
	return packageurl.NewPackageURL(kind, "", strings.ToLower(name), version, q, "").ToString()
}

// NormalPython is the normal form of a Python project name (PEP 503).
func NormalPython(name string) string {
	var b strings.Builder
	run := false
	for i := range len(name) {
		c := name[i]
		if c == '-' || c == '_' || c == '.' {
			if !run {
				b.WriteByte('-')
			}
			run = true
			continue
		}
		run = false
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

func scope(name string) (namespace, short string) {
	if strings.HasPrefix(name, "@") {
		if s, n, ok := strings.Cut(name, "/"); ok {
			return s, n
		}
	}
	return "", name
}

func lastSlash(name string) (namespace, short string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}
