package license

import (
	"archive/zip"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/licenseclassifier/v2/assets"

	"github.com/fnvet/fnvet"
)

// texts are the licence texts in the test packages, by name.
func texts(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../testdata/packages/*.zip")
	if err != nil || len(files) == 0 {
		t.Fatalf("no packages: %v", err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		z, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			if !isText(f.Name) || strings.HasSuffix(f.Name, "/") {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if out[filepath.Base(file)+"!/"+f.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// What is recognised, google/licenseclassifier finds in the text too; texts that
// hold more than one licence, or something beside it, are left unknown.
func TestRecogniseAgreesWithClassifier(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the classifier takes seconds to load")
	}
	classifier, err := assets.DefaultClassifier()
	if err != nil {
		t.Fatal(err)
	}
	d := New()
	recognised := 0
	all := texts(t)
	for name, data := range all {
		id := d.recognise(data)
		var theirs []string
		for _, m := range classifier.Match(data).Matches {
			if m.MatchType != "Copyright" {
				theirs = append(theirs, m.Name)
			}
		}
		if id == "" {
			t.Logf("%s: unknown; the classifier finds %v", name, theirs)
			continue
		}
		recognised++
		if slices.Sort(theirs); !slices.Equal(slices.Compact(theirs), []string{id}) {
			t.Errorf("%s: recognised as %s, by the classifier as %v", name, id, theirs)
		}
	}
	if len(all) < 10 || recognised*10 < len(all)*8 {
		t.Errorf("%d of %d texts recognised", recognised, len(all))
	}
}

// Every text of the library is recognised as itself, or as nothing where two
// licences have the same text.
func TestLibraryKnowsItself(t *testing.T) {
	l := newLibrary()
	ids := map[string]bool{}
	for i := range l.texts {
		r := &l.texts[i]
		if got := l.name(r.pairs(), r.size); got != "" && got != r.id {
			t.Errorf("a text of %s is recognised as %s", r.id, got)
		} else if got == r.id {
			ids[r.id] = true
		}
	}
	if len(ids) < 45 {
		t.Errorf("only %d licences are recognised", len(ids))
	}
}

func TestHome(t *testing.T) {
	for _, tt := range []struct{ path, name, container, want, reason string }{
		{"fn.zip!/node_modules/@a/b/LICENSE", "node_modules/@a/b/LICENSE", "", "fn.zip!/node_modules/@a/b", "the folder of package.json"},
		{"node_modules/a/LICENSE", "node_modules/a/LICENSE", "", "node_modules/a", "in a directory"},
		{"fn.zip!/x.dist-info/licenses/LICENSE", "x.dist-info/licenses/LICENSE", "", "fn.zip!/x.dist-info", "PEP 639"},
		{"fn.zip!/x.dist-info/licenses/a/b/LICENSE", "x.dist-info/licenses/a/b/LICENSE", "", "fn.zip!/x.dist-info", "PEP 639, deeper"},
		{"fn.zip!/lib/a.jar!/META-INF/LICENSE.txt", "META-INF/LICENSE.txt", "fn.zip!/lib/a.jar", "fn.zip!/lib/a.jar", "the jar is the package"},
		{"fn.zip!/lib/a.jar!/LICENSE", "LICENSE", "fn.zip!/lib/a.jar", "fn.zip!/lib/a.jar", "at its root"},
	} {
		if got := home(&fnvet.File{Path: tt.path, Name: tt.name, Container: tt.container}); got != tt.want {
			t.Errorf("%s (%s): %q, want %q", tt.path, tt.reason, got, tt.want)
		}
	}
}

func TestCopyrightFile(t *testing.T) {
	const format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
	for _, tt := range []struct {
		text, want, reason string
	}{
		{format + "Files: *\nCopyright: x\nLicense: Expat\n text\n", "MIT", "Debian's name of MIT"},
		{format + "Files: *\nLicense: GPL-2+ and LGPL-2.1\n", "GPL-2.0-or-later AND LGPL-2.1-only", "plus is or later"},
		{format + "Files: *\nLicense: BSD-3-clause\n\nFiles: debian/*\nLicense: GPL-3\n", "BSD-3-Clause", "the packaging is not in the package"},
		{format + "Files: a\nLicense: curl\n\nLicense: curl\n the text\n", "curl", "a stanza of text alone says nothing new"},
		{format + "Files: a\nLicense: GPL-2+ or Artistic, and X\n", "GPL-2+ or Artistic and X", "no guess at what binds how"},
		{"This package was debianized by x\nLicense: GPL\n", "", "not machine-readable"},
	} {
		if got := strings.Join(copyrightFile([]byte(tt.text)), "; "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.reason, got, tt.want)
		}
	}
}

// Any bytes give an answer, twice the same, and an id of the library or none.
func FuzzRecognise(f *testing.F) {
	for _, data := range [][]byte{nil, []byte("Copyright x"), []byte("MIT License\n\nPermission is hereby granted"), []byte("\xff\xfe\n\n\x00")} {
		f.Add(data)
	}
	d := New()
	ids := map[string]bool{"": true}
	for _, r := range newLibrary().texts {
		ids[r.id] = true
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a := d.recognise(data)
		if b := New().recognise(data); a != b || !ids[a] {
			t.Errorf("%q, then %q", a, b)
		}
		for _, l := range copyrightFile(data) {
			if l == "" {
				t.Error("an empty licence")
			}
		}
	})
}
