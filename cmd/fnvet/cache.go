package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fnvet/fnvet/scan"
)

// cacheDir makes the directory of --cache and returns its whole path. It fails
// where there is no key to seal entries with that others cannot guess.
func cacheDir(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	if _, err := secretKey(); err != nil {
		return "", fmt.Errorf("what is in a cache can be trusted only with a key of this installation, and none could be kept: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// layerKey seals what is found in layers. It is made from another key, so that
// neither can be used for the other's purpose.
func layerKey(key []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("fnvet cache of layers"))
	return m.Sum(nil)
}

// cache is the cache of the request, or nil.
func (q *walkRequest) cache() *scan.Cache {
	if q.keeper == nil {
		return nil
	}
	id := hmac.New(sha256.New, q.Key)
	id.Write([]byte("fnvet name of this key"))
	return &scan.Cache{
		Keeper: q.keeper, Day: q.Day, Secrets: hex.EncodeToString(id.Sum(nil)[:8]) + " " + q.Day.Format(time.DateOnly),
		Version: "fnvet " + version() + " " + commit() + " rules " + rulesVersion() + build() + " own " + digestText(q.SecretRules) + q.Senders,
	}
}

// build tells builds apart that their version and commit do not: by the size and
// time of the program's file, which copies of an image have in common.
func build() string {
	if known(releaseVersion) && known(releaseCommit) {
		return ""
	}
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(self)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" build %d %d", info.Size(), info.ModTime().UnixNano())
}

// known reports a version or commit that stands for one state of the sources.
func known(name string) bool {
	return name != "" && name != "devel" && name != "unknown" && !strings.HasSuffix(name, "-dirty")
}

// keep puts what a walk found into the cache. Failing to is no failure of the scan.
func (c *cli) keep(ctx context.Context, h *scan.Harvest, q walkRequest) {
	if err := q.keep(ctx, h); err != nil {
		c.note("--cache: %v", err)
	}
}

func (q *walkRequest) keep(ctx context.Context, h *scan.Harvest) error {
	if q.keeper == nil || len(h.Fresh) == 0 {
		return nil
	}
	config, err := q.config() // what the child searched with names its entries
	if err != nil {
		return err
	}
	return config.Cache.Store(ctx, h, config)
}

// A layerAsker is the child's end of the cache: it asks its parent, who alone has
// the place and the key. The child keeps nothing.
type layerAsker struct {
	mu   sync.Mutex
	ask  func(walkMessage) error
	in   *gob.Decoder
	over bool // there is nobody to ask
}

// Load asks for an entry.
func (a *layerAsker) Load(_ context.Context, id []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return nil
	}
	var answer walkAnswer
	if a.ask(walkMessage{Want: id}) != nil || a.in.Decode(&answer) != nil {
		a.over = true
		return nil
	}
	return answer.Entry
}

// Save is for the parent.
func (a *layerAsker) Save(context.Context, []byte, []byte) error {
	return errors.New("the sandboxed child keeps nothing")
}

// A walkAnswer is what the parent says to a question of the child.
type walkAnswer struct{ Entry []byte }

const (
	// maxAsked bounds the questions of one child: two for a layer, of which images
	// have 127 and no registry takes a thousand.
	maxAsked = 2048
	// loadTimeout bounds the answer to one; then there is no such entry.
	loadTimeout = 10 * time.Second
)

// errAsked: a child asks what no child of ours does; it is ended.
var errAsked = errors.New("the sandboxed child asks for what it may not")

// A layerServer is the parent's end.
type layerServer struct {
	keeper scan.Keeper
	out    *gob.Encoder
	asked  int
}

// answer answers one question.
func (s *layerServer) answer(ctx context.Context, id []byte) error {
	s.asked++
	if s.keeper == nil || s.asked > maxAsked {
		return errAsked
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	return s.out.Encode(walkAnswer{Entry: s.keeper.Load(ctx, id)})
}

// digestText is the digest of a text in hex.
func digestText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
