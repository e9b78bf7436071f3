package deps

import (
	"errors"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	packageurl "github.com/package-url/packageurl-go"
)

// ErrNoEcosystem means a package URL of a type that OSV has no ecosystem for.
var ErrNoEcosystem = errors.New("package URL of a type without an ecosystem")

// ParsePURL reads a package URL as SBOMs state it into a package with
// Ecosystem, Name and Version as OSV writes them, PURL as given, and for
// distributions Source from the "upstream" qualifier (syft) or "source"
// (others). Kind, locations and the rest are the caller's to set. A type that
// OSV does not have gives ErrNoEcosystem beside a package without Ecosystem.
func ParsePURL(text string) (fnvet.Package, error) {
	p, err := packageurl.FromString(text)
	if err != nil {
		return fnvet.Package{}, err
	}
	if p.Name == "" || len(p.Name)+len(p.Namespace)+len(p.Version) > entry.MaxField {
		return fnvet.Package{}, errors.New("package URL without a name, or too long")
	}
	out := fnvet.Package{PURL: strings.Clone(text), Name: p.Name, Version: p.Version, Reachable: fnvet.ReachUnknown}
	if p.Namespace != "" {
		out.Name = p.Namespace + "/" + p.Name
	}
	switch p.Type {
	case packageurl.TypeNPM:
		out.Ecosystem = entry.NPM
	case packageurl.TypePyPi:
		out.Ecosystem, out.Name = entry.PyPI, entry.NormalPython(p.Name)
	case packageurl.TypeMaven:
		out.Ecosystem = entry.Maven
		if p.Namespace != "" {
			out.Name = p.Namespace + ":" + p.Name
		}
	case packageurl.TypeGolang:
		out.Ecosystem = entry.Go
		out.Name = goName(text, out.Name)
		out.Version = strings.TrimPrefix(strings.TrimPrefix(p.Version, "go"), "v")
	case packageurl.TypeCargo:
		out.Ecosystem = entry.Crates
	case packageurl.TypeNuget:
		out.Ecosystem = entry.NuGet
	case packageurl.TypeGem:
		out.Ecosystem = entry.RubyGems
	case packageurl.TypeComposer:
		out.Ecosystem = entry.Packagist
	case packageurl.TypeConda:
		out.Ecosystem = entry.Conda
	case packageurl.TypeDebian, packageurl.TypeApk, packageurl.TypeRPM:
		linuxPackage(&out, p)
	default:
		return out, ErrNoEcosystem
	}
	return out, nil
}

// goName takes a module path from the text, as parsing lower-cases it.
func goName(text, lower string) string {
	path := strings.TrimPrefix(text, "pkg:golang/")
	if i := strings.IndexAny(path, "@?#"); i >= 0 {
		path = path[:i]
	}
	if strings.EqualFold(path, lower) {
		return strings.Clone(path)
	}
	return lower
}

// linuxPackage fills in a distribution's package from the namespace and the
// qualifiers distro ("debian-12"), epoch, and upstream or source.
func linuxPackage(out *fnvet.Package, p packageurl.PackageURL) {
	q := p.Qualifiers.Map()
	out.Name = p.Name
	if epoch := q["epoch"]; epoch != "" && epoch != "0" && !strings.Contains(out.Version, ":") {
		out.Version = epoch + ":" + out.Version
	}
	out.Ecosystem = Ecosystem(p.Type, purlDistro(p.Namespace, q["distro"]))
	upstream := q["upstream"]
	if upstream == "" {
		upstream = q["source"]
	}
	if upstream == "" || p.Type == packageurl.TypeRPM {
		return
	}
	name, version, _ := strings.Cut(upstream, "@")
	if version == "" {
		version = out.Version
	}
	if name != out.Name || version != out.Version {
		out.Source = &fnvet.SourcePackage{Name: name, Version: version}
	}
}

// purlDistro reads "debian-12", "alpine-3.18.4", "opensuse-leap-15.5" or just
// "3.18.4". It returns nil when nothing is said.
func purlDistro(namespace, distro string) *fnvet.Distro {
	ids := map[string]string{"redhat": "rhel", "oracle": "ol", "amazon": "amzn", "suse": "sles", "opensuse": "opensuse-leap"}
	d := fnvet.Distro{ID: namespace}
	if id, ok := ids[namespace]; ok {
		d.ID = id
	}
	if i := strings.LastIndexByte(distro, '-'); i >= 0 {
		d.ID, distro = distro[:i], distro[i+1:]
	}
	d.VersionID = distro
	if d.ID == "" {
		return nil
	}
	return &d
}
