package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet/testdata/plant"
)

const testdata = ".."

// rebuilt is everything the builder makes without the network.
func rebuilt(t *testing.T) map[string][]byte {
	t.Helper()
	src, err := openReplay(testdata)
	if err != nil {
		t.Fatal(err)
	}
	files, err := buildAll(context.Background(), testdata, src)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What is committed is what the sources give, to the byte, and twice the same.
func TestRebuild(t *testing.T) {
	first, second := rebuilt(t), rebuilt(t)
	if len(first) < 20 {
		t.Fatalf("the builder made only %d files", len(first))
	}
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s: two builds differ", name)
		}
		committed, err := os.ReadFile(filepath.Join(testdata, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(data, committed) {
			t.Errorf("%s: not what its sources give; run: go run ./testdata/build -offline", name)
		}
	}
}

// A third-party file that the manifest does not vouch for is refused.
func TestReplayRefusesOtherBytes(t *testing.T) {
	src, err := openReplay(testdata)
	if err != nil {
		t.Fatal(err)
	}
	o, err := findOrigin("npm/qs@6.5.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.file(context.Background(), o, "lib/parse.js"); err != nil {
		t.Errorf("known file: %v", err)
	}
	if _, err := src.file(context.Background(), o, "lib/other.js"); err == nil {
		t.Error("a file outside the manifest was given")
	}
	key := usedFile{Origin: o.ID, Path: "lib/parse.js"}
	src.wanted[key] = digest([]byte("other bytes"))
	if _, err := src.file(context.Background(), o, "lib/parse.js"); err == nil {
		t.Error("a file with another digest was given")
	}
}

// Every file of packages and osv stands in the manifest, with its digest, and is small.
func TestManifest(t *testing.T) {
	m, err := readManifest(testdata)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, p := range m.Packages {
		listed[p.File] = p.SHA256
	}
	for _, f := range m.OSV {
		listed[f.File] = f.SHA256
	}
	total := 0
	err = filepath.WalkDir(testdata, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		total += len(data)
		if len(data) > 400_000 {
			t.Errorf("%s: %d bytes", path, len(data))
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, testdata+string(filepath.Separator)))
		if !strings.HasPrefix(name, "packages/") && !strings.HasPrefix(name, "osv/") {
			return nil
		}
		if listed[name] != digest(data) {
			t.Errorf("%s: digest %s, the manifest says %q", name, digest(data), listed[name])
		}
		delete(listed, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range listed {
		t.Errorf("%s: in the manifest but not there", name)
	}
	if total > 1_500_000 {
		t.Errorf("testdata holds %d bytes", total)
	}
}

// The README names every package file and every origin with version and licence.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testdata, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recipes() {
		if !bytes.Contains(text, []byte("`"+r.file+"`")) {
			t.Errorf("README.md does not name %s", r.file)
		}
	}
	for _, o := range origins() {
		row := fmt.Sprintf("| %s | %s | %s | %s |", o.Kind, o.Name, o.Version, o.License)
		if !bytes.Contains(text, []byte(row)) {
			t.Errorf("README.md lacks the row %q", row)
		}
	}
}

// The zips hold the readable records, each once, and nothing else.
func TestOSV(t *testing.T) {
	zips, err := filepath.Glob(filepath.Join(testdata, "osv", "*", "all.zip"))
	if err != nil || len(zips) < 7 {
		t.Fatalf("%d zips, %v", len(zips), err)
	}
	seen := map[string]bool{}
	for _, path := range zips {
		ecosystem := filepath.Base(filepath.Dir(path))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		records, err := unzip(data)
		if err != nil {
			t.Fatal(err)
		}
		sources, err := filepath.Glob(filepath.Join(testdata, "advisories", ecosystem, "*.json"))
		if err != nil || len(sources) != len(records) {
			t.Errorf("%s: %d records, %d sources, %v", ecosystem, len(records), len(sources), err)
		}
		for _, source := range sources {
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := json.Compact(&want, text); err != nil {
				t.Errorf("%s: %v", source, err)
			}
			name := filepath.Base(source)
			if !bytes.Equal(records[name], want.Bytes()) {
				t.Errorf("%s: the zip holds something else", source)
			}
			if seen[name] {
				t.Errorf("%s stands in two ecosystems", name)
			}
			seen[name] = true
		}
	}
	if n := len(seen); n < 30 || n > 80 {
		t.Errorf("%d advisories", n)
	}
}

