package version

import "strings"

// apk is a version of Alpine as its tokens, in the order of apk-tools 2.14 and 3.
// https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd
type apk []apkToken

type apkToken struct {
	kind apkKind
	text string
}

// apkKind orders what may follow: where two versions differ in kind, the one
// whose next token is of the later kind is older.
type apkKind uint8

const (
	apkFirst    apkKind = iota + 1 // the first number
	apkNumber                      // a number after a dot
	apkLetter                      // one lower case letter
	apkSuffix                      // "_alpha" … "_p"
	apkSuffixNo                    // the number of a suffix
	apkCommit                      // "~" and hexadecimal digits
	apkRevision                    // "-r" and a number
	apkEnd
	apkInvalid
)

// parseAlpine takes everything that starts with a number for a version, as apk
// does when it compares: old releases have "5.9.2p1-r0", which its grammar lacks.
func parseAlpine(text string) (apk, bool) {
	var v apk
	last := apkKind(0)
	for last != apkEnd && last != apkInvalid {
		var t apkToken
		t, text = nextApk(last, text)
		v = append(v, t)
		last = t.kind
	}
	return v, v[0].kind == apkFirst
}

// nextApk takes the token after one of kind last off the front of s.
func nextApk(last apkKind, s string) (apkToken, string) {
	invalid := apkToken{kind: apkInvalid, text: s}
	if last == 0 {
		return cutDigits(apkFirst, s)
	}
	if s == "" {
		return apkToken{kind: apkEnd}, ""
	}
	switch c := s[0]; {
	case c == '.' && last <= apkNumber:
		return cutDigits(apkNumber, s[1:])
	case isLower(c) && last <= apkNumber:
		return apkToken{apkLetter, s[:1]}, s[1:]
	case c == '_' && last <= apkSuffixNo:
		n := 1
		for n < len(s) && isLower(s[n]) {
			n++
		}
		if apkSuffixRank(s[1:n]) < 0 {
			return invalid, ""
		}
		return apkToken{apkSuffix, s[1:n]}, s[n:]
	case isDigit(c) && last == apkSuffix:
		return cutDigits(apkSuffixNo, s)
	case c == '~' && last < apkCommit:
		n := 1
		for n < len(s) && (isDigit(s[n]) || 'a' <= s[n] && s[n] <= 'f') {
			n++
		}
		return apkToken{apkCommit, s[1:n]}, s[n:]
	case strings.HasPrefix(s, "-r") && last < apkRevision:
		n := 2 + digits(s[2:])
		return apkToken{apkRevision, s[2:n]}, s[n:]
	}
	return invalid, ""
}

func cutDigits(kind apkKind, s string) (apkToken, string) {
	n := digits(s)
	if n == 0 {
		return apkToken{kind: apkInvalid, text: s}, ""
	}
	return apkToken{kind, s[:n]}, s[n:]
}

// apkSuffixRank is negative for unknown words, below 5 for pre-releases.
func apkSuffixRank(word string) int {
	for i, known := range [...]string{"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"} {
		if word == known && word != "" {
			return i
		}
	}
	return -1
}

func (t apkToken) preRelease() bool {
	return t.kind == apkSuffix && apkSuffixRank(t.text) < 4
}

func (v apk) compare(other key) int {
	w, ok := other.(apk)
	if !ok {
		return 0
	}
	for i := range min(len(v), len(w)) {
		a, b := v[i], w[i]
		if a.kind == b.kind {
			if c := compareApkToken(a, b); c != 0 {
				return c
			}
			continue
		}
		switch {
		case a.preRelease():
			return -1
		case b.preRelease():
			return 1
		}
		return sign(int(b.kind) - int(a.kind))
	}
	return 0
}

// compareApkToken compares tokens of one kind. Numbers after the first compare
// as strings when either has a leading zero.
func compareApkToken(a, b apkToken) int {
	switch a.kind {
	case apkNumber:
		if a.text[0] == '0' || b.text[0] == '0' {
			return strings.Compare(a.text, b.text)
		}
		return compareNumbers(a.text, b.text)
	case apkFirst, apkSuffixNo, apkRevision:
		return compareNumbers(a.text, b.text)
	case apkSuffix:
		return sign(apkSuffixRank(a.text) - apkSuffixRank(b.text))
	case apkEnd:
		return 0
	case apkInvalid: // "5.9.2p10": apk gives up; old Alpine releases are full of them
		return compareDebianPart(a.text, b.text)
	default:
		return strings.Compare(a.text, b.text)
	}
}
