package advisory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
)

func pkg(ecosystem, name, version string) fnvet.Package {
	return fnvet.Package{
		PURL: "pkg:generic/" + name + "@" + version, Name: name, Version: version, Ecosystem: ecosystem,
		Locations: []fnvet.Location{{Path: name + ".file", Layer: "sha256:1"}}, Reachable: fnvet.ReachYes,
	}
}

func from(p fnvet.Package, name, version string) fnvet.Package {
	p.Source = &fnvet.SourcePackage{Name: name, Version: version}
	return p
}

// row sums a finding up in one line.
func row(f fnvet.Finding) string {
	return fmt.Sprintf("%s %s %s fixed=%s aliases=%s", f.ID, f.Kind, f.Severity,
		strings.Join(f.Package.Fixed, ","), strings.Join(f.Aliases, ","))
}

func TestMatch(t *testing.T) {
	db := open(t, fixture().build(t))
	maven := pkg("Maven", "core", "2.14.1")
	maven.Groups = []string{"org.unknown", "org.example.log", "com.other"}
	tests := []struct {
		why  string
		pkg  fnvet.Package
		want []string // rows of findings
		gaps []string
	}{
		{"unsorted events, first range, alias with a later fix", pkg("npm", "@scope/left", "1.3.9"),
			[]string{"GHSA-aaaa-0001 vulnerability critical fixed=1.4.1,2.1.0 aliases=CVE-2026-1"}, nil},
		{"between the ranges, the alias still affects", pkg("npm", "@scope/left", "1.4.0"),
			[]string{"CVE-2026-1 vulnerability low fixed=1.4.1 aliases="}, nil},
		{"fixed version", pkg("npm", "@scope/left", "1.4.1"), nil, nil},
		{"pre-release of the introduced version", pkg("npm", "@scope/left", "2.0.0-rc.1"), nil, nil},
		{"second range", pkg("npm", "@scope/left", "2.0.0"),
			[]string{"GHSA-aaaa-0001 vulnerability critical fixed=2.1.0 aliases=CVE-2026-1"}, nil},
		{"an npm name with another case is another package", pkg("npm", "@Scope/left", "1.0.0"), nil, nil},
		{"malware by its listed version", pkg("npm", "evil", "6.6.6"), []string{"MAL-2026-1 malware critical fixed= aliases="}, nil},
		{"malware, another version", pkg("npm", "evil", "6.6.7"), nil, nil},
		{"below the limit", pkg("npm", "limited", "1.4.9"), []string{"GHSA-aaaa-0003 vulnerability medium fixed= aliases="}, nil},
		{"at the limit", pkg("npm", "limited", "1.5.0"), nil, nil},
		{"at last_affected", pkg("npm", "touched", "1.2.0"), []string{"GHSA-aaaa-0003 vulnerability medium fixed= aliases="}, nil},
		{"after last_affected", pkg("npm", "touched", "1.2.1"), nil, nil},
		{"commits are no versions", pkg("npm", "gitonly", "1.0.0"), nil, nil},
		{"not a version, and there are advisories", pkg("npm", "limited", "workspace:*"), nil,
			[]string{`limited.file unmatched limited: "workspace:*" is no version by the rules of npm; advisories for the name: 1`}},
		{"no version, and there are advisories", pkg("npm", "limited", ""), nil,
			[]string{"limited.file unmatched limited: its version is unknown; advisories for the name: 1"}},
		{"not a version, but no advisory for the name", pkg("npm", "unknown", "latest"), nil, nil},
		{"PEP 503 names, aliases joined through a shared CVE", pkg("PyPI", "some_thing", "1.4"),
			[]string{"GHSA-bbbb-0001 vulnerability high fixed=1.5.1 aliases=PYSEC-2026-1,CVE-2026-2,CVE-2026-3"}, nil},
		{"a listed version outside the ranges, equal by PEP 440", pkg("PyPI", "Some.Thing", "1.6-1"),
			[]string{"PYSEC-2026-1 vulnerability high fixed= aliases=CVE-2026-2"}, nil},
		{"a record of npm that also names PyPI does not count for PyPI here", pkg("PyPI", "elsewhere", "1.0"), nil, nil},
		{"Maven with its group", pkg("Maven", "org.example.log:core", "2.14.1"),
			[]string{"GHSA-cccc-0001 vulnerability unknown fixed=2.15.0 aliases="}, nil},
		{"Maven with candidates: the likeliest known one", maven, []string{"GHSA-cccc-0001 vulnerability unknown fixed=2.15.0 aliases="}, nil},
		{"Maven without a group", pkg("Maven", "core", "2.14.1"), nil,
			[]string{"core.file unmatched core 2.14.1: its Maven group is unknown, and there are advisories for com.other:core, org.example.log:core"}},
		{"Maven without a group, no such artifact", pkg("Maven", "nothing", "2.14.1"), nil, nil},
		{"Go's own version", pkg("Go", "stdlib", "go1.26.1"), []string{"GO-2026-1 vulnerability unknown fixed=1.26.2 aliases=CVE-2026-4"}, nil},
		{"Go, fixed", pkg("Go", "stdlib", "go1.26.2 X:boringcrypto"), nil, nil},
		{"Go release candidate", pkg("Go", "stdlib", "go1.26rc1"), []string{"GO-2026-1 vulnerability unknown fixed=1.26.2 aliases=CVE-2026-4"}, nil},
		{"Debian: one finding for each CVE, bulletins as aliases", from(pkg("Debian:12", "libssl3", "3.0.8-1"), "openssl", ""),
			[]string{
				"DEBIAN-CVE-2026-10 vulnerability info fixed=3.0.9-1 aliases=DSA-9000-1,CVE-2026-10",
				"DSA-9000-2 vulnerability unknown fixed=3.0.9-2 aliases=DSA-9000-1,CVE-2026-11",
			}, nil},
		{"Debian: the source version counts", from(pkg("Debian:12.5", "libssl3", "9"), "openssl", "3.0.9-1"),
			[]string{"DSA-9000-2 vulnerability unknown fixed=3.0.9-2 aliases=CVE-2026-11"}, nil},
		{"Debian: no records of the release", pkg("Debian:13", "openssl", "1"), nil,
			[]string{" no-database the advisory database has no records for Debian:13; packages not compared: 1"}},
		{"Alpine release with a patch number", pkg("Alpine:3.18.4", "busybox", "1.36.1-r0"),
			[]string{"ALPINE-CVE-2026-20 vulnerability unknown fixed=1.36.1-r1 aliases=CVE-2026-20"}, nil},
		{"AlmaLinux: minor release, binary name, rating in the summary", from(pkg("AlmaLinux:9.4", "bash", "5.1.8-6.el9"), "other", "9"),
			[]string{"ALSA-2026:1 vulnerability high fixed=5.1.8-7.el9 aliases=CVE-2026-30"}, nil},
		{"an ecosystem the database lacks", pkg("RubyGems", "rails", "1.0"), nil,
			[]string{" no-database the advisory database has no records for RubyGems; packages not compared: 1"}},
		{"a distribution without its release", pkg("Alpine", "busybox", "1"), nil,
			[]string{" no-database the release of Alpine is unknown; packages not compared: 1"}},
		{"no ecosystem", pkg("", "thing", "1"), nil, []string{" no-database packages of no known ecosystem, not compared: 1"}},
	}
	for _, tt := range tests {
		findings, gaps, err := db.Match(t.Context(), []fnvet.Package{tt.pkg})
		if err != nil {
			t.Fatal(err)
		}
		var got, gotGaps []string
		for _, f := range findings {
			got = append(got, row(f))
			if f.Path != tt.pkg.Locations[0].Path || f.Layer != "sha256:1" || f.Reachable != fnvet.ReachYes || f.Title == "" || f.Remediation == "" {
				t.Errorf("%s: %+v", tt.why, f)
			}
			if f.Package.PURL != tt.pkg.PURL || f.Package.Version != tt.pkg.Version || f.Fingerprint != "" || f.Evidence != "" {
				t.Errorf("%s: %+v", tt.why, f)
			}
		}
		for _, g := range gaps {
			gotGaps = append(gotGaps, g.Path+" "+g.Reason+" "+g.Detail)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: findings (-want +got)\n%s", tt.why, d)
		}
		if d := cmp.Diff(tt.gaps, gotGaps); d != "" {
			t.Errorf("%s: gaps (-want +got)\n%s", tt.why, d)
		}
	}
}

