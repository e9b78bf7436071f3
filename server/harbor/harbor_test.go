package harbor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

func flaw(id, version string, more func(*fnvet.Finding)) fnvet.Finding {
	f := fnvet.Finding{ID: id, Kind: fnvet.Vulnerability, Severity: fnvet.Low, Package: &fnvet.PackageRef{Name: "lodash", Version: version, PURL: "pkg:npm/lodash@" + version}}
	if more != nil {
		more(&f)
	}
	return f
}

func TestFromReport(t *testing.T) {
	r := &fnvet.Report{Findings: []fnvet.Finding{
		flaw("GHSA-1", "1", func(f *fnvet.Finding) {
			f.Aliases = []string{"CVE-2021-1"}
			f.CVSS = &fnvet.CVSS{Vector: "CVSS:3.1/AV:N", Score: 7.2}
			f.Package.Fixed = []string{"2", "3"}
		}),
		flaw("GHSA-1", "1", func(f *fnvet.Finding) { f.Aliases = []string{"CVE-2021-1"} }), // in another folder
		flaw("GHSA-2", "1", func(f *fnvet.Finding) {
			f.Aliases = []string{"CVE-2021-2", "CVE-2021-3"}
			f.CVSS = &fnvet.CVSS{Vector: "CVSS:4.0/AV:N", Score: 9.9}
		}),
		flaw("CVE-2021-4", "2", func(f *fnvet.Finding) {
			f.CVSS = &fnvet.CVSS{Vector: "AV:N/AC:L/Au:N/C:P/I:N/A:N", Score: 5}
			f.Package.Upgrade = &fnvet.Upgrade{Version: "2.1"}
		}),
		flaw("GHSA-5", "1", func(f *fnvet.Finding) { f.Severity, f.Suppressed = fnvet.Critical, &fnvet.Suppressed{By: "vex"} }),
		{ID: "secret/x", Kind: fnvet.SecretKind, Severity: fnvet.Medium, Path: "a.env"},
	}}
	out := FromReport(r, Artifact{}, Scanner{})
	type row struct {
		ID, Package, Version, Fix, Severity string
		CVSS                                *CVSS
	}
	var got []row
	for _, v := range out.Vulnerabilities {
		got = append(got, row{v.ID, v.Package, v.Version, v.FixVersion, v.Severity, v.CVSS})
	}
	want := []row{
		{"CVE-2021-1", "lodash", "1", "2, 3", "Low", &CVSS{Score: 7.2, Vector: "CVSS:3.1/AV:N"}},
		{"GHSA-2", "lodash", "1", "", "Low", nil},
		{"CVE-2021-4", "lodash", "2", "2.1", "Low", &CVSS{Score2: 5, Vector2: "AV:N/AC:L/Au:N/C:P/I:N/A:N"}},
		{"secret/x", "a.env", "", "", "Medium", nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if out.Severity != "Medium" {
		t.Errorf("severity %s: what is suppressed does not count", out.Severity)
	}
	if empty := FromReport(&fnvet.Report{}, Artifact{}, Scanner{}); empty.Vulnerabilities == nil || empty.Severity != "Unknown" {
		t.Errorf("nothing found: %+v", empty)
	}
}
