package unpack

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/fnvet/fnvet"
)

// What is told to be ahead is about what is then told to be done, whatever the
// artifact is: else a bar would stand still or be full long before the end.
func TestProgressComesToItsEnd(t *testing.T) {
	targets, err := filepath.Glob("../testdata/packages/*")
	if err != nil || len(targets) < 9 {
		t.Fatalf("only %d packages: %v", len(targets), err)
	}
	for _, target := range append(targets, "../testdata/packages") {
		var done, ahead atomic.Int64
		_, err := Walk(t.Context(), target, Options{Progress: func(d, a int64) { done.Add(d); ahead.Add(a) }}, func(context.Context, *fnvet.File) {})
		if err != nil {
			t.Fatal(err)
		}
		if d, a := done.Load(), ahead.Load(); a <= 0 || d < a/2 || d > 2*a {
			t.Errorf("%s: %d of %d bytes", filepath.Base(target), d, a)
		}
	}
}
