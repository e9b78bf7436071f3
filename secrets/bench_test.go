package secrets

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// corpus returns the files under FNVET_CORPUS, at most 400 MB of them, or
// generated source code.
func corpus(tb testing.TB) []*fnvet.File {
	tb.Helper()
	root := os.Getenv("FNVET_CORPUS")
	if root == "" {
		return []*fnvet.File{file("gen.js", generateCode(8<<20))}
	}
	var out []*fnvet.File
	total := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || total > 400<<20 {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		total += len(data)
		out = append(out, &fnvet.File{Path: name, Name: name, Size: int64(len(data)), Data: data})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// generateCode writes n bytes of something like JavaScript, with the words that
// rules look for as often as real code has them.
func generateCode(n int) string {
	words := strings.Fields(`function return const key api token value index access auth user string object
		options callback error result length prototype undefined exports require module config data name type
		password secret client request response headers body url path file read write stream buffer promise`)
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < n {
		w := func() string { return words[r.IntN(len(words))] }
		switch r.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "  const %s = %s.%s(%q, %d);\n", w(), w(), w(), w(), r.IntN(1000))
		case 1:
			fmt.Fprintf(&b, "  if (%s.%s === %s) { return %s[%q]; }\n", w(), w(), w(), w(), w())
		case 2:
			fmt.Fprintf(&b, "// %s %s the %s of %s %s\n", w(), w(), w(), w(), w())
		case 3:
			fmt.Fprintf(&b, "  %s: { %s: '%s-%s', %s: %q },\n", w(), w(), w(), w(), w(), w())
		default:
			fmt.Fprintf(&b, "  %s.%s(function (%s, %s) { %s.%s = %s; });\n", w(), w(), w(), w(), w(), w(), w())
		}
	}
	return b.String()
}

func BenchmarkDetect(b *testing.B) {
	files := corpus(b)
	s := newScanner(b)
	total := int64(0)
	for _, f := range files {
		total += f.Size
	}
	b.SetBytes(total)
	b.ResetTimer()
	found := 0
	for b.Loop() {
		found = 0
		s.seen.hashes = nil // or the second round would only hash
		for _, f := range files {
			facts, err := s.Detect(b.Context(), f)
			if err != nil {
				b.Fatal(err)
			}
			found += len(facts.Findings)
		}
	}
	b.ReportMetric(float64(found), "findings")
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newScanner(b)
	}
}
