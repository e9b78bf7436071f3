package version

import (
	"testing"
)

// The rows restate examples that each ecosystem's own documentation gives.
func TestCompare(t *testing.T) {
	tests := []struct {
		scheme      Scheme
		left        string
		want        string
		right, rule string
	}{
		{SemVer, "1.0.0", "<", "2.0.0", "semver.org 11.2: major first"},
		{SemVer, "2.0.0", "<", "2.1.0", "then minor"},
		{SemVer, "2.1.0", "<", "2.1.1", "then patch"},
		{SemVer, "1.0.0-alpha", "<", "1.0.0", "11.3: a pre-release is older"},
		{SemVer, "1.0.0-alpha", "<", "1.0.0-alpha.1", "11.4: more fields are newer"},
		{SemVer, "1.0.0-alpha.1", "<", "1.0.0-alpha.beta", "numbers before words"},
		{SemVer, "1.0.0-alpha.beta", "<", "1.0.0-beta", "words by bytes"},
		{SemVer, "1.0.0-beta.2", "<", "1.0.0-beta.11", "numbers by value"},
		{SemVer, "1.0.0-beta.11", "<", "1.0.0-rc.1", "words by bytes"},
		{SemVer, "1.0.0-x.7.z.92", "<", "1.0.0-x-y-z.4", "9: labels may hold hyphens"},
		{SemVer, "1.0.0+build.1", "=", "1.0.0+build.2", "10: build metadata does not count"},
		{SemVer, "v1.2.3", "=", "1.2.3", "Go and npm write a v"},
		{SemVer, "1.2", "=", "1.2.0", "missing numbers are zero"},
		{SemVer, "2.0.0+incompatible", "<", "2.0.1", "Go's mark is build metadata"},
		{SemVer, "0.0.0-20200101000000-abcdefabcdef", "<", "0.0.0-20200102000000-012345678901", "Go pseudo-versions by time"},
		{SemVer, "1.2.4-0.20200101000000-abcdefabcdef", "<", "1.2.4", "a pseudo-version precedes the next tag"},
		{SemVer, "99999999999999999999.0.0", ">", "99999999999999999998.0.0", "numbers of any size"},

		{PyPI, "1.0.dev456", "<", "1.0a1", "PEP 440's summary of order, in sequence"},
		{PyPI, "1.0a1", "<", "1.0a2.dev456", "PEP 440"},
		{PyPI, "1.0a2.dev456", "<", "1.0a12.dev456", "PEP 440"},
		{PyPI, "1.0a12.dev456", "<", "1.0a12", "PEP 440"},
		{PyPI, "1.0a12", "<", "1.0b1.dev456", "PEP 440"},
		{PyPI, "1.0b1.dev456", "<", "1.0b2", "PEP 440"},
		{PyPI, "1.0b2", "<", "1.0b2.post345.dev456", "PEP 440"},
		{PyPI, "1.0b2.post345.dev456", "<", "1.0b2.post345", "PEP 440"},
		{PyPI, "1.0b2.post345", "<", "1.0rc1.dev456", "PEP 440"},
		{PyPI, "1.0rc1.dev456", "<", "1.0rc1", "PEP 440"},
		{PyPI, "1.0rc1", "<", "1.0", "PEP 440"},
		{PyPI, "1.0", "<", "1.0+abc.5", "PEP 440"},
		{PyPI, "1.0+abc.5", "<", "1.0+abc.7", "PEP 440"},
		{PyPI, "1.0+abc.7", "<", "1.0+5", "PEP 440: numbers after words in local labels"},
		{PyPI, "1.0+5", "<", "1.0.post456.dev34", "PEP 440"},
		{PyPI, "1.0.post456.dev34", "<", "1.0.post456", "PEP 440"},
		{PyPI, "1.0.post456", "<", "1.0.15", "PEP 440"},
		{PyPI, "1.0.15", "<", "1.1.dev1", "PEP 440"},
		{PyPI, "2013.10", "<", "1!1.0", "an epoch comes first"},
		{PyPI, "1.0", "=", "1.0.0", "trailing zeros"},
		{PyPI, "1.1RC1", "=", "1.1rc1", "case"},
		{PyPI, "1.1.a1", "=", "1.1a1", "separators"},
		{PyPI, "1.0alpha1", "=", "1.0a1", "spellings"},
		{PyPI, "1.0preview3", "=", "1.0c3", "spellings"},
		{PyPI, "1.0-1", "=", "1.0.post1", "implicit post-release"},
		{PyPI, "1.0.r4", "=", "1.0.post4", "spellings"},
		{PyPI, "1.2a", "=", "1.2a0", "implicit number"},
		{PyPI, "v1.0", "=", "1.0", "leading v"},
		{PyPI, "1.0+ubuntu-1", "=", "1.0+ubuntu.1", "local separators"},
		{PyPI, "2004d", "<", "2003.1", "what PEP 440 rejects is older than everything"},

		{Maven, "1-alpha-1", "<", "1-beta-1", "pom reference: known qualifiers in order"},
		{Maven, "1-beta", "<", "1-milestone", "qualifiers"},
		{Maven, "1-milestone", "<", "1-rc", "qualifiers"},
		{Maven, "1-rc", "=", "1-cr", "cr is rc"},
		{Maven, "1-rc", "<", "1-snapshot", "qualifiers"},
		{Maven, "1-snapshot", "<", "1", "qualifiers"},
		{Maven, "1", "=", "1-ga", "ga, final and release are nothing"},
		{Maven, "1.final", "=", "1.0.0-RELEASE", "ga, final and release are nothing"},
		{Maven, "1", "<", "1-sp", "service packs come after"},
		{Maven, "1-sp", "<", "1-whatever", "unknown qualifiers last"},
		{Maven, "1-foo2", "<", "1-foo10", "numbers by value"},
		{Maven, "1.foo", "=", "1-foo", "1.x is 1-x for words since Maven 3.8"},
		{Maven, "1-foo", "<", "1-1", "words before numbers"},
		{Maven, "1-1", "<", "1.1", "1-1 before 1.1"},
		{Maven, "1.0", "=", "1", "zeros at the end"},
		{Maven, "1.0.RC2", "<", "1.0-RC3", "case does not count"},
		{Maven, "1-a1", "=", "1-alpha-1", "a before a digit is alpha"},
		{Maven, "2.0.1-xyz", ">", "2.0.1", "an unknown qualifier is newer"},
		{Maven, "2.0.0.v200706041905-7C78EK9E_EkMNfNOd2d8qq", ">", "2.0.0", "long qualifiers"},
		{Maven, "1.0.0.4.0", "<", "1.0.0.5", "any number of numbers"},

		{RubyGems, "1.0.0", "=", "1", "zeros at the end"},
		{RubyGems, "1.0.b1", "<", "1.0", "letters make a pre-release"},
		{RubyGems, "1.0.a.2", "<", "1.0.b1", "letters by bytes"},
		{RubyGems, "1.0.a10", ">", "1.0.a9", "numbers by value"},
		{RubyGems, "0.9", "<", "1.0.a.2", "the release first"},
		{RubyGems, "1.0.0-1", "<", "1.0.0", "a hyphen means .pre."},
		{RubyGems, "3.0.0.rc2", ">", "3.0.0.beta4", "words by bytes"},
		{RubyGems, "1.2.b1", "=", "1.2.b.1", "splits at letters"},

		{NuGet, "1.0.0.0", "=", "1.0", "missing numbers are zero"},
		{NuGet, "1.0.1-aaa", ">", "1.0.1-AA", "labels without case"},
		{NuGet, "1.0.1-zzz", "<", "1.0.1", "a pre-release is older"},
		{NuGet, "1.0.1-alpha10", "<", "1.0.1-alpha2", "one label, by letters"},
		{NuGet, "1.0.1-beta.10", ">", "1.0.1-beta.2", "dotted numbers by value"},
		{NuGet, "1.0.0.5", ">", "1.0.0.4", "the fourth number"},
		{NuGet, "1.00", "=", "1.0", "leading zeros"},

		{Composer, "1.0", "=", "1.0.0.0", "four numbers"},
		{Composer, "v2.3", "=", "2.3.0", "leading v"},
		{Composer, "1.0-dev", "<", "1.0-alpha1", "stabilities in order"},
		{Composer, "1.0.0-alpha2", "<", "1.0.0-beta1", "stabilities in order"},
		{Composer, "1.0.0-beta1", "<", "1.0.0-RC1", "stabilities in order"},
		{Composer, "1.0.0-RC1", "<", "1.0.0", "stabilities in order"},
		{Composer, "1.0.0", "<", "1.0.0-p1", "a patch comes after"},
		{Composer, "1.0.0-b2", "=", "1.0.0-beta2", "short forms"},
		{Composer, "1.0.0-stable", "=", "1.0.0", "stable means nothing"},
		{Composer, "1.0.0-BETA2", "=", "1.0.0beta2", "case and separators"},
		{Composer, "2.4.7-p4", "<", "2.4.7-p5", "patches by number"},

		{Debian, "1:0.1", ">", "2.0", "the epoch first"},
		{Debian, "1.0~rc1-1", "<", "1.0-1", "a tilde is older than the end"},
		{Debian, "1.0~~", "<", "1.0~", "two tildes are older still"},
		{Debian, "1.0a", "<", "1.0+", "letters before other characters"},
		{Debian, "1.0", "=", "1.0-0", "no revision is revision 0"},
		{Debian, "1.2.10-1", ">", "1.2.9-1", "numbers by value"},
		{Debian, "1.1.1d-0+deb10u3", "<", "1.1.1d-0+deb10u4", "security updates"},
		{Debian, "0:1.0", "=", "1.0", "no epoch is epoch 0"},
		{Debian, "1.0-1~deb9u1", "<", "1.0-1", "backports"},
		{Debian, "2-1-1", ">", "2-0-9", "the last hyphen starts the revision"},

		{Alpine, "1.2.3_alpha", "<", "1.2.3_beta", "apk-package(5): suffixes in order"},
		{Alpine, "1.2.3_rc1", "<", "1.2.3", "pre-releases before the release"},
		{Alpine, "1.2.3", "<", "1.2.3_p1", "patches after it"},
		{Alpine, "1.2.3_cvs1", "<", "1.2.3_git1", "suffixes in order"},
		{Alpine, "1.2.3-r2", "<", "1.2.3-r10", "revisions by number"},
		{Alpine, "1.2.3", "<", "1.2.3a", "a letter comes after"},
		{Alpine, "1.01", "<", "1.1", "a leading zero compares as text"},
		{Alpine, "1.2_pre2", "<", "1.2_rc1", "suffixes in order"},
		{Alpine, "3.1.4-r5", "<", "3.1.4-r6", "revisions"},

		{RPM, "1.0-1", "<", "1:0.9-1", "the epoch first"},
		{RPM, "1.0~rc1", "<", "1.0", "rpm-version(7): tilde before"},
		{RPM, "1.0^git1", ">", "1.0", "caret after"},
		{RPM, "1.0^git1", "<", "1.0.1", "caret before a longer version"},
		{RPM, "1.0a", ">", "1.0", "what is left over is newer"},
		{RPM, "2.0.1", ">", "2.0a", "numbers are newer than letters"},
		{RPM, "1.05", "=", "1.5", "leading zeros"},
		{RPM, "1_0", "=", "1.0", "separators are alike"},
		{RPM, "0:1.0-2.el9", ">", "1.0-1.el9", "no epoch is epoch 0"},
		{RPM, "1.0-1.el8_4", "<", "1.0-1.el8_10", "numbers by value"},

		{CRAN, "1.0-1", "<", "1.0.2", "hyphens are dots"},
		{Hackage, "1.2", "<", "1.2.0", "a longer list is newer"},
		{Pub, "1.0.0", "<", "1.0.0+1", "build metadata counts"},
	}
	for _, tt := range tests {
		want := map[string]int{"<": -1, "=": 0, ">": 1}[tt.want]
		if got := tt.scheme.Compare(tt.left, tt.right); got != want {
			t.Errorf("%d: %s %s %s (%s): got %d", tt.scheme, tt.left, tt.want, tt.right, tt.rule, got)
		}
		if got := tt.scheme.Compare(tt.right, tt.left); got != -want {
			t.Errorf("%d: %s and %s reversed (%s): got %d", tt.scheme, tt.right, tt.left, tt.rule, got)
		}
	}
}

