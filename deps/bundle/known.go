package bundle

import (
	"bytes"
	_ "embed"
	"strconv"
	"strings"
)

// knownTable lists packages by hashes of string literals that only their code
// has, made by testdata/bundles/strings.mjs from about 400 packages that
// functions often hold.
//
//go:embed known.txt
var knownTable string

// Bounds of the texts in the table and of the code around one that may hold
// the package's version, in bytes.
const (
	minText  = 11
	maxText  = 80
	nearText = 600
)

// minTexts is how many texts of one package must be there to name it: one may
// have been copied.
const minTexts = 2

// A knownText is one line's entry: the package, and whether its version stands nearby.
type knownText struct {
	name   string
	anchor bool
}

// readKnown reads lines of a name and 48 bit hashes in hex, "v" before those
// of texts near the version.
func readKnown(table string) map[uint64]knownText {
	out := make(map[uint64]knownText, 2048)
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		for i, w := range words {
			hex, anchor := strings.CutPrefix(w, "v")
			if h, err := strconv.ParseUint(hex, 16, 48); i > 0 && err == nil {
				out[h] = knownText{words[0], anchor}
			}
		}
	}
	return out
}

// byKnown adds the packages whose texts are in the code.
func (v *inventory) byKnown(code []byte, known map[uint64]knownText) {
	type seen struct {
		texts    map[uint64]bool
		versions map[string]bool
	}
	found := make(map[string]*seen)
	for i, q := range code {
		if q != '"' && q != '\'' && q != '`' {
			continue
		}
		rest := code[i+1 : min(len(code), i+2+maxText)]
		n := bytes.IndexByte(rest, q)
		if n < minText {
			continue
		}
		h := textHash(rest[:n])
		k, ok := known[h]
		if !ok {
			continue
		}
		s := found[k.name]
		if s == nil {
			s = &seen{map[uint64]bool{}, map[string]bool{}}
			found[k.name] = s
		}
		if !s.texts[h] && k.anchor {
			if version := onlyVersion(code[max(0, i-nearText):min(len(code), i+n+nearText)]); version != "" {
				s.versions[version] = true
			}
		}
		s.texts[h] = true
	}
	for _, name := range sorted(found) {
		if s := found[name]; len(s.texts) >= minTexts {
			it := v.add(place{name: name}, knownString, "", noEvidence)
			for _, version := range sorted(s.versions) {
				it.version(version, versionConstant)
			}
		}
	}
}

// textHash is the upper 48 bits of FNV-1a.
func textHash(text []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range text {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return h >> 16
}

// onlyVersion returns the version that stands in quotes in a stretch of code, if
// there is just one.
func onlyVersion(code []byte) string {
	version := ""
	for i := 0; i+7 < len(code); i++ {
		if q := code[i]; (q != '"' && q != '\'' && q != '`') || code[i+1] < '0' || code[i+1] > '9' {
			continue
		}
		n := semver(code[i+1:])
		if n == 0 || i+1+n >= len(code) || code[i+1+n] != code[i] {
			continue
		}
		if v := string(code[i+1 : i+1+n]); version == "" {
			version = v
		} else if v != version {
			return ""
		}
	}
	return version
}
