package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/net/html"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/escape"
)

// hostiles try one medium each; every text of a report becomes each of them in turn.
var hostiles = map[string]string{
	"nothing":         "",
	"everything":      hostile,
	"terminal":        "\x1b]8;;http://x\x07\x1b[2J\x9b31m\b\x7f",
	"lines":           "a\r\n::error::b\n##[group]c\u2028d\u2029e\x0bf\x0c\x85",
	"bidi":            "a\u202eb\u2066c\u200fd\u061ce\ufeff\u200b\u2060\U000e0041",
	"HTML":            `"><script>alert(1)</script><img src=x onerror=alert(1)><!--`,
	"style and CDATA": `</style></script><![CDATA[x]]>]]>&amp;&#60;svg onload=alert(1)>`,
	"Markdown":        "](javascript:alert(1)) ![x](http://x/y.png) @team #1 `|` <!-- **b** https://x.example\n\n# head",
	"formula":         `=HYPERLINK("http://x","y")`,
	"not UTF-8":       "\xff\xfe\xc0\x80\xed\xa0\x80",
	"XML":             "\x00\x01\ufffe\uffff]]><?xml?>&x;",
	"long":            strings.Repeat("<b>\u202e`|", 1500),
	"one letter":      strings.Repeat("=", 60_000),
}

// fill replaces every text of a report that an artifact or its files may state.
// Words of ours (kinds, severities, fingerprints, dates) have types of their own or are named here.
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
		if v.Type() == reflect.TypeFor[string]() && !slices.Contains([]string{"Schema", "Fingerprint", "Hash", "KEVDue"}, name) {
			v.SetString(s)
		}
	default:
	}
}

// full is a report in which every text is filled, a finding of each kind among them.
func full(s string) *fnvet.Report {
	r := layered()
	r.Artifact.Config = fnvet.Config{Runtime: "x", Handler: "x", Distro: "x", User: "x"}
	r.Artifact.Archives = []fnvet.Archive{{Path: "x", Layer: "x", Hashes: []fnvet.Hash{{Alg: "x", Value: "x"}}}}
	r.Artifact.Templates = []fnvet.Template{{Path: "x", Functions: []string{"x"}, Unresolved: []fnvet.Unresolved{{Path: "x", What: "x", Why: "x"}}}}
	r.Findings[0].References, r.Findings[0].SeverityFrom, r.Findings[0].Status = []string{"https://x"}, "x", "disputed"
	for i := range r.Packages {
		r.Packages[i].Supplier = &fnvet.Party{Name: "x", Email: "x", URL: "x"}
		r.Packages[i].Links = []fnvet.Link{{Kind: fnvet.LinkVCS, URL: "x"}}
		r.Packages[i].Concluded = []string{"x"}
	}
	fill(reflect.ValueOf(r).Elem(), "", s)
	return r
}

// Whatever an artifact states, no format passes on what is not plainly visible, and
// every format stays what it is.
func TestNoFormatIsFooled(t *testing.T) {
	check := map[string]func(*testing.T, []byte){
		"table": plainLines, "json": isJSON, "sarif": isJSON, "html": isInert, "junit": isXML, "markdown": isMarkdown,
		"gitlab-dependency": isJSON, "gitlab-container": isJSON, "gitlab-secret": isJSON,
	}
	for _, format := range Formats() {
		if check[format] == nil {
			t.Errorf("%s: nothing checks it", format)
		}
	}
	for name, s := range hostiles {
		for _, format := range Formats() {
			t.Run(format+"/"+name, func(t *testing.T) {
				out := write(t, format, []*fnvet.Report{full(s), incomplete()}, Options{Several: true, Width: 80})
				if !utf8.Valid(out) {
					t.Error("not UTF-8")
				}
				for _, r := range string(out) {
					if r != '\n' && !escape.Visible(r) {
						t.Fatalf("%q goes through", r)
					}
				}
				check[format](t, out)
			})
		}
	}
}

// plainLines holds that no line is a command to a build service.
func plainLines(t *testing.T, out []byte) {
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
			t.Errorf("a command: %q", line)
		}
	}
}

