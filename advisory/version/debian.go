package version

import "strings"

// debian is epoch, upstream version and revision. https://man7.org/linux/man-pages/man7/deb-version.7.html
type debian struct{ epoch, upstream, revision string }

func parseDebian(text string) (debian, bool) {
	var v debian
	if epoch, rest, ok := strings.Cut(text, ":"); ok && allDigits(epoch) {
		v.epoch, text = epoch, rest
	}
	v.upstream = text
	if i := strings.LastIndexByte(text, '-'); i >= 0 {
		v.upstream, v.revision = text[:i], text[i+1:]
	}
	return v, v.upstream != "" && strings.ContainsAny(v.upstream, "0123456789")
}

func (v debian) compare(other key) int {
	w, ok := other.(debian)
	if !ok {
		return 0
	}
	if c := compareNumbers(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareDebianPart(v.upstream, w.upstream); c != 0 {
		return c
	}
	return compareDebianPart(v.revision, w.revision)
}

// compareDebianPart alternates between runs of other characters and of digits.
func compareDebianPart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if c := debianWeight(a) - debianWeight(b); c != 0 {
				return sign(c)
			}
			a, b = a[1:], b[1:]
		}
		n, m := digits(a), digits(b)
		if c := compareNumbers(a[:n], b[:m]); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return 0
}

// debianWeight of the first character: "~", then the end or a digit, then
// letters, then everything else.
func debianWeight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}
