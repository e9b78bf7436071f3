package sbom

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fnvet/fnvet"
)

func TestIdentify(t *testing.T) {
	for _, row := range []struct{ purl, ecosystem, name, version, why string }{
		{"pkg:npm/%40scope/pkg@1.0.0", "npm", "@scope/pkg", "1.0.0", "scope"},
		{"pkg:npm/lodash@4.17.15", "npm", "lodash", "4.17.15", "plain"},
		{"pkg:golang/github.com/BurntSushi/toml@v1.3.2", "Go", "github.com/BurntSushi/toml", "1.3.2", "case is kept"},
		{"pkg:golang/github.com/a/b@v0.0.0-20200101000000-abcdefabcdef#sub", "Go", "github.com/a/b", "0.0.0-20200101000000-abcdefabcdef", "pseudo-version, subpath"},
		{"pkg:golang/stdlib@1.22.1", "Go", "stdlib", "1.22.1", "standard library"},
		{"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "Maven", "org.apache.logging.log4j:log4j-core", "2.14.1", "group"},
		{"pkg:composer/laravel/framework@9.0.0", "Packagist", "laravel/framework", "9.0.0", "vendor"},
		{"pkg:cargo/time@0.1.0", "crates.io", "time", "0.1.0", ""},
		{"pkg:gem/rails@6.0.0", "RubyGems", "rails", "6.0.0", ""},
		{"pkg:nuget/Newtonsoft.Json@9.0.1", "NuGet", "Newtonsoft.Json", "9.0.1", ""},
		{"pkg:pypi/django@1.2", "PyPI", "django", "1.2", ""},
		{"pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1", "Debian:12", "libssl3", "3.0.11-1", "syft"},
		{"pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12.4", "Debian:12", "libssl3", "3.0.11-1", "trivy"},
		{"pkg:deb/debian/libssl3@3.0.11-1?distro=bookworm", "Debian:12", "libssl3", "3.0.11-1", "codename"},
		{"pkg:deb/ubuntu/libssl3@3.0.2?distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "libssl3", "3.0.2", "long-term"},
		{"pkg:deb/ubuntu/libssl3@3.0.2?distro=ubuntu-23.10", "Ubuntu:23.10", "libssl3", "3.0.2", "interim"},
		{"pkg:apk/alpine/busybox@1.36.1-r2?distro=alpine-3.18.4", "Alpine:v3.18", "busybox", "1.36.1-r2", ""},
		{"pkg:apk/wolfi/busybox@1.36.1-r2", "Wolfi", "busybox", "1.36.1-r2", "rolling"},
		{"pkg:rpm/almalinux/openssl@3.0.7-1.el9?epoch=1&distro=almalinux-9.4", "AlmaLinux:9", "openssl", "1:3.0.7-1.el9", "epoch"},
		{"pkg:rpm/rocky/openssl@3.0.7-1.el9?distro=rocky-9.3", "Rocky Linux:9", "openssl", "3.0.7-1.el9", ""},
		{"pkg:deb/debian/x@1", "", "x", "1", "no release"},
		{"pkg:generic/python@3.11", "", "python", "3.11", "no ecosystem"},
		{"not a purl", "", "", "", ""},
		{"", "", "", "", ""},
	} {
		id, ok := identify(row.purl)
		if id.ecosystem != row.ecosystem || id.name != row.name || id.version != row.version || ok != (row.ecosystem != "") {
			t.Errorf("identify(%q) = %+v %v, want %s %s %s: %s", row.purl, id, ok, row.ecosystem, row.name, row.version, row.why)
		}
	}
}

// Documents in the manner of other tools, cut down to what Read looks at.
const (
	likeSyft = `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"container","name":"app:1"}},
 "components":[
  {"bom-ref":"a","type":"library","name":"libssl3","version":"3.0.11-1","purl":"pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12&upstream=openssl",
   "licenses":[{"license":{"id":"Apache-2.0"}}],
   "properties":[{"name":"syft:location:0:path","value":"/var/lib/dpkg/status"},{"name":"syft:location:0:layerID","value":"sha256:aa"}]},
  {"bom-ref":"b","type":"library","group":"@scope","name":"x","version":"1.0.0","purl":"pkg:npm/%40scope/x@1.0.0"},
  {"bom-ref":"c","type":"library","name":"mystery","version":"1"},
  {"bom-ref":"d","type":"application","name":"python","version":"3.11","purl":"pkg:generic/python@3.11"},
  {"bom-ref":"e","type":"file","name":"/etc/passwd"}],
 "dependencies":[{"ref":"b","dependsOn":["a","zzz"]}]}`
	likeTrivy = `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
  {"bom-ref":"os","type":"operating-system","name":"debian","version":"12.4"},
  {"bom-ref":"lock","type":"application","name":"package-lock.json"},
  {"bom-ref":"x","type":"library","name":"libc6","version":"2.36-9","purl":"pkg:deb/debian/libc6@2.36-9",
   "properties":[{"name":"aquasecurity:trivy:SrcName","value":"glibc"},{"name":"aquasecurity:trivy:SrcVersion","value":"2.36-9"},
   {"name":"aquasecurity:trivy:FilePath","value":"var/lib/dpkg/status.d/libc6"}],
   "components":[{"bom-ref":"y","type":"library","name":"nested","version":"1","purl":"pkg:pypi/nested@1"}]}]}`
	xmlBOM = `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1"><components>
  <component type="library" bom-ref="a"><group>org.a</group><name>b</name><version>1</version><purl>pkg:maven/org.a/b@1</purl></component></components></bom>`
	likeGitHub = `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"com.github.a/b","packages":[null,
  {"SPDXID":"SPDXRef-root","name":"com.github.a/b","checksums":[{"algorithm":"SHA256","checksumValue":"AB"}]},
  {"SPDXID":"SPDXRef-1","name":"npm:lodash","versionInfo":"4.17.15","licenseConcluded":"MIT",
   "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/lodash@4.17.15"}]},
  {"SPDXID":"SPDXRef-2","name":"npm:react","versionInfo":"^ 18.0","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/react"}]}],
  "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-root"},null,
  {"spdxElementId":"SPDXRef-1","relationshipType":"DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-2"}]}`
	spdx3BOM = `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
  {"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1"},
  {"type":"software_Sbom","spdxId":"urn:s","rootElement":["urn:root"]},
  {"type":"software_Package","spdxId":"urn:root","name":"app","verifiedUsing":[{"type":"Hash","algorithm":"sha256","hashValue":"CD"}]},
  {"type":"software_Package","spdxId":"urn:a","name":"lodash","software_packageVersion":"4.17.15","software_packageUrl":"pkg:npm/lodash@4.17.15"},
  {"type":"software_Package","spdxId":"urn:b","name":"minimist","externalIdentifier":[{"externalIdentifierType":"packageUrl","identifier":"pkg:npm/minimist@0.0.8"}]},
  {"type":"simplelicensing_LicenseExpression","spdxId":"urn:l","simplelicensing_licenseExpression":"MIT"},
  {"type":"Relationship","spdxId":"urn:r1","from":"urn:a","relationshipType":"hasDeclaredLicense","to":["urn:l"]},
  {"type":"Relationship","spdxId":"urn:r2","from":"urn:a","relationshipType":"dependsOn","to":["urn:b"]}]}`
)

func TestReadForeign(t *testing.T) {
	pkg := func(purl, ecosystem, name, version string) fnvet.Package {
		return fnvet.Package{PURL: purl, Ecosystem: ecosystem, Name: name, Version: version, Kind: fnvet.Installed, Reachable: fnvet.ReachUnknown}
	}
	ssl := pkg("pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12&upstream=openssl", "Debian:12", "libssl3", "3.0.11-1")
	ssl.Source = &fnvet.SourcePackage{Name: "openssl"}
	ssl.Licenses = []string{"Apache-2.0"}
	ssl.Locations = []fnvet.Location{{Path: "var/lib/dpkg/status", Layer: "sha256:aa", Kind: fnvet.Installed}}
	scoped := pkg("pkg:npm/%40scope/x@1.0.0", "npm", "@scope/x", "1.0.0")
	scoped.DependsOn = []string{ssl.PURL}
	libc := pkg("pkg:deb/debian/libc6@2.36-9", "Debian:12", "libc6", "2.36-9")
	libc.Source = &fnvet.SourcePackage{Name: "glibc", Version: "2.36-9"}
	libc.Locations = []fnvet.Location{{Path: "var/lib/dpkg/status.d/libc6", Kind: fnvet.Installed}}
	lodash := pkg("pkg:npm/lodash@4.17.15", "npm", "lodash", "4.17.15")
	lodash.Licenses = []string{"MIT"}
	lodash3 := lodash
	lodash3.DependsOn = []string{"pkg:npm/minimist@0.0.8"}
	react := pkg("pkg:npm/react", "npm", "react", "")
	react.DependsOn = []string{lodash.PURL}
	for _, row := range []struct {
		name, in, format, spec, of, digest string
		want                               []fnvet.Package
		gaps                               []string
	}{
		{
			"syft", likeSyft, "cyclonedx-json", "1.5", "app:1", "",
			[]fnvet.Package{ssl, scoped, pkg("pkg:generic/python@3.11", "", "python", "3.11")},
			[]string{"1 component of type generic, which no advisory database covers: python", "1 component without a package URL: mystery"},
		},
		{"trivy", likeTrivy, "cyclonedx-json", "1.6", "", "", []fnvet.Package{libc, pkg("pkg:pypi/nested@1", "PyPI", "nested", "1")}, nil},
		{"xml", xmlBOM, "cyclonedx-xml", "1.4", "", "", []fnvet.Package{pkg("pkg:maven/org.a/b@1", "Maven", "org.a:b", "1")}, nil},
		{
			"github", likeGitHub, "spdx-json", "2.3", "com.github.a/b", "sha256:ab", []fnvet.Package{lodash, react},
			[]string{"1 component without a version: react"},
		},
		{"spdx 3", spdx3BOM, "spdx3-json", "3.0.1", "app", "sha256:cd", []fnvet.Package{lodash3, pkg("pkg:npm/minimist@0.0.8", "npm", "minimist", "0.0.8")}, nil},
	} {
		doc, err := Read([]byte("\xef\xbb\xbf \n" + row.in))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if doc.Format != row.format || doc.Spec != row.spec || doc.Name != row.of || doc.Digest != row.digest {
			t.Errorf("%s: read %+v", row.name, doc)
		}
		if diff := cmp.Diff(row.want, doc.Packages, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
		var gaps []string
		for _, g := range doc.Gaps {
			gaps = append(gaps, g.Detail)
		}
		if diff := cmp.Diff(row.gaps, gaps); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for _, row := range []struct {
		name, in string
		unknown  bool
	}{
		{"empty", "", true},
		{"other JSON", `{"name":"x"}`, true},
		{"a list", `[]`, true},
		{"text", "hello", true},
		{"other XML", `<project/>`, true},
		{"cut off", likeSyft[:len(likeSyft)/2], false},
		{"cut off SPDX", likeGitHub[:len(likeGitHub)/2], false},
		{"cut off XML", xmlBOM[:len(xmlBOM)-20], false},
		{"SPDX 1", `{"spdxVersion":"SPDX-1.2"}`, false},
		{"wrong word", `{"bomFormat":"x","specVersion":"CycloneDX"}`, false},
	} {
		doc, err := Read([]byte(row.in))
		if err == nil || doc != nil || errors.Is(err, ErrUnknown) != row.unknown {
			t.Errorf("%s: %v, %v", row.name, doc, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{likeSyft, likeTrivy, xmlBOM, likeGitHub, spdx3BOM} {
		f.Add([]byte(s))
	}
	for _, format := range Formats() {
		var b bytes.Buffer
		if err := Write(&b, format, rich(), Options{}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Read(data)
		if err != nil {
			if doc != nil {
				t.Fatal("a document with an error")
			}
			return
		}
		for _, p := range doc.Packages {
			if p.Name == "" || p.Kind == "" {
				t.Fatalf("package without name or kind: %+v", p)
			}
		}
		writeAndRead(t, doc.Packages)
	})
}

// writeAndRead states that what was read survives being written and read again.
func writeAndRead(t *testing.T, packages []fnvet.Package) {
	for _, p := range packages {
		if p.PURL != strings.ToValidUTF8(p.PURL, "") || strings.TrimSpace(p.Version+p.Name) != p.Version+p.Name {
			return // JSON holds no such text
		}
	}
	for _, format := range []string{"cyclonedx-json", "spdx-json", "spdx-tag-value", "spdx3-json"} {
		var b bytes.Buffer
		if err := Write(&b, format, &fnvet.Report{Packages: packages}, Options{}); err != nil {
			t.Fatal(err)
		}
		again, err := Read(b.Bytes())
		if err != nil {
			t.Fatalf("%s: cannot read our own document: %v", format, err)
		}
		if len(again.Packages) != len(packages) {
			t.Fatalf("%s: %d packages become %d", format, len(packages), len(again.Packages))
		}
		was, is := told(packages), told(again.Packages)
		if format == "spdx-tag-value" { // its writer orders packages by their ids
			slices.Sort(was)
			slices.Sort(is)
		}
		if d := cmp.Diff(was, is); d != "" {
			t.Fatalf("%s (-written +read): %s", format, d)
		}
	}
}

// told is what a document must keep of packages.
func told(packages []fnvet.Package) (out []string) {
	for _, p := range packages {
		out = append(out, strings.Join([]string{p.PURL, p.Name, p.Version, p.Ecosystem, string(p.Kind)}, "\x00"))
	}
	return out
}

// A document of another tool: a file's id is not its package's, texts over lines.
func TestReadTagValue(t *testing.T) {
	doc, err := Read([]byte(`SPDXVersion: SPDX-2.2
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: fn
# a comment
PackageName: lodash
SPDXID: SPDXRef-Package-lodash
PackageVersion: 4.17.15
PackageSupplier: Person: Ann (ann@example.com)
PackageLicenseDeclared: LicenseRef-odd
PackageComment: <text>PackageVersion: 9
SPDXID: SPDXRef-forged</text>
PackageChecksum: SHA256: ` + strings.Repeat("ab", 32) + `
ExternalRef: PACKAGE-MANAGER purl pkg:npm/lodash@4.17.15
FileName: ./lodash.js
SPDXID: SPDXRef-File
PackageVersion: 8
PackageName: qs
SPDXID: SPDXRef-Package-qs
PackageVersion: 6.5.1
ExternalRef: PACKAGE_MANAGER purl pkg:npm/qs@6.5.1
LicenseID: LicenseRef-odd
ExtractedText: <text>An odd
licence</text>
Relationship: SPDXRef-Package-lodash DEPENDS_ON SPDXRef-Package-qs
`))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Format != "spdx-tag-value" || doc.Spec != "2.2" || doc.Name != "fn" || len(doc.Packages) != 2 {
		t.Fatalf("%+v", doc)
	}
	p := doc.Packages[0]
	if p.PURL != "pkg:npm/lodash@4.17.15" || p.Version != "4.17.15" || p.Supplier.Email != "ann@example.com" || len(p.Hashes) != 1 ||
		!slices.Equal(p.Licenses, []string{"An odd\nlicence"}) || !slices.Equal(p.DependsOn, []string{"pkg:npm/qs@6.5.1"}) {
		t.Errorf("%+v", p)
	}
	for _, cut := range []string{"SPDXVersion: SPDX-2.3\nno tag", "SPDXVersion: SPDX-2.3\nPackageComment: <text>never ends", "SPDXVersion: SPDX-1.2\n"} {
		if doc, err := Read([]byte(cut)); err == nil || doc != nil {
			t.Errorf("%q: %v", cut, doc)
		}
	}
}