func isJSON(t *testing.T, out []byte) {
	d := json.NewDecoder(bytes.NewReader(out))
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("more than one value: %v", err)
	}
}

func isXML(t *testing.T, out []byte) {
	d := xml.NewDecoder(bytes.NewReader(out))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, is := token.(xml.StartElement); is && !slices.Contains([]string{"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "properties", "property", "system-out"}, e.Name.Local) {
			t.Errorf("<%s>", e.Name.Local)
		}
	}
}

// isInert holds that a page has the elements and attributes of ours alone.
func isInert(t *testing.T, out []byte) {
	doc, err := html.Parse(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("a comment: %q", n.Data)
		}
		count[n.Data]++
		for _, a := range n.Attr {
			if n.Type == html.ElementNode && (strings.HasPrefix(a.Key, "on") || slices.Contains([]string{"style", "src", "srcset", "background", "action", "formaction"}, a.Key) ||
				a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://osv.dev/vulnerability/")) {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	if count["script"] != 1 || count["style"] != 1 || count["img"]+count["iframe"]+count["object"]+count["link"]+count["base"] > 0 {
		t.Errorf("%v", count)
	}
}

// isMarkdown holds that outside of code no mark of HTML, links, images or mentions
// is left that is not ours.
func isMarkdown(t *testing.T, out []byte) {
	if len(out) > 65_536 {
		t.Errorf("%d bytes are more than a comment takes", len(out))
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "    ") {
			continue // a block of code
		}
		rest := regexp.MustCompile(`^<!-- fnvet report -->$|^</?sub>|</sub>$|<br>`).ReplaceAllString(line, "")
		for {
			i := strings.IndexByte(rest, '`')
			if i < 0 {
				break
			}
			n := len(rest[i:]) - len(strings.TrimLeft(rest[i:], "`"))
			fence, after := rest[i:i+n], rest[i+n:]
			end := -1
			for j := 0; j+n <= len(after); {
				k := strings.Index(after[j:], fence)
				if k < 0 {
					break
				}
				m := len(after[j+k:]) - len(strings.TrimLeft(after[j+k:], "`"))
				if m == n {
					end = j + k
					break
				}
				j += k + m
			}
			if end < 0 {
				t.Fatalf("a code span without end: %.200q", line)
			}
			rest = rest[:i] + "CODE" + after[end+n:]
		}
		rest = regexp.MustCompile(`\\[[:punct:]]`).ReplaceAllString(rest, "")
		rest = regexp.MustCompile(`^</details>$|^<details><summary>|</summary>$`).ReplaceAllString(rest, "")
		if m := regexp.MustCompile(`[<\[]|https?:|@\w`).FindString(rest); m != "" {
			t.Errorf("%q is left outside of code: %.300q", m, line)
		}
	}
}

