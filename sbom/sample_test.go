package sbom

import (
	"strings"
	"time"

	"github.com/fnvet/fnvet"
)

const hostile = "x\x1b[31m\r\nred\u202egnp.exe\u200b\x00\u009b2J<img src=x onerror=alert(1)>|`*_[a](b)&\"'\u2028<!--"

func sha512Of(c string) string { return strings.Repeat(c, 64) }

// rich is a report with packages of many ecosystems and every oddity a package can have.
func rich() *fnvet.Report {
	return &fnvet.Report{
		Schema: fnvet.Schema,
		Artifact: fnvet.Artifact{
			Name: "dist/orders.zip", Type: "zip", Size: 123456,
			Digest:     "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			CodeSHA256: "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
			Hashes: []fnvet.Hash{
				{Alg: "SHA-256", Value: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}, {Alg: "SHA-512", Value: sha512Of("5a")},
			},
			Layers: []fnvet.Layer{{Digest: "sha256:" + strings.Repeat("ab", 32)}},
			Archives: []fnvet.Archive{
				archive("orders.zip!/lib/app.jar"), archive("orders.zip!/lib/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar"), archive("orders.zip!/" + hostile + ".zip"),
			},
		},
		Scan:     fnvet.Scan{Version: "1.2.3", Started: time.Date(2026, 5, 4, 3, 2, 1, 999, time.UTC), Complete: true},
		Packages: packages(),
		Findings: []fnvet.Finding{{ID: "secret/x", Kind: fnvet.SecretKind, Evidence: "AKIA****WXYZ", Path: "a"}},
	}
}

func archive(path string) fnvet.Archive {
	return fnvet.Archive{Path: path, Size: 9, Hashes: []fnvet.Hash{{Alg: "SHA-256", Value: strings.Repeat("12", 32)}, {Alg: "SHA-512", Value: sha512Of("34")}}}
}

func packages() []fnvet.Package {
	at := func(kind fnvet.PackageKind, layer string, paths ...string) (out []fnvet.Location) {
		for _, p := range paths {
			out = append(out, fnvet.Location{Path: p, Layer: layer, Kind: kind})
		}
		return out
	}
	layer := "sha256:" + strings.Repeat("ab", 32)
	pkg := func(purl, ecosystem, name, version string, kind fnvet.PackageKind, paths ...string) fnvet.Package {
		return fnvet.Package{
			PURL: purl, Ecosystem: ecosystem, Name: name, Version: version, Kind: kind,
			Locations: at(kind, "", paths...), Reachable: fnvet.ReachUnknown,
		}
	}
	all := []fnvet.Package{
		pkg("pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12", "Debian:12", "libssl3", "3.0.11-1~deb12u2", fnvet.Installed, "var/lib/dpkg/status"),
		pkg("pkg:golang/github.com/burntsushi/toml@v1.3.2", "Go", "github.com/BurntSushi/toml", "1.3.2", fnvet.Bundled, "orders.zip!/bootstrap"),
		pkg("pkg:golang/stdlib@1.22.1", "Go", "stdlib", "1.22.1", fnvet.Bundled, "orders.zip!/bootstrap"),
		pkg("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "Maven", "org.apache.logging.log4j:log4j-core", "2.14.1", fnvet.Bundled, "orders.zip!/lib/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar"),
		pkg("pkg:npm/%40scope/pkg@1.0.0", "npm", "@scope/pkg", "1.0.0", fnvet.Installed, "orders.zip!/node_modules/@scope/pkg/package.json"),
		pkg("pkg:npm/minimist@0.0.8", "npm", "minimist", "0.0.8", fnvet.Installed, "orders.zip!/node_modules/minimist/package.json", "orders.zip!/package-lock.json"),
		pkg("pkg:npm/mkdirp@0.5.1", "npm", "mkdirp", "0.5.1", fnvet.Locked, "orders.zip!/package-lock.json"),
		pkg("pkg:pypi/requests@2.19.0", "PyPI", "requests", "2.19.0", fnvet.Declared, "requirements.txt"),
		pkg("pkg:npm/"+"hostile@1", "npm", hostile, "1\x1b[0m", fnvet.Declared, hostile),
		pkg("", "", "no-purl", "0.1", fnvet.Bundled),
		pkg("pkg:npm/twin@1.0.0", "npm", "twin", "1.0.0", fnvet.Installed, "a"),
		pkg("pkg:npm/twin@1.0.0", "npm", "twin", "1.0.0", fnvet.Declared, "b"),
	}
	all[0].Source = &fnvet.SourcePackage{Name: "openssl", Version: "3.0.11-1~deb12u2"}
	all[0].Licenses = []string{"Apache-2.0", "see copyright file"}
	all[0].Locations[0].Layer = layer
	all[4].Licenses = []string{"(MIT OR Apache-2.0)"}
	all[4].DependsOn = []string{"pkg:npm/minimist@0.0.8", "pkg:npm/not-listed@3.0.0"}
	all[5].Licenses = []string{"MIT"}
	all[5].DependsOn = []string{}
	all[5].Reachable, all[5].Direct = fnvet.ReachYes, true
	all[5].Hashes = []fnvet.Hash{{Alg: "SHA-512", Value: sha512Of("0f")}}
	all[6].DependsOn = []string{"pkg:npm/minimist@0.0.8"}
	all[7].Licenses = []string{"BSD License \u202e odd"}
	all[7].Reachable = fnvet.ReachNo
	all[3].Concluded, all[3].Licenses = []string{"Apache-2.0"}, []string{"The Apache Software License, Version 2.0"}
	all[3].Supplier = &fnvet.Party{Name: "The Apache Software Foundation", URL: "https://www.apache.org/", Organization: true}
	all[3].Hashes = archive("").Hashes
	all[5].Supplier = &fnvet.Party{Name: "Ann Author", Email: "ann@example.com", URL: "https://example.com/ann"}
	all[5].Links = []fnvet.Link{
		{Kind: fnvet.LinkDistribution, URL: "https://registry.example/minimist-0.0.8.tgz"}, {Kind: fnvet.LinkVCS, URL: "https://example.com/ann/minimist.git"},
		{Kind: fnvet.LinkWebsite, URL: "https://example.com/minimist"},
	}
	all[8].Supplier = &fnvet.Party{Name: hostile}
	all[11].Supplier = &fnvet.Party{Email: "only@example.com"}
	return all
}
