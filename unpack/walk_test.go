package unpack_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fnvet/fnvet/unpack"
	"github.com/google/go-cmp/cmp"
)

func TestWalkPaths(t *testing.T) {
	inner := zipOf(t, file{"x.txt", "x"}, file{"d/y.txt", "y"})
	jar := zipOf(t, file{"META-INF/MANIFEST.MF", "m"}, file{"a.class", "c"})
	for name, c := range map[string]struct {
		target string
		data   []byte
		kind   string
		want   map[string]string
	}{
		"zip": {"fn.zip", zipOf(t, file{"a.txt", "a"}, file{"lib/i.zip", string(inner)}), "zip", map[string]string{
			"fn.zip!/a.txt": "a", "fn.zip!/lib/i.zip": string(inner), "fn.zip!/lib/i.zip!/x.txt": "x", "fn.zip!/lib/i.zip!/d/y.txt": "y"}},
		"jar offers itself": {"fn.jar", jar, "jar", map[string]string{
			"fn.jar": string(jar), "fn.jar!/META-INF/MANIFEST.MF": "m", "fn.jar!/a.class": "c"}},
		"tar":         {"fn.tar", tarOf(t, file{"./a", "1"}, file{"b/c", "2"}), "tar", map[string]string{"fn.tar!/a": "1", "fn.tar!/b/c": "2"}},
		"tar.gz":      {"fn.tgz", gzipOf(t, tarOf(t, file{"a", "1"})), "tar", map[string]string{"fn.tgz!/a": "1"}},
		"lone gz":     {"a.txt.gz", gzipOf(t, []byte("hello")), "file", map[string]string{"a.txt.gz!/a.txt": "hello"}},
		"plain":       {"go.mod", []byte("module x\n"), "file", map[string]string{"go.mod": "module x\n"}},
		"no ending":   {"blob", zipOf(t, file{"a", "1"}), "zip", map[string]string{"blob!/a": "1"}},
		"empty zip":   {"e.zip", zipOf(t), "zip", map[string]string{}},
		"empty file":  {"e", nil, "file", map[string]string{"e": ""}},
		"prefixed":    {"p.zip", append([]byte("#!/bin/sh\n"), zipOf(t, file{"a", "1"})...), "zip", map[string]string{"p.zip!/a": "1", "p.zip!/(bytes 0 to 10)": "#!/bin/sh\n"}},
		"gz in a tar": {"t.tar", tarOf(t, file{"a.gz", string(gzipOf(t, []byte("z")))}), "tar", map[string]string{"t.tar!/a.gz": string(gzipOf(t, []byte("z"))), "t.tar!/a.gz!/a": "z"}},
	} {
		t.Run(name, func(t *testing.T) {
			fromFile := walk(t, writeFile(t, c.target, c.data), unpack.Options{})
			fromStdin := walkBytes(t, c.target, c.data, unpack.Limits{})
			if diff := cmp.Diff(c.want, fromFile.contents()); diff != "" {
				t.Errorf("from a file (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(fromFile.files, fromStdin.files); diff != "" {
				t.Errorf("standard input differs from a file:\n%s", diff)
			}
			if len(fromFile.Gaps) > 0 {
				t.Errorf("gaps: %v", fromFile.Gaps)
			}
			if fromFile.Artifact.Type != c.kind {
				t.Errorf("type %q, want %q", fromFile.Artifact.Type, c.kind)
			}
		})
	}
}

func TestWalkDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"a.js": "a", "node_modules/b/index.js": "b", "fn.zip": string(zipOf(t, file{"x", "y"}))} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"in": "a.js", "out": "../../etc/passwd"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skipf("symbolic links are not available: %v", err)
		}
	}
	got := walk(t, dir, unpack.Options{})
	contents := got.contents()
	delete(contents, "fn.zip")
	want := map[string]string{"a.js": "a", "node_modules/b/index.js": "b", "fn.zip!/x": "y", "in": "-> a.js", "out": "-> ../../etc/passwd"}
	if diff := cmp.Diff(want, contents); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"unsafe-path"}, got.reasons()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
