package report

import (
	"time"

	"github.com/fnvet/fnvet"
)

// hostile is a name that tries every medium at once: terminal escapes, line
// breaks, bidi and zero-width marks, HTML, Markdown, bytes that are not UTF-8.
const hostile = "x\x1b[31m\r\nred\u202egnp.exe\u200b\x00\u009b2J\xff<img src=x onerror=alert(1)>|`*_[a](javascript:b)&\"'\u2028<!--"

func vuln(id string, sev fnvet.Severity, title, name, version, path string, fixed ...string) fnvet.Finding {
	var upgrade *fnvet.Upgrade
	if len(fixed) > 0 {
		upgrade = &fnvet.Upgrade{Version: fixed[0]}
	}
	return fnvet.Finding{
		ID: id, Kind: fnvet.Vulnerability, Severity: sev, Title: title, Path: path,
		Package: &fnvet.PackageRef{
			PURL: "pkg:npm/" + name + "@" + version, Name: name, Version: version, Ecosystem: "npm", Fixed: fixed, Upgrade: upgrade,
		},
		Reachable: fnvet.ReachUnknown, Fingerprint: "f-" + id,
	}
}

// rich is a failing report with every kind of finding, gap and oddity.
func rich() *fnvet.Report {
	minimist := vuln("GHSA-xvch-5gv4-984h", fnvet.Critical, "Prototype Pollution in minimist", "minimist", "0.0.8",
		"orders.zip!/node_modules/minimist/package.json", "0.2.4", "1.2.6")
	minimist.Aliases = []string{"CVE-2021-44906"}
	minimist.CVSS = &fnvet.CVSS{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}
	minimist.KEV, minimist.KEVDue, minimist.EPSS = true, "2026-01-31", new(0.97)
	minimist.Reachable, minimist.ReachableVia = fnvet.ReachYes, []string{"index.js", "mkdirp", "minimist"}
	second := vuln("GHSA-vh95-rmgr-6w4m", fnvet.High, "Prototype Pollution in minimist", "minimist", "0.0.8",
		"orders.zip!/node_modules/minimist/package.json", "0.2.1", "1.2.3")
	minimist.Package.Upgrade.Major = true
	second.Package.Upgrade = minimist.Package.Upgrade
	mal := vuln("MAL-2025-1", fnvet.Critical, "Malicious code in evil-pkg", "evil-pkg", "1.0.0", "orders.zip!/node_modules/evil-pkg/package.json")
	mal.Kind = fnvet.Malware
	bad := vuln("GHSA-aaaa-bbbb-cccc", fnvet.High, hostile, hostile, "1.0\x1b[0m", "orders.zip!/"+hostile)
	secret := fnvet.Finding{
		ID: "secret/aws-access-token", Kind: fnvet.SecretKind, Severity: fnvet.Critical, Title: "AWS access key id",
		Path: "orders.zip!/config/.env", Line: 3, Column: 7, Evidence: "AKIA************WXYZ", Fingerprint: "f-secret",
		Secret:      &fnvet.Secret{Rule: "aws-access-token", Hash: "0123456789abcdef", Name: "AWS_KEY", Confidence: fnvet.ConfidenceHigh, Source: "file"},
		Remediation: "Revoke the key, then read it from a secret store at run time.",
	}
	config := fnvet.Finding{
		ID: "config/iam-wildcard-action", Kind: fnvet.ConfigKind, Severity: fnvet.High, Title: "role allows every action",
		Path: "template.yaml", Line: 31, Resource: "OrdersRole", Evidence: `Action: "*"`, Fingerprint: "f-config",
		Remediation: "Name the actions that the function calls.",
	}
	injection := fnvet.Finding{
		ID: "injection/command", Kind: fnvet.Injection, Severity: fnvet.Critical, Title: "event data reaches a shell",
		Path: "orders.zip!/src/app.js", Line: 12, Column: 3, Fingerprint: "f-inj",
		Flow: []fnvet.FlowStep{
			{Path: "orders.zip!/src/app.js", Line: 4, Column: 9, Note: "event.body"},
			{Path: "orders.zip!/src/app.js", Line: 8, Column: 9, Note: "cmd"},
			{Path: "orders.zip!/src/app.js", Line: 12, Column: 3, Note: "child_process.exec"},
		},
		Remediation: "Call execFile with an argument list.",
	}
	medium := vuln("GHSA-mmmm-mmmm-mmmm", fnvet.Medium, "Slow pattern in debug", "debug", "2.6.8", "orders.zip!/node_modules/debug/package.json", "2.6.9")
	hygiene := fnvet.Finding{ID: "hygiene/test-files", Kind: fnvet.Hygiene, Severity: fnvet.Info, Title: "tests are shipped", Path: "orders.zip!/test", Fingerprint: "f-hyg"}
	hidden := vuln("GHSA-ssss-ssss-ssss", fnvet.High, "Known and accepted", "debug", "2.6.8", "orders.zip!/node_modules/debug/package.json", "2.6.9")
	hidden.Suppressed = &fnvet.Suppressed{By: "policy", Reason: "not called", Expires: "2027-01-01"}
	return &fnvet.Report{
		Schema: fnvet.Schema,
		Artifact: fnvet.Artifact{
			Name: "orders.zip", Type: "zip", Digest: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			CodeSHA256: "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", Size: 123456,
		},
		Scan: fnvet.Scan{
			Version: "1.2.3", Rules: "2026.1", Started: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), DurationMS: 412,
			Files: 812, Bytes: 43_100_000,
			Database: fnvet.Database{Modified: "2026-05-03T15:02:01Z", AgeHours: 12, Advisories: 54312, Ecosystems: []string{"npm"}},
		},
		Packages: []fnvet.Package{
			{PURL: "pkg:npm/debug@2.6.8", Name: "debug", Version: "2.6.8", Ecosystem: "npm", Kind: fnvet.Installed, Reachable: fnvet.ReachUnknown, Size: 123_000},
			{
				PURL: "pkg:npm/minimist@0.0.8", Name: "minimist", Version: "0.0.8", Ecosystem: "npm", Kind: fnvet.Installed, Direct: true,
				Licenses: []string{"MIT"}, Reachable: fnvet.ReachYes, Size: 40_960,
				Locations: []fnvet.Location{
					{Path: "orders.zip!/node_modules/minimist/package.json", Kind: fnvet.Installed},
					{Path: "orders.zip!/node_modules/mkdirp/node_modules/minimist/package.json", Kind: fnvet.Installed},
					{Path: "orders.zip!/package-lock.json", Kind: fnvet.Locked},
				},
			},
		},
		Findings: []fnvet.Finding{minimist, second, mal, bad, secret, config, injection, medium, hygiene, hidden},
		Gaps: []fnvet.Gap{
			{Path: "orders.zip!/lib/locked.zip", Reason: fnvet.GapEncrypted, Detail: "a password is needed"},
			{Path: "orders.zip!/" + hostile, Reason: fnvet.GapUnparsable, Detail: hostile},
			{Path: "", Reason: fnvet.GapOldDatabase, Detail: "advisories are 200 h old, more than 168 h"},
		},
		Verdict: fnvet.Verdict{Code: 1, Blocking: 7, Reasons: []string{"7 findings block (4 critical, 3 high)", "3 places could not be looked at"}},
	}
}
