package tomltext_test

import (
	"strings"
	"testing"

	"github.com/fnvet/fnvet/internal/tomltext"
)

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ why, text, want string }{
		{"where it is", "a = 1\nb = \"x", "line 2, column 7"},
		{"a key twice", "a = 1\na = 2", "already defined"},
		{"a value of another type", "id = 3", "line 1, column"},
		{"a part of nothing", "[[list.part]]", "a list that has nothing in it"},
		{"nested too deep", "a = " + strings.Repeat("[", 2000), "more than 1000 brackets"},
	} {
		v := struct {
			A    any    `toml:"a"`
			ID   string `toml:"id"`
			List []struct {
				Part []struct{} `toml:"part"`
			} `toml:"list"`
		}{}
		if err := tomltext.Decode([]byte(tt.text), &v); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.why, err, tt.want)
		}
	}
}

// FuzzDecode: no text makes the decoder panic, and what decodes once decodes again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("[a]\nb = [1, {c = '''x'''}]\nd = 1979-05-27T07:32:00Z\n[[e]]\nf = 0x1_0"))
	f.Add([]byte("a.b.c = inf\n\"q\\u00e9\" = 07:32:00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v, w map[string]any
		if tomltext.Decode(data, &v) == nil && tomltext.Decode(data, &w) != nil {
			t.Fatal("it decodes only once")
		}
	})
}
