package python

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever the bytes, a scan ends, keeps within its bounds, and never loses an
// import that stands before them.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"import a.b as c, d", "from . import (x,\n y)", "'''", "r'\\''", "__import__('a')", "from a import *", "x = \"\\\n\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := Scan(data)
		if len(s.Names) > maxNames {
			t.Fatal("over a bound")
		}
		if diff := cmp.Diff(s, Scan(data)); diff != "" {
			t.Fatal(diff)
		}
		with := Scan(append([]byte("import first_of_all\n"), data...))
		if !slices.ContainsFunc(with.Refs, func(r Ref) bool { return r.Module == "first_of_all" }) {
			t.Fatal("an import at the start of the file is lost")
		}
	})
}

// Whatever RECORD and METADATA say, answers are for files that are there.
func FuzzInfo(f *testing.F) {
	f.Add("a.py,,\nb/../c.py,,\n../x.py", "Requires-Dist: b (>1)\n", "a\n")
	f.Fuzz(func(t *testing.T, record, metadata, top string) {
		files := []File{
			Read("app.py", []byte("import a\nfrom b import *")), Read("a.py", []byte("exec(x)\nimport importlib; importlib.import_module(y)")), Read("b/c.py", nil),
			Read("d-1.dist-info/RECORD", []byte(record)), Read("d-1.dist-info/METADATA", []byte(metadata)),
			Read("e-1.dist-info/METADATA", []byte(metadata)), Read("e-1.dist-info/top_level.txt", []byte(top)),
		}
		answers, ok, err := Reach(t.Context(), files, Program{Modules: []string{"app"}, Roots: []string{""}})
		if err != nil || !ok {
			t.Fatal("the entry is lost")
		}
		if len(answers) != 2 {
			t.Fatalf("%d answers for two distributions", len(answers))
		}
	})
}
