// Package node finds out which packages of a node_modules tree a Node.js
// program can load. Scan reads one file for what it imports; a Tree joins the
// files of one file system into the module graph that Node itself would
// resolve (https://nodejs.org/api/modules.html#all-together and
// https://nodejs.org/api/esm.html#resolution-algorithm-specification).
//
// It runs nothing and reads no file itself. Code that hides on purpose what it
// loads (a require reached through arguments[1], say) is not seen through.
package node

import (
	"slices"
	"strings"
)

// A Kind says how a specifier is resolved.
type Kind uint8

// The kinds. Either is for specifiers that are named without being loaded for
// sure, such as the argument of require.resolve.
const (
	Require Kind = iota
	Import
	Either
)

// An Ref is one constant specifier that a file imports.
type Ref struct {
	Spec string
	Kind Kind
}

// Flags tell what else a file does.
type Flags uint8

// The flags of a Source.
const (
	// Dynamic: it loads something whose name is not a constant, starts other
	// programs or threads, or hands its require to others.
	Dynamic Flags = 1 << iota
	// Eval: it evaluates text that is not a constant.
	Eval
	// Code: it has strings that look like code that loads modules.
	Code
	// Here: it knows its own place (__dirname, import.meta.url).
	Here
	// Crowded: it has more strings than are kept.
	Crowded
	// Broken: it could not be followed to its end.
	Broken
)

// A Source is what one file may load.
type Source struct {
	Refs []Ref
	// Prefixes are the constant starts of specifiers that are computed.
	Prefixes []string
	// Names are hashes of the package names among the file's other strings,
	// sorted. They matter when some module loads by a name it was given.
	Names []uint32
	// Stems are strings that end like the start of a package name: "@img/sharp-".
	Stems []string
	// Paths are strings that look like relative specifiers.
	Paths []string
	Flags Flags
}

// Limits of what is kept of one file.
const (
	maxRefs  = 20_000
	maxNames = 20_000
	maxPaths = 5_000
	maxSpec  = 512 // bytes of a specifier
	maxDepth = 20_000
)

// Scan reads one JavaScript file. It never fails: what it cannot follow is
// Broken and Dynamic, with everything that looks like an import in Refs.
func Scan(src []byte) Source {
	l := lexer{src: src, last: punct}
	if !l.run() {
		l.out.Flags |= Broken | Dynamic
		l.rough()
	}
	return l.finish()
}

// ScanWords collects the words of a text file that may name modules.
func ScanWords(src []byte) Source {
	var l lexer
	for i := 0; i < len(src); {
		start := i
		for i < len(src) && (classes[src[i]]&nameByte != 0 || src[i] == '/' || src[i] == '@') {
			i++
		}
		l.text(src[start:i], false)
		if i == start {
			i++
		}
	}
	l.out.Flags &= Crowded
	return l.finish()
}

func (l *lexer) finish() Source {
	s := l.out
	slices.Sort(s.Names)
	s.Names = slices.Clone(slices.Compact(s.Names))
	slices.Sort(s.Stems)
	s.Stems = slices.Clone(slices.Compact(s.Stems))
	slices.Sort(s.Paths)
	s.Paths = slices.Clone(slices.Compact(s.Paths))
	slices.Sort(s.Prefixes)
	s.Prefixes = slices.Clone(slices.Compact(s.Prefixes))
	slices.SortFunc(s.Refs, func(a, b Ref) int {
		if c := strings.Compare(a.Spec, b.Spec); c != 0 {
			return c
		}
		return int(a.Kind) - int(b.Kind)
	})
	s.Refs = slices.Clone(slices.Compact(s.Refs))
	return s
}

// programs are built-in modules that run code no import names.
var programs = map[string]bool{"child_process": true, "worker_threads": true, "vm": true, "cluster": true, "repl": true}

// ref notes a constant specifier.
func (l *lexer) ref(spec string, k Kind) {
	if len(spec) > maxSpec || len(l.out.Refs) >= maxRefs {
		l.out.Flags |= Dynamic
		return
	}
	if programs[strings.TrimPrefix(spec, "node:")] {
		l.out.Flags |= Dynamic
		return
	}
	l.out.Refs = append(l.out.Refs, Ref{strings.Clone(spec), k})
}

// prefix notes the constant start of a computed specifier.
func (l *lexer) prefix(p string) {
	if p == "" || len(p) > maxSpec || len(l.out.Prefixes) >= maxPaths {
		l.out.Flags |= Dynamic
		return
	}
	l.out.Prefixes = append(l.out.Prefixes, strings.Clone(p))
}

// text notes a string that is no specifier: it may become one elsewhere.
// head is true for the part of a template before its first substitution.
func (l *lexer) text(s []byte, head bool) {
	n := len(s)
	if n < 1 || n > 160 {
		if n > 160 {
			l.code(s)
		}
		return
	}
	switch c := s[0]; {
	case c == '.':
		if n >= 3 && (s[1] == '/' || s[1] == '.' && s[2] == '/') {
			l.path(s)
		}
		return
	case classes[c]&nameByte == 0 && c != '@':
		if n > 8 {
			l.code(s)
		}
		return
	}
	for i := 1; i < n; i++ {
		if classes[s[i]]&nameByte == 0 && s[i] != '/' {
			if n > 8 {
				l.code(s)
			}
			return
		}
	}
	if len(l.out.Names) >= maxNames {
		l.out.Flags |= Crowded
		return
	}
	if last := s[n-1]; head || last == '-' || last == '/' || last == '.' {
		if n >= 3 {
			l.out.Stems = append(l.out.Stems, string(s))
		}
		if last == '-' || last == '.' {
			return
		}
	}
	l.out.Names = append(l.out.Names, hash(packagePart(s)))
	if slices.Contains(s, '/') && (hasSuffix(s, ".js") || hasSuffix(s, ".cjs") || hasSuffix(s, ".mjs")) {
		l.path(s)
	}
}

func hasSuffix(s []byte, suffix string) bool {
	return len(s) > len(suffix) && string(s[len(s)-len(suffix):]) == suffix
}

func (l *lexer) path(s []byte) {
	if len(l.out.Paths) >= maxPaths {
		l.out.Flags |= Crowded
		return
	}
	l.out.Paths = append(l.out.Paths, string(s))
}

// code notes strings that are code which loads modules.
func (l *lexer) code(s []byte) {
	if l.out.Flags&Code == 0 && loads(s) {
		l.out.Flags |= Code
	}
}

// packagePart is the package name at the start of a bare specifier.
func packagePart[T string | []byte](s T) T {
	slashes := 1
	if len(s) > 0 && s[0] == '@' {
		slashes = 2
	}
	for i := range len(s) {
		if s[i] == '/' {
			if slashes--; slashes == 0 {
				return s[:i]
			}
		}
	}
	return s
}

// hash is 32-bit FNV-1a.
func hash[T string | []byte](s T) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
