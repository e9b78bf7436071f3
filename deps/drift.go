package deps

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// lockDrift is the rule of Drift.
const lockDrift = "hygiene/lock-drift"

// maxDrift bounds the findings of one lockfile; a last one counts the rest.
const maxDrift = 20

// lockfiles are those whose packages are installed beside them, by ecosystem, and
// how to bring both together. What a Go binary, a jar or a Rust binary links of
// its lockfile is for the linker to say.
var lockfiles = map[string]struct{ ecosystem, repair string }{
	"package-lock.json":   {"npm", "npm ci"},
	"npm-shrinkwrap.json": {"npm", "npm ci"},
	"yarn.lock":           {"npm", "yarn install --frozen-lockfile"},
	"pnpm-lock.yaml":      {"npm", "pnpm install --frozen-lockfile"},
	"bun.lock":            {"npm", "bun install --frozen-lockfile"},
	"Pipfile.lock":        {"PyPI", "pipenv sync"},
	"poetry.lock":         {"PyPI", "poetry sync"},
	"uv.lock":             {"PyPI", "uv sync --frozen"},
	"pdm.lock":            {"PyPI", "pdm sync --clean"},
	"composer.lock":       {"Packagist", "composer install"},
	"Gemfile.lock":        {"RubyGems", "bundle install"},
}

// installers come with an environment and stand in no lockfile.
var installers = []string{"pip", "setuptools", "wheel", "distribute", "pkg-resources", "npm", "bundler"}

// provided comes with the runtimes of functions, so packages leave it out.
func provided(name string) bool {
	return strings.HasPrefix(name, "@aws-sdk/") || strings.HasPrefix(name, "@smithy/") || strings.HasPrefix(name, "@azure/functions") ||
		slices.Contains([]string{"aws-sdk", "boto3", "botocore", "s3transfer", "jmespath", "azure-functions"}, name)
}

// Rules describes what Drift reports.
func Rules() []fnvet.Rule {
	return []fnvet.Rule{{
		ID: lockDrift, Kind: fnvet.Hygiene, Severity: fnvet.Low,
		Title: "A lockfile and what is installed beside it disagree",
		Help: "The lockfile in the package states other versions than those that are installed: another version, a package " +
			"that the lockfile does not know, or one it needs at run time that is not there. Who reviews the lockfile reviews " +
			"something else than what runs. Install from the lockfile (npm ci, composer install) and package again.",
	}}
}

// Drift compares each lockfile of an artifact with the packages installed beside
// it. pkgs is what Merge returns. It says which installed packages have another
// version than the lockfile states or are not in it, and which packages that it
// says are needed at run time on every platform are not installed; development,
// optional and platform packages may be absent. Without any package of the
// ecosystem beside it, a lockfile says nothing.
func Drift(pkgs []fnvet.Package) []fnvet.Finding {
	roots := rootsOf(pkgs)
	var out []fnvet.Finding
	for _, r := range roots {
		if len(r.installed) == 0 {
			continue
		}
		list := r.drift()
		if more := len(list) - maxDrift; more > 0 {
			list = append(list[:maxDrift:maxDrift], r.finding(r.lock, fmt.Sprintf("%d more packages differ from %s", more, path.Base(r.lock)), "more"))
		}
		out = append(out, list...)
	}
	return out
}

// A root is a folder with a lockfile, and what is installed in it.
type root struct {
	ecosystem, dir, layer string
	lock                  string // path of the lockfile, the first by name
	locked                map[string][]*fnvet.Package
	installed             map[string][]copyOf
}

// copyOf is one place of an installed package.
type copyOf struct {
	pkg  *fnvet.Package
	path string
}

