package escape_test

import (
	"encoding/json"
	"testing"

	"github.com/fnvet/fnvet/internal/escape"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ in, want, why string }{
		{"plain.js", "plain.js", "as it is"},
		{"straße/日本", "straße/日本", "letters of the world"},
		{"a\nb", `a\nb`, "a line break forges a line"},
		{"\x1b[2J", `\x1b[2J`, "a terminal is cleared"},
		{"exe\u202egpj.", `exe\u202egpj.`, "a name is turned around"},
		{"a\u200bb", `a\u200bb`, "nothing is seen"},
		{"\xff", `\xff`, "no UTF-8"},
	} {
		if got := escape.Text(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x1b\u202e\xff\U000e0001")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range escape.Text(s) {
			if !escape.Visible(r) {
				t.Fatalf("%q leaves %q", s, r)
			}
		}
		doc, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if json.Unmarshal(doc, &before) != nil || json.Unmarshal(escape.JSON(doc), &after) != nil || before != after {
			t.Fatalf("%q is another value after escape.JSON", s)
		}
	})
}
