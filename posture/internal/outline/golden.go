package outline

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet/posture/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden holds the outline of every file in testdata against the file of its name
// with .golden, which the flag -update writes anew.
func Golden(t *testing.T, is func(name string, data []byte) bool, read func(context.Context, *model.Source) (*model.Model, error)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if filepath.Ext(file) == ".golden" {
			continue
		}
		n++
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file) // #nosec G304 -- of this repository
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			if !is(name, data) {
				t.Error("it is not recognised")
			}
			m, err := read(t.Context(), &model.Source{Name: name, Data: data, FS: os.DirFS("testdata")})
			if err != nil {
				t.Fatal(err)
			}
			Hold(t, file+".golden", m)
		})
	}
	if n == 0 {
		t.Fatal("there is no template")
	}
}

// Hold compares the outline of a model with a file.
func Hold(t *testing.T, file string, m *model.Model) {
	t.Helper()
	got := Write(m)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file) // #nosec G304 -- of this repository
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}