func TestValid(t *testing.T) {
	tests := []struct {
		ecosystem, version string
		want               bool
		why                string
	}{
		{"npm", "1.2.3", true, "plain"},
		{"npm", "v1.2.3-beta.1+x", true, "all parts"},
		{"npm", "1.0.0-x.7.z.92", true, "an x in a label is no range"},
		{"npm", "latest", false, "a tag"},
		{"npm", "^1.2.3", false, "a range"},
		{"npm", "1.x", false, "a range"},
		{"npm", "*", false, "a range"},
		{"npm", "", false, "nothing"},
		{"npm", "git+https://example.com/x.git", false, "a URL"},
		{"npm", "file:../x", false, "a path"},
		{"Go", "(devel)", false, "a build of the module itself"},
		{"PyPI", "2004d", true, "legacy"},
		{"PyPI", "unknown", false, "a word"},
		{"PyPI", ">=1.0", false, "a range"},
		{"Packagist", "dev-master", false, "a branch"},
		{"Packagist", "1.0.x-dev", true, "a branch alias"},
		{"Packagist", "1.0.0-foo", false, "an unknown stability"},
		{"Maven", "${project.version}", false, "not filled in"},
		{"Maven", "r09", true, "Guava's early releases"},
		{"RubyGems", "1.0.0.pre", true, "pre-release"},
		{"RubyGems", "1..0", false, "an empty segment"},
		{"Debian:12", "1:2.3-4", true, "all parts"},
		{"Debian:12", "<none>", false, "dpkg says none"},
		{"AlmaLinux:9", "0:1.0-1.el9", true, "all parts"},
		{"Alpine:v3.18", "1.2.3-r0", true, "all parts"},
	}
	for _, tt := range tests {
		scheme, ok := For(tt.ecosystem)
		if !ok {
			t.Fatalf("no scheme for %s", tt.ecosystem)
		}
		if got := scheme.Parse(tt.version).Valid(); got != tt.want {
			t.Errorf("%s %q (%s): got %v", tt.ecosystem, tt.version, tt.why, got)
		}
	}
	if _, ok := For("GIT"); ok {
		t.Error("GIT has no order of versions")
	}
}

