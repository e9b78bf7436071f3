package sbom

import "testing"

func TestExpression(t *testing.T) {
	l := newLicences()
	for _, row := range [][3]string{
		{"MIT", "MIT", "an id is an expression"},
		{"mit or apache-2.0", "MIT OR Apache-2.0", "ids and operators in any case"},
		{"(MIT OR GPL-2.0+) AND ISC", "(MIT OR GPL-2.0+) AND ISC", "brackets"},
		{"((MIT))", "((MIT))", "nested"},
		{"GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "exception"},
		{"Apache-2.0+", "Apache-2.0+", "or later"},
		{"GPL-2.0-only WITH MIT", "", "not an exception"},
		{"MIT AND (", "", "ends early"},
		{"MIT AND", "", "ends early"},
		{"(MIT", "", "not closed"},
		{"MIT)", "", "not opened"},
		{"MIT Apache-2.0", "", "no operator"},
		{"MIT/Apache-2.0", "", "not the syntax"},
		{"Proprietary", "", "not listed"},
		{"", "", "nothing"},
		{"+", "", "nothing later"},
	} {
		if got := l.expression(row[0]); got != row[1] {
			t.Errorf("expression(%q) = %q, want %q: %s", row[0], got, row[1], row[2])
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{"MIT", "(MIT OR GPL-2.0+) AND ISC", "GPL-2.0-only WITH Classpath-exception-2.0", "MIT AND ("} {
		f.Add(s)
	}
	l := newLicences()
	f.Fuzz(func(t *testing.T, s string) {
		if e := l.expression(s); e != "" && l.expression(e) != e {
			t.Errorf("%q becomes %q, which becomes %q", s, e, l.expression(e))
		}
	})
}
