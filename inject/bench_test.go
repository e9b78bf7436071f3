package inject

import (
	"fmt"
	"slices"
	"testing"
)

// BenchmarkHandlers follows the events of every labelled handler of a language, as
// one directory of functions. Bytes are of source, for Java of class files.
func BenchmarkHandlers(b *testing.B) {
	for _, lang := range []struct {
		name string
		exts []string
	}{{"js", []string{"js", "mjs", "cjs", "jsx"}}, {"ts", []string{"ts", "tsx", "mts"}}, {"python", []string{"py"}}, {"java", []string{"java"}}, {"go", []string{"go"}}} {
		together, n := map[string]string{}, 0
		var size int64
		for _, c := range slices.Concat(readLabelled(b, "labelled"), readLabelled(b, "heldout")) {
			if !slices.Contains(lang.exts, c.lang) {
				continue
			}
			c.files = compiledFiles(b, c.files)
			for _, text := range c.files {
				size += int64(len(text))
			}
			for name, text := range c.files {
				if lang.name != "java" {
					name = fmt.Sprintf("h%d/%s", n, name)
				}
				together[name] = text
			}
			n++
		}
		if n == 0 {
			b.Fatalf("%s: no handlers", lang.name)
		}
		b.Run(lang.name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				scanFiles(b, Options{}, together)
			}
		})
	}
}
