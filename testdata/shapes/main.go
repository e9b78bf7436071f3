// Command shapes makes deps/java/shapes.txt, the table by which classes of known
// artifacts are found in shaded jars:
//
//	go run ./testdata/shapes -jars DIR > deps/java/shapes.txt
//
// DIR has the jars of artifacts.txt, named GROUP.ARTIFACT-VERSION.jar; with -fetch
// mvn brings them there first. The same jars give the same table.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/deps/java"
	"github.com/fnvet/fnvet/internal/classfile"
)

//go:embed artifacts.txt
var list string

// How many marks an artifact has at least and at most, those of one version at
// least, and how large a class must be to be one, in bytes.
const (
	marksWanted = 24
	marksOfOne  = 8
	markSize    = 1200
)

func main() {
	dir := flag.String("jars", "jars", "folder of the jars")
	fetch := flag.Bool("fetch", false, "let mvn bring the jars there")
	flag.Parse()
	if err := run(*dir, *fetch, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "shapes:", err)
		os.Exit(1)
	}
}

// A class is one class of one version.
type class struct {
	path  string // below the root
	shape uint64
	size  int
}

// A version is one jar.
type version struct {
	name    string
	classes []class
	stated  string // path below the root of the class that states the version
}

type artifact struct {
	group, name, root string
	versions          []version
}

func run(dir string, fetch bool, out io.Writer) error {
	items := parse(list)
	if fetch {
		if err := get(dir, items); err != nil {
			return err
		}
	}
	var all []artifact
	for _, item := range items {
		a := artifact{group: item.group, name: item.name}
		for i, v := range item.versions {
			files, err := read(filepath.Join(dir, item.group+"."+item.name+"-"+v+".jar"))
			if err != nil {
				return err
			}
			if i == 0 {
				a.root = rootOf(files)
			}
			a.versions = append(a.versions, below(files, a.root, v))
		}
		all = append(all, a)
	}
	return write(out, all)
}

type item struct {
	group, name string
	versions    []string
}

func parse(text string) []item {
	var items []item
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		group, name, _ := strings.Cut(words[0], ":")
		items = append(items, item{group, name, words[1:]})
	}
	return items
}

// get lets mvn copy every version into dir.
func get(dir string, items []item) error {
	var b bytes.Buffer
	b.WriteString("<project><modelVersion>4.0.0</modelVersion><groupId>fnvet</groupId><artifactId>shapes</artifactId><version>1</version><packaging>pom</packaging><build><plugins><plugin>" +
		"<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version><configuration><useBaseVersion>true</useBaseVersion><prependGroupId>true</prependGroupId><artifactItems>")
	for _, i := range items {
		for _, v := range i.versions {
			fmt.Fprintf(&b, "<artifactItem><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></artifactItem>", i.group, i.name, v)
		}
	}
	b.WriteString("</artifactItems></configuration></plugin></plugins></build></project>")
	pom, err := os.CreateTemp("", "shapes-*.xml")
	if err != nil {
		return err
	}
	defer os.Remove(pom.Name())
	_, err = pom.Write(b.Bytes())
	if err := errors.Join(err, pom.Close()); err != nil {
		return err
	}
	to, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	mvn := exec.Command("mvn", "-B", "-q", "-f", pom.Name(), "dependency:copy", "-DoutputDirectory="+to) //nolint:noctx // ends with its parent
	mvn.Stdout, mvn.Stderr = os.Stderr, os.Stderr
	return mvn.Run()
}

// read returns the classes of a jar by path.
func read(name string) (map[string][]byte, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	files := make(map[string][]byte)
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".class") || strings.HasPrefix(f.Name, "META-INF/") || !strings.Contains(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, f.Name, err)
		}
		files[strings.TrimSuffix(f.Name, ".class")] = data
	}
	return files, nil
}

