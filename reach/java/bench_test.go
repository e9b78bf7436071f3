package java_test

import (
	"os"
	"path/filepath"
	"testing"

	"archive/zip"
	"io/fs"

	"github.com/fnvet/fnvet/reach/java"
)

// BenchmarkRead reads all classes of the jars that FNVET_REACH_JARS names.
func BenchmarkRead(b *testing.B) {
	names, err := filepath.Glob(filepath.Join(os.Getenv(jarsVariable), "*.jar"))
	if err != nil || os.Getenv(jarsVariable) == "" {
		b.Skipf("%s is not set", jarsVariable)
	}
	files := map[string][]byte{}
	size := 0
	for _, name := range names[:min(len(names), 12)] {
		z, err := zip.OpenReader(name)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range z.File {
			data, err := fs.ReadFile(z, f.Name)
			if err == nil && filepath.Ext(f.Name) == ".class" {
				files[name+f.Name] = data
				size += len(data)
			}
		}
		if err := z.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for name, data := range files {
			java.Read(name, data)
		}
	}
}