// FuzzCompare: an order is total: antisymmetric, and equal to itself.
func FuzzCompare(f *testing.F) {
	for s := SemVer; s <= Pub; s++ {
		f.Add(byte(s), "1.0.0-rc.1+b", "1:1.0~rc1-1", "v2.x-dev")
	}
	f.Add(byte(Maven), "1-..a-1", "1.0.ga", "1-")
	f.Fuzz(func(t *testing.T, scheme byte, a, b, c string) {
		s := Scheme(scheme)%Pub + 1
		v, w, x := s.Parse(a), s.Parse(b), s.Parse(c)
		if v.Compare(v) != 0 {
			t.Errorf("%d: %q differs from itself", s, a)
		}
		if v.Compare(w) != -w.Compare(v) {
			t.Errorf("%d: %q and %q: %d and %d", s, a, b, v.Compare(w), w.Compare(v))
		}
		if s == Maven || s == Alpine {
			return // their own tools do not keep it for odd versions either
		}
		if v.Valid() && w.Valid() && x.Valid() && v.Compare(w) <= 0 && w.Compare(x) <= 0 && v.Compare(x) > 0 {
			t.Errorf("%d: %q <= %q <= %q but not %q <= %q", s, a, b, c, a, c)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	for b.Loop() {
		SemVer.Compare("1.2.3-beta.1", "1.2.4")
		PyPI.Compare("1.2.3rc1", "1.2.3.post1")
		Maven.Compare("2.14.1", "2.15.0-rc1")
	}
}