// rootOf is the deepest package with nine tenths of the classes below it.
func rootOf(files map[string][]byte) string {
	under := make(map[string]int)
	for name := range files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			under[dir]++
		}
	}
	best := ""
	for _, dir := range slices.Sorted(maps.Keys(under)) {
		if under[dir]*10 >= len(files)*9 && len(dir) > len(best) {
			best = dir
		}
	}
	return best
}

var statedVersion = regexp.MustCompile(`(^|/)(PackageVersion|VersionInfo|GsonBuildConfig)$`)

func below(files map[string][]byte, root, name string) version {
	v := version{name: name}
	for _, at := range slices.Sorted(maps.Keys(files)) {
		rel, ok := strings.CutPrefix(at, root+"/")
		if !ok {
			continue
		}
		if s := java.Shape(files[at]); s != 0 {
			v.classes = append(v.classes, class{rel, s, len(files[at])})
		}
		if statedVersion.MatchString(rel) && states(files[at], name) {
			v.stated = rel
		}
	}
	return v
}

// states says whether a class has the version as a text.
func states(data []byte, version string) bool {
	c, err := classfile.Parse(data)
	if err != nil {
		return false
	}
	for i := range c.Len() {
		if t, ok := c.Text(i); ok && t == version {
			return true
		}
	}
	return false
}

func write(out io.Writer, all []artifact) error {
	owners := make(map[uint64]map[string]bool)
	for _, a := range all {
		for _, v := range a.versions {
			for _, c := range v.classes {
				if owners[c.shape] == nil {
					owners[c.shape] = make(map[string]bool)
				}
				owners[c.shape][a.name] = true
			}
		}
	}
	w := bufio.NewWriter(out)
	for _, a := range all {
		stated := ""
		dirs := make(map[string]bool)
		for _, v := range a.versions {
			stated = cmp.Or(stated, v.stated)
			for _, c := range v.classes {
				dirs["."+strings.TrimPrefix(path.Dir(c.path), ".")] = true
			}
		}
		fmt.Fprintf(w, "a %s:%s %s %s\n", a.group, a.name, a.root, stated)
		fmt.Fprintf(w, "d %s\n", strings.Join(slices.Sorted(maps.Keys(dirs)), " "))
		for _, v := range a.versions {
			var sum uint64
			for _, c := range v.classes {
				sum += c.shape
			}
			fmt.Fprintf(w, "v %s %d %x\n", v.name, len(v.classes), sum)
		}
		for _, c := range a.marks(owners) {
			fmt.Fprintf(w, "m %x %s\n", c.shape, c.path)
		}
	}
	return w.Flush()
}

// marks picks classes that only this artifact has: those that most versions
// share, and enough of each version.
func (a *artifact) marks(owners map[uint64]map[string]bool) []class {
	type key struct {
		shape uint64
		path  string
	}
	in := make(map[key]int)
	for _, v := range a.versions {
		for _, c := range v.classes {
			if c.size >= markSize && len(owners[c.shape]) == 1 {
				in[key{c.shape, c.path}]++
			}
		}
	}
	order := slices.SortedFunc(maps.Keys(in), func(x, y key) int {
		return cmp.Or(in[y]-in[x], cmp.Compare(x.shape, y.shape)) // shapes are as good as random
	})
	picked := make(map[key]bool)
	for _, k := range order[:min(len(order), marksWanted)] {
		picked[k] = true
	}
	for _, v := range a.versions {
		has := make(map[key]bool)
		n := 0
		for _, c := range v.classes {
			has[key{c.shape, c.path}] = true
		}
		for k := range picked {
			n += btoi(has[k])
		}
		for _, k := range order {
			if n >= marksOfOne {
				break
			}
			if has[k] && !picked[k] {
				picked[k] = true
				n++
			}
		}
	}
	var out []class
	for k := range picked {
		out = append(out, class{path: k.path, shape: k.shape})
	}
	slices.SortFunc(out, func(x, y class) int { return cmp.Or(cmp.Compare(x.path, y.path), cmp.Compare(x.shape, y.shape)) })
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
