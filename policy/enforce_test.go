package policy_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory/version"
	"github.com/fnvet/fnvet/policy"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// order is what the command gives Enforce.
func order(ecosystem, a, b string) (int, bool) {
	s, ok := version.For(ecosystem)
	if !ok {
		return 0, false
	}
	return s.Parse(a).Compare(s.Parse(b)), true
}

func parse(t *testing.T, text string) policy.Policy {
	t.Helper()
	f, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	p, _ := f.Policy("")
	return p
}

// sample is a report with something of every kind.
func sample() *fnvet.Report {
	lodash := &fnvet.PackageRef{PURL: "pkg:npm/lodash@4.17.20", Name: "lodash", Version: "4.17.20", Ecosystem: "npm", Fixed: []string{"4.17.21"}}
	scoped := &fnvet.PackageRef{PURL: "pkg:npm/%40a/b@1.10.0", Name: "@a/b", Version: "1.10.0", Ecosystem: "npm", Fixed: []string{}}
	return &fnvet.Report{
		Schema:   fnvet.Schema,
		Artifact: fnvet.Artifact{Name: "fn.zip", Type: "zip", Size: 1000},
		Packages: []fnvet.Package{
			{PURL: lodash.PURL, Name: "lodash", Version: "4.17.20", Ecosystem: "npm", Kind: fnvet.Installed, Licenses: []string{"MIT"}, Locations: []fnvet.Location{{Path: "fn.zip!/node_modules/lodash/package.json"}}},
			{PURL: scoped.PURL, Name: "@a/b", Version: "1.10.0", Ecosystem: "npm", Kind: fnvet.Installed, Licenses: []string{"GPL-3.0-or-later"}},
			{PURL: "pkg:pypi/x@1", Name: "x", Version: "1", Ecosystem: "PyPI", Kind: fnvet.Declared, Licenses: []string{"AGPL-3.0-only"}},
		},
		Findings: []fnvet.Finding{
			{ID: "GHSA-crit", Kind: fnvet.Vulnerability, Severity: fnvet.Critical, Path: "fn.zip!/package-lock.json", Package: lodash, Aliases: []string{"CVE-2026-1"}, Reachable: fnvet.ReachNo, Fingerprint: "1"},
			{ID: "GHSA-nofix", Kind: fnvet.Vulnerability, Severity: fnvet.High, Path: "fn.zip!/package-lock.json", Package: scoped, Reachable: fnvet.ReachUnknown, Fingerprint: "2"},
			{ID: "GHSA-kev", Kind: fnvet.Vulnerability, Severity: fnvet.Medium, KEV: true, Path: "fn.zip!/lib/a.jar!/pom.xml", Package: lodash, Reachable: fnvet.ReachYes, Fingerprint: "3"},
			{ID: "GHSA-epss", Kind: fnvet.Vulnerability, Severity: fnvet.SeverityUnknown, EPSS: new(0.6), Path: "fn.zip!/lib/a.jar!/pom.xml", Package: lodash, Fingerprint: "4"},
			{ID: "secret/key", Kind: fnvet.SecretKind, Severity: fnvet.High, Path: "fn.zip!/test/a.env", Secret: &fnvet.Secret{Confidence: fnvet.ConfidenceMedium}, Fingerprint: "5"},
			{ID: "config/role", Kind: fnvet.ConfigKind, Severity: fnvet.Medium, Path: "template.yaml", Resource: "DevRole", Fingerprint: "6"},
			{ID: "hygiene/x", Kind: fnvet.Hygiene, Severity: fnvet.Low, Path: "fn.zip!/docs/x", Fingerprint: "7"},
		},
		Gaps: []fnvet.Gap{},
	}
}

// enforced says what blocks, and the verdict's reasons but the first.
func enforced(t *testing.T, r *fnvet.Report, p policy.Policy) (blocking string, words []string) {
	t.Helper()
	if err := policy.Enforce(r, p, policy.Options{Now: now, Compare: order}); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range r.Findings {
		if p.Blocks(&r.Findings[i]) {
			ids = append(ids, r.Findings[i].ID)
		}
	}
	slices.Sort(ids)
	words = r.Verdict.Reasons
	if len(ids) > 0 {
		words = words[1:]
	}
	if r.Verdict.Blocking != len(ids) || r.Verdict.Pass != (r.Verdict.Code == 0) {
		t.Errorf("verdict %+v with %d blocking", r.Verdict, len(ids))
	}
	return strings.Join(ids, " "), words
}

