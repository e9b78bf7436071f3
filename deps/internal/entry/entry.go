// Package entry holds what every parser of package evidence needs: the names
// of ecosystems, package URLs, hashes and the limits of what is believed.
// It reads no files.
package entry

import (
	"encoding/base64"
	"encoding/hex"
	"sort"
	"strings"

	"github.com/fnvet/fnvet"
)

// Ecosystems as OSV writes them (https://ossf.github.io/osv-schema/). Deb, Apk
// and RPM stand for a distribution that is known only once os-release is read;
// Conda has no advisories in OSV.
const (
	NPM       = "npm"
	PyPI      = "PyPI"
	Maven     = "Maven"
	Go        = "Go"
	Crates    = "crates.io"
	NuGet     = "NuGet"
	RubyGems  = "RubyGems"
	Packagist = "Packagist"
	Conda     = "conda"
	Deb       = "deb"
	Apk       = "apk"
	RPM       = "rpm"
	// Generic is of what no registry has: interpreters.
	Generic = ""
)

// MaxField bounds a name or version that is believed, in bytes. The longest
// name registries allow is 214 (npm); Go module paths may be longer.
const MaxField = 512

// Package makes a package with its package URL. Names and versions of
// untrusted manifests that are empty, too long or not plain text give ok false.
func Package(ecosystem, name, version string, kind fnvet.PackageKind) (p fnvet.Package, ok bool) {
	name, version = strings.TrimSpace(name), strings.TrimSpace(version)
	if !plain(name) || !plain(version) {
		return fnvet.Package{}, false
	}
	return fnvet.Package{
		PURL:      PURL(ecosystem, name, version),
		Name:      strings.Clone(name),
		Version:   strings.Clone(version),
		Ecosystem: ecosystem,
		Kind:      kind,
		Reachable: fnvet.ReachUnknown,
	}, true
}

func plain(s string) bool {
	if s == "" || len(s) > MaxField {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// Licenses trims, clones and deduplicates licence texts; long texts are no names.
func Licenses(texts ...string) []string {
	var out []string
	for _, t := range texts {
		t = strings.TrimSpace(t)
		if t == "" || len(t) > MaxField || strings.ContainsAny(t, "\n\r") || strings.EqualFold(t, "UNKNOWN") {
			continue
		}
		out = append(out, strings.Clone(t))
	}
	return Sorted(out)
}

// Sorted sorts and deduplicates in place.
func Sorted(list []string) []string {
	sort.Strings(list)
	out := list[:0]
	for i, s := range list {
		if i == 0 || s != list[i-1] {
			out = append(out, s)
		}
	}
	return out
}

// Integrity reads a Subresource Integrity value ("sha512-…", several separated
// by spaces) as npm, pnpm, yarn and bun lockfiles state it.
func Integrity(value string) []fnvet.Hash {
	var out []fnvet.Hash
	for one := range strings.FieldsSeq(value) {
		alg, digest, ok := strings.Cut(one, "-")
		if !ok {
			continue
		}
		digest, _, _ = strings.Cut(digest, "?")
		if h, ok := Base64Hash(alg, digest); ok {
			out = append(out, h)
		}
	}
	return out
}

// Base64Hash makes a hash from an algorithm ("sha512") and a base64 digest.
func Base64Hash(alg, digest string) (fnvet.Hash, bool) {
	raw, err := base64.StdEncoding.DecodeString(digest)
	if err != nil {
		return fnvet.Hash{}, false
	}
	return HexHash(alg, hex.EncodeToString(raw))
}

// HexHash makes a hash from an algorithm ("sha256") and a hex digest of its length.
func HexHash(alg, digest string) (fnvet.Hash, bool) {
	names := map[string]struct {
		name string
		size int
	}{
		"sha1": {"SHA-1", 20}, "sha256": {"SHA-256", 32}, "sha384": {"SHA-384", 48}, "sha512": {"SHA-512", 64},
	}
	n, ok := names[strings.ToLower(alg)]
	if !ok || len(digest) != 2*n.size {
		return fnvet.Hash{}, false
	}
	digest = strings.ToLower(digest)
	if _, err := hex.DecodeString(digest); err != nil {
		return fnvet.Hash{}, false
	}
	return fnvet.Hash{Alg: n.name, Value: strings.Clone(digest)}, true
}
