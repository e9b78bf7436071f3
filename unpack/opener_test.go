package unpack

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An opener sees what its folders see by way of a root, and leads no more out.
func TestOpener(t *testing.T) {
	target := filepath.Join(t.TempDir(), "fn")
	for name, text := range map[string]string{"a.js": "1", "src/b.js": "22", "src/deep/c.js": "", "src/.hidden": "3", "../outside": "secret"} {
		at := filepath.Join(target, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link.js": "src/b.js", "out.js": "../outside", "abs.js": filepath.Join(target, "a.js"), "folder": "src", "none": "nothing", "up": ".."} {
		if err := os.Symlink(to, filepath.Join(target, name)); err != nil {
			t.Skip(err)
		}
	}
	if err := os.Chmod(filepath.Join(target, "a.js"), 0o4751); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(target)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	o := newOpener(root, target)
	defer o.close()
	for _, dir := range []string{".", "src", "src/deep", "folder", "none", "up", "a.js", "src/nothing"} {
		got, gotErr := o.list(dir)
		want, wantErr := o.folders.list(dir)
		for _, list := range [][]dirEntry{got, want} {
			slices.SortFunc(list, func(a, b dirEntry) int { return strings.Compare(a.name, b.name) })
			for i := range list {
				if list[i].mode.IsDir() {
					list[i].mode = list[i].mode.Type()
				}
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(dirEntry{})); diff != "" || (gotErr == nil) != (wantErr == nil) {
			t.Errorf("list %s: errors %v and %v\n%s", dir, wantErr, gotErr, diff)
		}
	}
	for name, want := range map[string]string{"a.js": "1", "src/b.js": "22", "src/deep/c.js": "", "link.js": "22", "folder/b.js": "22",
		"out.js": "!", "abs.js": "!", "up/outside": "!", "../outside": "!", "none": "!", "src/../../outside": "!"} {
		if got := opened(o.open(name)); got != want {
			t.Errorf("open %s: %q, want %q", name, got, want)
		}
	}
}

// opened is what a file holds, "!" for one that cannot be opened.
func opened(f io.ReadCloser, err error) string {
	if err != nil {
		return "!"
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return "!"
	}
	return string(data)
}
