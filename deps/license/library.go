package license

import (
	"cmp"
	"path"
	"strings"
	"sync"

	"github.com/google/licenseclassifier/v2/assets"
)

// known are the licences that packages of functions have, by the folder of their
// texts; "" means that the SPDX id is the folder's name. The texts of the GNU
// licences do not say whether later versions may be taken: what is certain is
// the version itself.
func known() map[string]string {
	ids := map[string]string{
		"AGPL-3.0": "AGPL-3.0-only", "GPL-2.0": "GPL-2.0-only", "GPL-3.0": "GPL-3.0-only",
		"LGPL-2.0": "LGPL-2.0-only", "LGPL-2.1": "LGPL-2.1-only", "LGPL-3.0": "LGPL-3.0-only",
		"BSD-0-Clause": "0BSD", "Business-Source-License-1.1": "BUSL-1.1", "Python-2.0-complete": "Python-2.0", "cURL": "curl",
	}
	for id := range strings.FieldsSeq(`AFL-2.1 AFL-3.0 Apache-1.1 Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause
		BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CPL-1.0 EPL-1.0 EPL-2.0
		EUPL-1.1 Elastic-2.0 ICU ISC JSON MIT MPL-1.1 MPL-2.0 MS-PL NCSA OFL-1.1 OpenSSL PHP-3.01 PostgreSQL Python-2.0
		SSPL-1.0 UPL-1.0 Unicode-DFS-2015 Unicode-DFS-2016 Unlicense WTFPL X11 Zlib ZPL-2.1`) {
		ids[id] = ""
	}
	return ids
}

// headers are the licences that packages state by the notice that belongs on
// files, instead of the text.
func headers() []string { return []string{"Apache-2.0", "MPL-2.0"} }

// A library is the texts to compare with.
type library struct{ texts []reference }

// A reference is one text. Its words are read when a text of its size comes: the
// long licences are seldom met, and cost most.
type reference struct {
	id    string
	size  int // bytes
	pairs func() pairs
}

// newLibrary opens the texts. What cannot be read is not known then.
func newLibrary() *library {
	l := &library{}
	for folder, id := range known() {
		l.add(path.Join("License", folder), cmp.Or(id, folder))
	}
	for _, id := range headers() {
		l.add(path.Join("Header", id), id)
	}
	return l
}

// minText is the size in bytes below which a text is too short to be certain of.
const minText = 150

func (l *library) add(folder, id string) {
	for _, name := range variants() {
		data, err := assets.ReadLicenseFile(path.Join(folder, name))
		if err != nil || len(data) < minText {
			continue
		}
		l.texts = append(l.texts, reference{id, len(data), sync.OnceValue(func() pairs { return pairsOf(data) })})
	}
}

// variants are the names that texts have in a folder, which the module does not list.
func variants() []string {
	names := []string{"license.txt", "pristine.txt", "header.txt", "libpcap.txt", "sun.txt"}
	for c := 'a'; c <= 'p'; c++ {
		names = append(names, string(c)+".txt")
	}
	return names
}

// name is the id of the licence that a text of size bytes is, or "": one that is
// as near to another licence is neither.
func (l *library) name(text pairs, size int) string {
	m := match{}
	for i := range l.texts {
		if r := &l.texts[i]; r.size <= 2*size && size <= 2*r.size {
			m.with(r.id, text.dice(r.pairs()))
		}
	}
	if m.best < alike || m.best < certain && m.best-m.second < apart {
		return ""
	}
	return m.id
}

// A match is the nearest licence, and how near the nearest other one is.
type match struct {
	id           string
	best, second float64
}

func (m *match) with(id string, d float64) {
	switch {
	case id == m.id:
		m.best = max(m.best, d)
	case d > m.best || d == m.best && d > 0 && id < m.id:
		m.id, m.best, m.second = id, d, m.best
	default:
		m.second = max(m.second, d)
	}
}
