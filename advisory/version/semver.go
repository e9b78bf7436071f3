package version

import "strings"

// semver is a version of numbers and labels. https://semver.org/#spec-item-11
type semver struct {
	numbers []string
	pre     []string // nil for a release
	build   string   // only kept where it counts
}

// parseSemVer reads numbers separated by dots, an optional "-" and pre-release
// labels, and drops "+" and build metadata. A leading "v" or "=" and missing
// minor and patch numbers are accepted; so are more than three numbers when most
// is 0, and labels without their hyphen ("1.0.0beta"), as node-semver's loose mode does.
func parseSemVer(text string, most int) (semver, bool) {
	text = strings.TrimLeft(text, "=vV \t")
	var v semver
	text, v.build, _ = strings.Cut(text, "+")
	rest := text
	v.numbers = make([]string, 0, 3)
	for {
		n := digits(rest)
		if n == 0 {
			break
		}
		v.numbers = append(v.numbers, rest[:n])
		rest = rest[n:]
		if len(rest) < 2 || rest[0] != '.' || !isDigit(rest[1]) {
			break
		}
		rest = rest[1:]
	}
	valid := len(v.numbers) > 0 && (most == 0 || len(v.numbers) <= most)
	if rest == "" {
		return v, valid
	}
	if rest[0] != '-' && !isLetter(rest[0]) {
		word, _, _ := strings.Cut(strings.TrimPrefix(rest, "."), ".")
		if rest[0] != '.' || word == "" || !isLetter(word[0]) || word == "x" || word == "X" { // "1.x" is a range
			valid = false
		}
		rest = strings.TrimLeft(rest, ".")
	}
	v.pre = strings.Split(strings.TrimPrefix(rest, "-"), ".")
	return v, valid
}

func (v semver) compare(other key) int {
	w, ok := other.(semver)
	if !ok {
		return 0
	}
	if c := compareNumberLists(v.numbers, w.numbers); c != 0 {
		return c
	}
	return comparePre(v.pre, w.pre)
}

// comparePre orders pre-release labels; none is newer than any.
func comparePre(a, b []string) int {
	if len(a) == 0 || len(b) == 0 {
		return sign(len(b) - len(a))
	}
	for i := range min(len(a), len(b)) {
		if c := compareLabel(a[i], b[i]); c != 0 {
			return c
		}
	}
	return sign(len(a) - len(b))
}

// compareLabel orders two labels: numbers by value and before words, words by bytes.
func compareLabel(a, b string) int {
	an, bn := allDigits(a), allDigits(b)
	switch {
	case an && bn:
		return compareNumbers(a, b)
	case an:
		return -1
	case bn:
		return 1
	}
	return strings.Compare(a, b)
}

// parseNuGet reads up to four numbers; labels compare without case.
// https://learn.microsoft.com/nuget/concepts/package-versioning
func parseNuGet(text string) (semver, bool) { return parseSemVer(strings.ToLower(text), 4) }

// pub is semver in which build metadata counts as a last resort.
// https://pub.dev/documentation/pub_semver
type pub struct{ semver }

func parsePub(text string) (pub, bool) {
	v, ok := parseSemVer(text, 3)
	return pub{v}, ok
}

func (v pub) compare(other key) int {
	w, ok := other.(pub)
	if !ok {
		return 0
	}
	if c := v.semver.compare(w.semver); c != 0 {
		return c
	}
	if v.build == "" || w.build == "" {
		return sign(len(v.build) - len(w.build))
	}
	return comparePre(strings.Split(v.build, "."), strings.Split(w.build, "."))
}

// numbers is a list of numbers in which a longer list is newer than its own start.
type numbers []string

func parseNumbers(text, separators string) (numbers, bool) {
	var list numbers
	valid := true
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		n := digits(part)
		valid = valid && n == len(part)
		list = append(list, part[:n])
	}
	return list, valid && len(list) > 0
}

func (v numbers) compare(other key) int {
	w, ok := other.(numbers)
	if !ok {
		return 0
	}
	for i := range min(len(v), len(w)) {
		if c := compareNumbers(v[i], w[i]); c != 0 {
			return c
		}
	}
	return sign(len(v) - len(w))
}
