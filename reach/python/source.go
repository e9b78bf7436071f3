// Package python finds out which distributions a Python program can load. Scan
// reads one module for what it imports; Reach joins the files of one file
// system into the graph that the import system would follow
// (https://docs.python.org/3/reference/import.html): packages and their
// __init__ chain, relative imports, namespace packages, extension modules.
//
// It runs nothing and reads no file itself.
package python

import (
	"bytes"
	"slices"
	"strings"
)

// A Ref is one imported module: dots before the name count the levels of a
// relative import, Names are what a from-import takes from it.
type Ref struct {
	Module string
	Level  int
	Names  string // separated by commas; "*" for all
}

// Flags tell what else a module does.
type Flags uint8

// The flags of a Source.
const (
	// Dynamic: it imports what no constant names, changes where modules are
	// found, or starts other programs.
	Dynamic Flags = 1 << iota
	// Eval: it runs text that is not a constant.
	Eval
	// Code: it has strings that look like code which imports.
	Code
	// Plugins: it loads what other distributions register as entry points.
	Plugins
	// Pickle: it reads pickles, which name modules.
	Pickle
	// Crowded: it has more strings than are kept.
	Crowded
	// Broken: it could not be followed to its end.
	Broken
)

// A Source is what one module may import.
type Source struct {
	Refs []Ref
	// Names are hashes of the first parts of dotted names among the strings, sorted.
	Names []uint32
	Flags Flags
}

const (
	maxRefs  = 20_000
	maxNames = 50_000
	maxName  = 300 // bytes of a dotted name
)

// effects are modules of the standard library that load by name.
var effects = map[string]Flags{
	"subprocess": Dynamic, "runpy": Dynamic, "pkgutil": Dynamic, "imp": Dynamic, "zipimport": Dynamic, "pydoc": Dynamic,
	"unittest": Dynamic, "doctest": Dynamic, "code": Dynamic, "codeop": Dynamic, "ensurepip": Dynamic, "venv": Dynamic,
	"distutils": Dynamic, "logging.config": Dynamic, "pickle": Dynamic | Pickle, "_pickle": Dynamic | Pickle,
	"cPickle": Dynamic | Pickle, "shelve": Dynamic | Pickle, "marshal": Dynamic, "importlib.metadata": 0,
}

// words are names that load by name wherever they are used.
var words = map[string]Flags{
	"spec_from_file_location": Dynamic, "exec_module": Dynamic, "load_module": Dynamic, "SourceFileLoader": Dynamic,
	"ExtensionFileLoader": Dynamic, "run_path": Dynamic, "run_module": Dynamic, "iter_modules": Dynamic, "walk_packages": Dynamic,
	"resolve_name": Dynamic, "meta_path": Dynamic, "path_hooks": Dynamic, "addsitedir": Dynamic, "extend_path": Dynamic,
	"module_from_spec": Dynamic, "execfile": Eval, "system": Dynamic, "popen": Dynamic,
	"execv": Dynamic, "execve": Dynamic, "execvp": Dynamic, "spawnv": Dynamic, "posix_spawn": Dynamic, "startfile": Dynamic,
	"entry_points": Plugins, "iter_entry_points": Plugins, "load_entry_point": Plugins, "get_entry_map": Plugins,
}

// A scanner walks over Python.
type scanner struct {
	src []byte
	pos int
	out Source
}

// Scan reads one module. It never fails: what it cannot follow is Broken and Dynamic.
func Scan(src []byte) Source {
	s := scanner{src: src}
	for s.pos < len(s.src) {
		if !s.step() {
			s.out.Flags |= Broken | Dynamic
			s.rough()
			break
		}
	}
	return s.finish()
}

