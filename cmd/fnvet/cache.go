package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fnvet/fnvet/scan"
)

// cacheDir makes the directory of --cache and returns it without links, because
// the sandbox goes by real paths. It fails where there is no key to seal entries
// with that others cannot guess.
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
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// cache is the cache of the request, or nil. Its key is made from the
// installation's, so that neither can be used for the other's purpose.
func (q *walkRequest) cache() *scan.Cache {
	if q.CacheDir == "" {
		return nil
	}
	key := hmac.New(sha256.New, q.Key)
	key.Write([]byte("fnvet cache of layers"))
	return &scan.Cache{Dir: q.CacheDir, Key: key.Sum(nil), Version: "fnvet " + version() + " " + commit() + " rules " + rulesVersion() + build() + " day " + q.Day.Format(time.DateOnly) + " own " + digestText(q.SecretRules)}
}

// build tells builds of one commit apart that are no releases: by the size and
// time of the program's file.
func build() string {
	if releaseVersion != "" {
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

// keep puts what a walk found into the cache. Failing to is no failure of the scan.
func (c *cli) keep(h *scan.Harvest, q walkRequest) {
	if q.CacheDir == "" || len(h.Fresh) == 0 {
		return
	}
	config, err := q.config() // what the child searched with names its entries
	if err == nil {
		err = config.Cache.Store(h, config)
	}
	if err != nil {
		c.note("--cache: %v", err)
	}
}

// digestText is the digest of a text in hex.
func digestText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
