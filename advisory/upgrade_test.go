package advisory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
)

// ranges makes a record of one npm package from "introduced fixed" pairs; "-" is no fix.
func ranges(id, name string, pairs ...string) string {
	var events []string
	for _, p := range pairs {
		from, to, _ := strings.Cut(p, " ")
		events = append(events, fmt.Sprintf(`{"introduced":%q}`, from))
		if to != "-" {
			events = append(events, fmt.Sprintf(`{"fixed":%q}`, to))
		}
	}
	return fmt.Sprintf(`{"id":%q,"modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":%q},"ranges":[{"type":"SEMVER","events":[%s]}]}]}`,
		id, name, strings.Join(events, ","))
}

func TestUpgrade(t *testing.T) {
	db := open(t, bucket{"npm": {
		ranges("GHSA-a1", "a", "0 1.2.0"), ranges("GHSA-a2", "a", "0 1.4.0", "2.0.0 2.1.0"),
		ranges("GHSA-b1", "b", "0 1.2.0"), ranges("GHSA-b2", "b", "0 -"),
		ranges("GHSA-c1", "c", "0 1.2.0"), ranges("GHSA-c2", "c", "1.2.0 1.3.0"),
		ranges("GHSA-d1", "d", "0 2.0.0-rc.1"), ranges("GHSA-d2", "d", "0 2.0.1"),
		ranges("GHSA-e1", "e", "0 2.0.0-rc.1"),
		ranges("GHSA-f1", "f", "0 -"),
		ranges("GHSA-g1", "g", "0 0.3.0"),
		ranges("MAL-h1", "h", "0 -"), ranges("GHSA-h2", "h", "0 2.0.0"),
		ranges("GHSA-i1", "i", "1.0.0 1.5.0", "2.0.0 2.5.0"), ranges("GHSA-i2", "i", "1.4.0 2.2.0"),
	}}.build(t))
	for _, tt := range []struct{ why, name, version, want string }{
		{"one version clears both", "a", "1.0.0", "1.4.0"},
		{"from the second range", "a", "2.0.0", "2.1.0"},
		{"what nothing clears is left", "b", "1.0.0", "1.2.0 leaves GHSA-b2"},
		{"only what nothing clears", "b", "1.3.0", ""},
		{"not into the next flaw", "c", "1.0.0", "1.3.0"},
		{"past a pre-release", "d", "1.0.0", "2.0.1 major"},
		{"a pre-release where there is nothing else", "e", "1.0.0", "2.0.0-rc.1 major"},
		{"no fix at all", "f", "1.0.0", ""},
		{"below 1.0 a minor step is major", "g", "0.2.9", "0.3.0 major"},
		{"below 1.0, from a version without a minor number", "g", "0.0.9", "0.3.0 major"},
		{"no way out of malware", "h", "1.0.0", ""},
		{"between ranges of several advisories", "i", "1.4.5", "2.5.0 major"},
	} {
		findings, _, err := db.Match(t.Context(), []fnvet.Package{pkg("npm", tt.name, tt.version)})
		if err != nil || len(findings) == 0 {
			t.Fatal(tt.why, findings, err)
		}
		for _, f := range findings {
			got := ""
			if u := f.Package.Upgrade; u != nil {
				got = u.Version
				if u.Major {
					got += " major"
				}
				if u.Leaves != nil {
					got += " leaves " + strings.Join(u.Leaves, ",")
				}
			}
			if got != tt.want {
				t.Errorf("%s: %s: %q, want %q", tt.why, f.ID, got, tt.want)
			}
		}
	}
}

// TestUpgradeVia: a transitive package is raised through the direct ones above it.
func TestUpgradeVia(t *testing.T) {
	db := open(t, bucket{"npm": {ranges("GHSA-a1", "deep", "0 1.2.0")}}.build(t))
	node := func(name string, direct bool, on ...string) fnvet.Package {
		p := pkg("npm", name, "1.0.0")
		p.Direct = direct
		for _, d := range on {
			p.DependsOn = append(p.DependsOn, pkg("npm", d, "1.0.0").PURL)
		}
		return p
	}
	for _, tt := range []struct {
		why  string
		pkgs []fnvet.Package
		want []string
	}{
		{"a direct one", []fnvet.Package{node("deep", true), node("top", true, "deep")}, nil},
		{"no graph", []fnvet.Package{node("deep", false), node("top", true)}, nil},
		{"two ways, a circle, and nothing above a direct one", []fnvet.Package{
			node("deep", false, "mid"), node("mid", false, "deep"), node("top", true, "mid", "other"), node("above", true, "top"), node("b", true, "deep"),
		}, []string{"pkg:generic/b@1.0.0", "pkg:generic/top@1.0.0"}},
	} {
		findings, _, err := db.Match(t.Context(), tt.pkgs)
		if err != nil || len(findings) != 1 {
			t.Fatal(tt.why, findings, err)
		}
		if d := cmp.Diff(tt.want, findings[0].Package.Upgrade.Via); d != "" {
			t.Errorf("%s: %s", tt.why, d)
		}
		if says := strings.Contains(findings[0].Remediation, "comes in through b, top"); says != (len(tt.want) == 2) {
			t.Errorf("%s: %s", tt.why, findings[0].Remediation)
		}
	}
}

func TestMajorStep(t *testing.T) {
	for _, tt := range []struct {
		base, from, to string
		want           bool
	}{
		{"npm", "1.2.3", "1.9.0", false},
		{"npm", "1.2.3", "2.0.0", true},
		{"npm", "0.2.3", "0.2.9", false},
		{"npm", "0.0.3", "0.0.4", true},
		{"Go", "v0.2.3", "0.3.0", false},
		{"PyPI", "1!2.0", "1!2.1.post1", false},
		{"PyPI", "2024.1", "2025.1", true},
		{"Maven", "5.3.17.RELEASE", "5.3.18", false},
		{"Debian", "1.0-1", "3.0-1", false},
		{"Go", "go1.22.1", "1.23.0", false},
	} {
		if got := majorStep(tt.base, tt.from, tt.to); got != tt.want {
			t.Errorf("%s %s → %s: %v", tt.base, tt.from, tt.to, got)
		}
	}
}

func TestPrerelease(t *testing.T) {
	for _, tt := range []struct {
		base, version string
		want          bool
	}{
		{"npm", "1.0.0-rc.1", true},
		{"npm", "1.0.0+build-a", false},
		{"npm", "1.0.0", false},
		{"PyPI", "1.0rc1", true},
		{"PyPI", "1.0.post1", false},
		{"PyPI", "1.0.dev3", true},
		{"Maven", "2.0-beta9", true},
		{"Maven", "9.4.51.v20230217", false},
		{"Maven", "5.3.18.RELEASE", false},
		{"Maven", "32.0.0-jre", false},
		{"RubyGems", "1.0.0.pre1", true},
		{"Go", "1.2.3-0.20240102030405-0123456789ab", true},
		{"Go", "1.26.0-0", true},
		{"Debian", "1.0~rc1-1", false},
		{"NuGet", "1.0.0-preview.1", true},
		{"Packagist", "v1.0.0-RC1", true},
	} {
		if got := prerelease(tt.base, tt.version); got != tt.want {
			t.Errorf("%s %s: %v", tt.base, tt.version, got)
		}
	}
}