// gitlabFacts are what GitLab's published report schemas 15.2.1 require of the
// fields that are written here, in words of our own: what must be there, of which
// type, how long at most. FORMAT and LOCATION differ by report.
const gitlabFacts = `{
"$schema": "http://json-schema.org/draft-07/schema#",
"definitions": {
  "text": {"type": "string", "minLength": 1},
  "url": {"type": "string", "pattern": "^(https?|ftp)://.+"},
  "time": {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}$"},
  "tool": {"type": "object", "required": ["id", "name", "version", "vendor"], "properties": {
    "id": {"$ref": "#/definitions/text"}, "name": {"$ref": "#/definitions/text"}, "version": {"$ref": "#/definitions/text"},
    "vendor": {"type": "object", "required": ["name"], "properties": {"name": {"$ref": "#/definitions/text"}}}}},
  "dependency": {"type": "object", "required": ["package", "version"], "properties": {
    "package": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    "version": {"type": "string"}, "direct": {"type": "boolean"}}},
  "cvss": {"type": "object", "required": ["vendor", "vector"], "properties": {
    "vendor": {"$ref": "#/definitions/text"},
    "vector": {"anyOf": [
      {"type": "string", "minLength": 32, "maxLength": 128, "pattern": "^CVSS:3[.][01](/[A-Z]{1,3}:[A-Z])+$"},
      {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[A-Za-z]{1,3}:[A-Z]{1,3}(/[A-Za-z]{1,3}:[A-Z]{1,3})+$"}]}}}
},
"type": "object", "required": ["scan", "version", "vulnerabilities"],
"properties": {
  "version": {"type": "string", "pattern": "^\\d+\\.\\d+\\.\\d+$"},
  "schema": {"$ref": "#/definitions/url"},
  "scan": {"type": "object", "required": ["analyzer", "scanner", "start_time", "end_time", "status", "type"], "properties": {
    "analyzer": {"$ref": "#/definitions/tool"}, "scanner": {"$ref": "#/definitions/tool"},
    "start_time": {"$ref": "#/definitions/time"}, "end_time": {"$ref": "#/definitions/time"},
    "status": {"enum": ["success", "failure"]}, "type": {"const": "FORMAT"},
    "messages": {"type": "array", "items": {"type": "object", "required": ["level", "value"], "properties": {
      "level": {"enum": ["info", "warn", "fatal"]}, "value": {"$ref": "#/definitions/text"}}}}}},
  "vulnerabilities": {"type": "array", "items": {"type": "object", "required": ["id", "identifiers", "location"], "properties": {
    "id": {"$ref": "#/definitions/text"}, "name": {"type": "string", "maxLength": 255}, "description": {"type": "string", "maxLength": 1048576},
    "severity": {"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]}, "solution": {"type": "string", "maxLength": 7000},
    "identifiers": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["type", "name", "value"], "properties": {
      "type": {"$ref": "#/definitions/text"}, "name": {"$ref": "#/definitions/text"}, "value": {"$ref": "#/definitions/text"}, "url": {"$ref": "#/definitions/url"}}}},
    "links": {"type": "array", "items": {"type": "object", "required": ["url"], "properties": {"url": {"$ref": "#/definitions/url"}}}},
    "cvss_vectors": {"type": "array", "minItems": 1, "maxItems": 10, "items": {"$ref": "#/definitions/cvss"}},
    "location": LOCATION}}},
  "dependency_files": {"type": "array", "items": {"type": "object", "required": ["path", "package_manager", "dependencies"], "properties": {
    "path": {"$ref": "#/definitions/text"}, "package_manager": {"$ref": "#/definitions/text"},
    "dependencies": {"type": "array", "items": {"$ref": "#/definitions/dependency"}}}}}
}}`

// Every GitLab report holds to those facts, whatever the artifact states.
func TestGitLabReportsHoldToTheSchemas(t *testing.T) {
	for format, facts := range map[string][2]string{
		"gitlab-dependency": {"dependency_scanning", `{"type": "object", "required": ["file", "dependency"], "properties": {"file": {"$ref": "#/definitions/text"}, "dependency": {"$ref": "#/definitions/dependency"}}}`},
		"gitlab-container": {"container_scanning", `{"type": "object", "required": ["dependency", "operating_system", "image"], "properties": {
			"dependency": {"$ref": "#/definitions/dependency"}, "operating_system": {"$ref": "#/definitions/text"}, "image": {"$ref": "#/definitions/text"}}}`},
		"gitlab-secret": {"secret_detection", `{"type": "object", "required": ["commit"], "properties": {"file": {"type": "string"}, "start_line": {"type": "number"},
			"commit": {"type": "object", "required": ["sha"], "properties": {"sha": {"$ref": "#/definitions/text"}}}}}`},
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.NewReplacer("FORMAT", facts[0], "LOCATION", facts[1]).Replace(gitlabFacts)))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("facts.json", doc); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile("facts.json")
		if err != nil {
			t.Fatal(err)
		}
		reports := map[string]*fnvet.Report{"rich": rich(), "layered": layered(), "empty": {}}
		for name, s := range hostiles {
			reports[name] = full(s)
		}
		for name, r := range reports {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, format, []*fnvet.Report{r}, Options{})))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s, %s: %v", format, name, err)
			}
		}
		if err := schema.Validate(map[string]any{"version": "15.2.1"}); err == nil {
			t.Error("the facts hold for anything")
		}
	}
}
