package scan

import (
	"testing"

	"github.com/fnvet/fnvet"
)

// A fact speaks of the packages of its own ecosystem: that no script imports the
// file in which dpkg or a Go binary lists its packages says nothing of those.
func TestReachableByEcosystem(t *testing.T) {
	at := func(kind fnvet.PackageKind, path string) []fnvet.Location {
		return []fnvet.Location{{Path: path, Kind: kind}}
	}
	pkgs := []fnvet.Package{
		{PURL: "pkg:npm/a@1", Ecosystem: "npm", Locations: at(fnvet.Installed, "node_modules/a/package.json")},
		{PURL: "pkg:npm/b@1", Ecosystem: "npm", Locations: at(fnvet.Installed, "node_modules/b/package.json")},
		{PURL: "pkg:npm/c@1", Ecosystem: "npm", Locations: at(fnvet.Locked, "package-lock.json")},
		{PURL: "pkg:deb/d@1", Ecosystem: "Debian:12", Locations: at(fnvet.Installed, "var/lib/dpkg/status")},
		{PURL: "pkg:golang/e@1", Ecosystem: "Go", Locations: at(fnvet.Installed, "bootstrap")},
	}
	h := &Harvest{Parts: []Part{{Facts: fnvet.Facts{Reach: []fnvet.ReachFact{
		{Ecosystem: "npm", Path: "node_modules/a/package.json", Reach: fnvet.ReachYes, Via: []string{"index.js", "a"}},
		{Ecosystem: "npm", Path: "node_modules/b/package.json", Reach: fnvet.ReachNo},
		{Ecosystem: "npm", Path: "package-lock.json", Reach: fnvet.ReachNo},
		{Ecosystem: "npm", Path: "var/lib/dpkg/status", Reach: fnvet.ReachNo},
		{Ecosystem: "npm", Path: "bootstrap", Reach: fnvet.ReachNo},
	}}}}}
	via := h.reachable(pkgs)
	for i, want := range []fnvet.Reach{fnvet.ReachYes, fnvet.ReachNo, fnvet.ReachUnknown, fnvet.ReachUnknown, fnvet.ReachUnknown} {
		if pkgs[i].Reachable != want {
			t.Errorf("%s: %s, want %s", pkgs[i].PURL, pkgs[i].Reachable, want)
		}
	}
	if len(via["pkg:npm/a@1"]) != 2 || len(via) != 1 {
		t.Errorf("via %v", via)
	}
}
