package deps_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps"
)

// A result is what all detectors together say of some files.
type result struct {
	packages []fnvet.Package
	gaps     []fnvet.Gap
	errs     map[string]error // by path
}

// scanFiles offers files to all detectors as a scan does, without its
// parallelism, and merges.
func scanFiles(t testing.TB, files []*fnvet.File) result {
	t.Helper()
	r := result{errs: make(map[string]error)}
	gone := make(map[[2]string]bool)
	for _, f := range files {
		if f.Removed {
			gone[[2]string{f.Path, f.Layer}] = true
		}
	}
	removed := func(path, layer string) bool { return gone[[2]string{path, layer}] }
	var distro *fnvet.Distro
	var all []fnvet.Package
	take := func(facts fnvet.Facts) {
		for _, p := range facts.Packages {
			if len(p.Locations) == 0 {
				t.Fatalf("%s has no location", p.PURL)
			}
			if !removed(p.Locations[0].Path, p.Locations[0].Layer) {
				all = append(all, p)
			}
		}
		r.gaps = append(r.gaps, facts.Gaps...)
		if facts.Distro != nil {
			distro = facts.Distro
		}
	}
	detectors := deps.Detectors()
	for _, f := range files {
		f.Size = int64(len(f.Data))
		for _, d := range detectors {
			if !d.Want(f) {
				continue
			}
			facts, err := d.Detect(context.Background(), f)
			take(facts)
			if err != nil {
				r.errs[f.Path] = errors.Join(r.errs[f.Path], err)
			}
		}
	}
	for _, d := range detectors {
		if fin, ok := d.Detector.(fnvet.Finisher); ok {
			facts, err := fin.Finish(context.Background(), removed)
			if err != nil {
				t.Fatalf("%s: %v", d.Name, err)
			}
			take(facts)
		}
	}
	r.packages = deps.Merge(all, distro)
	return r
}

// unzip lists a zip's entries as files, those of zips inside it too.
func unzip(t testing.TB, container, prefix string, data []byte) []*fnvet.File {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var out []*fnvet.File
	for _, e := range zr.File {
		if strings.HasSuffix(e.Name, "/") {
			continue
		}
		rc, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		f := &fnvet.File{Path: prefix + "!/" + e.Name, Name: e.Name, Container: container, Data: body}
		out = append(out, f)
		if bytes.HasPrefix(body, []byte("PK\x03\x04")) {
			f.Archive = true
			out = append(out, unzip(t, f.Path, f.Path, body)...)
		}
	}
	return out
}

// tree lists the files of a directory that a detector may want.
func tree(t testing.TB, root string) []*fnvet.File {
	t.Helper()
	var out []*fnvet.File
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f := &fnvet.File{Path: filepath.ToSlash(rel), Name: filepath.ToSlash(rel)}
		if d.Type()&fs.ModeSymlink != 0 {
			f.Link, err = os.Readlink(p)
		} else if d.Type().IsRegular() {
			f.Data, err = os.ReadFile(p)
		}
		out = append(out, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// zipped makes a zip of names and contents, in order of name.
func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var names []string
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, n := range names {
		w, err := zw.Create(n)
		if err == nil {
			_, err = w.Write([]byte(files[n]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// files makes files of the artifact itself from names and contents.
func files(contents map[string]string) []*fnvet.File {
	var out []*fnvet.File
	for name, body := range contents {
		out = append(out, &fnvet.File{Path: name, Name: name, Data: []byte(body)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}

// line writes what matters of a package in one line.
func line(p fnvet.Package) string {
	s := string(p.Kind) + " " + p.Name + "@" + p.Version
	if p.Direct {
		s += " direct"
	}
	if len(p.DependsOn) > 0 {
		s += " -> " + strings.Join(p.DependsOn, " ")
	}
	return s
}

func lines(pkgs []fnvet.Package) []string {
	var out []string
	for _, p := range pkgs {
		out = append(out, line(p))
	}
	return out
}

// TestTrial lists the packages of a directory or zip named by FNVET_TRIAL.
func TestTrial(t *testing.T) {
	target := os.Getenv("FNVET_TRIAL")
	if target == "" {
		t.Skip("FNVET_TRIAL names no directory or zip")
	}
	var in []*fnvet.File
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		in = tree(t, target)
	} else {
		data, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		in = unzip(t, "", path.Base(target), data)
	}
	r := scanFiles(t, in)
	for _, p := range r.packages {
		t.Logf("%s %s %v %v %v", p.PURL, line(p), p.Licenses, p.Groups, p.Locations)
	}
	for at, err := range r.errs {
		t.Logf("error at %s: %v", at, err)
	}
	t.Logf("%d packages, %d gaps, %d errors", len(r.packages), len(r.gaps), len(r.errs))
}

// An empty file where a manifest must say something is a damaged one; one that
// lists things may be empty.
func TestEmptyManifests(t *testing.T) {
	for name, bad := range map[string]bool{
		"a-1.dist-info/METADATA": true, "package-lock.json": true, "Cargo.lock": true, "app.deps.json": true,
		"requirements.txt": false, "var/lib/dpkg/status": false, "a.egg-info/top_level.txt": false, "node_modules/x/yarn.lock": false,
	} {
		failed := false
		for _, d := range deps.Detectors() {
			f := &fnvet.File{Path: name, Name: name}
			if !d.Want(f) {
				continue
			}
			facts, err := d.Detect(t.Context(), f)
			failed = failed || err != nil
			if len(facts.Packages) > 0 {
				t.Errorf("%s: %v", name, facts.Packages)
			}
		}
		if failed != bad {
			t.Errorf("%s: failed is %v", name, failed)
		}
	}
}
