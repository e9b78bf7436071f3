package sbom

import (
	"testing"

	"github.com/fnvet/fnvet"
)

func TestConclude(t *testing.T) {
	l := newLicences()
	for _, tt := range []struct {
		declared, texts []string
		want, why       string
	}{
		{[]string{"MIT OR Apache-2.0"}, []string{"Apache-2.0", "MIT"}, "MIT OR Apache-2.0", "a choice is one, although both texts are there"},
		{[]string{"MIT OR Apache-2.0"}, []string{"MIT"}, "MIT OR Apache-2.0", "and although one of them is"},
		{[]string{"MIT AND Zlib"}, []string{"MIT"}, "MIT AND Zlib", "both apply"},
		{[]string{"GPL-2.0-or-later"}, []string{"GPL-2.0-only"}, "GPL-2.0-or-later", "the text is that of the version"},
		{[]string{"GPL-2.0+ WITH Classpath-exception-2.0"}, []string{"GPL-2.0-only"}, "GPL-2.0+ WITH Classpath-exception-2.0", "with its exception"},
		{[]string{"MIT"}, []string{"ISC"}, "ISC", "the text is what is distributed"},
		{[]string{"MIT"}, []string{"ISC", "MIT"}, "ISC AND MIT", "the text of something else is there too"},
		{nil, []string{"ISC", "MIT"}, "ISC AND MIT", "texts alone offer no choice"},
		{[]string{"MIT License"}, nil, "MIT", "a name with one meaning"},
		{[]string{"BSD"}, nil, "", "a name with several"},
		{[]string{"BSD"}, []string{"BSD-3-Clause"}, "BSD-3-Clause", "and the text that tells which"},
		{[]string{"MIT", "Apache-2.0 OR ISC"}, nil, "(Apache-2.0 OR ISC) AND MIT", "several all apply"},
		{nil, nil, "", "nothing is known"},
	} {
		if got := l.conclude(&fnvet.Package{Licenses: tt.declared, Concluded: tt.texts}); got != tt.want {
			t.Errorf("%s: %q and %q are %q, want %q", tt.why, tt.declared, tt.texts, got, tt.want)
		}
	}
}
