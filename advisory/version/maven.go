package version

import (
	"slices"
	"strings"
)

// mavenItem is one node of Maven's parsed version: a number, a word or a list.
// It follows the behaviour of ComparableVersion of Maven 3.9, where lists nest
// at every hyphen and at every change between digits and letters.
type mavenItem struct {
	kind mavenKind
	text string      // digits without leading zeros, or the qualifier's sort key
	list []mavenItem // of lists
}

type mavenKind uint8

const (
	mavenNumber mavenKind = iota + 1
	mavenWord
	mavenList
)

// mavenRelease is the sort key of an empty qualifier, "ga", "final" and "release".
const mavenRelease = "5"

func parseMaven(text string) (mavenItem, bool) {
	text = strings.ToLower(text)
	valid := text != "" && (isDigit(text[0]) || isLower(text[0]) && strings.ContainsAny(text, "0123456789"))
	p := mavenParser{stack: [][]mavenItem{nil}}
	start, inDigits := 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.' || c == '-':
			p.token(text[start:i], inDigits)
			start = i + 1
			if c == '-' {
				p.push()
			}
		case isDigit(c):
			if !inDigits && i > start {
				p.pushUnlessEmpty()
				p.add(mavenQualifier(text[start:i], true))
				start = i
				p.push()
			}
			inDigits = true
		default:
			if inDigits && i > start {
				p.add(mavenInteger(text[start:i]))
				start = i
				p.push()
			}
			inDigits = false
		}
	}
	if start < len(text) {
		if !inDigits {
			p.pushUnlessEmpty()
		}
		p.token(text[start:], inDigits)
	}
	return p.close(), valid
}

// mavenParser holds the open lists, outermost first.
type mavenParser struct{ stack [][]mavenItem }

func (p *mavenParser) add(item mavenItem) {
	top := len(p.stack) - 1
	p.stack[top] = append(p.stack[top], item)
}

func (p *mavenParser) push() { p.stack = append(p.stack, nil) }

func (p *mavenParser) pushUnlessEmpty() {
	if len(p.stack[len(p.stack)-1]) > 0 {
		p.push()
	}
}

// token adds what stands between two separators; nothing counts as zero.
func (p *mavenParser) token(text string, inDigits bool) {
	switch {
	case text == "" || inDigits:
		p.add(mavenInteger(text))
	default:
		p.add(mavenQualifier(text, false))
	}
}

// close folds the open lists into each other, innermost first, dropping null
// items at their ends.
func (p *mavenParser) close() mavenItem {
	var inner *mavenItem
	for _, list := range slices.Backward(p.stack) {
		if inner != nil {
			list = append(list, *inner)
		}
		item := mavenItem{kind: mavenList, list: normalizeMaven(list)}
		inner = &item
	}
	return *inner
}

// normalizeMaven drops zeros, empty qualifiers and empty lists from the end
// back to the first number or word that counts, passing over lists.
func normalizeMaven(list []mavenItem) []mavenItem {
	for i, item := range slices.Backward(list) {
		if item.isNull() {
			list = append(list[:i:i], list[i+1:]...)
		} else if item.kind != mavenList {
			break
		}
	}
	return list
}

func (m mavenItem) isNull() bool {
	switch m.kind {
	case mavenNumber:
		return m.text == ""
	case mavenWord:
		return m.text == mavenRelease
	default:
		return len(m.list) == 0
	}
}

func mavenInteger(text string) mavenItem {
	return mavenItem{kind: mavenNumber, text: strings.TrimLeft(text, "0")}
}

// mavenQualifier makes the sort key of a word: the known ones by rank, the
// others after them by their letters.
func mavenQualifier(text string, beforeDigit bool) mavenItem {
	if beforeDigit {
		switch text {
		case "a":
			text = "alpha"
		case "b":
			text = "beta"
		case "m":
			text = "milestone"
		}
	}
	rank := "7-" + text
	switch text {
	case "alpha":
		rank = "0"
	case "beta":
		rank = "1"
	case "milestone":
		rank = "2"
	case "rc", "cr":
		rank = "3"
	case "snapshot":
		rank = "4"
	case "", "ga", "final", "release":
		rank = mavenRelease
	case "sp":
		rank = "6"
	}
	return mavenItem{kind: mavenWord, text: rank}
}

func (m mavenItem) compare(other key) int {
	w, ok := other.(mavenItem)
	if !ok {
		return 0
	}
	return m.compareItem(&w)
}

// compareItem compares with another item, or with nothing when w is nil.
func (m mavenItem) compareItem(w *mavenItem) int {
	if w == nil {
		return m.compareNull()
	}
	if m.kind != w.kind {
		return sign(m.kind.rank() - w.kind.rank())
	}
	switch m.kind {
	case mavenNumber:
		return compareNumbers(m.text, w.text)
	case mavenWord:
		return strings.Compare(m.text, w.text)
	default:
		return compareMavenLists(m.list, w.list)
	}
}

// rank orders items of different kinds: word < list < number.
func (k mavenKind) rank() int {
	switch k {
	case mavenWord:
		return 0
	case mavenList:
		return 1
	default:
		return 2
	}
}

func (m mavenItem) compareNull() int {
	switch m.kind {
	case mavenNumber:
		return sign(len(m.text))
	case mavenWord:
		return strings.Compare(m.text, mavenRelease)
	default:
		for _, item := range m.list {
			if c := item.compareNull(); c != 0 {
				return c
			}
		}
		return 0
	}
}

func compareMavenLists(a, b []mavenItem) int {
	for i := range max(len(a), len(b)) {
		c := 0
		switch {
		case i >= len(a):
			c = -b[i].compareNull()
		case i >= len(b):
			c = a[i].compareNull()
		default:
			c = a[i].compareItem(&b[i])
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
