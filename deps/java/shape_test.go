package java

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// source is a class with a member of a type of its own package; %s stands for the
// package and more code.
const source = `package %s;
public class %s extends Base implements Runnable {
  private Base other; int n = 3;
  public void run() { for (int i = 0; i < n; i++) { if (other != null) { System.out.println("marker of ours"); } } %s }
  public Base make(Base[] from) { return from.length > 2 ? from[0] : new Base(); }
}
class Base {}
`

// compiled is a class per line of names "package/Class more code".
func compiled(t *testing.T, classes ...[2]string) map[string][]byte {
	t.Helper()
	if _, err := exec.LookPath("javac"); err != nil {
		t.Skip("there is no javac")
	}
	dir := t.TempDir()
	args := []string{"-proc:none", "-d", dir}
	for i, c := range classes {
		sub := filepath.Join(dir, fmt.Sprint("s", i))
		at := filepath.Join(sub, path.Base(c[0])+".java")
		text := fmt.Sprintf(source, strings.ReplaceAll(path.Dir(c[0]), "/", "."), path.Base(c[0]), c[1])
		if i > 0 && slices.ContainsFunc(classes[:i], func(o [2]string) bool { return path.Dir(o[0]) == path.Dir(c[0]) }) {
			text = strings.ReplaceAll(text, "class Base {}", "")
		}
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, at)
	}
	if out, err := exec.CommandContext(t.Context(), "javac", args...).CombinedOutput(); err != nil {
		t.Skipf("javac: %v\n%s", err, out)
	}
	out := map[string][]byte{}
	for _, c := range classes {
		data, err := os.ReadFile(filepath.Join(dir, c[0]+".class"))
		if err != nil {
			t.Fatal(err)
		}
		out[c[0]] = data
	}
	return out
}

func TestShape(t *testing.T) {
	c := compiled(t, [2]string{"org/a/Thing", ""}, [2]string{"acme/shaded/deep/Thing", ""}, [2]string{"org/b/Thing", "n++;"}, [2]string{"org/a/Other", ""})
	same, moved, changed, renamed := Shape(c["org/a/Thing"]), Shape(c["acme/shaded/deep/Thing"]), Shape(c["org/b/Thing"]), Shape(c["org/a/Other"])
	if same == 0 || same != moved {
		t.Errorf("moved to another package: %x, was %x", moved, same)
	}
	if changed == same || renamed == same {
		t.Error("another body or name has the same shape")
	}
	if Shape([]byte("no class")) != 0 {
		t.Error("a shape of nothing")
	}
}

// TestByShape finds an artifact of a table by its classes where a build moved them.
func TestByShape(t *testing.T) {
	names := []string{"A", "B", "C", "sub/D"}
	var orig, moved [][2]string
	for _, n := range names {
		orig = append(orig, [2]string{"org/lib/" + n, ""})
		moved = append(moved, [2]string{"acme/own/lib/" + n, ""})
	}
	moved = append(moved, [2]string{"acme/own/Main", ""})
	table, total := "a org.lib:lib org/lib\nd . .sub\n", uint64(0)
	published := compiled(t, orig...)
	for _, c := range slices.Sorted(maps.Keys(published)) {
		shape := Shape(published[c])
		total += shape
		table += fmt.Sprintf("m %x %s\n", shape, strings.TrimPrefix(c, "org/lib/"))
	}
	classes := compiled(t, moved...)
	for _, tt := range []struct {
		why, more string
		leave     string
		also      []fnvet.File
		want      []string
	}{
		{"whole", fmt.Sprintf("v 1.0 4 %x\nv 1.1 4 %x\n", total, total+1), "", nil, []string{"org.lib:lib@1.0 class-shape"}},
		{"two versions are the same", fmt.Sprintf("v 1.0 4 %x\nv 1.1 4 %x\n", total, total), "", nil, []string{"org.lib:lib@ class-shape"}},
		{"without one of its classes", fmt.Sprintf("v 1.0 4 %x\n", total), "acme/own/lib/sub/D", nil, []string{"org.lib:lib@ class-shape"}},
		{"stated as well", "", "", []fnvet.File{{Name: "META-INF/maven/org.lib/lib/pom.properties", Data: []byte("groupId=org.lib\nartifactId=lib\nversion=2\n")}}, []string{"org.lib:lib@2 "}},
	} {
		j := NewJars()
		j.marks = readShapes(table + tt.more)
		files := slices.Clone(tt.also)
		for name, data := range classes {
			if name != tt.leave {
				files = append(files, fnvet.File{Name: name + ".class", Data: data})
			}
		}
		var got []string
		for _, p := range found(t, j, files) {
			got = append(got, p.Name+"@"+p.Version+" "+p.Locations[0].Evidence)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.why, diff)
		}
	}
}

