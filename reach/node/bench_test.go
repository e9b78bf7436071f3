package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkScan reads the JavaScript of FNVET_REACH_TREES.
func BenchmarkScan(b *testing.B) {
	var all [][]byte
	var size int64
	for _, dir := range filepath.SplitList(os.Getenv("FNVET_REACH_TREES")) {
		err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(p, ".js") {
				return err
			}
			data, err := os.ReadFile(p)
			all, size = append(all, data), size+int64(len(data))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if len(all) == 0 {
		b.Skip("FNVET_REACH_TREES names no trees")
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range all {
			Scan(data)
		}
	}
}
