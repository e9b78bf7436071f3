package scan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/linked"
)

func TestLinkedIn(t *testing.T) {
	names := []uint64{
		linked.Below("golang.org/x/net"), linked.Package("golang.org/x/net/html"), linked.Symbol("golang.org/x/net/html", "Parse"),
		linked.Package("runtime"), linked.Package("net/http"), linked.Symbol("net/http", "Transport.RoundTrip"),
	}
	slices.Sort(names)
	h := &Harvest{Parts: []Part{{Facts: fnvet.Facts{Links: []fnvet.LinkFact{{Path: "bootstrap", Names: names}}}}}}
	at := func(paths ...string) (l []fnvet.Location) {
		for _, p := range paths {
			l = append(l, fnvet.Location{Path: p, Kind: fnvet.Installed})
		}
		return l
	}
	html := []fnvet.Import{{Path: "golang.org/x/net/html", Symbols: []string{"Render", "Parse"}}}
	for _, tt := range []struct {
		why, module string
		at          []fnvet.Location
		imports     []fnvet.Import
		want        fnvet.Reach
		via         []string
	}{
		{"a symbol is there", "golang.org/x/net", at("bootstrap"), html, fnvet.ReachYes, []string{"bootstrap", "golang.org/x/net/html.Parse"}},
		{"none is", "golang.org/x/net", at("bootstrap"), []fnvet.Import{{Path: "golang.org/x/net/html", Symbols: []string{"Render"}}}, fnvet.ReachNo, nil},
		{"another package of the module", "golang.org/x/net", at("bootstrap"), []fnvet.Import{{Path: "golang.org/x/net/http2"}}, fnvet.ReachNo, nil},
		{"all of a package", "golang.org/x/net", at("bootstrap"), []fnvet.Import{{Path: "golang.org/x/net/html"}}, fnvet.ReachYes, []string{"bootstrap", "golang.org/x/net/html"}},
		{"the standard library", "stdlib", at("bootstrap"), []fnvet.Import{{Path: "net/http", Symbols: []string{"Transport.RoundTrip"}}}, fnvet.ReachYes, []string{"bootstrap", "net/http.Transport.RoundTrip"}},
		{"the advisory names no package", "golang.org/x/net", at("bootstrap"), nil, fnvet.ReachUnknown, nil},
		{"nothing of the module has a name", "example.com/other", at("bootstrap"), []fnvet.Import{{Path: "example.com/other/x"}}, fnvet.ReachUnknown, nil},
		{"a stripped binary", "golang.org/x/net", at("stripped"), html, fnvet.ReachUnknown, nil},
		{"in one of two", "golang.org/x/net", at("stripped", "bootstrap"), html, fnvet.ReachYes, []string{"bootstrap", "golang.org/x/net/html.Parse"}},
		{"not in one, the other is stripped", "golang.org/x/net", at("stripped", "bootstrap"), []fnvet.Import{{Path: "golang.org/x/net/html", Symbols: []string{"Render"}}}, fnvet.ReachUnknown, nil},
	} {
		p := fnvet.Package{PURL: "pkg:golang/x@1", Name: tt.module, Ecosystem: "Go", Locations: tt.at}
		f := []fnvet.Finding{{Package: &fnvet.PackageRef{PURL: p.PURL, Ecosystem: "Go"}, Imports: tt.imports, Reachable: fnvet.ReachUnknown}}
		h.linkedIn(f, []fnvet.Package{p})
		if f[0].Reachable != tt.want || !cmp.Equal(f[0].ReachableVia, tt.via) {
			t.Errorf("%s: %s %v", tt.why, f[0].Reachable, f[0].ReachableVia)
		}
	}
}
