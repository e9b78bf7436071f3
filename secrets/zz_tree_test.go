package secrets

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"testing"
	"fmt"

	"github.com/fnvet/fnvet"
)

func treeFiles(root string) []*fnvet.File {
	var out []*fnvet.File
	filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			data, _ := os.ReadFile(p)
			rel, _ := filepath.Rel(root, p)
			out = append(out, &fnvet.File{Path: rel, Name: rel, Size: int64(len(data)), Mode: 0o644, Data: data})
		}
		return nil
	})
	return out
}

func BenchmarkTree(b *testing.B) {
	root := os.Getenv("TREE")
	if root == "" {
		b.Skip()
	}
	files := treeFiles(root)
	n := int64(0)
	for _, f := range files {
		n += f.Size
	}
	b.SetBytes(n)
	b.ResetTimer()
	for range b.N {
		s, err := New(Options{Key: make([]byte, KeySize)})
		if err != nil {
			b.Fatal(err)
		}
		found := 0
		for _, f := range files {
			if s.Want(f) {
				facts, _ := s.Detect(context.Background(), f)
				found += len(facts.Findings)
			}
		}
		b.ReportMetric(float64(found), "findings")
	}
}

func BenchmarkAuto(b *testing.B) {
	files := treeFiles(os.Getenv("TREE"))
	n := int64(0)
	for _, f := range files {
		n += f.Size
	}
	s, _ := New(Options{Key: make([]byte, KeySize)})
	b.SetBytes(n)
	fmt.Println("states", len(s.auto.ends), s.auto.first, s.auto.shift, len(s.auto.next), len(s.auto.words))
	for range b.N {
		hits := 0
		for _, f := range files {
			s.auto.each(f.Data, func(w, e int) bool { hits++; return true })
		}
		b.ReportMetric(float64(hits), "hits")
	}
}



var wholeBytes = map[string]int{}

func TestWholeRules(t *testing.T) {
	if os.Getenv("TREE") == "" {
		t.Skip()
	}
	s, _ := New(Options{Key: make([]byte, KeySize)})
	for _, f := range treeFiles(os.Getenv("TREE")) {
		if s.Want(f) {
			s.Detect(context.Background(), f)
		}
	}
	var names []string
	for k := range wholeBytes {
		names = append(names, k)
	}
	sort.Slice(names, func(i, j int) bool { return wholeBytes[names[i]] > wholeBytes[names[j]] })
	for _, n := range names {
		fmt.Println(n, wholeBytes[n]>>20, "MB")
	}
	for _, r := range s.set.always { fmt.Println("always", r.id) }
}
