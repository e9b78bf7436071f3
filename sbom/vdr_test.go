package sbom

import (
	"bytes"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/bomcheck"
)

// flawed is a rich report with every sort of vulnerability finding.
func flawed() *fnvet.Report {
	r := rich()
	epss := 0.25
	minimist := &fnvet.PackageRef{PURL: "pkg:npm/minimist@0.0.8", Name: "minimist", Version: "0.0.8", Ecosystem: "npm", Fixed: []string{"0.2.1", "1.2.3"}}
	twin := &fnvet.PackageRef{PURL: "pkg:npm/twin@1.0.0", Name: "twin", Version: "1.0.0", Ecosystem: "npm"}
	by := func(who, reason string) *fnvet.Suppressed {
		return &fnvet.Suppressed{By: who, Reason: reason, Expires: "2026-06-30"}
	}
	r.Findings = append(r.Findings,
		fnvet.Finding{
			ID: "GHSA-1", Kind: fnvet.Vulnerability, Severity: fnvet.Critical, Title: "flaw " + hostile, Package: minimist, Aliases: []string{"CVE-2026-1"},
			CVSS: &fnvet.CVSS{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}, EPSS: &epss, KEV: true, Reachable: fnvet.ReachYes,
			References: []string{"https://example.com/a?b=c", "javascript:alert(1)", "https://example.com/\u202e", "not a url %%"}, Remediation: "upgrade to 0.2.1",
		},
		fnvet.Finding{ID: "GHSA-1", Kind: fnvet.Vulnerability, Package: minimist, Path: "another place"},
		fnvet.Finding{ID: "GHSA-2", Kind: fnvet.Vulnerability, Severity: fnvet.SeverityUnknown, Package: twin, Reachable: fnvet.ReachNo, CVSS: &fnvet.CVSS{Vector: "CVSS:4.0/AV:N", Score: 5}},
		fnvet.Finding{ID: "GHSA-3", Kind: fnvet.Vulnerability, Severity: fnvet.Low, Package: twin, Suppressed: by("vex", "not_affected: inline_mitigations_already_exist: by the gateway"), CVSS: &fnvet.CVSS{Vector: "AV:N/AC:L", Score: 5}},
		fnvet.Finding{ID: "GHSA-4", Kind: fnvet.Vulnerability, Severity: fnvet.High, Package: twin, Suppressed: by("vex", "fixed: patched")},
		fnvet.Finding{ID: "GHSA-5", Kind: fnvet.Vulnerability, Severity: fnvet.Medium, Package: twin, Suppressed: by("policy", "no time")},
		fnvet.Finding{ID: "GHSA-6", Kind: fnvet.Vulnerability, Severity: fnvet.Medium, Package: twin, Suppressed: by("baseline", "")},
		fnvet.Finding{ID: "MAL-1", Kind: fnvet.Malware, Severity: fnvet.Critical, Package: minimist},
		fnvet.Finding{ID: "GHSA-7", Kind: fnvet.Vulnerability, Severity: fnvet.High, Package: &fnvet.PackageRef{PURL: "pkg:npm/not-listed@1", Name: "not-listed"}},
	)
	return r
}

func TestVDR(t *testing.T) {
	doc := write(t, "cyclonedx-vdr-json", flawed(), Options{})
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(doc), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range *bom.Vulnerabilities {
		line := v.ID
		for _, a := range *v.Affects {
			line += " " + a.Ref
		}
		if a := v.Analysis; a != nil {
			line += " " + string(a.State) + " " + string(a.Justification) + " " + a.Detail
		}
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"GHSA-1 pkg:npm/minimist@0.0.8",
		"GHSA-2 pkg:npm/twin@1.0.0 pkg:npm/twin@1.0.0|2 not_affected code_not_reachable fnvet found no way from the handler to the package",
		"GHSA-3 pkg:npm/twin@1.0.0 pkg:npm/twin@1.0.0|2 not_affected protected_by_mitigating_control inline_mitigations_already_exist: by the gateway",
		"GHSA-4 pkg:npm/twin@1.0.0 pkg:npm/twin@1.0.0|2 resolved patched",
		"GHSA-5 pkg:npm/twin@1.0.0 pkg:npm/twin@1.0.0|2 no time",
		"GHSA-6 pkg:npm/twin@1.0.0 pkg:npm/twin@1.0.0|2",
		"MAL-1 pkg:npm/minimist@0.0.8",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	first := (*bom.Vulnerabilities)[0]
	if links := *first.Advisories; len(links) != 1 || links[0].URL != "https://example.com/a?b=c" {
		t.Errorf("links %v", links)
	}
	refs := map[string]bool{}
	for _, c := range *bom.Components {
		refs[c.BOMRef] = true
	}
	for _, v := range *bom.Vulnerabilities {
		for _, a := range *v.Affects {
			if !refs[a.Ref] {
				t.Errorf("%s affects %s, which is no component", v.ID, a.Ref)
			}
		}
	}
	if plain := write(t, "cyclonedx-json", flawed(), Options{}); bytes.Contains(plain, []byte("GHSA-")) {
		t.Error("an SBOM names vulnerabilities")
	}
}

func TestVDRIsValid(t *testing.T) {
	schemas := bomcheck.Fetch(t)
	for _, r := range append(samples(), flawed()) {
		schemas.JSON(t, "VDR", "1.6", write(t, "cyclonedx-vdr-json", r, Options{}))
	}
}
