// Package version orders version strings by the rules of each package
// ecosystem: Semantic Versioning, PEP 440, Maven's ComparableVersion,
// Gem::Version, NuGet, Composer, dpkg, apk, rpm and three smaller ones. It
// compares and says whether a string is a version at all; it knows nothing of
// ranges or advisories. Nothing here fails or allocates without bound: any
// string has a place in the order, and Valid tells whether the place means much.
package version

import "strings"

// A Scheme is one set of ordering rules.
type Scheme uint8

// The schemes.
const (
	SemVer   Scheme = iota + 1 // semver.org 2.0.0, read loosely as node-semver does
	PyPI                       // PEP 440
	Maven                      // org.apache.maven.artifact.versioning.ComparableVersion
	RubyGems                   // Gem::Version
	NuGet                      // NuGetVersion: four numbers, labels without case
	Composer                   // Composer's normal form under PHP's version_compare
	Debian                     // deb-version(7)
	Alpine                     // apk-tools
	RPM                        // rpmvercmp with epoch and release
	CRAN                       // package_version of R
	Hackage                    // Data.Version: numbers only
	Pub                        // semver whose build metadata counts
)

// For returns the scheme of an OSV ecosystem, with or without its release
// ("Debian:12"). It is false for ecosystems without a known order, such as GIT.
func For(ecosystem string) (Scheme, bool) {
	base, _, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "npm", "crates.io", "Go", "Hex", "SwiftURL", "Julia", "ConanCenter", "Bitnami",
		"Bioconductor", "GHC", "GitHub Actions", "Docker Hardened Images", "VSCode", "opam":
		return SemVer, true
	case "PyPI":
		return PyPI, true
	case "Maven":
		return Maven, true
	case "RubyGems":
		return RubyGems, true
	case "NuGet":
		return NuGet, true
	case "Packagist":
		return Composer, true
	case "Debian", "Ubuntu", "Echo", "TuxCare":
		return Debian, true
	case "Alpine", "Wolfi", "Chainguard", "Alpaquita", "BellSoft Hardened Containers", "MinimOS":
		return Alpine, true
	case "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "openEuler", "Mageia", "Azure Linux", "Photon OS":
		return RPM, true
	case "CRAN":
		return CRAN, true
	case "Hackage":
		return Hackage, true
	case "Pub":
		return Pub, true
	}
	return 0, false
}

// A Version is a parsed version string. The zero Version is not valid and
// equal to itself only.
type Version struct {
	scheme Scheme
	valid  bool
	key    key
}

// A key is the parsed form of one scheme. compare gets a key of its own type.
type key interface{ compare(key) int }

// maxLength bounds the strings that are looked at; the rest is cut off. The
// longest version in the OSV data of 2026 has 80 bytes.
const maxLength = 1024

// Parse reads s by the rules of the scheme. White space around s is ignored.
func (s Scheme) Parse(text string) Version {
	text = strings.TrimSpace(text)
	if len(text) > maxLength {
		text = text[:maxLength]
	}
	v := Version{scheme: s}
	switch s {
	case SemVer:
		v.key, v.valid = parseSemVer(text, 0)
	case Pub:
		v.key, v.valid = parsePub(text)
	case NuGet:
		v.key, v.valid = parseNuGet(text)
	case PyPI:
		v.key, v.valid = parsePyPI(text)
	case Maven:
		v.key, v.valid = parseMaven(text)
	case RubyGems:
		v.key, v.valid = parseGem(text)
	case Composer:
		v.key, v.valid = parseComposer(text)
	case Debian:
		v.key, v.valid = parseDebian(text)
	case Alpine:
		v.key, v.valid = parseAlpine(text)
	case RPM:
		v.key, v.valid = parseRPM(text)
	case CRAN:
		v.key, v.valid = parseNumbers(text, ".-")
	case Hackage:
		v.key, v.valid = parseNumbers(text, ".")
	}
	return v
}

// Valid says whether the string was a version by the rules of its scheme, in
// their lenient reading. Others compare somehow, but the answer means little.
func (v Version) Valid() bool { return v.valid }

// Compare returns -1, 0 or +1 as v is older than, equal to or newer than w.
// Versions of different schemes have no order; they compare by scheme.
func (v Version) Compare(w Version) int {
	if v.scheme != w.scheme || v.key == nil || w.key == nil {
		return sign(int(v.scheme) - int(w.scheme))
	}
	return v.key.compare(w.key)
}

// Compare parses and compares two versions.
func (s Scheme) Compare(a, b string) int { return s.Parse(a).Compare(s.Parse(b)) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func isLetter(c byte) bool { return isLower(c | 0x20) }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// digits returns the length of the run of digits s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// compareNumbers compares two strings of digits of any length by value; ""
// counts as zero.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// compareNumberLists compares number by number; missing ones count as zero.
func compareNumberLists(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if c := compareNumbers(at(a, i), at(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}
