package secrets

import (
	"hash/maphash"
	"path"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
)

const (
	minSeen = 512    // smaller files are searched faster than they are hashed and looked up
	maxSeen = 200000 // hashes kept
)

// A seen remembers files in which nothing was found: about one in nine files of a
// node_modules tree is a copy of another. What was found is not kept, so that a
// copy of a file with a secret is searched and reported at its own place.
type seen struct {
	seeds [2]maphash.Seed

	mu     sync.Mutex
	hashes map[seenKey]struct{}
}

// A seenKey is what the answer depends on: content, and name and judgement of the
// place. Its seeds are of this process: no file can be made to look like another.
type seenKey struct {
	content [2]uint64
	size    int
	place   uint64
}

func newSeen() seen { return seen{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}} }

func (s *seen) key(f *fnvet.File, p place) seenKey {
	git := strings.Contains("/"+f.Name, "/objects/")
	dir, base := path.Split(f.Name)
	var h maphash.Hash
	h.SetSeed(s.seeds[0])
	_, _ = h.Write([]byte{bit(p.thirdParty), bit(p.docs), bit(p.lock), bit(p.code), bit(git)})
	_, _ = h.WriteString(path.Base(dir) + "/" + base) // as formatOf and the rules look at
	return seenKey{
		content: [2]uint64{maphash.Bytes(s.seeds[0], f.Data), maphash.Bytes(s.seeds[1], f.Data)},
		size:    len(f.Data),
		place:   h.Sum64(),
	}
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (s *seen) has(key seenKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.hashes[key]
	return ok
}

func (s *seen) add(key seenKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hashes == nil {
		s.hashes = map[seenKey]struct{}{}
	}
	if len(s.hashes) < maxSeen {
		s.hashes[key] = struct{}{}
	}
}
