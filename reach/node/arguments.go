package node

import (
	"bytes"
	"slices"
	"strings"
)

// call is the argument of a call that loads: open is at its parenthesis.
func (l *lexer) call(open int, k Kind) {
	pos := l.space(open + 1)
	switch c := l.at(pos); {
	case c == '"' || c == '\'':
		body, next, ok := stringAt(l.src, pos)
		if !ok {
			return
		}
		l.after(body, l.space(next), k)
	case c == '`':
		l.templateArgument(pos, k)
	case c >= '0' && c <= '9', c == ')': // a bundle's own numbers; nothing
	default:
		l.computed(pos)
	}
}

// after decides by what follows a constant: more text to come, or not.
func (l *lexer) after(body []byte, next int, k Kind) {
	switch l.at(next) {
	case ')', ',':
		l.constant(body, k)
	case '+':
		if spec, ok := unescape(body); ok {
			l.prefix(spec)
			return
		}
		l.out.Flags |= Dynamic
	default:
		l.out.Flags |= Dynamic
	}
}

func (l *lexer) templateArgument(pos int, k Kind) {
	for i := pos + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			l.out.Flags |= Dynamic
			return
		case '`':
			l.after(l.src[pos+1:i], l.space(i+1), k)
			return
		case '$':
			if l.at(i+1) == '{' {
				l.prefix(string(l.src[pos+1 : i]))
				return
			}
		}
	}
}

// computed is an argument that is an expression. One that starts at __dirname
// stays in the package; all others may name anything.
func (l *lexer) computed(pos int) {
	rest := l.src[pos:min(len(l.src), pos+256)]
	for _, start := range []string{"path.join(", "path.resolve(", "join(", "resolve("} {
		if bytes.HasPrefix(rest, []byte(start)) {
			pos = l.space(pos + len(start))
			rest = l.src[pos:min(len(l.src), pos+256)]
			break
		}
	}
	if !bytes.HasPrefix(rest, []byte("__dirname")) || bytes.Contains(rest, []byte("..")) {
		l.out.Flags |= Dynamic
		return
	}
	l.prefix("./")
}

// maker is createRequire: its result goes by a name, or anywhere.
func (l *lexer) maker(start, next int) {
	switch c := l.at(next); {
	case c == '(':
	case c == ',' || c == '}' || c == ':' || c == ';':
		return // imported or bound
	case bytes.HasPrefix(l.src[min(next, len(l.src)):], []byte("as ")):
		return
	default:
		l.out.Flags |= Dynamic
		return
	}
	arg := l.src[l.space(next+1):]
	here := bytes.HasPrefix(arg, []byte("import.meta.url")) || bytes.HasPrefix(arg, []byte("__filename")) || bytes.HasPrefix(arg, []byte("import.meta.filename"))
	name := assigned(l.src[:start])
	if !here || name == nil || len(l.requires) >= 8 {
		l.out.Flags |= Dynamic
		return
	}
	if string(name) != "require" && !slices.ContainsFunc(l.requires, func(w []byte) bool { return bytes.Equal(w, name) }) {
		l.requires = append(l.requires, name)
	}
}

// assigned is the name before "= " or "= module." at the end of s.
func assigned(s []byte) []byte {
	s = s[max(0, len(s)-128):]
	trim := func() { s = bytes.TrimRight(s, " \t\r\n") }
	for trim(); len(s) > 0 && s[len(s)-1] != '='; trim() {
		if c := s[len(s)-1]; c != '.' && classes[c]&identByte == 0 {
			return nil
		}
		s = s[:len(s)-1]
	}
	if len(s) == 0 {
		return nil
	}
	s = s[:len(s)-1]
	trim()
	i := len(s)
	for i > 0 && classes[s[i-1]]&identByte != 0 {
		i--
	}
	if i == len(s) || i > 0 && s[i-1] == '.' {
		return nil
	}
	return s[i:]
}

// harmless says whether the arguments of a call are constant strings that load
// nothing: Function("return this").
func (l *lexer) harmless(open int) bool {
	for pos := l.space(open + 1); ; {
		c := l.at(pos)
		if c == ')' {
			return true
		}
		if c != '"' && c != '\'' {
			return false
		}
		body, next, ok := stringAt(l.src, pos)
		if !ok || loads(body) || bytes.IndexByte(body, '\\') >= 0 {
			return false
		}
		pos = l.space(next)
		switch l.at(pos) {
		case ',':
			pos = l.space(pos + 1)
		case ')':
		default:
			return false
		}
	}
}

// loads says whether text looks like code that loads modules.
func loads(s []byte) bool {
	return bytes.Contains(s, []byte("require")) || bytes.Contains(s, []byte("import")) || bytes.Contains(s, []byte("mainModule"))
}

// unescape is the value of a string or template without substitutions.
func unescape(s []byte) (string, bool) {
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s), true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i >= len(s) {
			return "", false
		}
		switch c := s[i]; c {
		case '/', '.', '\'', '"', '\\', '`', '-', '@', '#':
			b.WriteByte(c)
		default:
			return "", false
		}
	}
	return b.String(), true
}
