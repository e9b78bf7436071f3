package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/policy"
)

func TestSBOMQuality(t *testing.T) {
	for _, tt := range []struct {
		text   string
		want   []string
		reason string
	}{
		{"sbom-quality: {version: 100, licence: 100, purl: 100}", nil, "the sample states these of all"},
		{"sbom-quality: {supplier: 30}", nil, "1 of 3 is more than 30%"},
		{"sbom-quality: {supplier: 34}", []string{"supplier"}, "1 of 3 is less than 34%"},
		{"fail-on: never\nsbom-quality: {hash: 1}", []string{"hash"}, "it blocks at any severity, as block-when does"},
		{"sbom-quality: {hash: 1}\nignore: [{id: policy/sbom-quality, reason: known, expires: 2026-12-31}]", nil, "it can be ignored, with an end"},
		{"sbom-quality: {hash: 0}", nil, "0 asks for nothing"},
	} {
		r := sample()
		r.Packages[0].Supplier = &fnvet.Party{Name: "Ann"}
		if err := policy.Enforce(r, parse(t, tt.text), policy.Options{Now: now, Compare: order}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Findings {
			if f.ID == "policy/sbom-quality" && f.Blocks {
				got = append(got, f.Resource)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v fall short, want %v (%s)", tt.text, got, tt.want, tt.reason)
		}
	}
}

func TestSBOMQualityMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"sbom-quality: {supplier: lots}": "percentage",
		"sbom-quality: {supplier: 101}":  "percentage",
		"sbom-quality: {supplier: .nan}": "percentage",
		"sbom-quality: {suplier: 1}":     "unknown key",
		"sbom-quality: 90":               "mapping",
	} {
		if _, err := policy.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A concluded licence counts where none is declared.
func TestConcludedLicences(t *testing.T) {
	r := sample()
	r.Packages[0].Licenses, r.Packages[0].Concluded = nil, []string{"SSPL-1.0"}
	if err := policy.Enforce(r, parse(t, "licenses: {deny: [SSPL-1.0]}"), policy.Options{Now: now, Compare: order}); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Findings, func(f fnvet.Finding) bool { return f.ID == "license/denied" && f.Package.Name == "lodash" }) {
		t.Error("the licence of the text was not judged")
	}
}
