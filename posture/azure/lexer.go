package azure

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/fnvet/fnvet/posture/model"
)

type language uint8

const (
	python language = iota
	script          // JavaScript and TypeScript
)

type tokenKind uint8

const (
	tEnd tokenKind = iota
	tWord
	tString // without interpolation
	tMixed  // a string with interpolation
	tNumber
	tOther // one character
)

type token struct {
	kind  tokenKind
	text  string
	pos   model.Pos
	first bool // of its line
}

const maxTokens = 2_000_000

// tokens splits source into words, strings and single characters, without comments.
// It knows only as much of the languages as finding declarations needs.
func tokens(file string, data []byte, lang language) []token {
	l := lexer{file: file, data: data, lang: lang, line: 1, first: true}
	for l.at < len(l.data) && len(l.out) < maxTokens {
		l.next()
	}
	return l.out
}

type lexer struct {
	file  string
	data  []byte
	lang  language
	at    int
	line  int
	start int // of the line
	first bool
	out   []token
}

func (l *lexer) pos(at int) model.Pos {
	return model.Pos{File: l.file, Line: l.line, Column: at - l.start + 1}
}

func (l *lexer) emit(kind tokenKind, pos model.Pos, text string) {
	l.out = append(l.out, token{kind, text, pos, l.first})
	l.first = false
}

func (l *lexer) has(prefix string) bool { return bytes.HasPrefix(l.data[l.at:], []byte(prefix)) }

func (l *lexer) next() {
	c := l.data[l.at]
	switch {
	case c == '\n':
		l.at++
		l.line, l.start, l.first = l.line+1, l.at, true
	case c == ' ' || c == '\t' || c == '\r':
		l.at++
	case l.lang == python && c == '#', l.lang == script && l.has("//"):
		for l.at < len(l.data) && l.data[l.at] != '\n' {
			l.at++
		}
	case l.lang == script && l.has("/*"):
		end := bytes.Index(l.data[l.at:], []byte("*/"))
		if end < 0 {
			end = len(l.data) - l.at - 2
		}
		l.skip(end + 2)
	case c == '"' || c == '\'' || c == '`' && l.lang == script:
		l.str("")
	case word(c):
		l.word()
	default:
		_, n := utf8.DecodeRune(l.data[l.at:])
		l.emit(tOther, l.pos(l.at), string(l.data[l.at:l.at+n]))
		l.at += n
	}
}

// skip moves over bytes and counts their lines.
func (l *lexer) skip(n int) {
	for end := min(l.at+n, len(l.data)); l.at < end; l.at++ {
		if l.data[l.at] == '\n' {
			l.line, l.start = l.line+1, l.at+1
		}
	}
}

func word(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (l *lexer) word() {
	begin := l.at
	for l.at < len(l.data) && word(l.data[l.at]) {
		l.at++
	}
	text := string(l.data[begin:l.at])
	if l.lang == python && len(text) <= 2 && l.at < len(l.data) && (l.data[l.at] == '"' || l.data[l.at] == '\'') && strings.Trim(strings.ToLower(text), "rbuf") == "" {
		l.str(strings.ToLower(text))
		return
	}
	kind := tWord
	if text[0] >= '0' && text[0] <= '9' {
		kind = tNumber
	}
	l.emit(kind, l.pos(begin), text)
}

// str reads a string; prefix is Python's.
func (l *lexer) str(prefix string) {
	pos := l.pos(l.at)
	quote := string(l.data[l.at])
	if l.lang == python && l.has(strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	l.at += len(quote)
	var b strings.Builder
	kind := tString
	if strings.Contains(prefix, "f") {
		kind = tMixed
	}
	for l.at < len(l.data) && !l.has(quote) {
		switch c := l.data[l.at]; {
		case c == '\\' && l.at+1 < len(l.data) && !strings.Contains(prefix, "r"):
			b.WriteString(unescape(l.data[l.at+1]))
			l.skip(2)
			continue
		case c == '\n' && len(quote) == 1 && quote != "`": // it was no string
			l.emit(kind, pos, b.String())
			return
		case quote == "`" && l.has("${"):
			kind = tMixed
		}
		b.WriteByte(l.data[l.at])
		l.skip(1)
	}
	l.at = min(l.at+len(quote), len(l.data))
	l.emit(kind, pos, b.String())
}

func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '\n':
		return ""
	}
	return string(rune(c))
}
