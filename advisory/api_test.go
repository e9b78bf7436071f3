package advisory

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// api serves a bucket as api.osv.dev does: ids by package, pageSize at a time, and
// records by id. It leaves versions to the one who asks.
type api struct {
	bucket   bucket
	pageSize int
	requests atomic.Int32
	largest  atomic.Int32 // batch
	broken   func(w http.ResponseWriter, r *http.Request, n int32) bool
	poison   string // a package name that the server answers 400 to
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := a.requests.Add(1)
	if a.broken != nil && a.broken(w, r, n) {
		return
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/v1/vulns/"); ok {
		for _, texts := range a.bucket {
			for _, text := range texts {
				if strings.Contains(text[:min(len(text), 60)], fmt.Sprintf("%q", id)) {
					w.Write([]byte(text))
					return
				}
			}
		}
		http.NotFound(w, r)
		return
	}
	var q struct{ Queries []question }
	if r.Method != http.MethodPost || r.URL.Path != "/v1/querybatch" || json.NewDecoder(r.Body).Decode(&q) != nil {
		http.Error(w, "no", http.StatusNotFound)
		return
	}
	a.largest.Store(max(a.largest.Load(), int32(len(q.Queries))))
	answer := map[string][]any{"results": {}}
	for _, one := range q.Queries {
		if one.Package.Name == a.poison {
			http.Error(w, `{"code":3,"message":"Invalid query."}`, http.StatusBadRequest)
			return
		}
		ids := a.ids(one)
		start := 0
		fmt.Sscan(one.PageToken, &start)
		result := map[string]any{}
		var vulns []map[string]string
		for _, id := range ids[min(start, len(ids)):min(start+a.pageSize, len(ids))] {
			vulns = append(vulns, map[string]string{"id": id, "modified": "2026-01-01T00:00:00Z"})
		}
		if vulns != nil {
			result["vulns"] = vulns
		}
		if start+a.pageSize < len(ids) {
			result["next_page_token"] = fmt.Sprint(start + a.pageSize)
		}
		answer["results"] = append(answer["results"], result)
	}
	json.NewEncoder(w).Encode(answer)
}