// TestMatchFinding looks at every field of one finding.
func TestMatchFinding(t *testing.T) {
	db := open(t, fixture().build(t))
	findings, _, err := db.Match(t.Context(), []fnvet.Package{pkg("npm", "@scope/left", "1.3.9")})
	if err != nil || len(findings) != 1 {
		t.Fatal(findings, err)
	}
	want := fnvet.Finding{
		ID: "GHSA-aaaa-0001", Kind: fnvet.Vulnerability, Severity: fnvet.Critical, Title: "Two lines",
		Path: "@scope/left.file", Layer: "sha256:1", Aliases: []string{"CVE-2026-1"}, Reachable: fnvet.ReachYes,
		CVSS:        &fnvet.CVSS{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8},
		Package:     &fnvet.PackageRef{PURL: "pkg:generic/@scope/left@1.3.9", Name: "@scope/left", Version: "1.3.9", Ecosystem: "npm", Fixed: []string{"1.4.1", "2.1.0"}, Upgrade: &fnvet.Upgrade{Version: "1.4.1"}},
		References:  []string{"https://advisory.example/1", "https://fix.example/1", "https://web.example/1"},
		Remediation: "upgrade @scope/left to 1.4.1",
	}
	if d := cmp.Diff(want, findings[0]); d != "" {
		t.Error(d)
	}
}

