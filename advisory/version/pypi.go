package version

import "strings"

// pypi is a version by PEP 440, or a legacy version, which is older than all others.
// https://packaging.python.org/en/latest/specifications/version-specifiers/
type pypi struct {
	epoch   string
	release []string
	pre     phase // letter a, b or c (for rc)
	post    phase
	dev     phase
	local   []string
	legacy  string // the sort key of setuptools before PEP 440; "" for PEP 440 versions
}

// A phase is a letter and number of a pre-, post- or development release.
type phase struct {
	letter byte // 0: none
	number string
}

// parsePyPI reads the version by hand; the grammar is regular.
func parsePyPI(text string) (pypi, bool) {
	text = strings.ToLower(text)
	s := strings.TrimPrefix(text, "v")
	var v pypi
	if n := digits(s); n > 0 && n < len(s) && s[n] == '!' {
		v.epoch, s = s[:n], s[n+1:]
	}
	v.release, s = releaseNumbers(s)
	v.pre, s = cutPhase(s, spelling{"alpha", 'a'}, spelling{"a", 'a'}, spelling{"beta", 'b'}, spelling{"b", 'b'},
		spelling{"preview", 'c'}, spelling{"pre", 'c'}, spelling{"rc", 'c'}, spelling{"c", 'c'})
	if n := digits(strings.TrimPrefix(s, "-")); n > 0 && s[0] == '-' {
		v.post, s = phase{'p', s[1 : n+1]}, s[n+1:]
	} else {
		v.post, s = cutPhase(s, spelling{"post", 'p'}, spelling{"rev", 'p'}, spelling{"r", 'p'})
	}
	v.dev, s = cutPhase(s, spelling{"dev", 'd'})
	if strings.HasPrefix(s, "+") {
		v.local, s = localLabels(s[1:])
	}
	if s == "" && len(v.release) > 0 {
		return v, true
	}
	return pypi{legacy: legacyKey(text)}, text != "" && isDigit(text[0])
}

func releaseNumbers(s string) ([]string, string) {
	list := make([]string, 0, min(8, strings.Count(s, ".")+1))
	for {
		n := digits(s)
		if n == 0 {
			return list, s
		}
		list = append(list, s[:n])
		s = s[n:]
		if len(s) < 2 || s[0] != '.' || !isDigit(s[1]) {
			return list, s
		}
		s = s[1:]
	}
}

// A spelling is a word for a phase.
type spelling struct {
	word   string
	letter byte
}

// cutPhase takes "[-_.]word[-_.]number" off the front of s, longer words first.
func cutPhase(s string, words ...spelling) (phase, string) {
	rest := s
	if rest != "" && strings.IndexByte("-_.", rest[0]) >= 0 {
		rest = rest[1:]
	}
	for _, w := range words {
		after, ok := strings.CutPrefix(rest, w.word)
		if !ok || (after != "" && isLower(after[0]) && !startsPhase(after)) {
			continue
		}
		if len(after) > 1 && strings.IndexByte("-_.", after[0]) >= 0 && isDigit(after[1]) {
			after = after[1:]
		} else if len(after) == 1 && strings.IndexByte("-_.", after[0]) >= 0 {
			continue
		}
		n := digits(after)
		return phase{w.letter, after[:n]}, after[n:]
	}
	return phase{}, s
}

// startsPhase allows "1.0a.post1" to be written "1.0apost1".
func startsPhase(s string) bool {
	return strings.HasPrefix(s, "post") || strings.HasPrefix(s, "rev") || strings.HasPrefix(s, "dev") || strings.HasPrefix(s, "r")
}

func localLabels(s string) ([]string, string) {
	list := strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '-' || r == '_' })
	n := len(list) - 1
	for _, l := range list {
		n += len(l)
		for i := range len(l) {
			if !isDigit(l[i]) && !isLower(l[i]) {
				return nil, "+" + s
			}
		}
	}
	if n != len(s) || len(list) == 0 { // empty labels
		return nil, "+" + s
	}
	return list, ""
}

func (v pypi) compare(other key) int {
	w, ok := other.(pypi)
	if !ok {
		return 0
	}
	if v.legacy != "" || w.legacy != "" {
		return compareLegacy(v.legacy, w.legacy)
	}
	if c := compareNumbers(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareNumberLists(v.release, w.release); c != 0 {
		return c
	}
	if c := comparePhase(v.preRank(), w.preRank()); c != 0 {
		return c
	}
	if c := comparePhase(v.post, w.post); c != 0 {
		return c
	}
	if c := comparePhase(v.devRank(), w.devRank()); c != 0 {
		return c
	}
	return compareLocal(v.local, w.local)
}

// compareLegacy puts legacy versions before all others.
func compareLegacy(a, b string) int {
	switch {
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return strings.Compare(a, b)
}

// preRank puts 1.0.dev1 before 1.0a1, and 1.0 and 1.0.post1 after 1.0rc1.
func (v pypi) preRank() phase {
	switch {
	case v.pre.letter != 0:
		return v.pre
	case v.post.letter == 0 && v.dev.letter != 0:
		return phase{letter: 1}
	}
	return phase{letter: 'z'}
}

func (v pypi) devRank() phase {
	if v.dev.letter == 0 {
		return phase{letter: 'z'}
	}
	return v.dev
}

func comparePhase(a, b phase) int {
	if a.letter != b.letter {
		return sign(int(a.letter) - int(b.letter))
	}
	return compareNumbers(a.number, b.number)
}

// compareLocal orders local version labels: numbers after words, none before any.
func compareLocal(a, b []string) int {
	for i := range min(len(a), len(b)) {
		an, bn := allDigits(a[i]), allDigits(b[i])
		c := 0
		switch {
		case an && bn:
			c = compareNumbers(a[i], b[i])
		case an:
			c = 1
		case bn:
			c = -1
		default:
			c = strings.Compare(a[i], b[i])
		}
		if c != 0 {
			return c
		}
	}
	return sign(len(a) - len(b))
}

// legacyKey is the order setuptools used before PEP 440: parts of digits padded
// to eight, words with a star before them, pre-release words before "final".
func legacyKey(text string) string {
	var parts []string
	for _, part := range append(legacyParts(text), "final") {
		switch part {
		case "pre", "preview", "rc":
			part = "c"
		case "-":
			part = "final-"
		case "dev":
			part = "@"
		}
		if isDigit(part[0]) {
			parts = append(parts, strings.Repeat("0", max(0, 8-len(part)))+part)
			continue
		}
		if part < "final" {
			for len(parts) > 0 && parts[len(parts)-1] == "*final-" {
				parts = parts[:len(parts)-1]
			}
		}
		for len(parts) > 0 && parts[len(parts)-1] == "00000000" {
			parts = parts[:len(parts)-1]
		}
		parts = append(parts, "*"+part)
	}
	return strings.Join(parts, "\x00")
}

// legacyParts cuts text into runs of digits, runs of letters and hyphens.
func legacyParts(text string) []string {
	var parts []string
	for text != "" {
		n := digits(text)
		if n == 0 {
			for n < len(text) && isLower(text[n]) {
				n++
			}
		}
		if n == 0 {
			if text[0] == '-' {
				parts = append(parts, "-")
			}
			text = text[1:]
			continue
		}
		parts = append(parts, text[:n])
		text = text[n:]
	}
	return parts
}
