package node

import "bytes"

// Classes of bytes.
const (
	identByte uint8 = 1 << iota // of identifiers, keywords and numbers
	spaceByte
	nameByte // of package names as npm allows them, old ones included
)

var classes = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
			t[c] = identByte | nameByte
		case c == '-', c == '.', c == '~':
			t[c] = nameByte
		case c == '$', c >= 0x80:
			t[c] = identByte
		case c == ' ', c == '\t', c == '\n', c == '\r', c == '\v', c == '\f':
			t[c] = spaceByte
		}
	}
	return t
}()

// What the last token was, as far as the meaning of a slash depends on it.
type token uint8

const (
	punct   token = iota // an operator or opening bracket: a slash starts a regexp
	value                // an operand ended: a slash divides
	keyword              // return, typeof, …: a slash starts a regexp
	head                 // if, while, for, with: the next parenthesis is a condition
)

// A frame is an open bracket.
type frame struct {
	kind  byte  // ( [ { or ` for a substitution in a template
	after token // what a slash after the closing bracket means
	names bool  // the parentheses hold the parameters of a function
}

// lexer walks over JavaScript. It knows comments, strings, templates and
// regular expressions, and looks closer only at words that load modules.
type lexer struct {
	src      []byte
	pos      int
	last     token
	lastByte byte   // last byte of the last token
	word     []byte // the last token, if a word
	frames   []frame
	makers   [][]byte // names of createRequire here
	requires [][]byte // names of what it returned
	function bool     // the last words were "function" and maybe a name
	out      Source
}

// run lexes to the end; false means that it lost its way.
func (l *lexer) run() bool {
	if bytes.HasPrefix(l.src, []byte("#!")) {
		l.line()
	}
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case classes[c]&spaceByte != 0:
			l.pos++
		case classes[c]&identByte != 0:
			l.identifier()
		default:
			if !l.other(c) {
				return false
			}
		}
	}
	return len(l.frames) == 0
}

// other takes one token that is no word.
func (l *lexer) other(c byte) bool {
	switch c {
	case '\'', '"':
		return l.quoted(c)
	case '`':
		return l.template(l.pos + 1)
	case '/':
		return l.slash()
	case '(', '[', '{':
		return l.open(c)
	case ')', ']', '}':
		return l.close(c)
	case '\\': // an escape in an identifier hides a word
		l.out.Flags |= Dynamic
		l.pos++
		l.token(value, c)
		return true
	case '+', '-':
		if l.pos+1 < len(l.src) && l.src[l.pos+1] == c {
			l.pos += 2 // of i++ / 2; a regexp after a prefix is no number
			l.token(value, c)
			return true
		}
	}
	l.pos++
	l.token(punct, c)
	return true
}

func (l *lexer) token(t token, c byte) {
	l.last, l.lastByte, l.word, l.function = t, c, nil, false
}

func (l *lexer) line() {
	rest := l.src[l.pos:]
	n := bytes.IndexByte(rest, '\n')
	if n < 0 {
		n = len(rest)
	}
	// A lone carriage return, or U+2028, ends a line too.
	if cr := bytes.IndexByte(rest[:n], '\r'); cr >= 0 {
		n = cr
	}
	if sep := bytes.Index(rest[:n], []byte("\u2028")); sep >= 0 {
		n = sep
	}
	l.pos += n
}

// slash is a comment, a regular expression or a division.
func (l *lexer) slash() bool {
	if l.pos+1 < len(l.src) {
		switch l.src[l.pos+1] {
		case '/':
			l.line()
			return true
		case '*':
			n := bytes.Index(l.src[l.pos+2:], []byte("*/"))
			if n < 0 {
				return false
			}
			l.pos += n + 4
			return true
		}
	}
	if l.last == value {
		l.pos++
		l.token(punct, '/')
		return true
	}
	return l.regexp()
}

func (l *lexer) regexp() bool {
	class := false
	for i := l.pos + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '\n', '\r':
			return false
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		case '/':
			if class {
				continue
			}
			for i++; i < len(l.src) && classes[l.src[i]]&identByte != 0; i++ {
			}
			l.pos = i
			l.token(value, '/')
			return true
		}
	}
	return false
}

