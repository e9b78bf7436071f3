package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/oracle"
)

// A database that was pushed and pulled serves a scan.
func TestDatabaseThroughRegistry(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/fnvet/advisories:1"
	db := own(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	fnvetRun(t, 2, "db", "push", "--db", db, ref)
	fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", "../../testdata/osv")
	pushed := strings.TrimSpace(fnvetRun(t, 0, "db", "push", "--db", db, ref))
	_, digest, ok := strings.Cut(pushed, "@sha256:")
	if !ok || len(digest) != 64 {
		t.Fatal(pushed)
	}
	pulled := filepath.Join(t.TempDir(), "pulled")
	if out := fnvetRun(t, 0, "db", "pull", "--db", pulled, pushed); !strings.Contains(out, digest) {
		t.Error(out)
	}
	target := "../../testdata/packages/node-orders.zip"
	want := scanJSON(t, "--db", db, "--max-db-age", "0", target)
	got := scanJSON(t, "--db", pulled, "--max-db-age", "0", target)
	if d := cmp.Diff(want.Findings, got.Findings); d != "" || len(want.Findings) == 0 {
		t.Error(d)
	}
	fnvetRun(t, 2, "db", "pull", "--db", pulled, ref+"-not-there")
	fnvetRun(t, 2, "db", "pull")
	fnvetRun(t, 0, "db", "verify", "--db", pulled)
}

// osvAPI answers as api.osv.dev does, over the records of a source.
func osvAPI(t *testing.T, source string, ecosystems ...string) string {
	t.Helper()
	oracles := map[string]*oracle.Oracle{}
	for _, e := range ecosystems {
		o, err := oracle.LoadRaw(source, e)
		if err != nil {
			t.Fatal(err)
		}
		oracles[e] = o
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/querybatch", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Queries []struct {
				Version string
				Package struct{ Name, Ecosystem string }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		results := []any{}
		for _, one := range q.Queries {
			vulns := []map[string]string{}
			if o := oracles[one.Package.Ecosystem]; o != nil {
				for _, id := range o.Match(one.Package.Ecosystem, one.Package.Name, one.Version) {
					vulns = append(vulns, map[string]string{"id": id})
				}
			}
			results = append(results, map[string]any{"vulns": vulns})
		}
		json.NewEncoder(w).Encode(map[string]any{"results": results})
	})
	mux.HandleFunc("GET /v1/vulns/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, o := range oracles {
			if data, ok := o.Raw(r.PathValue("id")); ok {
				w.Write(data)
				return
			}
		}
		http.NotFound(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// Asking the API gives the findings that a database of the same records gives.
func TestScanAsksAPI(t *testing.T) {
	db := own(t)
	fnvetRun(t, 0, "db", "update", "--db", db, "--db-source", "../../testdata/osv")
	url := osvAPI(t, "../../testdata/osv", "npm", "PyPI", "Maven", "crates.io")
	for _, name := range []string{"node-orders.zip", "python-thumbs.zip", "java-report.jar", "nested.zip", "clean-fn.zip"} {
		target := "../../testdata/packages/" + name
		want := scanJSON(t, "--db", db, "--max-db-age", "0", target)
		args := []string{"scan", "--sandbox=false", "--format", "json", "--fail-on", "never", "--allow-incomplete", "--osv-api", url, target}
		var got fnvet.Report
		if err := json.NewDecoder(strings.NewReader(fnvetRun(t, 0, args...))).Decode(&got); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*fnvet.Report{want, &got} {
			for i := range r.Findings {
				if p := r.Findings[i].Package; p != nil {
					p.Upgrade = nil // the API names only advisories of the present version
				}
			}
		}
		if d := cmp.Diff(want.Findings, got.Findings); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff(want.Gaps, got.Gaps); d != "" {
			t.Errorf("%s: gaps: %s", name, d)
		}
	}
	fnvetRun(t, 2, "scan", "--offline", "--osv-api", url, "../../testdata/packages/clean-fn.zip")
	out := fnvetRun(t, 3, "scan", "--sandbox=false", "--osv-api", "http://127.0.0.1:1", "--only", "vulnerability", "../../testdata/packages/node-orders.zip")
	if !strings.Contains(out, "no package was compared with advisories: advisory API:") {
		t.Error(out)
	}
}
