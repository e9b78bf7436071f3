package node

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// Whatever a package.json says, resolution ends, stays among the files, and a
// package that is required by its name from the entry is never ruled out when it
// has a file that can be its main.
func FuzzManifest(f *testing.F) {
	f.Add(`{"name":"p","exports":{".":{"import":"./a.js","default":"./b.js"}}}`, "p")
	f.Add(`{"name":"p","exports":"p","imports":{"#p":"p"}}`, "#p")
	f.Add(`{"exports":{"./*":"./*.js","./x/":"./"}}`, "p/x/a")
	f.Add(`{"main":"../../.."}`, "p/")
	f.Fuzz(func(t *testing.T, manifest, spec string) {
		files := []File{
			Read("index.js", []byte(fmt.Sprintf("require('p'); require(%q)", spec))),
			Read("node_modules/p/package.json", []byte(manifest)),
			Read("node_modules/p/index.js", []byte("require('#p'); import('p'); require('q')")),
			Read("node_modules/p/a.js", nil), Read("node_modules/p/b.js", nil),
			Read("node_modules/q/package.json", []byte(`{}`)), Read("node_modules/q/index.js", nil),
			{Name: "node_modules/l", Link: spec}, {Name: "node_modules/m", Link: "l"},
		}
		answers, ok, err := Reach(t.Context(), files, Program{Entries: []string{"index"}})
		if err != nil || !ok {
			t.Fatal("the entry is lost")
		}
		for _, a := range answers {
			if a.File < 0 || a.File >= len(files) {
				t.Fatal("an answer for no file")
			}
			if (a.Reach == fnvet.ReachYes) != (len(a.Via) > 0) {
				t.Fatal("a chain without a yes, or a yes without a chain")
			}
			m, bad := readManifest([]byte(manifest))
			if bad == nil && m.exports == nil && m.main == "" && strings.HasSuffix(files[a.File].Name, "p/package.json") && a.Reach == fnvet.ReachNo {
				t.Fatal("what the entry requires is ruled out")
			}
		}
	})
}
