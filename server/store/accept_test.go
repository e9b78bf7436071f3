package store

import (
	"sync/atomic"
	"testing"

	"github.com/fnvet/fnvet/internal/testdb"
)

// BenchmarkAccept accepts events from 64 callers at once, as receivers do; the
// commits are shared.
func BenchmarkAccept(b *testing.B) {
	s, err := Open(b.Context(), Options{URL: testdb.SQLite(b), MaxQueue: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Accept(b.Context(), []Request{request(int(n.Add(1)))}); err != nil {
				b.Error(err)
			}
		}
	})
}
