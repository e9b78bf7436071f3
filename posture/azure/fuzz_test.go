package azure

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet/posture/internal/outline"
	"github.com/fnvet/fnvet/posture/model"
)

// What is made to exhaust memory, time or the stack ends.
func TestHostile(t *testing.T) {
	deep := func(s string) string { return strings.Repeat(s, 200_000) }
	doubling := "var v0 = 'xxxxxxxxxxxxxxxx'\nvar l0 = ['a']\n"
	for i := 1; i < 60; i++ {
		b := itoa(i)
		doubling += "var v" + b + " = '${v" + itoa(i-1) + "}${v" + itoa(i-1) + "}'\nvar l" + b + " = concat(l" + itoa(i-1) + ", l" + itoa(i-1) + ")\n"
	}
	for _, c := range []struct{ name, src string }{
		{"brackets", "var a = " + deep("[")},
		{"objects", "var a = " + deep("{a:")},
		{"parentheses", "var a = " + deep("(")},
		{"not", "var a = " + deep("!") + "true"},
		{"minus", "var a = " + deep("-") + "1"},
		{"ternaries", "var a = " + deep("true ? 1 : ") + "1"},
		{"interpolation", "var a = " + deep("'${")},
		{"calls", "var a = " + deep("f(")},
		{"members", "var a = a" + deep(".a")},
		{"sums", "var a = 1" + deep("+1")},
		{"resources in resources", deep("resource a 'b' = {\n")},
		{"if", "resource a 'b' = " + deep("if (")},
		{"for", "var a = " + deep("[for a in b: ")},
		{"what doubles", doubling + "resource s 'Microsoft.Web/sites@1' = {\n name: v59\n kind: 'functionapp'\n properties: { siteConfig: { appSettings: l59 } }\n}\n"},
		{"a decorator that ends", "@secure(=\nparam a string"},
		{"itself", "var a = b\nvar b = a\nresource s 'Microsoft.Web/sites@1' = {\n name: a\n}\n"},
		{"module of itself", "module m './main.bicep' = {\n}\nmodule n './main.bicep' = {\n}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			src := &model.Source{Name: "main.bicep", Data: []byte(c.src), FS: fstest.MapFS{"main.bicep": {Data: []byte(c.src)}}}
			if _, err := ReadBicep(ctx, src); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Whatever the file, reading it ends without a panic, twice the same, and gives a model.
func fuzz(f *testing.F, name string, read func(context.Context, *model.Source) (*model.Model, error), seeds ...string) {
	for _, s := range seeds {
		data, err := os.ReadFile("testdata/" + s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once := func() string {
			src := &model.Source{Name: name, Data: data, FS: fstest.MapFS{name: {Data: data}, "host.json": {Data: []byte("{}")}}}
			if name != "main.bicep" && name != "arm.json" {
				src.Name = "."
			}
			m, _ := read(context.Background(), src)
			if m == nil {
				t.Fatal("no model")
			}
			return outline.Write(m)
		}
		if d := cmp.Diff(once(), once()); d != "" {
			t.Error(d)
		}
	})
}

func FuzzBicep(f *testing.F)  { fuzz(f, "main.bicep", ReadBicep, "main.bicep", "modules/more.bicep") }
func FuzzARM(f *testing.F)    { fuzz(f, "arm.json", ReadARM, "arm.json") }
func FuzzPython(f *testing.F) { fuzz(f, "function_app.py", ReadApp, "python/function_app.py") }
func FuzzScript(f *testing.F) { fuzz(f, "app.js", ReadApp, "app/src/functions/orders.js") }
func FuzzFunction(f *testing.F) {
	fuzz(f, "x/function.json", ReadApp, "app/Upload/function.json")
}
