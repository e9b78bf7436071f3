package advisory

import (
	"strings"

	"github.com/fnvet/fnvet/advisory/version"
)

// splitEcosystem cuts an OSV ecosystem into its base and its release in normal
// form: "Alpine:3.18.4" is "Alpine" and "v3.18".
func splitEcosystem(ecosystem string) (base, release string) {
	base, release, _ = strings.Cut(ecosystem, ":")
	return base, normalRelease(base, release)
}

// normalRelease writes a release the way OSV records do, without the parts that
// do not select advisories: minor versions, "LTS", Red Hat's repositories.
func normalRelease(base, release string) string {
	if release == "" {
		return ""
	}
	switch base {
	case "Alpine":
		return alpineRelease(release)
	case "Debian", "AlmaLinux", "Rocky Linux", "Mageia", "Azure Linux":
		release, _, _ = strings.Cut(release, ".")
	case "Ubuntu":
		release = strings.TrimSuffix(release, ":LTS")
	case "Red Hat":
		if release[0] >= '0' && release[0] <= '9' {
			major, _, _ := strings.Cut(release, ".")
			return "enterprise_linux:" + major
		}
		if parts := strings.SplitN(release, ":", 3); len(parts) == 3 {
			release = parts[0] + ":" + parts[1]
		}
	}
	return release
}

func alpineRelease(release string) string {
	parts := strings.SplitN(strings.TrimPrefix(release, "v"), ".", 3)
	if len(parts) < 2 {
		return release // edge
	}
	return "v" + parts[0] + "." + parts[1]
}

// normalName writes a package name the way two spellings of it become equal in
// its ecosystem, and only there.
func normalName(base, name string) string {
	switch base {
	case "PyPI":
		return pep503(name)
	case "NuGet", "Packagist", "GitHub Actions":
		return strings.ToLower(name)
	}
	return name
}

// pep503 lowers the case and makes each run of "-", "_" and "." one hyphen.
// https://packaging.python.org/en/latest/specifications/name-normalization/
func pep503(name string) string {
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-' || c == '_' || c == '.':
			if n := len(out); n > 0 && out[n-1] == '-' {
				continue
			}
			c = '-'
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return string(out)
}

// namesSources says whether a distribution's advisories name source packages.
// The rpm distributions made from Red Hat's sources name binary packages.
func namesSources(base string) bool {
	switch base {
	case "Debian", "Ubuntu", "Echo", "Alpine", "Wolfi", "Chainguard", "MinimOS", "Alpaquita",
		"BellSoft Hardened Containers", "SUSE", "openSUSE", "openEuler", "Mageia":
		return true
	}
	return false
}

// distribution says whether the base ecosystem is a Linux distribution, whose
// advisories name what they fix in "upstream" or "related".
func distribution(base string) bool {
	if namesSources(base) {
		return true
	}
	switch base {
	case "AlmaLinux", "Rocky Linux", "Red Hat", "Azure Linux", "Photon OS":
		return true
	}
	return false
}

// released says whether advisories of the ecosystem hold for one release only.
func released(base string) bool {
	switch base {
	case "Wolfi", "Chainguard", "MinimOS", "Echo":
		return false
	}
	return distribution(base)
}

// installedVersion rewrites a version as tools report it into the form its
// ecosystem orders by.
func installedVersion(base, name, v string) string {
	v = strings.TrimSpace(v)
	switch {
	case base == "Go" && (name == "stdlib" || name == "toolchain"):
		return goRelease(v)
	case base == "RubyGems":
		return gemVersion(v)
	}
	return v
}

// goRelease turns "go1.21rc2" and "go1.22.5 X:boringcrypto" into "1.21.0-rc.2"
// and "1.22.5", as the Go vulnerability database writes them.
func goRelease(v string) string {
	v, _, _ = strings.Cut(v, " ")
	v = strings.TrimPrefix(strings.TrimPrefix(v, "go"), "v")
	end := 0
	for end < len(v) && (v[end] == '.' || v[end] >= '0' && v[end] <= '9') {
		end++
	}
	numbers, label := v[:end], strings.TrimPrefix(v[end:], "-")
	for _, word := range [...]string{"rc", "beta"} {
		n, ok := strings.CutPrefix(label, word)
		if !ok {
			continue
		}
		for strings.Count(numbers, ".") < 2 {
			numbers += ".0"
		}
		return numbers + "-" + word + "." + strings.TrimPrefix(n, ".")
	}
	if numbers == "" || label != "" && label[0] >= '0' && label[0] <= '9' { // "devel …"; "1.21.0-0" of the database
		return v
	}
	return numbers
}

// gemVersion drops the platform of "1.16.0-x86_64-linux".
func gemVersion(v string) string {
	number, platform, ok := strings.Cut(v, "-")
	if !ok {
		return v
	}
	cpu, _, _ := strings.Cut(platform, "-")
	switch cpu {
	case "java", "jruby", "x86", "x86_64", "x64", "arm", "arm64", "aarch64", "universal", "ruby", "mswin32",
		"mswin64", "mingw32", "i386", "i686", "ppc64le", "powerpc64le", "s390x", "riscv64", "dalvik", "truffleruby":
		return number
	}
	return v
}

// order returns the scheme of an ecosystem, or false.
func order(base string) (version.Scheme, bool) { return version.For(base) }
