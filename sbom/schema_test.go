package sbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/bomcheck"
)

// samples are the reports whose documents must be valid.
func samples() []*fnvet.Report {
	empty := &fnvet.Report{}
	incomplete := rich()
	incomplete.Gaps = []fnvet.Gap{{Path: "x", Reason: fnvet.GapEncrypted}}
	image := rich()
	image.Artifact.Type, image.Artifact.Name = "image", "registry.example/app:1"
	odd := rich()
	odd.Packages[5].Hashes = []fnvet.Hash{{Alg: "SHA-256", Value: "not hex"}, {Alg: "h1", Value: "abc="}, {Alg: "SHA-1", Value: ""}}
	odd.Packages[5].Licenses = []string{"", " ", "MIT AND (", "GPL-2.0+", "mit"}
	odd.Artifact.Digest, odd.Artifact.Name = "", hostile
	return []*fnvet.Report{rich(), empty, incomplete, image, odd}
}

func TestCycloneDXIsValid(t *testing.T) {
	schemas := bomcheck.Fetch(t)
	o := Options{Licence: "MIT OR ISC", Supplier: "Orders Inc", Author: "Ann <ann@example.com>"}
	for format, version := range map[string]string{"cyclonedx-json": "1.6", "cyclonedx-1.7-json": "1.7"} {
		for i, r := range samples() {
			schemas.JSON(t, fmt.Sprintf("%s, sample %d", format, i), version, write(t, format, r, o))
		}
	}
	for format, version := range map[string]string{"cyclonedx-xml": "1.6", "cyclonedx-1.7-xml": "1.7"} {
		schemas.XML(t, version, written(t, format, o)...)
	}
}

// written puts the samples into files.
func written(t *testing.T, format string, o Options) (files []string) {
	t.Helper()
	dir := t.TempDir()
	for i, r := range samples() {
		file := filepath.Join(dir, fmt.Sprintf("bom%d", i))
		if err := os.WriteFile(file, write(t, format, r, o), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func TestSPDX3IsValid(t *testing.T) {
	bomcheck.SPDX3(t, written(t, "spdx3-json", Options{Supplier: "Orders Inc", Author: "Ann <ann@example.com>", Licence: "MIT"})...)
}

// TestTagValueIsRead has the reference library read what was written, in which
// no name of an artifact may start a line of its own.
func TestTagValueIsRead(t *testing.T) {
	for _, r := range samples() {
		data := write(t, "spdx-tag-value", r, Options{Supplier: "Orders Inc"})
		doc, err := tagvalue.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if len(doc.Packages) != len(r.Packages)+1+partsOf(r) || len(doc.Annotations) != len(r.Packages) {
			t.Errorf("%d packages, %d notes read, %d packages written", len(doc.Packages), len(doc.Annotations), len(r.Packages)+1)
		}
	}
}

// TestLicenceIDsAreListed makes sure that every id written as one is in the list
// that CycloneDX allows.
func TestLicenceIDsAreListed(t *testing.T) {
	schema := bomcheck.Fetch(t).Schema(t, "spdx.schema.json")
	var unlisted []string
	for _, id := range newLicences().ids {
		if schema.Validate(id) != nil {
			unlisted = append(unlisted, id)
		}
	}
	slices.Sort(unlisted)
	if len(unlisted) > 0 {
		t.Errorf("ids that CycloneDX does not know: %q", unlisted)
	}
}

// TestSPDXIsRead has the reference library read and check what was written.
func TestSPDXIsRead(t *testing.T) {
	for _, r := range samples() {
		data := write(t, "spdx-json", r, Options{Supplier: "Orders Inc"})
		doc, err := spdxjson.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := spdxjson.Write(doc, &again, spdxjson.Indent("  "), spdxjson.EscapeHTML(false)); err != nil {
			t.Fatal(err)
		}
		// The check does not know NONE and NOASSERTION.
		doc.Relationships = slices.DeleteFunc(doc.Relationships, func(r *v2_3.Relationship) bool { return r.RefB.SpecialID != "" })
		if err := spdxlib.ValidateDocument(doc); err != nil {
			t.Error(err)
		}
		if want := len(r.Packages) + 1 + partsOf(r); len(doc.Packages) != want {
			t.Errorf("%d packages read, %d written", len(doc.Packages), want)
		}
		var a, b any
		if err := json.Unmarshal(data, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		if !equal(a, b) {
			t.Error("the library writes another document than it read")
		}
	}
}

// partsOf is how many layers and archives of a sample are components of their own.
func partsOf(r *fnvet.Report) int { return len(newInventory(r, Options{}).parts) }

func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