func TestEnforce(t *testing.T) {
	ignore := func(s string) string { return "ignore: [{reason: known, expires: 2026-06-30, " + s + "}]" }
	for _, tt := range []struct{ why, policy, blocks, word string }{
		{"the default", "", "GHSA-crit GHSA-nofix secret/key", ""},
		{"levels of kinds", "fail-on: {default: never, config: medium, hygiene: any}", "config/role hygiene/x", ""},
		{"only fixable", "only-fixable: true", "GHSA-crit secret/key", ""},
		{"not those out of reach", "only-reachable: true", "GHSA-nofix secret/key", ""},
		{"only those in reach", "{only-reachable: strict, fail-on: medium}", "GHSA-kev config/role secret/key", ""},
		{"known exploited", "{kev-always: true, fail-on: critical}", "GHSA-crit GHSA-kev", ""},
		{"known exploited, and nothing else of the kind", "{kev-always: true, fail-on: {default: critical, vulnerability: never}}", "GHSA-kev", ""},
		{"exploit probable", "{epss-at-least: 0.6, fail-on: critical}", "GHSA-crit GHSA-epss", ""},
		{"exploit not probable enough", "{epss-at-least: 0.61, fail-on: critical}", "GHSA-crit", ""},
		{"sure secrets only", "min-confidence: high", "GHSA-crit GHSA-nofix", ""},
		{"a rule off by path", "rules: [{rule: secret/*, paths: 'test/**', severity: 'off'}]", "GHSA-crit GHSA-nofix", ""},
		{"a rule off elsewhere", "rules: [{rule: secret/*, paths: 'prod/**', severity: 'off'}]", "GHSA-crit GHSA-nofix secret/key", ""},
		{"a rule graded by function", "rules: [{rule: config/*, functions: 'Dev*', severity: high}]", "GHSA-crit GHSA-nofix config/role secret/key", ""},
		{"the last change holds", "rules: [{rule: '*/*', severity: 'off'}, {rule: secret/key, severity: critical}]", "GHSA-crit GHSA-nofix secret/key", ""},
		{"a licence denied", "licenses: {deny: [GPL-3.0-only]}", "GHSA-crit GHSA-nofix license/denied secret/key", ""},
		{"a licence not allowed", "licenses: {allow: [MIT]}", "GHSA-crit GHSA-nofix license/not-allowed secret/key", ""},
		{"a licence ignored", "{licenses: {deny: ['GPL-*']}, " + ignore("id: license/denied, package: '@a/b'") + "}", "GHSA-crit GHSA-nofix secret/key", ""},
		{"ignored by id", ignore("id: GHSA-crit"), "GHSA-nofix secret/key", ""},
		{"ignored by alias in any case", ignore("id: cve-2026-1"), "GHSA-nofix secret/key", ""},
		{"ignored by package", ignore("id: GHSA-crit, package: lodash"), "GHSA-nofix secret/key", ""},
		{"ignored by package URL", ignore("id: GHSA-crit, package: pkg:npm/lodash"), "GHSA-nofix secret/key", ""},
		{"another package", ignore("id: GHSA-crit, package: lodash.merge"), "GHSA-crit GHSA-nofix secret/key", "1 ignore matches nothing: GHSA-crit in lodash.merge (line 1)"},
		{"in the range", ignore("id: GHSA-crit, versions: '>=4.0.0 <4.17.21'"), "GHSA-nofix secret/key", ""},
		{"by the ecosystem's order", ignore("id: GHSA-nofix, versions: '>=1.9 , < 2'"), "GHSA-crit secret/key", ""},
		{"of several ranges", ignore("id: GHSA-crit, versions: '<1 || =4.17.20'"), "GHSA-nofix secret/key", ""},
		{"out of the range", ignore("id: GHSA-crit, versions: '<4.17.20'"), "GHSA-crit GHSA-nofix secret/key", "1 ignore matches nothing: GHSA-crit (line 1)"},
		{"not that version", ignore("id: GHSA-crit, versions: '!=4.17.20'"), "GHSA-crit GHSA-nofix secret/key", "1 ignore matches nothing: GHSA-crit (line 1)"},
		{"a range for what has no version", ignore("id: secret/key, versions: '>=0'"), "GHSA-crit GHSA-nofix secret/key", "1 ignore matches nothing: secret/key (line 1)"},
		{"ignored by path", ignore("id: secret/*, paths: test/*.env"), "GHSA-crit GHSA-nofix", ""},
		{"ignored by base name", ignore("id: secret/*, paths: [x, a.env]"), "GHSA-crit GHSA-nofix", ""},
		{"another path", ignore("id: secret/*, paths: test/*.json"), "GHSA-crit GHSA-nofix secret/key", "1 ignore matches nothing: secret/* (line 1)"},
		{"ignored by expression", ignore("when: finding.reachable == 'no' && finding.package.name == 'lodash'"), "GHSA-nofix secret/key", ""},
		{"expired", "ignore: [{id: GHSA-crit, reason: known, expires: 2026-02-28}]", "GHSA-crit GHSA-nofix secret/key", "ignore of GHSA-crit expired on 2026-02-28"},
		{"the last day", "ignore: [{id: GHSA-crit, reason: known, expires: 2026-03-01}]", "GHSA-nofix secret/key", ""},
		{"not there", ignore("id: GHSA-gone"), "GHSA-crit GHSA-nofix secret/key", "1 ignore matches nothing: GHSA-gone (line 1)"},
		{"blocked by expression", "block-when: [{name: x, reason: y, finding: finding.epss > 0.5}]", "GHSA-crit GHSA-epss GHSA-nofix secret/key", ""},
		{"fields that are absent are zero", "{fail-on: critical, block-when: [{name: x, reason: y, finding: finding.secret.confidence == 'medium'}]}", "GHSA-crit secret/key", ""},
		{"blocked as a whole", "{fail-on: critical, block-when: [{name: size, reason: too big, severity: low, report: report.artifact.size > 999}]}", "GHSA-crit policy/size", ""},
		{"not blocked as a whole", "{fail-on: critical, block-when: [{name: size, reason: too big, report: report.artifact.size > 1000}]}", "GHSA-crit", ""},
		{"an ignored expression", "{fail-on: critical, block-when: [{name: size, reason: too big, report: report.packages.size() == 3}], " + ignore("id: policy/size") + "}", "GHSA-crit", ""},
	} {
		t.Run(tt.why, func(t *testing.T) {
			p := parse(t, tt.policy)
			r := sample()
			blocks, words := enforced(t, r, p)
			if blocks != tt.blocks || strings.Join(words, "; ") != tt.word {
				t.Errorf("blocked by %q, words %q; want %q, %q", blocks, words, tt.blocks, tt.word)
			}
			once := asText(t, r)
			if enforced(t, r, p); asText(t, r) != once {
				t.Error("a second time gives another report")
			}
		})
	}
}

