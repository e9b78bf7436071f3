package version

import "strings"

// rpm is epoch, version and release. https://rpm-software-management.github.io/rpm/man/rpm-version.7
type rpm struct{ epoch, version, release string }

func parseRPM(text string) (rpm, bool) {
	var v rpm
	if epoch, rest, ok := strings.Cut(text, ":"); ok && (epoch == "" || allDigits(epoch)) {
		v.epoch, text = epoch, rest
	}
	v.version, v.release, _ = strings.Cut(text, "-")
	return v, v.version != "" && strings.ContainsAny(v.version, "0123456789")
}

func (v rpm) compare(other key) int {
	w, ok := other.(rpm)
	if !ok {
		return 0
	}
	if c := compareNumbers(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareRPM(v.version, w.version); c != 0 {
		return c
	}
	return compareRPM(v.release, w.release)
}

// compareRPM is rpmvercmp: runs of digits or letters, "~" before everything,
// "^" after the end but before everything else.
func compareRPM(a, b string) int {
	for a != "" || b != "" {
		a, b = trimRPM(a), trimRPM(b)
		if c, done := compareRPMMark(&a, &b, '~', -1); done {
			if c != 0 {
				return c
			}
			continue
		}
		if c, done := compareCaret(&a, &b); done {
			if c != 0 {
				return c
			}
			continue
		}
		if a == "" || b == "" {
			break
		}
		run := digits
		if !isDigit(a[0]) {
			run = letters
		}
		n, m := run(a), run(b)
		if m == 0 { // of different kinds: numbers are newer
			if isDigit(a[0]) {
				return 1
			}
			return -1
		}
		c := strings.Compare(a[:n], b[:m])
		if isDigit(a[0]) {
			c = compareNumbers(a[:n], b[:m])
		}
		if c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return sign(len(a) - len(b))
}

// trimRPM drops separators.
func trimRPM(s string) string {
	for s != "" && !isDigit(s[0]) && !isLetter(s[0]) && s[0] != '~' && s[0] != '^' {
		s = s[1:]
	}
	return s
}

// compareRPMMark handles a mark at the start of either string: the one with it is older.
func compareRPMMark(a, b *string, mark byte, with int) (int, bool) {
	am, bm := *a != "" && (*a)[0] == mark, *b != "" && (*b)[0] == mark
	switch {
	case am && bm:
		*a, *b = (*a)[1:], (*b)[1:]
		return 0, true
	case am:
		return with, true
	case bm:
		return -with, true
	}
	return 0, false
}

// compareCaret: newer than the end of the string, older than anything else.
func compareCaret(a, b *string) (int, bool) {
	with := -1
	if *a == "" || *b == "" {
		with = 1
	}
	return compareRPMMark(a, b, '^', with)
}

func letters(s string) int {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	return n
}
