package escape_test

import (
	"bytes"
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

func FuzzAppendIndented(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `{"a":[],"b":{},"c":[1,-2.5e3,true,null,"x"],"d":{"e":{"f":[[]]}}}`,
		`"a\"b\\"`, `["\\\\","{[,:]}\\\""]`, "[\"stra\u00dfe\u202e\U000e0041\"]", `{"a:b":"c,d"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil {
			return
		}
		compact, err := json.Marshal(v)
		if err != nil {
			t.Skip(err)
		}
		var want bytes.Buffer
		if err := json.Indent(&want, compact, "", "  "); err != nil {
			t.Fatal(err)
		}
		if got, want := string(escape.AppendIndented(nil, compact)), string(escape.JSON(want.Bytes())); got != want {
			t.Errorf("AppendIndented(%q)\n%s\nwant\n%s", compact, got, want)
		}
	})
}