// TestMatchSourcePackages: several binary packages of one source package make
// one finding, which names them.
func TestMatchSourcePackages(t *testing.T) {
	db := open(t, fixture().build(t))
	pkgs := []fnvet.Package{
		from(pkg("Debian:12", "libssl3", "3.0.9-1"), "openssl", ""),
		pkg("Debian:12", "openssl", "3.0.9-1"),
		from(pkg("Debian:12", "libssl-dev", "3.0.9-1"), "openssl", "3.0.9-1"),
	}
	findings, gaps, err := db.Match(t.Context(), pkgs)
	if err != nil || len(gaps) != 0 || len(findings) != 1 {
		t.Fatal(findings, gaps, err)
	}
	if f := findings[0]; f.Package.Name != "openssl" || f.Remediation != "upgrade openssl, libssl-dev, libssl3 to 3.0.9-2" {
		t.Errorf("%+v", f)
	}
}

// TestMatchOrder: the order of the packages does not change the result.
func TestMatchOrder(t *testing.T) {
	db := open(t, fixture().build(t))
	pkgs := []fnvet.Package{
		pkg("npm", "@scope/left", "1.3.9"), pkg("npm", "evil", "6.6.6"), pkg("PyPI", "some-thing", "1.4"), pkg("npm", "limited", "x"),
		pkg("RubyGems", "a", "1"), pkg("Debian:13", "a", "1"), pkg("Go", "stdlib", "1.0"),
	}
	findings, gaps, err := db.Match(t.Context(), pkgs)
	if err != nil || len(findings) != 4 || len(gaps) != 3 {
		t.Fatal(findings, gaps, err)
	}
	slices.Reverse(pkgs)
	again, gapsAgain, err := db.Match(t.Context(), pkgs)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(findings, again) + cmp.Diff(gaps, gapsAgain); d != "" {
		t.Error(d)
	}
}

func TestHasPackage(t *testing.T) {
	db := open(t, fixture().build(t))
	for _, tt := range []struct {
		ecosystem, name string
		want            bool
	}{
		{"npm", "evil", true}, {"npm", "good", false}, {"PyPI", "SOME_THING", true}, {"Maven", "core", false},
		{"Maven", ":core", false}, {"RubyGems", "rails", false}, {"Debian:12", "openssl", true}, {"", "", false},
	} {
		if got := db.HasPackage(tt.ecosystem, tt.name); got != tt.want {
			t.Errorf("%s %s: got %v", tt.ecosystem, tt.name, got)
		}
	}
}

