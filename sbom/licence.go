package sbom

import (
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// maxExpression bounds what is tried as a licence expression, in bytes.
const maxExpression = 512

// licences tells SPDX ids and expressions from other licence texts. It lives for one document.
type licences struct {
	ids   map[string]string // lower case to as listed
	valid map[string]bool   // expressions seen
}

func newLicences() *licences {
	l := &licences{ids: map[string]string{}, valid: map[string]bool{}}
	for _, id := range spdxlicenses.GetLicenses() {
		l.ids[strings.ToLower(id)] = id
	}
	for _, id := range spdxlicenses.GetDeprecated() {
		l.ids[strings.ToLower(id)] = id
	}
	return l
}

// id returns the listed spelling of a licence of the SPDX list, or "".
func (l *licences) id(s string) string { return l.ids[strings.ToLower(strings.TrimSpace(s))] }

// expression tells whether s is an SPDX expression of listed licences.
func (l *licences) expression(s string) bool {
	if s == "" || len(s) > maxExpression || strings.Count(s, "(") > 16 {
		return false
	}
	ok, seen := l.valid[s]
	if !seen {
		ok, _ = spdxexp.ValidateLicenses([]string{s})
		l.valid[s] = ok
	}
	return ok
}
