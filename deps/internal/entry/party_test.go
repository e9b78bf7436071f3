package entry

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

func TestParty(t *testing.T) {
	for _, tt := range []struct {
		text   string
		want   *fnvet.Party
		reason string
	}{
		{"Ann Author <ann@example.com> (https://example.com/ann)", &fnvet.Party{Name: "Ann Author", Email: "ann@example.com", URL: "https://example.com/ann"}, "npm"},
		{"Debian GCC Maintainers <gcc@lists.example.org>", &fnvet.Party{Name: "Debian GCC Maintainers", Email: "gcc@lists.example.org"}, "dpkg"},
		{"ann@example.com", &fnvet.Party{Email: "ann@example.com"}, "a mail alone"},
		{"Ann", &fnvet.Party{Name: "Ann"}, "a name alone"},
		{"Ann (she)", &fnvet.Party{Name: "Ann (she)"}, "brackets that hold no address"},
		{"Ann <javascript:alert(1)> (javascript:alert(1))", &fnvet.Party{Name: "Ann  (javascript:alert(1))"}, "no scheme but http"},
		{"UNKNOWN", nil, "what old setuptools write"},
		{"", nil, "nothing"},
		{strings.Repeat("x", 600), nil, "too long to be a name"},
	} {
		if d := cmp.Diff(tt.want, Party(tt.text, false)); d != "" {
			t.Errorf("%s: %s", tt.reason, d)
		}
	}
}

func TestRepository(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"git+https://github.com/a/b.git", "https://github.com/a/b.git"},
		{"git://github.com/a/b.git", "https://github.com/a/b.git"},
		{"git+ssh://git@github.com/a/b.git", "https://github.com/a/b.git"},
		{"git@github.com:a/b.git", "https://github.com/a/b.git"},
		{"a/b", "https://github.com/a/b"},
		{"gitlab:a/b", "https://gitlab.com/a/b"},
		{"scm:git:https://example.com/a.git", "https://example.com/a.git"},
		{"scm:git:git@example.com:a.git", "https://example.com/a.git"},
		{"https://user:secret@example.com/a?token=secret#secret", "https://example.com/a"},
		{"javascript:alert(1)", ""}, {"file:///etc/passwd", ""}, {"http://localhost/x", ""}, {"", ""},
	} {
		if got := Repository(tt.text); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// An address is empty or a web address without secrets, and its own address.
func FuzzRepository(f *testing.F) {
	for _, s := range []string{"a/b", "git@h.x:a", "https://u:p@h.x/?q#f", "scm:git:x", "git+ssh://a@b@c.d/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Repository(s)
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q: %q", s, got)
		}
		if again := Address(got); again != got {
			t.Errorf("%q: %q, then %q", s, got, again)
		}
	})
}