// record is an OSV record as far as TestOSVCovers asks.
type record struct {
	ID        string
	Withdrawn string
	Aliases   []string
	Severity  []struct{ Type, Score string }
	Affected  []struct {
		Versions []string
		Ranges   []struct {
			Type   string
			Events []map[string]string
		}
	}
}

// The set holds each feature of the schema that a matcher must get right.
func TestOSVCovers(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(testdata, "advisories", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var r record
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		prefix, _, _ := strings.Cut(r.ID, "-")
		got[prefix]++
		count(got, r)
	}
	for _, want := range []string{"GHSA", "PYSEC", "GO", "MAL", "DSA", "ALPINE", "DEBIAN", "withdrawn", "last_affected", "versions only", "several ranges", "several introduced", "no fix", "CVSS_V3", "CVSS_V4", "alias across", "SEMVER", "ECOSYSTEM", "GIT"} {
		if got[want] == 0 {
			t.Errorf("no advisory with %q", want)
		}
	}
}

func count(got map[string]int, r record) {
	if r.Withdrawn != "" {
		got["withdrawn"]++
	}
	for _, s := range r.Severity {
		got[s.Type]++
	}
	for _, a := range r.Aliases {
		if strings.HasPrefix(a, "GHSA-") && !strings.HasPrefix(r.ID, "GHSA-") {
			got["alias across"]++
		}
	}
	for _, a := range r.Affected {
		if len(a.Ranges) == 0 && len(a.Versions) > 0 {
			got["versions only"]++
		}
		if len(a.Ranges) > 1 {
			got["several ranges"]++
		}
		for _, rg := range a.Ranges {
			got[rg.Type]++
			countEvents(got, rg.Events)
		}
	}
}

func countEvents(got map[string]int, events []map[string]string) {
	introduced, ended := 0, 0
	for _, e := range events {
		if e["introduced"] != "" {
			introduced++
		}
		if e["fixed"] != "" || e["last_affected"] != "" {
			ended++
		}
		if e["last_affected"] != "" {
			got["last_affected"]++
		}
	}
	if introduced > 1 {
		got["several introduced"]++
	}
	if ended == 0 {
		got["no fix"]++
	}
}

// Every planted secret is where the manifest says, and stands in no source file.
func TestPlanted(t *testing.T) {
	m, err := readManifest(testdata)
	if err != nil {
		t.Fatal(err)
	}
	planted := map[string]bool{}
	for _, p := range m.Packages {
		data, err := os.ReadFile(filepath.Join(testdata, filepath.FromSlash(p.File)))
		if err != nil {
			t.Fatal(err)
		}
		leaves := map[string][]byte{}
		var all bytes.Buffer
		if err := walk("", data, func(path string, leaf []byte) { leaves[path] = leaf; all.Write(leaf) }); err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Secrets {
			planted[s.Name] = true
			leaf, ok := leaves[s.Path]
			if !ok && strings.HasSuffix(p.File, ".tar") { // in a layer, or the image config
				leaf, ok = all.Bytes(), true
			}
			if !ok || !bytes.Contains(leaf, []byte(plant.Named(s.Name))) {
				t.Errorf("%s: %s is not in %s", p.File, s.Name, s.Path)
			}
		}
	}
	if len(planted) < 10 {
		t.Errorf("only %d different secrets are planted", len(planted))
	}
	noPlainSecrets(t)
}

func noPlainSecrets(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(testdata, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "packages") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, s := range plant.All() {
			if bytes.Contains(data, []byte(s.Value)) {
				t.Errorf("%s holds %s in plain text", path, s.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Fake secrets differ from one another and keep their order.
func TestPlantNames(t *testing.T) {
	all := plant.All()
	if len(all) < 20 {
		t.Errorf("%d fake secrets", len(all))
	}
	values := map[string]bool{}
	for _, s := range all {
		if values[s.Value] || s.Value == "" || plant.Named(s.Name) != s.Value {
			t.Errorf("%s: empty, twice, or not the same when asked by name", s.Name)
		}
		values[s.Value] = true
	}
	if !slices.IsSortedFunc(all, func(a, b plant.Secret) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted by name")
	}
}
