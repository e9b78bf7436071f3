package version

import "strings"

// gem is a version of RubyGems: segments of digits or letters, without the
// zeros at the end of the release and of the pre-release part.
// https://github.com/rubygems/rubygems/blob/master/lib/rubygems/version.rb
type gem []string

func parseGem(text string) (gem, bool) {
	text = strings.ReplaceAll(text, "-", ".pre.")
	valid := text != "" && isDigit(text[0]) && text[len(text)-1] != '.' && !strings.Contains(text, "..")
	var segments []string
	for text != "" {
		n := digits(text)
		if n == 0 {
			for n < len(text) && isLetter(text[n]) {
				n++
			}
		}
		if n == 0 {
			valid = valid && (text[0] == '.' || text[0] == '_')
			text = text[1:]
			continue
		}
		segments = append(segments, text[:n])
		text = text[n:]
	}
	return canonicalGem(segments), valid
}

func canonicalGem(segments []string) gem {
	word := 0
	for word < len(segments) && isDigit(segments[word][0]) {
		word++
	}
	release := trimZeros(segments[:word:word])
	return append(release, trimZeros(segments[word:])...)
}

func trimZeros(list []string) []string {
	for len(list) > 0 && strings.Trim(list[len(list)-1], "0") == "" {
		list = list[:len(list)-1]
	}
	return list
}

func (v gem) compare(other key) int {
	w, ok := other.(gem)
	if !ok {
		return 0
	}
	for i := range max(len(v), len(w)) {
		a, b := at(v, i), at(w, i)
		an, bn := a == "" || isDigit(a[0]), b == "" || isDigit(b[0])
		c := 0
		switch {
		case an && bn:
			c = compareNumbers(a, b)
		case an:
			c = 1
		case bn:
			c = -1
		default:
			c = strings.Compare(a, b)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
