// Package bomcheck has tests check SBOMs against the schemas and models that the
// formats' projects publish. They come from package registries, once a test.
package bomcheck

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Needed is the environment variable that makes a check fail that would skip for
// want of a tool or a registry. CI sets it.
const Needed = "FNVET_NEED_SCHEMAS"

// schemaPackage carries the official schemas of CycloneDX, with a newer list of
// licences than the cyclonedx-go module; model the bindings that the SPDX project
// makes from its model.
const (
	schemaPackage = "@cyclonedx/cyclonedx-library@10.3.0"
	model         = "spdx-python-model==0.0.6"
)

// skip says why a check is not made, or fails where none may be missing.
func skip(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv(Needed) != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// CycloneDX is the directory of the official schemas.
type CycloneDX struct {
	dir      string
	compiled map[string]*jsonschema.Schema
}

// Fetch has npm fetch the schemas of CycloneDX.
func Fetch(t *testing.T) *CycloneDX {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the schemas come from a package registry")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "install", "--prefix", dir, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", schemaPackage) // #nosec G204 -- constants
	if out, err := cmd.CombinedOutput(); err != nil {
		skip(t, "no %s to read schemas from: %v: %s", schemaPackage, err, out)
	}
	return &CycloneDX{filepath.Join(dir, "node_modules", "@cyclonedx", "cyclonedx-library", "res", "schema"), map[string]*jsonschema.Schema{}}
}

// Schema makes a validator of the named schema, which may refer to the others.
func (c *CycloneDX) Schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	if s := c.compiled[name]; s != nil {
		return s
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	files, err := filepath.Glob(filepath.Join(c.dir, "*.schema.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas in %s: %v", c.dir, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file) // #nosec G304 -- of the package above
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		snapshot := filepath.Base(file) // files refer to one another by this name and by their own
		for _, id := range []string{snapshot, strings.Replace(snapshot, ".SNAPSHOT", "", 1)} {
			if err := compiler.AddResource("http://cyclonedx.org/schema/"+id, doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := compiler.Compile("http://cyclonedx.org/schema/" + name)
	if err != nil {
		t.Fatal(err)
	}
	c.compiled[name] = s
	return s
}

// JSON checks a document of a version of the specification.
func (c *CycloneDX) JSON(t *testing.T, what, version string, doc []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Schema(t, "bom-"+version+".schema.json").Validate(v); err != nil {
		t.Errorf("%s: not valid: %v", what, err)
	}
}

// XML checks documents of a version of the specification; it needs xmllint.
func (c *CycloneDX) XML(t *testing.T, version string, files ...string) {
	t.Helper()
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		skip(t, "no xmllint to check XML with")
	}
	args := append([]string{"--nonet", "--noout", "--schema", filepath.Join(c.dir, "bom-"+version+".SNAPSHOT.xsd")}, files...)
	if out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput(); err != nil { // #nosec G204 -- of this test
		t.Errorf("CycloneDX %s: %s", version, out)
	}
}

// spdx3Check has the bindings read documents; they check types, required fields
// and the words of enumerations.
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
    if not list(objects.foreach()):
        sys.exit(f"{name}: no elements")
`

// SPDX3 checks SPDX 3.0.1 documents against the model.
func SPDX3(t *testing.T, files ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the model comes from a package registry")
	}
	dir := t.TempDir()
	pip := exec.CommandContext(t.Context(), "python3", "-m", "pip", "install", "--quiet", "--target", dir, model) // #nosec G204 -- constants
	if out, err := pip.CombinedOutput(); err != nil {
		skip(t, "no %s to check with: %v: %s", model, err, out)
	}
	check := exec.CommandContext(t.Context(), "python3", append([]string{"-c", spdx3Check}, files...)...) // #nosec G204 -- of this test
	check.Env = append(os.Environ(), "PYTHONPATH="+dir)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
