package secrets

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
)

// TestHarvest looks for near misses in trees of real packages: lines in which a
// rule's keyword stands, or what its expression means but for lengths and bounds.
// FNVET_HARVEST names the trees (node_modules, site-packages, /usr/lib/python3, folders
// of jars), FNVET_NEAR the file that gets the lines, to be looked at by value and
// added to testdata/nearmisses.txt. What the rules say of a line plays no part.
func TestHarvest(t *testing.T) {
	roots := os.Getenv("FNVET_HARVEST")
	if roots == "" {
		t.Skip("FNVET_HARVEST names no trees of packages")
	}
	h := newHarvest(t)
	for root := range strings.SplitSeq(roots, ":") {
		if err := h.walk(root); err != nil {
			t.Fatal(err)
		}
	}
	text, rules := h.text()
	if err := os.WriteFile(os.Getenv("FNVET_NEAR"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d lines of %d rules", h.files, strings.Count(text, "\n"), rules)
}

const (
	maxNear       = 3       // lines a rule
	maxNearFile   = 4 << 20 // bytes of a file
	maxNearLine   = 170     // bytes of an excerpt
	nearPool      = 40      // lines a rule that are kept to choose from
	nearEvery     = 3000    // hits of a rule after which only one in nearEvery/100 is looked at
	nearWordsMost = 8       // plain words of a line that is no prose
)

// A nearMiss is a line of a package that a rule nearly matches.
type nearMiss struct {
	origin, pkg, file, text string
	level, score            int // 3: the expression matches, 2: its shape, 1: a keyword
}

type harvest struct {
	s       *Scanner
	shapes  []*regexp.Regexp // per rule
	found   [][]nearMiss     // per rule
	hits    []int
	seen    map[string]bool
	files   int
	root    string
	owners  map[string]string // a folder's package@version
	tops    map[string]string // of a Python tree
	current struct{ origin, pkg, file string }
}

func newHarvest(t *testing.T) *harvest {
	s := newScanner(t)
	h := &harvest{s: s, seen: map[string]bool{}, owners: map[string]string{}, found: make([][]nearMiss, len(s.set.rules)), hits: make([]int, len(s.set.rules))}
	for _, r := range s.set.rules {
		h.shapes = append(h.shapes, nil)
		if tree, err := syntax.Parse(r.regexText, syntax.Perl); err == nil && r.regexText != "" {
			h.shapes[r.index] = regexp.MustCompile(relax(tree).String())
		}
	}
	return h
}

// relax makes an expression of what another means, with shorter runs, more
// characters in them and no bounds around it.
func relax(re *syntax.Regexp) *syntax.Regexp {
	for i, sub := range re.Sub {
		re.Sub[i] = relax(sub)
	}
	switch re.Op {
	case syntax.OpRepeat:
		if re.Min >= 6 && re.Sub[0].Op == syntax.OpCharClass {
			re.Min, re.Max = max(re.Min/3, 3), -1
			re.Sub[0] = &syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{'-', '-', '0', '9', 'A', 'Z', '_', '_', 'a', 'z'}}
		}
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	default:
	}
	return re
}

func (h *harvest) walk(root string) error {
	h.root, h.tops = root, pythonTops(root)
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if filepath.Ext(name) == ".jar" {
			return h.jar(name)
		}
		if !h.wanted(name) {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		pkg, inner := h.owner(root, filepath.ToSlash(rel))
		h.read(pkg, inner, data)
		return nil
	})
}

// jar reads the texts of a library; its coordinates are those of the repository's path.
func (h *harvest) jar(name string) error {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil //nolint:nilerr // not a jar
	}
	defer z.Close()
	pkg := strings.TrimSuffix(filepath.Base(name), ".jar")
	for _, f := range z.File {
		if !h.wanted(f.Name) || f.UncompressedSize64 > maxNearFile || path.Ext(f.Name) == "" {
			continue
		}
		in, err := f.Open()
		if err != nil {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(in, maxNearFile))
		in.Close()
		if err == nil {
			h.read(pkg+".jar", f.Name, data)
		}
	}
	return nil
}

// wanted reports whether a file is code or settings, and no documentation.
func (h *harvest) wanted(name string) bool {
	base := strings.ToLower(path.Base(filepath.ToSlash(name)))
	if stem, ok := strings.CutSuffix(base, ".d.ts"); ok {
		base = stem + ".ts"
	}
	switch path.Ext(base) {
	case ".txt", ".md", ".svg", ".css", ".scss", ".html", ".xhtml", ".map", ".class", ".pyc", ".snap":
		return false
	}
	if docsFile(base) || lockFile(base) || strings.HasPrefix(base, "licen") {
		return false
	}
	for d := range strings.SplitSeq(strings.ToLower(filepath.ToSlash(name)), "/") {
		if docsDir(d) || d == "checkov" || d == "detect_secrets" {
			return false
		}
	}
	return true
}

// pythonTops says for the top folders of a Python tree which package put them there.
func pythonTops(root string) map[string]string {
	tops := map[string]string{}
	records, _ := filepath.Glob(filepath.Join(root, "*.dist-info", "RECORD"))
	for _, name := range records {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		pkg := strings.Replace(strings.TrimSuffix(filepath.Base(filepath.Dir(name)), ".dist-info"), "-", "@", 1)
		for line := range strings.Lines(string(data)) {
			top, _, _ := strings.Cut(line, ",")
			top, _, _ = strings.Cut(top, "/")
			tops[top] = pkg
		}
	}
	return tops
}

