package eval

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// Hostile configurations end within the limits, and what is beside them is read.
func TestBombs(t *testing.T) {
	deep := func(s string) string { return strings.Repeat(s, 20_000) }
	var doubling strings.Builder
	doubling.WriteString("locals {\n a0 = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&doubling, " a%d = [%s]\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("local.a%d, ", i-1), 10), ", "))
	}
	doubling.WriteString("}\nresource \"x\" \"y\" {\n a = jsonencode(local.a11)\n}\n")
	for name, text := range map[string]string{
		"brackets":           "resource \"x\" \"y\" {\n a = " + deep("["),
		"objects":            "resource \"x\" \"y\" {\n a = " + deep("{ a = "),
		"parentheses":        "resource \"x\" \"y\" {\n a = " + deep("("),
		"not":                "resource \"x\" \"y\" {\n a = " + deep("!") + "true\n}",
		"interpolation":      "resource \"x\" \"y\" {\n a = " + deep("\"${"),
		"conditions":         "resource \"x\" \"y\" {\n a = " + deep("true ? 1 : ") + "1\n}",
		"calls":              "resource \"x\" \"y\" {\n a = " + deep("upper("),
		"blocks":             "resource \"x\" \"y\" {\n" + deep("a {\n"),
		"sums":               "resource \"x\" \"y\" {\n a = 1" + deep(" + 1") + "\n}",
		"loops":              "resource \"x\" \"y\" {\n a = " + deep("[for a in b : "),
		"members":            "resource \"x\" \"y\" {\n a = a" + deep(".a") + "\n}",
		"doubling":           doubling.String(),
		"locals in a circle": "locals {\n a = local.b\n b = local.a\n}\nresource \"x\" \"y\" {\n a = local.a\n}\n",
		"a large count":      "resource \"x\" \"y\" {\n count = 1000000000\n}\n",
		"a large range":      "resource \"x\" \"y\" {\n for_each = toset([for i in range(100000000) : tostring(i)])\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			res, err := Directory(t.Context(), fstest.MapFS{"a.tf": {Data: []byte(text)}, "b.tf": {Data: []byte("resource \"x\" \"beside\" {}\n")}}, ".")
			if res == nil {
				t.Fatal(err)
			}
			for _, r := range res.Resources {
				if r.Address == "x.beside" {
					return
				}
			}
			t.Error("what is beside it is lost")
		})
	}
}
