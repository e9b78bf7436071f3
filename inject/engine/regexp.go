package engine

import (
	"regexp/syntax"
	"strings"

	"github.com/fnvet/fnvet/inject/rules"
)

// regexpMethod is a test or match of a text.
func (r *run) regexpMethod(recv *Value, name string, a args) (*Value, bool) {
	switch name {
	case "test":
		return plainValue, true
	case "exec", "match", "fullmatch", "search", "findall", "finditer":
		return r.matched(recv.regexp, a.at(0), name == "fullmatch", name == "match"), true
	case "sub", "subn":
		return r.replaced(recv.regexp, a.at(1), a.at(0), true), true
	case "split":
		return tainted(a.at(0).all()), true
	}
	return nil, true
}

// matched is what a regular expression took from a text.
func (r *run) matched(pattern string, v *Value, full, start bool) *Value {
	safe := r.harmless(pattern, full, start)
	return masked(&Value{taints: v.all()}, safe)
}

// replaced is a text in which what a pattern matches was replaced.
func (r *run) replaced(pattern string, v, with *Value, global bool) *Value {
	safe := rules.Classes(0)
	if global || strings.Contains(pattern[strings.LastIndexByte(pattern, '/')+1:], "g") {
		safe = r.stripped(pattern)
	}
	if v != nil && v.exact && len(v.taints) == 0 {
		if w := with; w == nil || w.trusted() {
			return nil
		}
	}
	out := masked(&Value{taints: v.all(), prefix: v.start(), led: v != nil && v.led}, safe)
	if with != nil {
		out.taints = union(out.taints, with.all(), maxTaints, (*Taint).same)
		for _, f := range with.fns {
			r.fork(func() { r.invoke(f, nil, args{pos: []*Value{v, v}}); r.dead = false }, func() {})
		}
	}
	return out
}

// classChars gathers the characters that the classes of a pattern let through.
// Literals are the program's choice.
func classChars(re *syntax.Regexp, into *[]rune, wild *bool) {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		*wild = true
	case syntax.OpCharClass:
		*into = append(*into, re.Rune...)
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i+1] > 0xFFFF {
				*wild = true // a negated class
			}
		}
	default:
	}
	for _, sub := range re.Sub {
		classChars(sub, into, wild)
	}
}

// splitPattern takes "/body/flags" apart.
func splitPattern(p string) (body, flags string) {
	i := strings.LastIndexByte(p, '/')
	if len(p) < 2 || p[0] != '/' || i < 1 {
		return p, ""
	}
	return p[1:i], p[i+1:]
}

func parsePattern(body, flags string) *syntax.Regexp {
	if len(body) > 2000 {
		return nil
	}
	f := syntax.Perl
	if strings.Contains(flags, "i") {
		f |= syntax.FoldCase
	}
	body = strings.NewReplacer(`\/`, `/`, `\-`, `\x2d`, `\d`, `0-9`).Replace(protectDigits(body))
	re, err := syntax.Parse(body, f)
	if err != nil {
		return nil
	}
	return re
}

// protectDigits writes \d outside of brackets as a class of its own.
func protectDigits(s string) string {
	var b strings.Builder
	in := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] == 'd' && !in {
				b.WriteString("[0-9]")
			} else {
				b.WriteString(s[i : i+2])
			}
			i++
			continue
		case s[i] == '[':
			in = true
		case s[i] == ']':
			in = false
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// harmless is the classes of sinks that a text matching a pattern cannot harm.
// full says that the call anchors both ends, start that it anchors the first.
func (r *run) harmless(pattern string, full, start bool) rules.Classes {
	body, flags := splitPattern(pattern)
	if strings.Contains(flags, "m") && !full {
		return 0
	}
	re := parsePattern(body, flags)
	if re == nil {
		return 0
	}
	if !full && !anchored(re, start) {
		return 0
	}
	var chars []rune
	wild := false
	classChars(re, &chars, &wild)
	if wild {
		return 0
	}
	return r.safeFor(func(c rune) bool {
		for i := 0; i+1 < len(chars); i += 2 {
			if c >= chars[i] && c <= chars[i+1] {
				return true
			}
		}
		return false
	})
}

// anchored says that a pattern can match nothing but whole texts.
func anchored(re *syntax.Regexp, start bool) bool {
	if re.Op == syntax.OpCapture {
		return anchored(re.Sub[0], start)
	}
	if re.Op == syntax.OpAlternate {
		for _, sub := range re.Sub {
			if !anchored(sub, start) {
				return false
			}
		}
		return true
	}
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 {
		return false
	}
	first, end := re.Sub[0].Op, re.Sub[len(re.Sub)-1].Op
	return (start || first == syntax.OpBeginText) && end == syntax.OpEndText
}

// stripped is the classes that a text cannot harm once everything that a pattern
// matches is gone: the pattern is a negated class.
func (r *run) stripped(pattern string) rules.Classes {
	body, flags := splitPattern(pattern)
	re := parsePattern(body, flags)
	if re == nil {
		return 0
	}
	for re.Op == syntax.OpPlus || re.Op == syntax.OpStar || re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpCharClass {
		return 0
	}
	gone := re.Rune
	return r.safeFor(func(c rune) bool {
		for i := 0; i+1 < len(gone); i += 2 {
			if c >= gone[i] && c <= gone[i+1] {
				return false
			}
		}
		return true
	})
}

// dangerous are the characters with which a text does harm, by class; a class
// that is not listed is made safe by the characters of words alone.
var dangerous = map[string]string{
	"injection/command":         ";|&$`><(){}!'\"\\*?\n#",
	"injection/sql":             "'\";\\()` \n=",
	"injection/nosql":           "'\"{}$;\\",
	"injection/path":            "/\\",
	"injection/ssrf":            ".:/@\\#?",
	"injection/html":            "<>&\"'",
	"injection/header":          "\r\n",
	"injection/log":             "\r\n",
	"injection/ldap":            "*()\\\x00=&|",
	"injection/template":        "{}<>%$#",
	"injection/xxe":             "<>&",
	"injection/code":            "()[]{};'\"`.=+ \n",
	"injection/invoke":          "*",
	"injection/deserialisation": "{}[]()+/=\"'. ",
}

func (r *run) safeFor(lets func(rune) bool) rules.Classes {
	var safe rules.Classes
	for i, c := range r.rules.Classes() {
		bad, ok := dangerous[c.ID]
		if !ok {
			bad = ";|&$`><(){}!'\"\\*?\n#/.:@= "
		}
		if !strings.ContainsFunc(bad, lets) {
			safe |= 1 << i
		}
	}
	return safe
}
