package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fnvet/fnvet/internal/testdb"
)

// number is what an environment variable says, or fallback.
func number(t *testing.T, name string, fallback int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A fleet is a server and its workers, which all use one store.
type fleet struct {
	t       *testing.T
	env     []string
	port    string
	serve   []string // arguments
	worker  []string
	members []*running // the server first
}

// newFleet begins a server with so many scans at once, and workers beside it.
func newFleet(t *testing.T, url string, scans, workers int) *fleet {
	t.Helper()
	env := home(t)
	common := []string{"--database", url, "--db", serveDB(t, env), "--max-db-age", "0", "--update-every", "0", "--log-level", "warn", "--lease", "4s"}
	f := &fleet{t: t, env: env, port: freePort(t)}
	f.serve = append([]string{"serve", "--listen", "127.0.0.1:" + f.port, "--workers", strconv.Itoa(scans)}, common...)
	f.worker = append([]string{"worker", "--workers", "4"}, common...)
	f.members = make([]*running, 1+workers)
	for i := range f.members {
		f.begin(i)
	}
	return f
}

func (f *fleet) begin(i int) {
	f.t.Helper()
	args := f.worker
	if i == 0 {
		args = f.serve
	}
	f.members[i] = launch(f.t, f.env, args...)
}

// pushed is one artifact to be scanned: mostly an SBOM, which costs little; every
// tenth is a lock file, for which a sandboxed child is started.
func pushed(round, i int) (name string, body []byte) {
	if i%10 == 0 {
		return "package-lock.json", fmt.Appendf(nil,
			`{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"},"node_modules/a":{"version":"%d.%d.0"}}}`, round, i)
	}
	return fmt.Sprintf("bom-%d-%d.cdx.json", round, i), fmt.Appendf(nil,
		`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"},{"type":"library","name":"a","version":"%d.%d.0","purl":"pkg:npm/a@%d.%d.0"}]}`, round, i, round, i)
}

// post sends events from eight callers at once. Each is sent until it is accepted,
// as sources do; what was accepted is written into accepted.
func (f *fleet) post(round, events int, accepted *sync.Map) (wait func()) {
	var callers sync.WaitGroup
	next := make(chan int, events)
	for i := range events {
		next <- i
	}
	close(next)
	s := &running{t: f.t, base: "http://127.0.0.1:" + f.port} // whoever answers there
	for range 8 {
		callers.Go(func() {
			for i := range next {
				f.postOne(s, round, i, accepted)
			}
		})
	}
	return callers.Wait
}

func (f *fleet) postOne(s *running, round, i int, accepted *sync.Map) {
	name, body := pushed(round, i)
	for range 600 {
		var got struct{ ID int64 }
		status, err := s.ask(http.MethodPost, "/api/v1/scans?name="+name, "application/octet-stream", body, &got)
		switch {
		case err == nil && status == http.StatusAccepted && got.ID > 0:
			accepted.Store(got.ID, name)
			return
		case err == nil && status != http.StatusServiceUnavailable:
			f.t.Errorf("%s: status %d", name, status)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	f.t.Errorf("%s was never accepted", name)
}

// settled waits for the end of every scan, and checks that there are so many, each
// accepted one among them, one for each artifact, and that each is done or given up.
func (f *fleet) settled(want int, accepted *sync.Map) (all scansAnswer, dead int) {
	f.t.Helper()
	s := f.members[0]
	for range 6000 {
		var open int
		for _, state := range []string{"queued", "running", "failed"} {
			var page scansAnswer
			s.get("/api/v1/scans?state="+state, &page)
			open += len(page.Scans)
		}
		if open == 0 {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	all = s.all("")
	seen, digests := map[int64]bool{}, map[string]bool{}
	for _, c := range all.Scans {
		switch {
		case c.State == "dead" && strings.Contains(c.Error, "went away"):
			dead++
		case c.State != "done" || c.Verdict == nil || c.Verdict.Code != 1:
			f.t.Errorf("scan %+v", c)
		}
		if digests[c.Digest] {
			f.t.Errorf("%s was scanned twice", c.Digest)
		}
		digests[c.Digest], seen[c.ID] = true, true
	}
	accepted.Range(func(id, name any) bool {
		if !seen[id.(int64)] { //nolint:forcetypeassert // as postOne stores it
			f.t.Errorf("%v, accepted as scan %v, is lost", name, id)
		}
		return true
	})
	if len(all.Scans) != want {
		f.t.Errorf("%d scans, want %d", len(all.Scans), want)
	}
	return all, dead
}

// retried counts the scans that took more than one attempt.
func retried(all scansAnswer) (n int) {
	for _, c := range all.Scans {
		if c.Attempts > 1 {
			n++
		}
	}
	return n
}

// TestKilled: server and workers are killed at random moments, all or some of
// them. Every event that was accepted ends once, none is lost, and there is one
// scan of each artifact. FNVET_FAULT_ROUNDS and FNVET_FAULT_EVENTS make it long
// (docs/reliability.md).
func TestKilled(t *testing.T) {
	var postgres testdb.Server
	t.Cleanup(postgres.Stop)
	postgres.Each(t, func(t *testing.T, url string) {
		rounds, events := number(t, "FNVET_FAULT_ROUNDS", 2), number(t, "FNVET_FAULT_EVENTS", 20)
		workers := 0
		if strings.HasPrefix(url, "postgres") {
			workers = 2
		}
		f := newFleet(t, url, 4, workers)
		var accepted sync.Map
		kills := 0
		for round := range rounds {
			wait := f.post(round, events, &accepted)
			time.Sleep(rand.N(2 * time.Second))
			mask := 1 + rand.N(1<<len(f.members)-1) // somebody dies
			for i, m := range f.members {
				if mask>>i&1 == 1 {
					m.kill()
					kills++
				}
			}
			for i := range f.members {
				if mask>>i&1 == 1 {
					f.begin(i)
				}
			}
			wait()
		}
		all, dead := f.settled(rounds*events, &accepted)
		t.Logf("%d rounds of %d events, %d processes killed: %d scans, %d tried again, %d given up", rounds, events, kills, len(all.Scans), retried(all), dead)
		for _, m := range f.members {
			m.stop()
		}
	})
}

// TestWorkerKilled: of two workers on one PostgreSQL one is killed while it works;
// the other does its part, too.
func TestWorkerKilled(t *testing.T) {
	var postgres testdb.Server
	t.Cleanup(postgres.Stop)
	events := number(t, "FNVET_FAULT_EVENTS", 30)
	f := newFleet(t, postgres.Postgres(t), 0, 2)
	var accepted sync.Map
	wait := f.post(0, events, &accepted)
	for range 600 { // until it works
		var page scansAnswer
		f.members[0].get("/api/v1/scans?state=running", &page)
		if len(page.Scans) > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	f.members[1].kill()
	wait()
	all, dead := f.settled(events, &accepted)
	t.Logf("%d scans, %d tried again, %d given up", len(all.Scans), retried(all), dead)
	f.members[0].stop()
	f.members[2].stop()
}

// TestTerminated: a server that is asked to end under load answers what it took,
// ends well, and no scan loses an attempt by it.
func TestTerminated(t *testing.T) {
	var postgres testdb.Server
	t.Cleanup(postgres.Stop)
	postgres.Each(t, func(t *testing.T, url string) {
		rounds, events := number(t, "FNVET_FAULT_ROUNDS", 2), number(t, "FNVET_FAULT_EVENTS", 20)
		f := newFleet(t, url, 4, 0)
		var accepted sync.Map
		for round := range rounds {
			wait := f.post(round, events, &accepted)
			time.Sleep(rand.N(time.Second))
			f.members[0].stop()
			f.begin(0)
			wait()
		}
		all, _ := f.settled(rounds*events, &accepted)
		if n := retried(all); n > 0 {
			t.Errorf("%d scans took more than one attempt", n)
		}
		f.members[0].stop()
	})
}