// owner is the package a file belongs to, and its path in it.
func (h *harvest) owner(root, rel string) (pkg, inner string) {
	top, _, _ := strings.Cut(rel, "/")
	if pkg, ok := h.tops[top]; ok {
		return pkg, rel
	}
	for dir := path.Dir(rel); ; dir = path.Dir(dir) {
		key := root + "/" + dir
		pkg, ok := h.owners[key]
		if parent := path.Base(path.Dir(dir)); !ok && (parent == "." || parent[0] == '@' || parent == "node_modules" || parent == "packages") {
			var m struct{ Name, Version string }
			if data, err := os.ReadFile(filepath.Join(root, dir, "package.json")); err == nil && json.Unmarshal(data, &m) == nil && m.Version != "" && m.Name != "" {
				pkg = m.Name + "@" + m.Version
			}
			h.owners[key] = pkg
		}
		if pkg != "" {
			return pkg, strings.TrimPrefix(rel, dir+"/")
		}
		if dir == "." {
			return path.Base(root) + "/" + top, rel
		}
	}
}

// read collects the near misses of one file.
func (h *harvest) read(pkg, inner string, data []byte) {
	if len(data) > maxNearFile || bytes.IndexByte(data, 0) >= 0 {
		return
	}
	h.files++
	h.current.pkg, h.current.origin, h.current.file = pkg, pkg+"/"+inner, testName(inner)
	h.s.auto.each(data, func(keyword, end int) bool {
		if keyword >= len(h.s.hooks) {
			return true
		}
		for _, r := range h.s.set.heads[keyword] {
			h.consider(r, data, end, len(h.s.set.keywords[keyword]))
		}
		return true
	})
}

// testName is the name under which an excerpt of a file is scanned: that of the file
// in a folder of the function's own.
func testName(inner string) string {
	base := path.Base(inner)
	if low := strings.ToLower(base); docsFile(low) {
		return "src/x" + path.Ext(low)
	}
	return "src/" + base
}

func (h *harvest) consider(r *rule, data []byte, end, word int) {
	h.hits[r.index]++
	if n := h.hits[r.index]; n > nearEvery && n%(nearEvery/100) != 0 {
		return
	}
	text := excerptAt(data, end-word, end)
	key := r.id + text
	if text == "" || h.seen[key] {
		return
	}
	h.seen[key] = true
	n := nearMiss{origin: h.current.origin, pkg: h.current.pkg, file: h.current.file, text: text, level: 1}
	if h.shapes[r.index] == nil {
		return
	}
	if h.shapes[r.index].MatchString(text) {
		n.level = 2
		if re, err := r.regex.get(r.regexText); err == nil && re.MatchString(text) {
			n.level = 3
		}
	}
	n.score = n.level*100 - len(text)/4 - 5*plainWords(text) + 2*longestValue(text)
	h.found[r.index] = append(h.found[r.index], n)
	if len(h.found[r.index]) > 2*nearPool {
		h.found[r.index] = best(h.found[r.index], nearPool)
	}
}

// best keeps the n best lines, those of packages not yet seen first.
func best(list []nearMiss, n int) []nearMiss {
	slices.SortStableFunc(list, func(a, b nearMiss) int { return cmp.Compare(b.score, a.score) })
	taken, of := map[int]bool{}, map[string]int{}
	var out []nearMiss
	for most := 1; len(out) < min(n, len(list)); most++ {
		for i, m := range list {
			if len(out) < n && !taken[i] && of[m.pkg] < most {
				taken[i] = true
				of[m.pkg]++
				out = append(out, m)
			}
		}
	}
	return out
}

// excerptAt is the line around data[start:end], or what of a long line is near it,
// or "" for prose and what is not printable.
func excerptAt(data []byte, start, end int) string {
	from := bytes.LastIndexByte(data[:start], '\n') + 1
	to := len(data)
	if i := bytes.IndexByte(data[end:], '\n'); i >= 0 {
		to = end + i
	}
	line := func() string { return strings.TrimSpace(string(data[from:to])) }
	if to-from > maxNearLine {
		from, to = max(from, start-60), min(to, end+90)
		if i := bytes.IndexAny(data[from:start], " ,;{("); i >= 0 {
			from += i + 1
		}
		if i := bytes.LastIndexAny(data[end:to], " ,;})"); i >= 0 {
			to = end + i
		}
	}
	text := line()
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	for _, mark := range []string{"*", "//", "#", "<!--", "--", "\"\"\""} {
		if strings.HasPrefix(text, mark) {
			return ""
		}
	}
	if len(text) < 6 || plainWords(text) > nearWordsMost || addressed.MatchString(text) {
		return ""
	}
	return text
}

// addressed are lines with a person's address in them.
var addressed = regexp.MustCompile(`\w@[a-z0-9-]+\.[a-z]{2,}`)

// plainWords counts the words of a text as sentences have them.
func plainWords(text string) int {
	n := 0
	for w := range strings.FieldsSeq(text) {
		if w = strings.TrimRight(w, ".,"); len(w) > 1 && strings.Trim(w, lowerLetters) == "" {
			n++
		}
	}
	return n
}

// longestValue is the length of the longest run of a text as credentials have them, of
// letters and digits, at most 40.
func longestValue(text string) int {
	most := 0
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !strings.ContainsRune(base62+"_-+/", r) }) {
		if strings.ContainsAny(w, digits) {
			most = max(most, len(w))
		}
	}
	return min(most, 40)
}

// text writes the lines chosen in the form of nearmisses.txt.
func (h *harvest) text() (string, int) {
	var b strings.Builder
	rules := 0
	for _, r := range h.s.set.rules {
		list := best(h.found[r.index], maxNear)
		if len(list) > 0 {
			rules++
		}
		for _, n := range list {
			fmt.Fprintf(&b, "%s | %s | %s | %d | %s\n", r.id, n.origin, n.file, n.level, n.text)
		}
	}
	return b.String(), rules
}