func (s *scanner) finish() Source {
	slices.Sort(s.out.Names)
	s.out.Names = slices.Clone(slices.Compact(s.out.Names))
	slices.SortFunc(s.out.Refs, func(a, b Ref) int {
		if c := strings.Compare(a.Module, b.Module); c != 0 {
			return c
		}
		if a.Level != b.Level {
			return a.Level - b.Level
		}
		return strings.Compare(a.Names, b.Names)
	})
	s.out.Refs = slices.Clone(slices.Compact(s.out.Refs))
	return s.out
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// step takes one token.
func (s *scanner) step() bool {
	switch c := s.src[s.pos]; {
	case c == '#':
		n := bytes.IndexByte(s.src[s.pos:], '\n')
		if n < 0 {
			n = len(s.src) - s.pos
		}
		s.pos += n
	case c == '"' || c == '\'':
		doc := s.docstring()
		body, ok := s.str()
		if !doc {
			s.text(body)
		}
		return ok
	case wordByte(c):
		start := s.pos
		for s.pos < len(s.src) && wordByte(s.src[s.pos]) {
			s.pos++
		}
		s.word(start)
	default:
		s.pos++
	}
	return true
}

// docstring says whether the string at pos is the text that opens a body.
func (s *scanner) docstring() bool {
	q := s.src[s.pos]
	if !bytes.HasPrefix(s.src[s.pos:], []byte{q, q, q}) {
		return false
	}
	for i := s.pos - 1; i >= 0; i-- {
		switch c := s.src[i]; c {
		case ' ', '\t', '\n', '\r':
		case 'r', 'R', 'u', 'U':
			if i != s.pos-1 {
				return false
			}
		default:
			return c == ':'
		}
	}
	return true
}

// str takes the string at pos and returns its text as written.
func (s *scanner) str() ([]byte, bool) {
	q := s.src[s.pos]
	if bytes.HasPrefix(s.src[s.pos:], []byte{q, q, q}) {
		for i := s.pos + 3; i < len(s.src); i++ {
			switch {
			case s.src[i] == '\\':
				i++
			case s.src[i] == q && bytes.HasPrefix(s.src[i:], []byte{q, q, q}):
				body := s.src[s.pos+3 : i]
				s.pos = i + 3
				return body, true
			}
		}
		return nil, false
	}
	for i := s.pos + 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '\\':
			if i+2 < len(s.src) && s.src[i+1] == '\r' && s.src[i+2] == '\n' {
				i++
			}
			i++
		case q:
			body := s.src[s.pos+1 : i]
			s.pos = i + 1
			return body, true
		case '\n':
			return nil, false
		}
	}
	return nil, false
}

// text notes a string that may name a module or hold code.
func (s *scanner) text(b []byte) {
	if s.out.Flags&Code == 0 && bytes.Contains(b, []byte("import")) {
		s.out.Flags |= Code
	}
	if len(b) == 0 || len(b) > maxName {
		return
	}
	first := 0
	for i, c := range b {
		if c == '.' || c == ':' {
			if first == 0 {
				first = i
			}
			continue
		}
		if !wordByte(c) {
			return
		}
	}
	if first > 0 {
		b = b[:first]
	}
	s.name(b)
}

func (s *scanner) name(b []byte) {
	if len(b) == 0 {
		return
	}
	if len(s.out.Names) >= maxNames {
		s.out.Flags |= Crowded
		return
	}
	s.out.Names = append(s.out.Names, hash(b))
}

func hash[T string | []byte](b T) uint32 {
	h := uint32(2166136261)
	for i := range len(b) {
		h = (h ^ uint32(b[i])) * 16777619
	}
	return h
}

// skip passes spaces, line continuations and, in parentheses, line ends and comments.
func (s *scanner) skip(pos int, lines bool) int {
	for pos < len(s.src) {
		switch c := s.src[pos]; {
		case c == ' ' || c == '\t' || c == '\f':
			pos++
		case c == '\\' && pos+1 < len(s.src) && s.src[pos+1] == '\n':
			pos += 2
		case c == '\\' && pos+2 < len(s.src) && s.src[pos+1] == '\r' && s.src[pos+2] == '\n':
			pos += 3
		case lines && (c == '\n' || c == '\r'):
			pos++
		case lines && c == '#':
			n := bytes.IndexByte(s.src[pos:], '\n')
			if n < 0 {
				return len(s.src)
			}
			pos += n
		default:
			return pos
		}
	}
	return pos
}

