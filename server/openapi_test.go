package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fnvet/fnvet/internal/testdb"
)

// TestConformance: the description names every route and no other, and answers
// have the shape it gives.
func TestConformance(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	var doc struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(s.do("GET", "/openapi.json", "", "").body), &doc); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, methods := range doc.Paths {
		for method := range methods {
			described[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, r := range s.routes() {
		pattern := strings.Replace(r.pattern, "{$}", "", 1)
		if !described[pattern] {
			t.Errorf("%s is not described", pattern)
		}
		delete(described, pattern)
	}
	if len(described) > 0 || doc.OpenAPI != "3.1.0" {
		t.Errorf("described and not served: %v (OpenAPI %s)", described, doc.OpenAPI)
	}
	c := jsonschema.NewCompiler()
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	id := s.do("POST", "/hooks/distribution", "test-not-a-secret", pushBody).id(t)
	s.await(id, "done")
	for _, r := range []struct{ method, path, token, body, schema string }{
		{"POST", "/hooks/distribution", "boss", pushBody, "Jobs"},
		{"POST", "/hooks/distribution", "boss", `{"events":[]}`, "Ignored"},
		{"POST", "/hooks/distribution", "boss", `{`, "Problem"},
		{"POST", "/api/v1/scans", "boss", `{"target":"registry.example:5000/a:1"}`, "Accepted"},
		{"GET", "/api/v1/scans", "read", "", "Scans"},
		{"GET", "/api/v1/scans/" + id, "read", "", "Scan"},
		{"GET", "/api/v1/scans/" + id + "/report", "read", "", "Report"},
		{"GET", "/api/v1/verdicts/" + testDigest, "read", "", "Verdict"},
		{"GET", "/api/v1/verdicts/x", "read", "", "Problem"},
		{"GET", "/api/v1/artifacts", "read", "", "Artifacts"},
		{"GET", "/api/v1/artifacts?advisory=GHSA-1", "read", "", "Artifacts"},
		{"POST", "/api/v1/dead/" + id + "/replay", "boss", "", "Problem"},
		{"GET", "/healthz", "", "", "Status"},
		{"GET", "/readyz", "", "", "Status"},
	} {
		schema, err := c.Compile("openapi.json#/components/schemas/" + r.schema)
		if err != nil {
			t.Fatal(err)
		}
		g := s.do(r.method, r.path, r.token, r.body)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(g.body))
		if err != nil {
			t.Errorf("%s %s: %v", r.method, r.path, err)
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s %s: %v\n%s", r.method, r.path, err, g.body)
		}
		path := doc.Paths[strings.Replace(strings.Replace(strings.SplitN(r.path, "?", 2)[0], "/"+id, "/{id}", 1), "distribution", "{source}", 1)]
		if path != nil {
			responses, _ := path[strings.ToLower(r.method)]["responses"].(map[string]any)
			if responses[fmt.Sprint(g.status)] == nil {
				t.Errorf("%s %s: the status %d is not described", r.method, r.path, g.status)
			}
		}
	}
}