func asText(t *testing.T, r *fnvet.Report) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSuppressedSaysWhy(t *testing.T) {
	r := sample()
	enforced(t, r, parse(t, "{rules: [{rule: secret/key, severity: 'off', reason: fixtures}], ignore: [{id: GHSA-crit, reason: not called, expires: 2026-06-30}]}"))
	got := map[string]fnvet.Suppressed{}
	for _, f := range r.Findings {
		if f.Suppressed != nil {
			got[f.ID] = *f.Suppressed
		}
	}
	want := map[string]fnvet.Suppressed{
		"GHSA-crit":  {By: "policy", Reason: "not called", Expires: "2026-06-30"},
		"secret/key": {By: "policy", Reason: "rule secret/key is off: fixtures"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAt(t *testing.T) {
	p := parse(t, "{fail-on: {default: high, secret: never}, kev-always: true, block-when: [{name: x, reason: y, report: 'true'}]}")
	if got, _ := enforced(t, sample(), p.At(policy.FailNever)); got != "" {
		t.Errorf("never: blocked by %s", got)
	}
	if got, _ := enforced(t, sample(), p.At(policy.FailCritical)); got != "GHSA-crit GHSA-kev policy/x" {
		t.Errorf("critical: blocked by %s", got)
	}
}

func TestDatabaseAge(t *testing.T) {
	for _, tt := range []struct {
		hours float64
		code  int
	}{{71, 0}, {73, 3}} {
		r := &fnvet.Report{Scan: fnvet.Scan{Complete: true, Database: fnvet.Database{Modified: "2026-02-26T00:00:00Z", AgeHours: tt.hours}}}
		enforced(t, r, parse(t, "max-database-age: 72h"))
		if r.Verdict.Code != tt.code || r.Scan.Complete != (tt.code == 0) {
			t.Errorf("%v hours: code %d, complete %v", tt.hours, r.Verdict.Code, r.Scan.Complete)
		}
	}
}

func TestExpressionThatFails(t *testing.T) {
	for why, text := range map[string]string{
		"of findings":  "fail-on: never\nblock-when:\n  - {name: x, reason: y, finding: \"finding.reachable_via[3] == 'x'\"}\n",
		"of a report":  "fail-on: never\nblock-when:\n  - {name: x, reason: y, report: 1 / (report.findings.size() - 7) > 1}\n",
		"of an ignore": "fail-on: any\nignore:\n  - {reason: y, expires: 2027-01-01, when: \"finding.reachable_via[3] == 'x'\"}\n",
		"too dear": "fail-on: never\nblock-when:\n  - {name: x, reason: y, report: \"" +
			strings.Repeat("[0,1,2,3,4,5,6,7,8,9].all(i, ", 10) + "true" + strings.Repeat(")", 10) + "\"}\n",
	} {
		r := sample()
		err := policy.Enforce(r, parse(t, text), policy.Options{Now: now})
		if err == nil || !strings.HasPrefix(err.Error(), "3:1: ") {
			t.Errorf("%s: error %v", why, err)
		}
		if r.Verdict.Pass {
			t.Errorf("%s: passes", why)
		}
	}
}

// random makes a policy of parts that are about the sample.
func random(rng *rand.Rand) string {
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	level := func() string { return pick("critical", "high", "medium", "low", "any", "never") }
	text := fmt.Sprintf("fail-on: {default: %s, vulnerability: %s}\n", level(), level())
	text += pick("", "only-fixable: true\n") + pick("", "only-reachable: true\n", "only-reachable: strict\n") + pick("", "kev-always: true\n")
	text += pick("", "licenses: {deny: [GPL-3.0-only]}\n", "licenses: {allow: [ISC]}\n")
	text += pick("", "rules: [{rule: '*/*', severity: "+pick("low", "critical", "'off'")+"}]\n")
	text += pick("", "block-when: [{name: x, reason: y, finding: '!has(finding.suppressed)'}]\n",
		"block-when: [{name: x, reason: y, report: 'report.findings.exists(f, has(f.suppressed))'}]\n")
	return text
}

func randomIgnore(rng *rand.Rand) string {
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	return "  - {reason: y, expires: " + pick("2026-01-01", "2026-06-30") +
		pick(", id: GHSA-*", ", id: '*/*'", ", id: GHSA-kev", ", when: finding.severity == 'high'", ", when: '!has(finding.suppressed)'", ", when: has(finding.suppressed)") +
		pick("", ", package: lodash") + pick("", ", paths: 'lib/**'") + "}\n"
}

// An ignore that is added never adds a blocker, whatever the policy says.
func TestIgnoresOnlyTakeAway(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 500 {
		text := random(rng) + "ignore:\n" + randomIgnore(rng)
		before, _ := enforced(t, sample(), parse(t, text))
		more := text + randomIgnore(rng)
		after, _ := enforced(t, sample(), parse(t, more))
		had := strings.Fields(before)
		for id := range strings.FieldsSeq(after) {
			if !slices.Contains(had, id) {
				t.Fatalf("%s blocks after an ignore was added\n%s", id, more)
			}
		}
		if len(strings.Fields(after)) < len(had) {
			taken++
		}
	}
	if taken < 20 {
		t.Errorf("only %d of the added ignores did anything", taken)
	}
}

// The same report and policy give the same bytes.
func TestEnforceIsDeterministic(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		text := random(rng) + "ignore:\n" + randomIgnore(rng) + randomIgnore(rng)
		a, b := sample(), sample()
		enforced(t, a, parse(t, text))
		enforced(t, b, parse(t, text))
		if asText(t, a) != asText(t, b) {
			t.Fatal(text)
		}
	}
}

func TestBaselineCoversLicences(t *testing.T) {
	p := parse(t, "licenses: {deny: ['GPL-*']}")
	old := sample()
	enforced(t, old, p)
	r := sample()
	if err := policy.Enforce(r, p, policy.Options{Now: now, Baseline: old}); err != nil || !r.Verdict.Pass {
		t.Errorf("%v, %+v", err, r.Verdict)
	}
}

func TestLicences(t *testing.T) {
	for _, tt := range []struct {
		why, lists string
		licenses   []string
		id         string
	}{
		{"allowed", "allow: [MIT]", []string{"MIT"}, ""},
		{"any case", "allow: [mit]", []string{"Mit"}, ""},
		{"a choice", "allow: [MIT]", []string{"GPL-3.0-only OR MIT"}, ""},
		{"both apply", "allow: [MIT]", []string{"Apache-2.0 AND MIT"}, "license/not-allowed"},
		{"each entry applies", "allow: [MIT]", []string{"MIT", "Apache-2.0"}, "license/not-allowed"},
		{"brackets", "allow: [MIT, ISC]", []string{"(GPL-2.0-only AND MIT) OR (ISC AND MIT)"}, ""},
		{"denied wins over not allowed", "{allow: [MIT], deny: [GPL-2.0-only]}", []string{"GPL-2.0-only AND Apache-2.0"}, "license/denied"},
		{"an old id", "deny: [GPL-2.0-only]", []string{"GPL-2.0"}, "license/denied"},
		{"an old list", "deny: [GPL-2.0]", []string{"GPL-2.0-only"}, "license/denied"},
		{"a later version may be taken", "allow: [GPL-3.0-only]", []string{"GPL-2.0-or-later"}, ""},
		{"with a plus sign", "allow: [GPL-3.0-only]", []string{"GPL-2.0+"}, ""},
		{"an earlier one may not", "allow: [GPL-2.0-only]", []string{"GPL-3.0-or-later"}, "license/not-allowed"},
		{"all versions denied", "deny: [GPL-2.0-or-later]", []string{"GPL-3.0-only"}, "license/denied"},
		{"one version denied of two", "deny: [GPL-2.0-only]", []string{"GPL-2.0-or-later"}, ""},
		{"the last version denied", "deny: [GPL-3.0-only]", []string{"GPL-3.0-or-later"}, "license/denied"},
		{"a pattern", "deny: ['AGPL-*']", []string{"AGPL-3.0-or-later"}, "license/denied"},
		{"a pattern of another licence", "deny: ['GPL-*']", []string{"LGPL-3.0-only"}, ""},
		{"an exception adds rights", "allow: [GPL-2.0-only]", []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, ""},
		{"an exception denied with its licence", "deny: [GPL-2.0-only]", []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, "license/denied"},
		{"an exception named", "{allow: [GPL-2.0-only WITH Classpath-exception-2.0], deny: ['GPL-*']}", []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, ""},
		{"without the exception", "allow: [GPL-2.0-only WITH Classpath-exception-2.0]", []string{"GPL-2.0-only"}, "license/not-allowed"},
		{"no licence", "allow: [MIT]", nil, ""},
		{"no licence, asked for", "{allow: [MIT], unknown: deny}", nil, "license/unknown"},
		{"no assertion", "{allow: [MIT], unknown: deny}", []string{"NOASSERTION"}, "license/unknown"},
		{"text", "{allow: [MIT], unknown: report}", []string{"see LICENSE"}, "license/unknown"},
		{"text that is listed", "{allow: [The Unlicense], unknown: deny}", []string{"the unlicense"}, ""},
		{"text that is denied", "deny: [Proprietary]", []string{"Proprietary"}, "license/denied"},
		{"cut off", "{allow: [MIT], unknown: deny}", []string{"MIT AND ("}, "license/unknown"},
		{"an unknown exception", "{allow: [MIT], unknown: deny}", []string{"MIT WITH Nothing"}, "license/unknown"},
		{"deep", "{allow: [MIT], unknown: deny}", []string{strings.Repeat("(", 40) + "MIT" + strings.Repeat(")", 40)}, "license/unknown"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			list := tt.lists
			if !strings.HasPrefix(list, "{") {
				list = "{" + list + "}"
			}
			r := &fnvet.Report{Packages: []fnvet.Package{{Name: "p", Kind: fnvet.Installed, Licenses: tt.licenses}}}
			enforced(t, r, parse(t, "licenses: "+list))
			got := ""
			for _, f := range r.Findings {
				got += f.ID
			}
			if got != tt.id {
				t.Errorf("got %q, want %q", got, tt.id)
			}
		})
	}
}

// Licences are text of the artifact: whatever they say, a package is judged once.
func FuzzLicence(f *testing.F) {
	f.Add("GPL-2.0+ WITH Classpath-exception-2.0 OR (MIT AND")
	f.Add("MIT/X11 \u202e (")
	p, err := policy.Parse([]byte("licenses: {allow: [MIT, 'BSD-*'], deny: [GPL-2.0-or-later], unknown: deny}"))
	if err != nil {
		f.Fatal(err)
	}
	top, _ := p.Policy("")
	f.Fuzz(func(t *testing.T, text string) {
		r := &fnvet.Report{Packages: []fnvet.Package{{Name: "p", Kind: fnvet.Installed, Licenses: []string{text}}}}
		if err := policy.Enforce(r, top, policy.Options{Now: now}); err != nil || len(r.Findings) > 1 {
			t.Fatalf("%v, %d findings", err, len(r.Findings))
		}
	})
}