func TestSeverity(t *testing.T) {
	tests := []struct {
		why     string
		vectors []string
		word    string
		want    fnvet.Severity
		score   float64
	}{
		{"CVSS 4.0", []string{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}, "", fnvet.Critical, 9.3},
		{"CVSS 3.1", []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}, "", fnvet.High, 7.5},
		{"CVSS 3.0", []string{"CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"}, "", fnvet.Medium, 6.1},
		{"CVSS 2", []string{"AV:N/AC:L/Au:N/C:P/I:P/A:P"}, "", fnvet.High, 7.5},
		{"CVSS 2 in brackets", []string{"(AV:L/AC:H/Au:N/C:P/I:N/A:N)"}, "", fnvet.Low, 1.2},
		{"the newest version of several", []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"}, "CRITICAL", fnvet.Medium, 6.9},
		{"no harm at all", []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}, "", fnvet.Info, 0},
		{"a broken vector falls back to the word", []string{"CVSS:3.1/AV:X"}, "moderate", fnvet.Medium, -1},
		{"Red Hat's word", nil, "important", fnvet.High, -1},
		{"Ubuntu's word", nil, "negligible", fnvet.Info, -1},
		{"nothing", nil, "", fnvet.SeverityUnknown, -1},
		{"a word nobody knows", nil, "catastrophic", fnvet.SeverityUnknown, -1},
	}
	for _, tt := range tests {
		got, cvss := grade{tt.vectors, strings.ToLower(tt.word)}.rate()
		if got != tt.want || (cvss == nil) != (tt.score < 0) || cvss != nil && cvss.Score != tt.score {
			t.Errorf("%s: got %s %+v", tt.why, got, cvss)
		}
	}
}

func TestReleases(t *testing.T) {
	for _, tt := range []struct{ in, base, release string }{
		{"npm", "npm", ""}, {"Debian:12.5", "Debian", "12"}, {"Alpine:3.18.4", "Alpine", "v3.18"}, {"Alpine:v3.18", "Alpine", "v3.18"},
		{"Alpine:edge", "Alpine", "edge"}, {"Ubuntu:22.04:LTS", "Ubuntu", "22.04"}, {"Ubuntu:Pro:14.04:LTS", "Ubuntu", "Pro:14.04"},
		{"Rocky Linux:9.4", "Rocky Linux", "9"}, {"Red Hat:9.2", "Red Hat", "enterprise_linux:9"},
		{"Red Hat:enterprise_linux:9::appstream", "Red Hat", "enterprise_linux:9"}, {"openSUSE:Leap 15.5", "openSUSE", "Leap 15.5"},
	} {
		if base, release := splitEcosystem(tt.in); base != tt.base || release != tt.release {
			t.Errorf("%s: got %q %q", tt.in, base, release)
		}
	}
}

func TestInstalledVersion(t *testing.T) {
	for _, tt := range []struct{ base, name, in, want string }{
		{"Go", "stdlib", "go1.21rc2", "1.21.0-rc.2"}, {"Go", "stdlib", "go1.26.8", "1.26.8"}, {"Go", "stdlib", "1.22.5-vendor", "1.22.5"},
		{"Go", "stdlib", "go1.20beta1 X:a", "1.20.0-beta.1"}, {"Go", "toolchain", "v1.21.0-0", "1.21.0-0"}, {"Go", "stdlib", "devel go1.27-abc", "devel"},
		{"Go", "example.com/x", "v1.0.0-rc1", "v1.0.0-rc1"}, {"RubyGems", "nokogiri", "1.16.0-x86_64-linux-gnu", "1.16.0"},
		{"RubyGems", "x", "1.0.0-java", "1.0.0"}, {"RubyGems", "x", "1.0.0-beta", "1.0.0-beta"}, {"npm", "x", " 1.0.0\n", "1.0.0"},
	} {
		if got := installedVersion(tt.base, tt.name, tt.in); got != tt.want {
			t.Errorf("%s %s %s: got %q", tt.base, tt.name, tt.in, got)
		}
	}
}
