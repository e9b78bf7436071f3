package server

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fnvet/fnvet/internal/testdb"
)

type described struct {
	Responses map[string]struct {
		Ref     string         `json:"$ref"`
		Content map[string]any `json:"content"`
	} `json:"responses"`
}

// A document is the description of the API, and what the tests saw of it.
type document struct {
	OpenAPI    string                          `json:"openapi"`
	Paths      map[string]map[string]described `json:"paths"`
	Components struct {
		Responses map[string]struct {
			Content map[string]any `json:"content"`
		} `json:"responses"`
	} `json:"components"`
	compiler *jsonschema.Compiler
	mux      *http.ServeMux // finds the path of a request

	mu   sync.Mutex
	seen map[string]bool // "GET /path 200"
}

var description = sync.OnceValue(func() *document {
	d := &document{compiler: jsonschema.NewCompiler(), mux: http.NewServeMux(), seen: map[string]bool{}}
	whole, err := jsonschema.UnmarshalJSON(strings.NewReader(string(openAPI)))
	if err == nil {
		err = d.compiler.AddResource("openapi.json", whole)
	}
	if err == nil {
		err = json.Unmarshal(openAPI, d)
	}
	if err != nil {
		panic(err)
	}
	d.compiler.AssertFormat()
	for path, methods := range d.Paths {
		for method := range methods {
			pattern := strings.ToUpper(method) + " " + path
			if path == "/" {
				pattern += "{$}"
			}
			d.mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
		}
	}
	return d
})

// conforms checks an answer of any test: its status, its type and its shape are
// described.
func (s *testServer) conforms(req *http.Request, g got) {
	s.t.Helper()
	d := description()
	_, pattern := d.mux.Handler(req)
	if pattern == "" || g.header.Get("Location") != "" && g.status == http.StatusMovedPermanently {
		return // no path of ours
	}
	method, path, _ := strings.Cut(strings.TrimSuffix(pattern, "{$}"), " ")
	answer, ok := d.Paths[path][strings.ToLower(method)].Responses[fmt.Sprint(g.status)]
	if !ok {
		s.t.Errorf("%s: the status %d is not described: %s", pattern, g.status, g.body)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[fmt.Sprintf("%s %s %d", method, path, g.status)] = true
	content, at := answer.Content, fmt.Sprintf("#/paths/%s/%s/responses/%d", pointer(path), strings.ToLower(method), g.status)
	if name, ok := strings.CutPrefix(answer.Ref, "#/components/responses/"); ok {
		content, at = d.Components.Responses[name].Content, answer.Ref
		if strings.HasPrefix(g.header.Get("Content-Type"), "text/html") && strings.Contains(req.Header.Get("Accept"), "text/html") {
			return // a problem as a page
		}
	}
	if len(content) == 0 {
		if g.status < 300 || g.status > 399 {
			s.t.Errorf("%s %d: no content is described", pattern, g.status)
		}
		return
	}
	for media := range content {
		if !sameMedia(media, g.header.Get("Content-Type")) {
			continue
		}
		if strings.Contains(media, "json") || strings.Contains(media, "report") {
			d.validate(s.t, at+"/content/"+pointer(media)+"/schema", pattern, g)
		}
		return
	}
	s.t.Errorf("%s %d: the type %q is not described", pattern, g.status, g.header.Get("Content-Type"))
}

func (d *document) validate(t *testing.T, at, pattern string, g got) {
	t.Helper()
	schema, err := d.compiler.Compile("openapi.json" + at)
	if err != nil {
		if pattern == "GET /openapi.json" {
			return // OpenAPI's own business
		}
		t.Errorf("%s %d: %v", pattern, g.status, err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(g.body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s %d: %v\n%s", pattern, g.status, err, g.body)
	}
}

// pointer escapes a part of a JSON pointer in a fragment.
func pointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", " ", "%20", ";", "%3B").Replace(s)
}

// sameMedia compares types, and versions where they are described.
func sameMedia(described, got string) bool {
	a, parameters, err := mime.ParseMediaType(described)
	b, its, err2 := mime.ParseMediaType(got)
	return err == nil && err2 == nil && a == b && parameters["version"] == its["version"]
}

// TestEveryRouteIsDescribed, and every path that is described is a route.
func TestEveryRouteIsDescribed(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	paths := map[string]bool{}
	d := description()
	for path, methods := range d.Paths {
		for method := range methods {
			paths[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, r := range s.routes() {
		pattern := strings.TrimSuffix(r.pattern, "{$}")
		if !paths[pattern] {
			t.Errorf("%s is not described", pattern)
		}
		delete(paths, pattern)
	}
	if len(paths) > 0 || d.OpenAPI != "3.1.0" {
		t.Errorf("described and not served: %v (OpenAPI %s)", paths, d.OpenAPI)
	}
	if g := s.do("GET", "/openapi.json", "", ""); g.body != string(openAPI) {
		t.Error("another description is served")
	}
}

// unseen are the successes that are described and that no test has met.
func unseen() []string {
	var list []string
	d := description()
	for path, methods := range d.Paths {
		for method, one := range methods {
			for status := range one.Responses {
				if name := strings.ToUpper(method) + " " + path + " " + status; status < "400" && !d.seen[name] {
					list = append(list, name)
				}
			}
		}
	}
	slices.Sort(list)
	return list
}
