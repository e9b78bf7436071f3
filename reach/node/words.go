package node

import (
	"bytes"
)

// A meaning is what a word does.
type meaning uint8

const (
	plain meaning = iota
	isKeyword
	isHead
	isFunction
	isRequire
	isImport
	isFrom
	isEval
	isNew // Function
	isMaker
	isPlace
	isLoader // a member of Module that loads or changes loading
	isConstructor
	isWorker
	isPaths
	isBuiltin
)

// meanings are the words that matter. A member of any object may be a loader;
// the others count only as names of their own.
var meanings = map[string]meaning{
	"return": isKeyword, "typeof": isKeyword, "case": isKeyword, "do": isKeyword, "else": isKeyword, "in": isKeyword,
	"instanceof": isKeyword, "new": isKeyword, "void": isKeyword, "delete": isKeyword, "throw": isKeyword,
	"yield": isKeyword, "await": isKeyword, "default": isKeyword, "extends": isKeyword,
	"if": isHead, "while": isHead, "for": isHead, "with": isHead,
	"function": isFunction, "require": isRequire, "__require": isRequire, "import": isImport, "from": isFrom,
	"eval": isEval, "Function": isNew, "createRequire": isMaker, "createRequireFromPath": isMaker,
	"__dirname": isPlace, "__filename": isPlace, "constructor": isConstructor, "Worker": isWorker, "paths": isPaths,
	"getBuiltinModule": isBuiltin,
	"dlopen":           isLoader, "_load": isLoader, "_resolveFilename": isLoader, "_extensions": isLoader, "_findPath": isLoader,
	"_resolveLookupPaths": isLoader, "_nodeModulePaths": isLoader, "_initPaths": isLoader, "_compile": isLoader,
	"globalPaths": isLoader, "registerHooks": isLoader,
}

// firsts has, for each first byte, the lengths of the words of meanings as bits.
var firsts = func() (t [256]uint32) {
	for w := range meanings {
		t[w[0]] |= 1 << len(w)
	}
	return t
}()

// identifier takes one word or number.
func (l *lexer) identifier() {
	start := l.pos
	i := start + 1
	for i < len(l.src) && classes[l.src[i]]&identByte != 0 {
		i++
	}
	l.pos = i
	word := l.src[start:i]
	m := plain
	if n := i - start; n < 32 && firsts[word[0]]&(1<<n) != 0 {
		m = meanings[string(word)]
	}
	if m == plain && len(l.requires)+len(l.makers) > 0 {
		m = l.alias(word)
	}
	prevByte, prevWord, wasFunction := l.lastByte, l.word, l.function
	l.last, l.lastByte, l.word = value, word[len(word)-1], word
	l.function = wasFunction // function NAME
	if m == plain {
		return
	}
	if prevByte == '.' && !l.spread(start) {
		l.function = false
		l.member(m, start)
		return
	}
	switch m {
	case isKeyword:
		l.last = keyword
	case isHead:
		l.last = head
	case isFunction:
		l.function = true
	default:
		l.own(m, start, prevByte, prevWord)
	}
}

// alias finds the names that createRequire and its results go by here.
func (l *lexer) alias(word []byte) meaning {
	for _, w := range l.requires {
		if bytes.Equal(w, word) {
			return isRequire
		}
	}
	for _, w := range l.makers {
		if bytes.Equal(w, word) {
			return isMaker
		}
	}
	return plain
}

// spread says whether the dot before pos is the last of "...".
func (l *lexer) spread(pos int) bool {
	for pos--; pos >= 0 && classes[l.src[pos]]&spaceByte != 0; pos-- {
	}
	return pos >= 2 && string(l.src[pos-2:pos+1]) == "..."
}

// member is a word after a dot.
func (l *lexer) member(m meaning, start int) {
	next := l.space(l.pos)
	switch m {
	case isRequire:
		switch {
		case l.at(next) == '(':
			l.call(next, Either)
		case l.at(next) == '=' && l.at(next+1) != '=':
		default:
			l.out.Flags |= Dynamic
		}
	case isLoader:
		l.out.Flags |= Dynamic
	case isMaker:
		l.maker(start, next)
	case isPaths:
		if l.object(start, "module") {
			l.out.Flags |= Dynamic
		}
	case isBuiltin:
		if l.at(next) == '(' {
			l.call(next, Require)
		} else {
			l.out.Flags |= Dynamic
		}
	case isEval:
		l.out.Flags |= Eval
	case isNew, isConstructor:
		if l.at(next) == '(' && !l.harmless(next) {
			l.out.Flags |= Eval
		}
	case isWorker:
		l.out.Flags |= Dynamic
	default: // plain as a member
	}
}

// object says whether the member at start belongs to the object of that name.
func (l *lexer) object(start int, name string) bool {
	s := bytes.TrimRight(l.src[max(0, start-64):start], " \t\r\n")
	s = bytes.TrimRight(bytes.TrimSuffix(s, []byte(".")), "? \t\r\n")
	return bytes.HasSuffix(s, []byte(name))
}