func (a *api) ids(q question) []string {
	base, _, _ := strings.Cut(q.Package.Ecosystem, ":")
	var ids []string
	for _, text := range a.bucket[base] {
		var rec osvRecord
		if json.Unmarshal([]byte(text), &rec) != nil || rec.Withdrawn != "" {
			continue
		}
		for _, x := range rec.Affected {
			if x.Package.Ecosystem == q.Package.Ecosystem && normalName(base, x.Package.Name) == normalName(base, q.Package.Name) {
				ids = append(ids, rec.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func startAPI(tb testing.TB) (*api, APIOptions) {
	tb.Helper()
	a := &api{bucket: fixture(), pageSize: 1}
	server := httptest.NewServer(a)
	tb.Cleanup(server.Close)
	return a, APIOptions{URL: server.URL, Now: fixtureNow, Wait: time.Microsecond}
}

var asked = []fnvet.Package{
	pkg("npm", "@scope/left", "1.3.9"), pkg("npm", "@scope/left", "1.4.0"), pkg("npm", "evil", "6.6.6"), pkg("npm", "limited", "workspace:*"),
	pkg("npm", "limited", ""), pkg("npm", "fine", "1.0.0"), pkg("PyPI", "some_thing", "1.4"), pkg("Go", "stdlib", "go1.26rc1"),
	pkg("Maven", "org.example.log:core", "2.14.1"), from(pkg("Debian:12.5", "libssl3", "9"), "openssl", "3.0.9-1"),
	pkg("Alpine:3.18.4", "busybox", "1.36.1-r0"), pkg("AlmaLinux:9.4", "bash", "5.1.8-6.el9"), pkg("Alpine", "busybox", "1"), pkg("", "thing", "1"),
}

// TestAsk: what the API knows gives the findings and gaps that the database gives.
func TestAsk(t *testing.T) {
	a, o := startAPI(t)
	db, gaps, err := Ask(t.Context(), asked, o)
	if err != nil || len(gaps) != 0 {
		t.Fatal(gaps, err)
	}
	defer db.Close()
	got, gotGaps, err := db.Match(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	want, wantGaps, err := open(t, fixture().build(t)).Match(t.Context(), asked)
	if err != nil || len(want) < 8 {
		t.Fatal(len(want), err)
	}
	// The API is asked about these packages only: what borrows elsewhere stays bare.
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(wantGaps, gotGaps); d != "" {
		t.Error(d)
	}
	if st := db.Status(); st.Source != o.URL || st.Advisories == 0 {
		t.Errorf("%+v", st)
	}
	if a.largest.Load() > 20 {
		t.Errorf("a question is asked twice: %d", a.largest.Load())
	}
}

// TestAskBatches: many packages are asked in batches of a thousand.
func TestAskBatches(t *testing.T) {
	a, o := startAPI(t)
	var pkgs []fnvet.Package
	for i := range 2500 {
		pkgs = append(pkgs, pkg("npm", fmt.Sprintf("p%d", i), "1.0.0"), pkg("npm", fmt.Sprintf("p%d", i), "1.0.0"))
	}
	pkgs = append(pkgs, asked[0])
	db, _, err := Ask(t.Context(), pkgs, o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	findings, _, err := db.Match(t.Context(), pkgs)
	// Three batches, one second page, two records.
	if err != nil || len(findings) != 1 || a.largest.Load() != batchSize || a.requests.Load() != 6 {
		t.Errorf("%d findings, %d requests, batches up to %d: %v", len(findings), a.requests.Load(), a.largest.Load(), err)
	}
}

// TestAskRefused: one question the API does not like costs only itself.
func TestAskRefused(t *testing.T) {
	a, o := startAPI(t)
	a.poison = "limited"
	_, gaps, err := Ask(t.Context(), asked, o)
	if err != nil || len(gaps) != 1 || gaps[0].Reason != fnvet.GapUnmatched || !strings.Contains(gaps[0].Detail, "npm limited") {
		t.Errorf("%+v %v", gaps, err)
	}
}

// TestAskMavenGroup: without its group a jar cannot be asked about, which is told.
func TestAskMavenGroup(t *testing.T) {
	_, o := startAPI(t)
	grouped := pkg("Maven", "core", "2.14.1")
	grouped.Groups = []string{"org.unknown", "org.example.log"}
	list := []fnvet.Package{pkg("Maven", "core", "2.14.1"), grouped}
	db, gaps, err := Ask(t.Context(), list, o)
	if err != nil || len(gaps) != 1 || gaps[0].Reason != fnvet.GapUnmatched || gaps[0].Path != "core.file" {
		t.Fatalf("%+v %v", gaps, err)
	}
	defer db.Close()
	if findings, _, err := db.Match(t.Context(), list[1:]); err != nil || len(findings) != 1 {
		t.Error(findings, err)
	}
}

func TestAskErrors(t *testing.T) {
	for _, tt := range []struct {
		why    string
		broken func(w http.ResponseWriter, r *http.Request, n int32) bool
		ok     bool
		want   error
	}{
		{"busy for a while", func(w http.ResponseWriter, _ *http.Request, n int32) bool {
			if n <= 2 {
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return n <= 2
		}, true, nil},
		{"always busy", func(w http.ResponseWriter, _ *http.Request, _ int32) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}, false, nil},
		{"a page", func(w http.ResponseWriter, _ *http.Request, _ int32) bool {
			w.Write([]byte("<html>"))
			return true
		}, false, ErrSource},
		{"too few answers", func(w http.ResponseWriter, _ *http.Request, _ int32) bool {
			w.Write([]byte(`{"results":[{}]}`))
			return true
		}, false, ErrSource},
		{"an id that is a path", func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			var q struct{ Queries []question }
			json.NewDecoder(r.Body).Decode(&q)
			w.Write([]byte(`{"results":[` + strings.TrimSuffix(strings.Repeat(`{"vulns":[{"id":"../x"}]},`, len(q.Queries)), ",") + `]}`))
			return true
		}, false, ErrSource},
		{"a listed record that is not there", func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			if strings.HasSuffix(r.URL.Path, "/GHSA-aaaa-0001") {
				http.NotFound(w, r)
				return true
			}
			return false
		}, false, nil},
		{"pages without end", func(w http.ResponseWriter, r *http.Request, _ int32) bool {
			var q struct{ Queries []question }
			json.NewDecoder(r.Body).Decode(&q)
			w.Write([]byte(`{"results":[` + strings.TrimSuffix(strings.Repeat(`{"next_page_token":"x"},`, len(q.Queries)), ",") + `]}`))
			return true
		}, false, ErrSource},
	} {
		a, o := startAPI(t)
		a.broken = tt.broken
		db, _, err := Ask(t.Context(), asked, o)
		if (err == nil) != tt.ok || tt.want != nil && !errors.Is(err, tt.want) || (db == nil) == tt.ok {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
	if _, _, err := Ask(t.Context(), asked, APIOptions{URL: "file:///etc"}); err == nil {
		t.Error("not a URL of the web, and no error")
	}
}
