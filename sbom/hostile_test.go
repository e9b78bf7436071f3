package sbom

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fnvet/fnvet"

	"github.com/fnvet/fnvet/internal/escape"
)

// fill replaces every text of a report that an artifact may state.
func fill(v reflect.Value, name, s string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), name, s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), name, s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), f.Name, s)
			}
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() && name != "Schema" && name != "Digest" {
			v.SetString(s)
		}
	default:
	}
}

// Whatever an artifact states, every format stays what it is, passes on nothing that
// is not plainly visible, and is read again.
func TestNoFormatIsFooled(t *testing.T) {
	for name, s := range map[string]string{
		"nothing": "", "brackets": "()", "everything": hostile, "terminal": "\x1b]8;;http://x\x07\x9b31m\b\x7f", "lines": "a\r\nPackageName: b\u2028c\x85",
		"bidi": "a\u202eb\u2066c\ufeff\u200b\U000e0041", "XML": "\x00\x01\ufffe\uffff]]><?xml?>&x;</bom>", "not UTF-8": "\xff\xfe\xc0\x80\xed\xa0\x80",
		"tag-value": "</text>\nSPDXID: SPDXRef-x\n<text>", "long": strings.Repeat("<\u202e", 500), "one letter": strings.Repeat("=", 60_000),
	} {
		r := rich()
		for i := range r.Packages { // some that nothing is known of
			if i%2 == 0 {
				r.Packages[i].Supplier, r.Packages[i].Concluded = &fnvet.Party{Name: "x", Email: "x", URL: "x"}, []string{"x"}
			}
		}
		fill(reflect.ValueOf(r).Elem(), "", s)
		for _, format := range Formats() {
			t.Run(format+"/"+name, func(t *testing.T) {
				out := write(t, format, r, Options{Supplier: s, Author: s, Licence: s, Edition: s, DataLicence: s})
				if !utf8.Valid(out) {
					t.Error("not UTF-8")
				}
				for _, c := range string(out) {
					if c != '\n' && !escape.Visible(c) {
						t.Fatalf("%q goes through", c)
					}
				}
				parses(t, format, out)
				if s == "" {
					return // nothing to read
				}
				if doc, err := Read(out); err != nil || len(doc.Packages) != len(r.Packages) {
					t.Errorf("not read again: %v", err)
				}
			})
		}
	}
}

func parses(t *testing.T, format string, out []byte) {
	t.Helper()
	switch {
	case strings.HasSuffix(format, "json"):
		if !json.Valid(out) {
			t.Error("not JSON")
		}
	case strings.HasSuffix(format, "xml"):
		d := xml.NewDecoder(bytes.NewReader(out))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}
