package cloudformation

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/internal/outline"
	"github.com/fnvet/fnvet/posture/model"
)

// Whatever a template says, reading it ends, twice the same, with a model or an
// error, and every value that is there knows where it is written.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.*")
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, ".golden") {
			f.Add(data)
		}
	}
	for _, s := range []string{"Resources:\n  A: {Type: AWS::Lambda::Function, Properties: !Ref A}\n", "Parameters: {P: {Default: !Ref P}}\nResources: {A: {Type: !Ref P}}\n",
		"Conditions: {A: !Condition B, B: !Condition A}\nResources: {F: {Type: AWS::Lambda::Function, Condition: A, Properties: {Timeout: !If [A, !If [B, 1, 2], 3]}}}\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &model.Source{Name: "t.yaml", Data: data, FS: os.DirFS("testdata")}
		m, err := Read(context.Background(), src)
		if m == nil {
			if err == nil {
				t.Fatal("neither a model nor an error")
			}
			return
		}
		again, _ := Read(context.Background(), src)
		if a, b := outline.Write(m), outline.Write(again); a != b {
			t.Fatal("two readings differ")
		}
		for _, fn := range m.Functions {
			if fn.File == "" || fn.Line == 0 {
				t.Fatalf("function %q has no place", fn.ID)
			}
		}
	})
}

// Bombs end within the limits, and what is around them is read.
func TestBombs(t *testing.T) {
	deep := strings.Repeat("!If [C, ", 150) + "1" + strings.Repeat(", 2]", 150)
	join := "a"
	for range 30 {
		join = "!Join ['', [" + "!Ref P, " + join + "]]"
	}
	var params, wide strings.Builder
	params.WriteString("  P0: {Type: String, AllowedValues: [a, b, c, d, e, f, g, h]}\n")
	wide.WriteString("!Sub '")
	for range 40 {
		wide.WriteString("${P0}")
	}
	wide.WriteString("'")
	for name, timeout := range map[string]string{
		"conditions in each other": deep, "joins": join, "a product of alternatives": wide.String(), "a parameter of itself": "!Ref Self",
		"a map of itself": "!FindInMap [M, !FindInMap [M, a, b], b]",
	} {
		in := "Parameters:\n" + params.String() + "  P: {Type: String, AllowedValues: [a, b, c]}\n  Self: {Type: String, Default: 1}\nMappings: {M: {a: {b: !FindInMap [M, a, b]}}}\n" +
			"Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties: {Runtime: x, Timeout: " + timeout + "}\n"
		m, err := Read(context.Background(), &model.Source{Name: "t.yaml", Data: []byte(in)})
		if err != nil {
			if strings.Contains(err.Error(), "levels deep") {
				continue // refused as a whole
			}
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(m.Functions) != 1 || !m.Functions[0].Runtime.Any(func(s string) bool { return s == "x" }) {
			t.Errorf("%s: %+v", name, m.Functions)
		}
	}
}

// A stack that nests itself ends.
func TestNestedLoop(t *testing.T) {
	fsys := os.DirFS(writeDir(t, map[string]string{"t.yaml": "Resources:\n  A: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: t.yaml}}\n  B: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: ./t.yaml}}\n"}))
	data, err := readFile(&model.Source{FS: fsys}, "t.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(context.Background(), &model.Source{Name: "t.yaml", Data: data, FS: fsys})
	if err != nil || len(m.Unresolved) == 0 {
		t.Errorf("%v %+v", err, m)
	}
}

func writeDir(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestIs(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     bool
	}{
		{"template.yaml", "AWSTemplateFormatVersion: 2010-09-09\nResources:\n", true},
		{"x.yml", "Resources:\n  A:\n    Type: AWS::S3::Bucket\n", true},
		{"x.template", `{"Resources": {"A": {"Type": "AWS::S3::Bucket"}}}`, true},
		{"x.yaml", "Resources:\n  A: {Type: AWS::S3::Bucket}\n", true},
		{"x.yaml", "Resources:\n  A: 1\n", false},
		{"x.txt", "AWSTemplateFormatVersion: 2010-09-09\nResources:\n", false},
		{"k8s.yaml", "kind: Deployment\nspec:\n  Resources:\n", false},
		{"package.json", `{"Resources": 1}`, false},
	} {
		if got := Is(c.name, []byte(c.in)); got != c.want {
			t.Errorf("%s %q: %v", c.name, c.in, got)
		}
	}
}

// What is embedded parses, and has what people use most.
func TestGranted(t *testing.T) {
	for _, path := range [][]string{{"templates", "S3CrudPolicy", "Statement"}, {"templates", "SQSPollerPolicy", "Statement"}, {"connectors", "AWS::Lambda::Function AWS::DynamoDB::Table Read", "Statement"}, {"origin"}, {"licence"}, {"date"}} {
		if n := granted().At(path...); n == nil || n.Kind == doc.Null {
			t.Errorf("%v is not there", path)
		}
	}
}

// A template of CDK is deployed where the manifest beside it says.
func TestManifest(t *testing.T) {
	const text = `{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{}}}}`
	for manifest, want := range map[string]string{
		`{"artifacts":{"S":{"environment":"aws://123456789012/eu-south-1","properties":{"templateFile":"s.template.json"}}}}`:        "123456789012 eu-south-1",
		`{"artifacts":{"S":{"environment":"aws://unknown-account/unknown-region","properties":{"templateFile":"s.template.json"}}}}`: " ",
		`{"artifacts":{"S":{"environment":"aws://123456789012/eu-south-1","properties":{"templateFile":"another.template.json"}}}}`:  " ",
		`{"artifacts":[]`: " ",
	} {
		m, err := Read(t.Context(), &model.Source{Name: "out/s.template.json", Data: []byte(text), FS: fstest.MapFS{"out/manifest.json": {Data: []byte(manifest)}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Account + " " + m.Region; got != want {
			t.Errorf("%s: %q, want %q", manifest, got, want)
		}
	}
}
