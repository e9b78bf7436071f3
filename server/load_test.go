package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fnvet/fnvet/internal/testdb"
	"github.com/fnvet/fnvet/server/store"
)

// latencies are of answers; at is the quantile.
type latencies []time.Duration

func (l latencies) at(q float64) time.Duration {
	slices.Sort(l)
	if len(l) == 0 {
		return 0
	}
	return l[min(int(q*float64(len(l))), len(l)-1)]
}

// pushes sends n events at a rate and returns how long each answer took, and how
// many were not 202.
func pushes(t *testing.T, url string, n int, rate float64, first int) (took latencies, refused int) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		wg.Go(func() {
			digest := fmt.Sprintf("sha256:%064x", first+i)
			body := strings.NewReplacer(testDigest, digest, `"e1"`, fmt.Sprintf(`"e%d"`, first+i)).Replace(pushBody)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hooks/distribution", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer test-not-a-secret")
			sent := time.Now()
			resp, err := client.Do(req)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				refused++
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(sent))
			if resp.StatusCode != http.StatusAccepted {
				refused++
			}
		})
	}
	wg.Wait()
	return took, refused
}

// TestLoad measures how events are accepted: FNVET_LOAD is events a second,
// FNVET_LOAD_SECONDS for how long, FNVET_LOAD_WORKERS how many scans at once beside it. Without them it sends a few and checks that
// none is lost; no time is judged.
func TestLoad(t *testing.T) {
	postgres.Each(t, func(t *testing.T, url string) {
		rate, seconds := 100, 1
		if n, err := strconv.Atoi(os.Getenv("FNVET_LOAD")); err == nil {
			rate = n
			if n, err := strconv.Atoi(os.Getenv("FNVET_LOAD_SECONDS")); err == nil {
				seconds = n
			}
		}
		s := start(t, url, "")
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		took, refused := pushes(t, s.at, rate*seconds, float64(rate), 0)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if refused > 0 {
			t.Errorf("%d of %d were refused", refused, len(took))
		}
		list, err := s.Store.Scans(t.Context(), store.Filter{Limit: 500})
		if err != nil || len(list) == 0 || list[0].ID != int64(rate*seconds) {
			t.Errorf("%d scans, error %v", len(list), err)
		}
		t.Logf("%d events at %d a second: p50 %v, p99 %v, most %v; heap %d KiB before, %d KiB after",
			len(took), rate, took.at(.5), took.at(.99), took.at(1), before.HeapAlloc>>10, after.HeapAlloc>>10)
	})
}

// TestSlowConnections: callers that send a byte now and then do not keep others
// from their answer.
func TestSlowConnections(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	n := 200
	if m, err := strconv.Atoi(os.Getenv("FNVET_SLOW")); err == nil {
		n = m
	}
	host := strings.TrimPrefix(s.at, "http://")
	for range n {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.Copy(c, bytes.NewReader([]byte("POST /hooks/harbor HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nX-"))); err != nil {
			t.Fatal(err)
		}
	}
	took, refused := pushes(t, s.at, 100, 100, 1)
	if refused > 0 || len(took) != 100 {
		t.Errorf("%d answers, %d refused", len(took), refused)
	}
	t.Logf("%d slow connections: p99 of the others %v", n, took.at(.99))
}