// own is a word that stands for itself.
func (l *lexer) own(m meaning, start int, prevByte byte, prevWord []byte) {
	next := l.space(l.pos)
	switch m {
	case isRequire:
		l.require(next, prevByte, prevWord)
	case isImport:
		l.last = keyword
		l.imports(next)
	case isFrom:
		if c := l.at(next); c == '"' || c == '\'' {
			l.static(next)
		}
	case isEval:
		if l.at(next) == '(' && l.harmless(next) {
			return
		}
		l.out.Flags |= Eval | Dynamic
	case isNew:
		if c := l.at(next); c == '.' || string(prevWord) == "instanceof" || c == '(' && l.harmless(next) {
			return
		}
		l.out.Flags |= Eval
	case isMaker:
		l.maker(start, next)
	case isPlace:
		l.out.Flags |= Here
	case isWorker:
		if string(prevWord) == "new" {
			l.out.Flags |= Dynamic
		}
	case isLoader:
		if string(l.src[start:l.pos]) == "registerHooks" {
			l.out.Flags |= Dynamic
		}
	default: // only as members, or no matter
	}
}

// require is the word itself: a call, a member, or a value handed on.
func (l *lexer) require(next int, prevByte byte, prevWord []byte) {
	switch c := l.at(next); {
	case string(prevWord) == "typeof", string(prevWord) == "function":
	case (string(prevWord) == "const" || string(prevWord) == "let" || string(prevWord) == "var") && c == '=':
	case c == '(':
		l.call(next, Require)
	case c == '.':
		l.requireMember(l.space(next + 1))
	case c == ':' && (prevByte == '{' || prevByte == ','): // a key
	case c == '=' && l.at(next+1) != '=' && l.at(next+1) != '>': // replaced
	case (c == ',' || c == ')') && l.parameter():
	default:
		l.out.Flags |= Dynamic
	}
}

// parameter says whether the innermost parentheses are those of a function.
func (l *lexer) parameter() bool {
	n := len(l.frames)
	return n > 0 && l.frames[n-1].kind == '(' && l.frames[n-1].names
}

func (l *lexer) requireMember(pos int) {
	end := pos
	for end < len(l.src) && classes[l.src[end]]&identByte != 0 {
		end++
	}
	switch string(l.src[pos:end]) {
	case "main", "cache":
	case "resolve":
		if next := l.space(end); l.at(next) == '(' {
			l.call(next, Either)
			return
		}
		l.out.Flags |= Dynamic
	default:
		l.out.Flags |= Dynamic
	}
}

// imports is the word import: a call, import.meta, or a statement. The
// specifier of a statement that binds names comes after its from.
func (l *lexer) imports(next int) {
	switch l.at(next) {
	case '(':
		l.call(next, Import)
	case '"', '\'':
		l.static(next)
	case '.':
		pos := l.space(next + 1)
		rest := l.src[pos:]
		switch {
		case bytes.HasPrefix(rest, []byte("meta")):
			l.meta(pos + 4)
		case bytes.HasPrefix(rest, []byte("defer")), bytes.HasPrefix(rest, []byte("source")):
			l.out.Flags |= Dynamic
		}
	case '{':
		l.named(next)
	}
}

// named finds "createRequire as NAME" in the braces of an import.
func (l *lexer) named(open int) {
	end := bytes.IndexByte(l.src[open:], '}')
	if end < 0 || end > 4096 {
		return
	}
	for part := range bytes.SplitSeq(l.src[open+1:open+end], []byte(",")) {
		words := bytes.Fields(part)
		if len(words) == 3 && string(words[0]) == "createRequire" && string(words[1]) == "as" && len(l.makers) < 8 {
			l.makers = append(l.makers, words[2])
		}
	}
}

func (l *lexer) meta(pos int) {
	pos = l.space(pos)
	if l.at(pos) != '.' {
		l.out.Flags |= Here
		return
	}
	rest := l.src[l.space(pos+1):]
	if !bytes.HasPrefix(rest, []byte("resolve")) {
		l.out.Flags |= Here
		return
	}
	next := l.space(l.space(pos+1) + len("resolve"))
	if l.at(next) != '(' {
		l.out.Flags |= Dynamic
		return
	}
	l.call(next, Either)
}

// static is the specifier of an import or export statement.
func (l *lexer) static(pos int) {
	if body, _, ok := stringAt(l.src, pos); ok {
		l.constant(body, Import)
	}
}

func (l *lexer) constant(body []byte, k Kind) {
	spec, ok := unescape(body)
	if !ok {
		l.out.Flags |= Dynamic
		return
	}
	l.ref(spec, k)
}

// rough notes every string after require(, import and from, in code or not, for
// files that could not be followed.
func (l *lexer) rough() {
	for _, word := range []string{"require", "import", "from"} {
		for rest := 0; ; {
			n := bytes.Index(l.src[rest:], []byte(word))
			if n < 0 {
				break
			}
			rest += n + len(word)
			pos := l.space(rest)
			if l.at(pos) == '(' {
				pos = l.space(pos + 1)
			}
			if c := l.at(pos); c == '"' || c == '\'' || c == '`' {
				if end := bytes.IndexByte(l.src[pos+1:], c); end >= 0 && end <= maxSpec {
					l.constant(l.src[pos+1:pos+1+end], Either)
				}
			}
		}
	}
}
