package sbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/fnvet/fnvet"
)

// schemaPackage carries the official schemas of CycloneDX, with a newer list of
// licences than the cyclonedx-go module.
const schemaPackage = "@cyclonedx/cyclonedx-library@10.3.0"

// cycloneDXSchemas has npm fetch the schemas and returns their directory.
func cycloneDXSchemas(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the schemas come from a package registry")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "install", "--prefix", dir, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", schemaPackage)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no %s to read schemas from: %v: %s", schemaPackage, err, out)
	}
	return filepath.Join(dir, "node_modules", "@cyclonedx", "cyclonedx-library", "res", "schema")
}

// compile makes a validator of the named schema, which may refer to the others.
func compile(t *testing.T, dir, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := filepath.Glob(filepath.Join(dir, "*.schema.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas in %s: %v", dir, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		snapshot := filepath.Base(file) // files refer to one another by this name and by their own
		for _, id := range []string{snapshot, strings.Replace(snapshot, ".SNAPSHOT", "", 1)} {
			if err := c.AddResource("http://cyclonedx.org/schema/"+id, doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, doc []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("not valid: %v", err)
	}
}

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
	dir := cycloneDXSchemas(t)
	o := Options{Licence: "MIT OR ISC", Supplier: "Orders Inc", Author: "Ann <ann@example.com>"}
	for format, version := range map[string]string{"cyclonedx-json": "1.6", "cyclonedx-1.7-json": "1.7"} {
		schema := compile(t, dir, "bom-"+version+".schema.json")
		for _, r := range samples() {
			validate(t, schema, write(t, format, r, o))
		}
	}
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("no xmllint to check XML with")
	}
	for format, version := range map[string]string{"cyclonedx-xml": "1.6", "cyclonedx-1.7-xml": "1.7"} {
		schema := filepath.Join(dir, "bom-"+version+".SNAPSHOT.xsd")
		for i, r := range samples() {
			file := filepath.Join(t.TempDir(), "bom.xml")
			if err := os.WriteFile(file, write(t, format, r, o), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), lint, "--nonet", "--noout", "--schema", schema, file).CombinedOutput(); err != nil {
				t.Errorf("%s, sample %d: %s", format, i, out)
			}
		}
	}
}

// spdx3Check has the bindings that the SPDX project generates from its model
// read a document; they check types, required fields and the words of enumerations.
const spdx3Check = `
import sys
from spdx_python_model import v3_0_1 as spdx
for name in sys.argv[1:]:
    objects = spdx.SHACLObjectSet()
    with open(name, "rb") as f:
        spdx.JSONLDDeserializer().read(f, objects)
    missing = objects.link()
    if missing:
        sys.exit(f"{name}: dangling references {missing}")
    print(len(list(objects.foreach())))
`

func TestSPDX3IsValid(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the model comes from a package registry")
	}
	dir := t.TempDir()
	pip := exec.CommandContext(t.Context(), "python3", "-m", "pip", "install", "--quiet", "--target", dir, "spdx-python-model==0.0.6")
	if out, err := pip.CombinedOutput(); err != nil {
		t.Skipf("no spdx-python-model to check with: %v: %s", err, out)
	}
	args := []string{"-c", spdx3Check}
	for i, r := range samples() {
		file := filepath.Join(dir, fmt.Sprintf("bom%d.json", i))
		if err := os.WriteFile(file, write(t, "spdx3-json", r, Options{Supplier: "Orders Inc", Author: "Ann <ann@example.com>", Licence: "MIT"}), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	check := exec.CommandContext(t.Context(), "python3", args...)
	check.Env = append(os.Environ(), "PYTHONPATH="+dir)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
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
		if len(doc.Packages) != len(r.Packages)+1 || len(doc.Annotations) != len(r.Packages) {
			t.Errorf("%d packages, %d notes read, %d packages written", len(doc.Packages), len(doc.Annotations), len(r.Packages)+1)
		}
	}
}

// TestLicenceIDsAreListed makes sure that every id written as one is in the list
// that CycloneDX allows.
func TestLicenceIDsAreListed(t *testing.T) {
	schema := compile(t, cycloneDXSchemas(t), "spdx.schema.json")
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
		if len(doc.Packages) != len(r.Packages)+1 {
			t.Errorf("%d packages read, %d written", len(doc.Packages), len(r.Packages)+1)
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

func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
