package java

import (
	_ "embed"
	"encoding/binary"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/internal/classfile"
)

// Shape is a hash of a class by what survives its move to another package: its
// simple name, the members with their types (packages left out, but for the
// JDK's), the operations of its methods, and the texts in it that are no names.
// It is 0 for what is no class, and for those too plain to tell anything.
func Shape(data []byte) uint64 {
	c, err := classfile.Parse(data)
	if err != nil {
		return 0
	}
	s := shaper{h: 14695981039346656037}
	s.text(simple(c.Name()))
	s.text(simple(c.Super()))
	for _, i := range c.Interfaces() {
		s.text(simple(i))
	}
	methods := 0
	whole := c.Members(func(m classfile.Member, method bool) {
		s.number(uint64(m.Access)) // #nosec G115 -- 16 bits
		s.text(m.Name)
		s.descriptor(m.Descriptor)
		if method {
			methods++
			s.code(m.Code)
		}
	})
	if !whole || methods == 0 {
		return 0
	}
	var texts []string
	for i := range c.Len() {
		if t, ok := c.Text(i); ok && !strings.ContainsAny(t, "./") {
			texts = append(texts, t)
		}
	}
	slices.Sort(texts) // another writer puts constants into another order
	for _, t := range slices.Compact(texts) {
		s.text(t)
	}
	return max(s.h, 1)
}

// A shaper is FNV-1a with 64 bits over parts.
type shaper struct{ h uint64 }

func (s *shaper) byte(b byte) { s.h = (s.h ^ uint64(b)) * 1099511628211 }

func (s *shaper) text(t string) {
	for i := range len(t) {
		s.byte(t[i])
	}
	s.byte(0xff)
}

func (s *shaper) number(n uint64) {
	for _, b := range binary.AppendUvarint(nil, n) {
		s.byte(b)
	}
}

// descriptor takes a type with the packages of its classes left out.
func (s *shaper) descriptor(d string) {
	for d != "" {
		from := strings.IndexByte(d, 'L')
		if from < 0 {
			break
		}
		end := strings.IndexByte(d[from:], ';')
		if end < 0 {
			break
		}
		s.text(d[:from])
		s.text(simple(d[from+1 : from+end]))
		d = d[from+end+1:]
	}
	s.text(d)
}

// code takes the operations of a method without what they are applied to. The
// two sizes of a constant's number are one operation.
func (s *shaper) code(code []byte) {
	for p := 0; p < len(code); {
		op := code[p]
		if op == 0x13 { // ldc_w
			op = 0x12
		}
		s.byte(op)
		n := classfile.Length(code, p)
		if n <= 0 {
			return
		}
		p += n
	}
	s.byte(0xfe)
}

// simple is a class's name without its package, unless the package is the JDK's.
func simple(class string) string {
	if strings.HasPrefix(class, "java/") {
		return class
	}
	return class[strings.LastIndexByte(class, '/')+1:]
}

// shapeTable is what testdata/shapes wrote: see there.
//
//go:embed shapes.txt
var shapeTable string

// A known artifact of the table.
type shaped struct {
	group, artifact string
	root            string   // package above all its classes: "com/google/gson"
	dirs            []string // below the root that hold classes, "" for itself
	releases        []release
	stated          string // path below the root of the class whose text is the version, or ""
}

// A release is the sum and number of the shapes of all classes of one version.
type release struct {
	version string
	count   int
	sum     uint64
}

// A mark is a class that tells an artifact: by its shape and where it is below
// the root.
type mark struct {
	artifact *shaped
	path     string
}

// shapes reads the table: lines of "a GROUP:ARTIFACT ROOT [CLASS]", and of each
// artifact "d DIR…", "v VERSION COUNT SUM", "m SHAPE PATH".
var shapes = sync.OnceValue(func() map[uint64][]mark { return readShapes(shapeTable) })

func readShapes(table string) map[uint64][]mark {
	out := make(map[uint64][]mark)
	var a *shaped
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		switch {
		case len(words) >= 3 && words[0] == "a":
			group, artifact, _ := strings.Cut(words[1], ":")
			a = &shaped{group: group, artifact: artifact, root: words[2]}
			if len(words) > 3 {
				a.stated = words[3]
			}
		case a == nil || len(words) < 2:
		case words[0] == "d":
			for _, d := range words[1:] {
				a.dirs = append(a.dirs, strings.TrimPrefix(d, "."))
			}
		case words[0] == "v" && len(words) == 4:
			n, err := strconv.Atoi(words[2])
			sum, err2 := strconv.ParseUint(words[3], 16, 64)
			if err == nil && err2 == nil {
				a.releases = append(a.releases, release{words[1], n, sum})
			}
		case words[0] == "m" && len(words) == 3:
			if h, err := strconv.ParseUint(words[1], 16, 64); err == nil {
				out[h] = append(out[h], mark{a, words[2]})
			}
		}
	}
	return out
}