// rootsOf gathers the lockfiles, sorted, and gives each installed package to the
// nearest one above it.
func rootsOf(pkgs []fnvet.Package) []*root {
	var roots []*root
	for i := range pkgs {
		p := &pkgs[i]
		for _, l := range p.Locations {
			if l.Kind != fnvet.Locked || lockfiles[path.Base(l.Path)].ecosystem != p.Ecosystem {
				continue
			}
			dir := strings.TrimSuffix(l.Path, path.Base(l.Path))
			at := slices.IndexFunc(roots, func(r *root) bool { return r.dir == dir && r.ecosystem == p.Ecosystem })
			if at < 0 {
				at = len(roots)
				roots = append(roots, &root{ecosystem: p.Ecosystem, dir: dir, lock: l.Path, layer: l.Layer, locked: map[string][]*fnvet.Package{}, installed: map[string][]copyOf{}})
			}
			r := roots[at]
			r.lock = min(r.lock, l.Path)
			r.locked[p.Name] = append(r.locked[p.Name], p)
		}
	}
	slices.SortFunc(roots, func(a, b *root) int { return cmp.Or(cmp.Compare(a.dir, b.dir), cmp.Compare(a.ecosystem, b.ecosystem)) })
	for i := range pkgs {
		for _, l := range pkgs[i].Locations {
			if r := rootOf(roots, pkgs[i].Ecosystem, l); r != nil {
				r.installed[pkgs[i].Name] = append(r.installed[pkgs[i].Name], copyOf{&pkgs[i], l.Path})
			}
		}
	}
	return roots
}

// rootOf finds the root with the longest folder around an installed package. A
// package that lies inside an archive below the lockfile is not installed by it.
func rootOf(roots []*root, ecosystem string, l fnvet.Location) *root {
	if l.Kind != fnvet.Installed {
		return nil
	}
	var best *root
	for _, r := range roots {
		rest, inside := strings.CutPrefix(l.Path, r.dir)
		if inside && r.ecosystem == ecosystem && !strings.Contains(rest, "!/") && (best == nil || len(r.dir) > len(best.dir)) {
			best = r
		}
	}
	return best
}

func (r *root) drift() []fnvet.Finding {
	var out []fnvet.Finding
	lock := path.Base(r.lock)
	for _, name := range sortedKeys(r.installed) {
		for _, c := range r.installed[name] {
			switch {
			case r.states(name, c.pkg.Version):
			case len(r.locked[name]) > 0:
				out = append(out, r.finding(c.path, fmt.Sprintf("%s %s is installed, %s states %s", name, c.pkg.Version, lock, versions(r.locked[name])), c.pkg.PURL))
			case r.ownsExtras() && !slices.Contains(installers, name) && !vendored(c.path):
				out = append(out, r.finding(c.path, fmt.Sprintf("%s %s is installed and not in %s", name, c.pkg.Version, lock), c.pkg.PURL))
			}
		}
	}
	for _, name := range sortedKeys(r.locked) {
		if len(r.installed[name]) > 0 || provided(name) {
			continue
		}
		for _, p := range r.locked[name] {
			if p.Required && !bundled(p, r.dir) {
				out = append(out, r.finding(r.lock, fmt.Sprintf("%s states %s %s, which is not installed", lock, name, p.Version), p.PURL))
			}
		}
	}
	return out
}

// states says whether the lockfile has a version. Gems carry their platform.
func (r *root) states(name, version string) bool {
	return slices.ContainsFunc(r.locked[name], func(p *fnvet.Package) bool {
		return p.Version == version || r.ecosystem == "RubyGems" &&
			(strings.HasPrefix(p.Version, version+"-") || strings.HasPrefix(version, p.Version+"-"))
	})
}

// ownsExtras is false where what is installed belongs to the interpreter too.
func (r *root) ownsExtras() bool { return r.ecosystem != "RubyGems" }

// vendored is true for copies that a package carries inside itself, which no
// lockfile states.
func vendored(p string) bool {
	return strings.Contains(p, "/_vendor/") || strings.Contains(p, "/_vendored_packages/") || strings.Contains(p, "/dist/compiled/")
}

// bundled says whether a bundle in the folder holds the package.
func bundled(p *fnvet.Package, dir string) bool {
	return slices.ContainsFunc(p.Locations, func(l fnvet.Location) bool {
		return l.Kind == fnvet.Bundled && strings.HasPrefix(l.Path, dir)
	})
}

func versions(list []*fnvet.Package) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Version)
	}
	return strings.Join(slices.Compact(all), ", ")
}

func (r *root) finding(at, title, salt string) fnvet.Finding {
	return fnvet.Finding{
		ID: lockDrift, Kind: fnvet.Hygiene, Severity: fnvet.Low, Title: title, Path: at, Layer: r.layer, Evidence: title,
		Remediation: fmt.Sprintf("install from the lockfile (%s) and package again", lockfiles[path.Base(r.lock)].repair),
		Salt:        salt,
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