// found gives files of one jar to a detector.
func found(t *testing.T, j *Jars, files []fnvet.File) []fnvet.Package {
	t.Helper()
	for i := range files {
		f := &files[i]
		f.Path, f.Container, f.Size = "fn.zip!/app.jar!/"+f.Name, "fn.zip!/app.jar", int64(len(f.Data))
		if j.Want(f) {
			if _, err := j.Detect(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
	}
	facts, err := j.Finish(t.Context(), func(string, string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return facts.Packages
}

// TestTable: the table is whole, and no mark is of two artifacts.
func TestTable(t *testing.T) {
	artifacts := map[string]bool{}
	for shape, list := range shapes() {
		of := map[string]bool{}
		for _, m := range list {
			of[m.artifact.artifact], artifacts[m.artifact.artifact] = true, true
			if len(m.artifact.releases) == 0 || m.artifact.root == "" || len(m.artifact.dirs) == 0 {
				t.Errorf("%s: incomplete", m.artifact.artifact)
			}
		}
		if len(of) > 1 {
			t.Errorf("%x is of %v", shape, of)
		}
	}
	if len(artifacts) < 50 {
		t.Errorf("%d artifacts", len(artifacts))
	}
}

// shadedVariable names a folder of shaded jars to measure with: NAME/target/NAME-1.jar
// and NAME/truth.txt, which lists what is in it as GROUP:ARTIFACT:VERSION.
const shadedVariable = "FNVET_SHADED"

// TestMeasureShaded states recall and precision over real shaded jars. What is
// named must be there, and a version that is stated must be right.
func TestMeasureShaded(t *testing.T) {
	dir := os.Getenv(shadedVariable)
	if dir == "" {
		t.Skipf("%s is not set", shadedVariable)
	}
	truths, err := filepath.Glob(filepath.Join(dir, "*", "truth.txt"))
	if err != nil || len(truths) == 0 {
		t.Fatal("no jars", err)
	}
	for _, truth := range truths {
		name := filepath.Base(filepath.Dir(truth))
		text, err := os.ReadFile(truth)
		if err != nil {
			t.Fatal(err)
		}
		in := map[string]string{}
		for line := range strings.FieldsSeq(string(text)) {
			i := strings.LastIndexByte(line, ':')
			in[line[:i]] = line[i+1:]
		}
		names, versions, wrong := 0, 0, 0
		for _, p := range found(t, NewJars(), entries(t, filepath.Join(filepath.Dir(truth), "target", name+"-1.jar"))) {
			if p.Name == "acme:"+name || p.Name == name || p.Kind != fnvet.Bundled {
				continue
			}
			version, there := in[p.Name]
			switch {
			case !there:
				wrong++
				t.Errorf("%s: %s is not in it", name, p.Name)
			case p.Version == version:
				versions++
				names++
			case p.Version == "":
				names++
			default:
				names++
				wrong++
				t.Errorf("%s: %s is stated at %s, and is %s", name, p.Name, p.Version, version)
			}
			delete(in, p.Name)
		}
		t.Logf("%s: %d of %d names, %d versions, %d wrong; not found: %v", name, names, names+len(in), versions, wrong, slices.Sorted(maps.Keys(in)))
	}
}

func entries(t *testing.T, name string) []fnvet.File {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var files []fnvet.File
	for _, f := range z.File {
		data, err := fs.ReadFile(z, f.Name)
		if err != nil || strings.HasSuffix(f.Name, "/") {
			continue
		}
		files = append(files, fnvet.File{Name: f.Name, Data: data})
	}
	return files
}

// FuzzShape: any bytes have a shape in bounded time, and the same one twice.
func FuzzShape(f *testing.F) {
	f.Add([]byte("\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x03\x01\x00\x01A\x07\x00\x01\x00\x21\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if Shape(data) != Shape(slices.Clone(data)) {
			t.Fatal("two shapes")
		}
	})
}