// minMarks is how many classes of one artifact must be in one place to name it:
// one or two may have been copied.
const minMarks = 3

// A sighting is an artifact at a place of an archive.
type sighting struct {
	artifact *shaped
	root     string // where its root is in the archive
	at       string // path of the first of its classes
	marks    int
}

// noteShape keeps what a class tells: its part of the sum of its directory, and
// the artifacts that it is a mark of.
func (r *jar) noteShape(f *fnvet.File, dir string, shape uint64, marks []mark) {
	if shape == 0 || strings.HasPrefix(f.Name, "META-INF/") {
		return
	}
	if old, ok := r.sums[dir]; ok || len(r.sums) < maxDirs {
		if r.sums == nil {
			r.sums = make(map[string]sum)
		}
		r.sums[strings.Clone(dir)] = sum{old.count + 1, old.sum + shape}
	}
	for _, m := range marks {
		// "x/shaded/gson/internal/A" of "com/google/gson" and "internal/A" is below "x/shaded/gson".
		root, ok := strings.CutSuffix(strings.TrimSuffix(f.Name, ".class"), "/"+m.path)
		if !ok || path.Dir(f.Name) != dir {
			continue
		}
		key := m.artifact.artifact + "\x00" + root
		if r.seen == nil {
			r.seen = make(map[string]*sighting)
		}
		s := r.seen[key]
		if s == nil {
			s = &sighting{artifact: m.artifact, root: strings.Clone(root), at: strings.Clone(f.Path)}
			r.seen[key] = s
		}
		s.marks++
		s.at = min(s.at, strings.Clone(f.Path))
	}
}

// A sum is the number and sum of the shapes of a directory.
type sum struct {
	count int
	sum   uint64
}

// byShape lists the artifacts that a jar holds by their classes and does not
// state. Nothing is listed of a jar that is, or states, one of them itself.
func (r *jar) byShape(stated func(artifact string) bool) []fnvet.Package {
	keys := make([]string, 0, len(r.seen))
	for k := range r.seen {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out []fnvet.Package
	for _, k := range keys {
		s := r.seen[k]
		if s.marks < minMarks || stated(s.artifact.artifact) {
			continue
		}
		version, evidence := s.artifact.release(r.sums, s.root), "class-shape"
		if version == "" {
			if version = r.versions[s.artifact.stated+"\x00"+s.root]; version != "" {
				evidence += "+version-constant"
			}
		}
		name := s.artifact.group + ":" + s.artifact.artifact
		pkg := fnvet.Package{PURL: entry.PURL(entry.Maven, name, version), Name: name, Version: version, Ecosystem: entry.Maven, Kind: fnvet.Bundled, Reachable: fnvet.ReachUnknown}
		confidence := fnvet.ConfidenceMedium
		if version != "" {
			confidence = fnvet.ConfidenceHigh
		}
		pkg.Locations = []fnvet.Location{{Path: s.at, Layer: r.layer, Kind: fnvet.Bundled, Evidence: evidence, Confidence: confidence}}
		out = append(out, pkg)
	}
	return out
}

// release is the version whose classes are exactly those below a root: as many,
// and of the same shapes. Where several known versions are the same, or none is,
// nothing is proven.
func (a *shaped) release(sums map[string]sum, root string) string {
	var all sum
	for _, d := range a.dirs {
		s := sums[path.Join(root, d)]
		all.count, all.sum = all.count+s.count, all.sum+s.sum
	}
	found := ""
	for _, v := range a.releases {
		if v.count != all.count || v.sum != all.sum {
			continue
		}
		if found != "" {
			return ""
		}
		found = v.version
	}
	return found
}

// noteVersion keeps the version that a class states in its texts, when it goes by
// a name that artifacts of the table use for that.
func (r *jar) noteVersion(f *fnvet.File, data []byte) {
	base := strings.TrimSuffix(path.Base(f.Name), ".class")
	if base != "PackageVersion" && base != "VersionInfo" && base != "GsonBuildConfig" {
		return
	}
	c, err := classfile.Parse(data)
	if err != nil {
		return
	}
	var found []string
	for i := range c.Len() {
		if t, ok := c.Text(i); ok && len(t) < 40 && versionText().FindString(strings.ToLower(t)) == strings.ToLower(t) && strings.Contains(t, ".") {
			found = append(found, strings.Clone(t))
		}
	}
	if len(found) != 1 {
		return
	}
	if r.versions == nil {
		r.versions = make(map[string]string)
	}
	for dir := path.Dir(f.Name); dir != "." && len(r.versions) < maxDirs; dir = path.Dir(dir) {
		rel := strings.TrimSuffix(strings.TrimPrefix(f.Name, dir+"/"), ".class")
		r.versions[rel+"\x00"+dir] = found[0]
	}
}