// quoted is a string: noted, and told apart from the names of obj["require"].
func (l *lexer) quoted(q byte) bool {
	body, next, ok := stringAt(l.src, l.pos)
	if !ok {
		return false
	}
	if string(body) == "require" && l.lastByte == '[' && l.frames[len(l.frames)-1].after == value && l.frames[len(l.frames)-1].names {
		l.out.Flags |= Dynamic
	}
	l.text(body, false)
	l.pos = next
	l.token(value, q)
	return true
}

// stringAt returns what is between the quotes at pos and where it ends.
func stringAt(src []byte, pos int) (body []byte, next int, ok bool) {
	q := src[pos]
	for i := pos + 1; i < len(src); i++ {
		switch c := src[i]; c {
		case q:
			return src[pos+1 : i], i + 1, true
		case '\\':
			if i+2 < len(src) && src[i+1] == '\r' && src[i+2] == '\n' {
				i++
			}
			i++
		case '\n', '\r':
			return nil, i, false
		}
	}
	return nil, len(src), false
}

// template is the text of a template from pos, up to its end or a substitution.
func (l *lexer) template(pos int) bool {
	for i := pos; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			i++
		case '`':
			l.text(l.src[pos:i], false)
			l.pos = i + 1
			l.token(value, '`')
			return true
		case '$':
			if i+1 < len(l.src) && l.src[i+1] == '{' {
				if l.src[pos-1] == '`' {
					l.text(l.src[pos:i], true)
				} else {
					l.code(l.src[pos:i])
				}
				l.frames = append(l.frames, frame{kind: '`'})
				l.pos = i + 2
				l.token(punct, '{')
				return len(l.frames) < maxDepth
			}
		}
	}
	return false
}

func (l *lexer) open(c byte) bool {
	f := frame{kind: c, after: value}
	switch c {
	case '(':
		if l.last == head {
			f.after = punct
		}
		f.names = l.function
	case '[':
		f.names = l.last == value // a member, not a list
	case '{':
		if l.block() {
			f.after = punct
		}
	}
	l.frames = append(l.frames, f)
	l.pos++
	l.token(punct, c)
	return len(l.frames) < maxDepth
}

// block says whether a brace here opens statements rather than an object.
func (l *lexer) block() bool {
	switch l.last {
	case value:
		return true // after ) or a name: a body
	case keyword:
		switch string(l.word) {
		case "else", "do":
			return true
		}
		return false
	case head:
		return true
	case punct:
	}
	switch l.lastByte {
	case 0, ';', '{', '}', ')', '>': // ) of if (…), > of =>
		return true
	}
	return false
}

func (l *lexer) close(c byte) bool {
	if len(l.frames) == 0 {
		return false
	}
	f := l.frames[len(l.frames)-1]
	l.frames = l.frames[:len(l.frames)-1]
	switch {
	case f.kind == '`' && c == '}':
		return l.template(l.pos + 1)
	case f.kind == '(' && c == ')', f.kind == '[' && c == ']', f.kind == '{' && c == '}':
	default:
		return false
	}
	l.pos++
	l.token(f.after, c)
	return true
}

// space returns the first position from pos that is no space or comment.
func (l *lexer) space(pos int) int {
	for pos < len(l.src) {
		switch c := l.src[pos]; {
		case classes[c]&spaceByte != 0:
			pos++
		case c == '/' && pos+1 < len(l.src) && l.src[pos+1] == '*':
			n := bytes.Index(l.src[pos+2:], []byte("*/"))
			if n < 0 {
				return len(l.src)
			}
			pos += n + 4
		case c == '/' && pos+1 < len(l.src) && l.src[pos+1] == '/':
			n := bytes.IndexByte(l.src[pos:], '\n')
			if n < 0 {
				return len(l.src)
			}
			pos += n
		default:
			return pos
		}
	}
	return pos
}

// at is the byte at pos, 0 past the end.
func (l *lexer) at(pos int) byte {
	if pos < len(l.src) {
		return l.src[pos]
	}
	return 0
}