func (s *scanner) at(pos int) byte {
	if pos < len(s.src) {
		return s.src[pos]
	}
	return 0
}

// dotted is the dotted name at pos, spaces around its dots allowed.
func (s *scanner) dotted(pos int) (string, int) {
	var b strings.Builder
	for {
		start := pos
		for pos < len(s.src) && wordByte(s.src[pos]) {
			pos++
		}
		b.Write(s.src[start:pos])
		next := s.skip(pos, false)
		if start == pos || s.at(next) != '.' {
			return b.String(), pos
		}
		b.WriteByte('.')
		pos = s.skip(next+1, false)
	}
}

func (s *scanner) ref(module string, level int, names string) {
	if len(module) > maxName || len(s.out.Refs) >= maxRefs {
		s.out.Flags |= Dynamic
		return
	}
	if level == 0 {
		s.out.Flags |= effects[module] | effects[strings.SplitN(module, ".", 2)[0]]
		for n := range strings.SplitSeq(names, ",") {
			s.out.Flags |= effects[module+"."+n]
		}
	}
	s.out.Refs = append(s.out.Refs, Ref{module, level, names})
}

// word is an identifier or keyword.
func (s *scanner) word(start int) {
	switch w := s.src[start:s.pos]; string(w) {
	case "import":
		s.imports()
	case "from":
		s.from()
	case "import_module", "__import__":
		s.call()
	case "exec", "eval":
		if s.at(s.skip(s.pos, false)) == '(' && !s.member(start) {
			s.out.Flags |= Eval
		}
	case "path":
		s.path(start)
	case "system", "popen": // platform.system is another
		if bytes.HasSuffix(s.src[:start], []byte("os.")) {
			s.out.Flags |= Dynamic
		}
	default:
		if f, ok := words[string(w)]; ok {
			s.out.Flags |= f
		}
	}
}

func (s *scanner) member(start int) bool {
	before := bytes.TrimRight(s.src[max(0, start-8):start], " \t")
	return bytes.HasSuffix(before, []byte("."))
}

// path notes changes of sys.path.
func (s *scanner) path(start int) {
	if !bytes.HasSuffix(s.src[:start], []byte("sys.")) && !bytes.HasSuffix(s.src[:start], []byte("site.")) {
		return
	}
	rest := s.src[s.skip(s.pos, false):]
	for _, change := range []string{".append", ".insert", ".extend", "=", "+=", "[", ".__"} {
		if bytes.HasPrefix(rest, []byte(change)) && !bytes.HasPrefix(rest, []byte("==")) {
			s.out.Flags |= Dynamic
		}
	}
}

// rough notes every line that looks like an import, for files that could not
// be followed.
func (s *scanner) rough() {
	for line := range bytes.Lines(s.src) {
		line = bytes.TrimLeft(line, " \t")
		if !bytes.HasPrefix(line, []byte("import ")) && !bytes.HasPrefix(line, []byte("from ")) {
			continue
		}
		part := scanner{src: line}
		for part.pos < len(line) && part.step() {
		}
		if len(s.out.Refs)+len(part.out.Refs) < maxRefs {
			s.out.Refs = append(s.out.Refs, part.out.Refs...)
		}
	}
}

// ScanOpaque collects the names among the bytes of a compiled module.
func ScanOpaque(src []byte) Source {
	s := scanner{src: src}
	for i := 0; i < len(src); {
		if !wordByte(src[i]) || src[i] >= 0x80 {
			i++
			continue
		}
		start := i
		for i < len(src) && i-start <= 64 && wordByte(src[i]) && src[i] < 0x80 {
			i++
		}
		if n := i - start; n >= 2 && n <= 64 && (src[start] > '9') {
			s.name(src[start:i])
		}
		for i < len(src) && wordByte(src[i]) && src[i] < 0x80 {
			i++
		}
		if len(s.out.Names) >= maxNames {
			slices.Sort(s.out.Names)
			s.out.Names = slices.Compact(s.out.Names)
			if len(s.out.Names) > maxNames*3/4 {
				s.out.Flags |= Crowded
				break
			}
		}
	}
	return s.finish()
}
