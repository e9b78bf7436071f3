package python

import (
	"bytes"
	"strings"
)

// imports is "import a.b as c, d".
func (s *scanner) imports() {
	for pos := s.pos; ; {
		pos = s.skip(pos, false)
		name, next := s.dotted(pos)
		if name == "" {
			return
		}
		s.ref(name, 0, "")
		s.pos = next
		pos = s.skip(next, false)
		if as, after := s.dotted(pos); as == "as" {
			_, after = s.dotted(s.skip(after, false))
			s.pos = after
			pos = s.skip(after, false)
		}
		if s.at(pos) != ',' {
			return
		}
		pos++
	}
}

// from is "from ..a.b import c as d, (e, f), *"; other uses of from pass.
func (s *scanner) from() {
	pos, level := s.skip(s.pos, false), 0
	for s.at(pos) == '.' {
		level++
		pos = s.skip(pos+1, false)
	}
	var module string
	next := pos
	if !bytes.HasPrefix(s.src[pos:], []byte("import")) || level == 0 || wordByte(s.at(pos+6)) {
		module, next = s.dotted(pos)
	}
	if module == "" && level == 0 {
		return
	}
	pos = s.skip(next, false)
	word, after := s.dotted(pos)
	if word != "import" {
		return
	}
	s.names(after, module, level)
}

// names reads what a from-import takes.
func (s *scanner) names(pos int, module string, level int) {
	pos = s.skip(pos, false)
	lines := s.at(pos) == '('
	if lines {
		pos++
	}
	var names []string
	for {
		pos = s.skip(pos, lines)
		if s.at(pos) == '*' {
			names = append(names, "*")
			pos++
			break
		}
		name, next := s.dotted(pos)
		if name == "" {
			break
		}
		names = append(names, name)
		pos = s.skip(next, lines)
		if as, after := s.dotted(pos); as == "as" {
			_, after = s.dotted(s.skip(after, lines))
			pos = s.skip(after, lines)
		}
		if s.at(pos) != ',' {
			break
		}
		pos++
	}
	s.pos = max(s.pos, pos)
	list := strings.Join(names, ",")
	if len(list) > 1<<16 {
		s.out.Flags |= Dynamic
		return
	}
	s.ref(module, level, list)
	for _, n := range names {
		if f, ok := words[n]; ok {
			s.out.Flags |= f
		}
	}
}

// call is import_module or __import__: of a constant, or of anything.
func (s *scanner) call() {
	pos := s.skip(s.pos, false)
	if s.at(pos) != '(' {
		if c := s.at(pos); c == '\n' || c == '\r' || c == ',' || c == ')' || c == 0 || c == '#' {
			before := bytes.TrimRight(s.src[:s.pos], "_abcdefghijklmnopqrstuvwxyz")
			if bytes.HasSuffix(bytes.TrimRight(before, " \t"), []byte("import")) {
				return
			}
		}
		s.out.Flags |= Dynamic
		return
	}
	pos = s.skip(pos+1, true)
	if c := s.at(pos); c != '"' && c != '\'' {
		s.out.Flags |= Dynamic
		return
	}
	probe := scanner{src: s.src, pos: pos}
	body, ok := probe.str()
	if !ok || bytes.IndexByte(body, '\\') >= 0 {
		s.out.Flags |= Dynamic
		return
	}
	end := s.skip(probe.pos, true)
	if c := s.at(end); c != ')' && c != ',' {
		s.out.Flags |= Dynamic
		return
	}
	name := strings.TrimLeft(string(body), ".")
	if level := len(body) - len(name); level > 0 {
		s.out.Flags |= Dynamic // relative to an argument
	}
	s.ref(name, 0, "*")
}
