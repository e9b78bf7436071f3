package advisory

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inflateVariable names a folder to write a large database's source into, and an
// SBOM of 500 packages to match with it:
//
//	FNVET_INFLATE=/tmp/large go test -run Inflate ./advisory
//	fnvet db update --db /tmp/large/db --db-source /tmp/large/osv
//	fnvet scan --offline --db /tmp/large/db --max-db-age 0 /tmp/large/packages.cdx.json
const inflateVariable = "FNVET_INFLATE"

// inflated is how many advisories the large database has at least.
const inflated = 250_000

// TestInflate copies the real advisories under other ids, the copies for other
// names of packages, until there are 250,000.
func TestInflate(t *testing.T) {
	dir := os.Getenv(inflateVariable)
	if dir == "" {
		t.Skipf("%s is not set", inflateVariable)
	}
	osv := sharedOSV(t)
	zips, err := filepath.Glob(filepath.Join(osv, "*", "all.zip"))
	if err != nil || len(zips) == 0 {
		t.Fatal("no zips", err)
	}
	total := 0
	for _, name := range zips {
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		total += len(z.File)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	copies := inflated/total + 1
	var list []string
	for _, name := range zips {
		ecosystem := filepath.Base(filepath.Dir(name))
		list = append(list, ecosystem)
		if err := inflate(name, filepath.Join(dir, "osv", ecosystem, "all.zip"), copies); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "osv", "ecosystems.txt"), []byte(strings.Join(list, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writePackages(t, filepath.Join(dir, "packages.cdx.json")); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records, %d times", total, copies)
}

func inflate(from, to string, copies int) error {
	in, err := zip.OpenReader(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	out := zip.NewWriter(f)
	for _, e := range in.File {
		data, err := fs.ReadFile(in, e.Name)
		if err != nil {
			return err
		}
		for n := range copies {
			if err := addCopy(out, e.Name, data, n); err != nil {
				return err
			}
		}
	}
	return errors.Join(out.Close(), f.Close())
}

// addCopy writes a record, for n above 0 with another id, other aliases and
// every second one for another package.
func addCopy(out *zip.Writer, name string, data []byte, n int) error {
	if n > 0 {
		var r map[string]any
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		suffix := fmt.Sprintf("-%d", n)
		r["id"] = fmt.Sprint(r["id"]) + suffix
		for _, field := range []string{"aliases", "upstream", "related"} {
			list, _ := r[field].([]any)
			for i := range list {
				list[i] = fmt.Sprint(list[i]) + suffix
			}
		}
		affected, _ := r["affected"].([]any)
		for _, a := range affected {
			object, _ := a.(map[string]any)
			if p, ok := object["package"].(map[string]any); ok && n%2 == 0 {
				p["name"] = fmt.Sprint(p["name"]) + suffix
			}
		}
		var err error
		if data, err = json.Marshal(r); err != nil {
			return err
		}
		name = strings.TrimSuffix(name, ".json") + suffix + ".json"
	}
	w, err := out.Create(name)
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

// writePackages writes an SBOM of 500 packages, half of them with advisories.
func writePackages(t *testing.T, name string) error {
	t.Helper()
	type component struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
	}
	bom := struct {
		Format     string      `json:"bomFormat"`
		Spec       string      `json:"specVersion"`
		Components []component `json:"components"`
	}{"CycloneDX", "1.6", nil}
	types := map[string]string{"npm": "npm", "PyPI": "pypi", "Maven": "maven", "Go": "golang"}
	for _, p := range somePackages(t, openShared(t), 500) {
		purl := "pkg:" + types[p.Ecosystem] + "/" + strings.ReplaceAll(strings.ReplaceAll(p.Name, ":", "/"), "@", "%40") + "@" + p.Version
		bom.Components = append(bom.Components, component{"library", p.Name, p.Version, purl})
	}
	data, err := json.Marshal(bom)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}
