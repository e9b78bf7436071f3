package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/bomcheck"
	"github.com/fnvet/fnvet/sbom"
)

// testPackages are the function packages that every SBOM test goes over.
func testPackages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/packages/*")
	if err != nil || len(files) < 9 {
		t.Fatalf("only %d packages: %v", len(files), err)
	}
	return files
}

// bomFiles writes the SBOM of every test package in a format.
func bomFiles(t *testing.T, format string) (files []string) {
	t.Helper()
	dir := t.TempDir()
	for _, target := range testPackages(t) {
		file := filepath.Join(dir, filepath.Base(target)+"."+format)
		fnvetRun(t, 0, "sbom", "--sandbox=false", "--author", "Ann <ann@example.com>", "--format", format+"="+file, target)
		files = append(files, file)
	}
	return files
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every SBOM of every test package is valid by the schemas and models that the
// formats' projects publish.
func TestSBOMsOfPackagesAreValid(t *testing.T) {
	own(t)
	checked := 0
	t.Run("cyclonedx", func(t *testing.T) {
		schemas := bomcheck.Fetch(t)
		for format, version := range map[string]string{"cyclonedx-json": "1.6", "cyclonedx-1.7-json": "1.7"} {
			for _, file := range bomFiles(t, format) {
				schemas.JSON(t, filepath.Base(file), version, readFile(t, file))
			}
			checked++
		}
		for format, version := range map[string]string{"cyclonedx-xml": "1.6", "cyclonedx-1.7-xml": "1.7"} {
			schemas.XML(t, version, bomFiles(t, format)...)
			checked++
		}
		db := filepath.Join(t.TempDir(), "db")
		fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", "../../testdata/osv")
		for _, target := range testPackages(t) {
			out := fnvetRun(t, 0, "scan", "--sandbox=false", "--offline", "--db", db, "--max-db-age", "0", "--fail-on", "never", "--allow-incomplete", "--format", "cyclonedx-vdr-json", target)
			doc, _, _ := strings.Cut(out, "\nfnvet: ")
			schemas.JSON(t, filepath.Base(target)+", VDR", "1.6", []byte(doc))
		}
		checked++
	})
	t.Run("spdx3", func(t *testing.T) {
		bomcheck.SPDX3(t, bomFiles(t, "spdx3-json")...)
		checked++
	})
	t.Run("spdx", func(t *testing.T) {
		for _, file := range bomFiles(t, "spdx-json") {
			doc, err := spdxjson.Read(bytes.NewReader(readFile(t, file)))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			checkSPDX(t, file, doc)
		}
		for _, file := range bomFiles(t, "spdx-tag-value") {
			doc, err := tagvalue.Read(bytes.NewReader(readFile(t, file)))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			checkSPDX(t, file, doc)
		}
		checked += 2
	})
	if want := len(sbom.Formats()); checked != want && !t.Skipped() {
		t.Logf("%d of %d formats checked: the rest needs a registry", checked, want)
	}
}

func checkSPDX(t *testing.T, file string, doc *v2_3.Document) {
	t.Helper()
	// The check does not know NONE and NOASSERTION.
	doc.Relationships = slices.DeleteFunc(doc.Relationships, func(r *v2_3.Relationship) bool { return r.RefB.SpecialID != "" })
	if err := spdxlib.ValidateDocument(doc); err != nil {
		t.Errorf("%s: %v", filepath.Base(file), err)
	}
}

// A verdict on what is known of packages does not depend on whether the package or
// its SBOM is scanned, whatever the format.
func TestSBOMGivesTheSameVulnerabilities(t *testing.T) {
	db := own(t)
	fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", "../../testdata/osv")
	args := []string{"--db", db, "--max-db-age", "0", "--only", "vulnerability,malware"}
	scanned := map[string][]string{}
	count := 0
	for _, target := range testPackages(t) {
		r := scanJSON(t, append(slices.Clone(args), target)...)
		scanned[filepath.Base(target)] = flaws(r)
		count += len(flaws(r))
	}
	if count < 50 {
		t.Errorf("only %d findings to compare", count)
	}
	compared := 0
	defer func() { t.Logf("%d findings of packages, %d compared with those of their SBOMs", count, compared) }()
	for _, format := range sbom.Formats() {
		if format == "cyclonedx-vdr-json" { // with what was found, of which there is nothing
			continue
		}
		for _, file := range bomFiles(t, format) {
			name := strings.TrimSuffix(filepath.Base(file), "."+format)
			r := scanJSON(t, append(slices.Clone(args), file)...)
			compared += len(scanned[name])
			if d := cmp.Diff(scanned[name], flaws(r)); d != "" {
				t.Errorf("%s as %s (-package +SBOM): %s", name, format, d)
			}
		}
	}
}

// flaws lists what the findings say, apart from places and reachability, which an
// inventory alone does not know.
func flaws(r *fnvet.Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		out = append(out, strings.Join([]string{f.ID, f.Package.PURL, string(f.Severity), f.Package.Version}, " "))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Every package of the report is a component of the SBOM, with the same package URL.
func TestSBOMNamesEveryPackage(t *testing.T) {
	own(t)
	for _, target := range testPackages(t) {
		r := scanJSON(t, "--only", "vulnerability", target)
		var want []string
		for _, p := range r.Packages {
			want = append(want, p.PURL)
		}
		slices.Sort(want)
		for _, format := range sbom.Formats() {
			out := fnvetRun(t, 0, "sbom", "--sandbox=false", "--format", format, target)
			if format == "spdx-tag-value" {
				for _, purl := range want {
					if !strings.Contains(out, "ExternalRef: PACKAGE-MANAGER purl "+purl+"\n") {
						t.Errorf("%s of %s: %s is missing", format, target, purl)
					}
				}
				continue
			}
			doc, err := sbom.Read([]byte(out))
			if err != nil {
				t.Fatalf("%s of %s: %v", format, target, err)
			}
			var got []string
			for _, p := range doc.Packages {
				got = append(got, p.PURL)
			}
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s of %s (-report +SBOM): %s", format, target, d)
			}
		}
	}
}

// Of the packages that the package managers' own tools list for what is installed,
// none is missing.
func TestSBOMMissesNothingThatToolsList(t *testing.T) {
	own(t)
	for _, tt := range []struct {
		target, tool string
		list         func(t *testing.T, dir string) []string
		least        int
	}{
		{"node-orders.zip", "npm", npmList, 8},
		{"python-thumbs.zip", "python3", pipList, 5},
		{"java-report.jar", "jar", jarList, 3},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			if _, err := exec.LookPath(tt.tool); err != nil {
				t.Skipf("no %s to compare with", tt.tool)
			}
			target, err := filepath.Abs("../../testdata/packages/" + tt.target)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if out, err := exec.CommandContext(t.Context(), "python3", "-m", "zipfile", "-e", target, dir).CombinedOutput(); err != nil {
				t.Skipf("python3 cannot unpack: %v %s", err, out)
			}
			doc, err := sbom.Read([]byte(fnvetRun(t, 0, "sbom", "--sandbox=false", target)))
			if err != nil {
				t.Fatal(err)
			}
			var have []string
			for _, p := range doc.Packages {
				have = append(have, p.Name+"@"+p.Version)
			}
			listed := tt.list(t, dir)
			if len(listed) < tt.least {
				t.Fatalf("%s lists only %v", tt.tool, listed)
			}
			t.Logf("%s lists %d packages of %d in the SBOM", tt.tool, len(listed), len(have))
			for _, one := range listed {
				if !slices.Contains(have, one) {
					t.Errorf("%s lists %s, the SBOM does not", tt.tool, one)
				}
			}
		})
	}
}

func npmList(t *testing.T, dir string) (names []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "npm", "ls", "--all", "--json", "--offline", "--omit=dev")
	cmd.Dir = dir
	out, _ := cmd.Output() // it exits with 1 for trimmed packages, and lists them
	type node struct {
		Version      string
		Missing      bool
		Dependencies map[string]json.RawMessage
	}
	var walk func(raw []byte, name string)
	walk = func(raw []byte, name string) {
		var n node
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatalf("npm ls: %v: %s", err, out)
		}
		if name != "" && n.Version != "" && !n.Missing {
			names = append(names, name+"@"+n.Version)
		}
		for name, d := range n.Dependencies {
			walk(d, name)
		}
	}
	walk(out, "")
	slices.Sort(names)
	return slices.Compact(names)
}

func pipList(t *testing.T, dir string) (names []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "python3", "-m", "pip", "list", "--path", dir, "--format", "json", "--disable-pip-version-check").Output()
	if err != nil {
		t.Skipf("python3 -m pip: %v", err)
	}
	var list []struct{ Name, Version string }
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		names = append(names, strings.ToLower(strings.ReplaceAll(p.Name, "_", "-"))+"@"+p.Version)
	}
	return names
}

// jarList reads the coordinates that the jar's own entries state.
func jarList(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "pom.properties" {
			return err
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(readFile(t, path))) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			fields[key] = value
		}
		names = append(names, fields["groupId"]+":"+fields["artifactId"]+"@"+fields["version"])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
