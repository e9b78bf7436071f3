package version

import "strings"

// composer is a version in the parts PHP's version_compare sees, after
// Composer's normalisation to four numbers. https://getcomposer.org/doc/articles/versions.md
type composer []string

func parseComposer(text string) (composer, bool) {
	s := strings.ToLower(text)
	if _, alias, ok := strings.Cut(s, " as "); ok {
		s = strings.TrimSpace(alias)
	}
	s, _, _ = strings.Cut(s, "@") // stability flag
	s = strings.TrimPrefix(s, "v")
	s, _, _ = strings.Cut(s, "+")
	if s == "" || !isDigit(s[0]) {
		return composerParts(s), false
	}
	if date, ok := composerDate(s); ok {
		return date, true
	}
	var v composer
	rest := s
	for len(v) < 4 {
		n := composerNumber(rest)
		if n == 0 {
			break
		}
		v = append(v, strings.Replace(rest[:n], "x", "9999999", 1))
		rest = rest[n:]
		if len(rest) < 2 || rest[0] != '.' || composerNumber(rest[1:]) == 0 {
			break
		}
		rest = rest[1:]
	}
	for len(v) < 4 {
		if v[len(v)-1] == "9999999" {
			v = append(v, "9999999")
		} else {
			v = append(v, "0")
		}
	}
	return append(v, composerParts(rest)...), composerSuffix(rest)
}

// composerNumber returns the length of a number or of the "x" of a branch alias.
func composerNumber(s string) int {
	if n := digits(s); n > 0 {
		return n
	}
	if strings.HasPrefix(s, "x") && (len(s) == 1 || !isLower(s[1])) {
		return 1
	}
	return 0
}

// composerDate reads "2020-09-14" and "20200914.1": numbers separated by
// anything, with four digits or more in the first.
func composerDate(s string) (composer, bool) {
	if digits(s) < 4 || !strings.ContainsAny(s, "-_") {
		return nil, false
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == ':' })
	for _, p := range parts {
		if !allDigits(p) {
			return nil, false
		}
	}
	return parts, true
}

// composerSuffix says whether s is a suffix that Composer knows: one stability
// word and its numbers, then perhaps "dev".
func composerSuffix(s string) bool {
	words := 0
	parts := composerParts(s)
	for i, part := range parts {
		switch {
		case isDigit(part[0]):
			if words == 0 {
				return false
			}
		case composerRank(part) < 0, words > 0 && (part != "dev" || i != len(parts)-1):
			return false
		default:
			words++
		}
	}
	return true
}

// composerParts cuts at separators and at every change between digits and
// letters, and drops "stable", which means nothing.
func composerParts(s string) []string {
	var parts []string
	for s != "" {
		n := digits(s)
		if n == 0 {
			for n < len(s) && !isDigit(s[n]) && strings.IndexByte(".-_+", s[n]) < 0 {
				n++
			}
		}
		if n == 0 {
			s = s[1:]
			continue
		}
		if s[:n] != "stable" {
			parts = append(parts, s[:n])
		}
		s = s[n:]
	}
	return parts
}

// composerRank is the order of version_compare: unknown words, dev, alpha, beta,
// rc, a number ("#"), patch.
func composerRank(part string) int {
	for rank, prefix := range [...]string{"dev", "a", "b", "rc", "#", "p"} {
		if strings.HasPrefix(part, prefix) {
			return rank
		}
	}
	return -1
}

func (v composer) compare(other key) int {
	w, ok := other.(composer)
	if !ok {
		return 0
	}
	for i := range min(len(v), len(w)) {
		if c := compareComposerPart(v[i], w[i]); c != 0 {
			return c
		}
	}
	switch {
	case len(v) > len(w):
		return composerTail(v[len(w)])
	case len(v) < len(w):
		return -composerTail(w[len(v)])
	}
	return 0
}

// composerTail compares a part with nothing: a number is newer, a word by its rank.
func composerTail(part string) int {
	if isDigit(part[0]) {
		return 1
	}
	return compareComposerPart(part, "#")
}

func compareComposerPart(a, b string) int {
	an, bn := isDigit(a[0]), isDigit(b[0])
	switch {
	case an && bn:
		return compareNumbers(a, b)
	case an:
		a = "#"
	case bn:
		b = "#"
	}
	return sign(composerRank(a) - composerRank(b))
}
