package secrets

import (
	"crypto/sha256"
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
	mu     sync.Mutex
	hashes map[[sha256.Size]byte]struct{}
}

// seenKey hashes what the answer depends on: content, name and judgement of the
// place.
func seenKey(f *fnvet.File, p place) [sha256.Size]byte {
	h := sha256.New()
	h.Write(f.Data)
	git := strings.Contains("/"+f.Name, "/objects/")
	h.Write([]byte{0, bit(p.thirdParty), bit(p.docs), bit(p.lock), bit(p.code), bit(git)})
	dir, base := path.Split(f.Name)
	h.Write([]byte(path.Base(dir) + "/" + base)) // as formatOf and the rules look at
	var key [sha256.Size]byte
	h.Sum(key[:0])
	return key
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (s *seen) has(key [sha256.Size]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.hashes[key]
	return ok
}

func (s *seen) add(key [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hashes == nil {
		s.hashes = map[[sha256.Size]byte]struct{}{}
	}
	if len(s.hashes) < maxSeen {
		s.hashes[key] = struct{}{}
	}
}
