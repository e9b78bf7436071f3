package scan

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// saved writes a docker save archive of layers, each a list of names and
// contents. A layer may state another diff_id than it has.
func saved(t *testing.T, pack bool, claim map[int]string, layers ...[]string) string {
	t.Helper()
	tarOf := func(pairs []string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i := 0; i < len(pairs); i += 2 {
			err := w.WriteHeader(&tar.Header{Name: pairs[i], Mode: 0o644, Size: int64(len(pairs[i+1]))})
			if err == nil {
				_, err = w.Write([]byte(pairs[i+1]))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var files, names, diffIDs []string
	for i, pairs := range layers {
		layer := tarOf(pairs)
		diffID := diffIDOf(layer)
		if other := claim[i]; other != "" {
			diffID = other
		}
		if pack {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write(layer); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			layer = b.Bytes()
		}
		name := strings.Repeat(string(rune('a'+i)), 64) + "/layer.tar"
		files, names, diffIDs = append(files, name, string(layer)), append(names, name), append(diffIDs, diffID)
	}
	config, err := json.Marshal(map[string]any{"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"diff_ids": diffIDs}})
	if err != nil {
		t.Fatal(err)
	}
	configName := strings.TrimPrefix(diffIDOf(config), "sha256:") + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "Layers": names}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, tarOf(append(files, configName, string(config), "manifest.json", string(manifest))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func diffIDOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// A cacheTest scans with a step that counts its files, and one that joins them.
type cacheTest struct {
	t        *testing.T
	searched atomic.Int32
	dir      Directory
	seal     *Sealed
	cache    *Cache
	crash    bool
	secret   bool // every file holds one
}

func newCacheTest(t *testing.T) *cacheTest {
	dir := Directory(filepath.Join(t.TempDir(), "cache"))
	seal := &Sealed{Key: []byte("key"), Place: dir}
	return &cacheTest{t: t, dir: dir, seal: seal, cache: &Cache{Keeper: seal, Version: "1"}}
}

func (c *cacheTest) config(cache *Cache) Config {
	var joined atomic.Int32
	return Config{Cache: cache, Steps: []Step{
		{Name: "joins", Kinds: fnvet.Kinds[:], Detector: finishingProbe{probe{
			detect: func(*fnvet.File) (fnvet.Facts, error) { joined.Add(1); return fnvet.Facts{}, nil },
			finish: func() (fnvet.Facts, error) {
				return fnvet.Facts{Findings: []fnvet.Finding{{ID: "joined", Kind: fnvet.Hygiene, Line: int(joined.Load())}}}, nil
			},
		}}},
		{Name: "search", Kinds: fnvet.Kinds[:], Detector: probe{detect: func(f *fnvet.File) (fnvet.Facts, error) {
			c.searched.Add(1)
			if c.crash {
				panic("crash")
			}
			found := fnvet.Finding{ID: "of " + string(f.Data), Kind: fnvet.Hygiene, Path: f.Path, Layer: f.Layer}
			if c.secret {
				found.Secret = &fnvet.Secret{}
			}
			return fnvet.Facts{
				Findings: []fnvet.Finding{found},
				Packages: []fnvet.Package{{Name: f.Name, Version: "1", Ecosystem: "npm", Locations: []fnvet.Location{{Path: f.Path, Layer: f.Layer}}}},
			}, nil
		}}},
	}}
}

// report scans and keeps what may be kept. It returns how many files were searched.
func (c *cacheTest) report(target string, cache *Cache) (fnvet.Report, int) {
	c.t.Helper()
	c.searched.Store(0)
	config := c.config(cache)
	h, err := Collect(c.t.Context(), target, config)
	if err != nil {
		c.t.Fatal(err)
	}
	if cache != nil {
		if err := cache.Store(c.t.Context(), h, config); err != nil {
			c.t.Fatal(err)
		}
	}
	r := Complete(c.t.Context(), h, config)
	r.Scan = fnvet.Scan{}
	return *r, int(c.searched.Load())
}

// same scans target with the cache and compares with a scan without.
func (c *cacheTest) same(why, target string, searched int) {
	c.t.Helper()
	got, n := c.report(target, c.cache)
	want, _ := c.report(target, nil)
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("%s: the report is another with the cache (-without +with):\n%s", why, diff)
	}
	if n != searched {
		c.t.Errorf("%s: %d files were searched, want %d", why, n, searched)
	}
}

var (
	baseLayer = []string{"a", "1", "b", "2"}
	appLayer  = []string{"c", "3", "a", "4", ".wh.b", ""}
)

func TestCache(t *testing.T) {
	c := newCacheTest(t)
	image := saved(t, false, nil, baseLayer, appLayer)
	c.same("first", image, 4)
	c.same("again", image, 0)
	c.same("packed otherwise", saved(t, true, nil, baseLayer, appLayer), 0)
	c.same("another image on the base", saved(t, false, nil, baseLayer, []string{"d", "5"}), 1)
	c.same("the base on top", saved(t, false, nil, []string{"a", "9"}, baseLayer), 1)
	c.cache.Version = "2"
	c.same("other rules", image, 4)
	c.cache.Version = "1"
	c.seal.Key = []byte("another")
	c.same("another installation", image, 4)
}

// TestCacheSecrets: what is found of secrets counts for a day and for who hashes them
// alike; layers without any do for everybody, from then on.
func TestCacheSecrets(t *testing.T) {
	image := saved(t, false, nil, baseLayer)
	day := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		why     string
		secret  bool
		secrets string
		days    int
		want    int
	}{
		{"no secrets, the same day", false, "key 1", 0, 0},
		{"no secrets, another installation", false, "key 2", 0, 0},
		{"no secrets, later", false, "key 1", 30, 0},
		{"no secrets, a day before: a token may not have expired", false, "key 1", -1, 2},
		{"secrets, the same", true, "key 1", 0, 0},
		{"secrets, another installation", true, "key 2", 0, 2},
	} {
		c := newCacheTest(t)
		c.secret, c.cache.Secrets, c.cache.Day = row.secret, "key 1", day
		c.same(row.why+", first", image, 2)
		c.cache.Secrets, c.cache.Day = row.secrets, day.AddDate(0, 0, row.days)
		c.same(row.why, image, row.want)
	}
}

// TestCacheCount: how many layers were searched.
func TestCacheCount(t *testing.T) {
	c := newCacheTest(t)
	for i, want := range []LayerCount{{0, 2}, {1, 1}, {2, 0}} {
		config := c.config(c.cache)
		h, err := Collect(t.Context(), saved(t, false, nil, baseLayer, []string{"x", strings.Repeat("y", min(i, 1))}), config)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.cache.Store(t.Context(), h, config); err != nil {
			t.Fatal(err)
		}
		if h.Layers != want {
			t.Errorf("image %d: %+v, want %+v", i, h.Layers, want)
		}
	}
}

// TestCacheFalseClaim: a layer that states the diff_id of one in the cache, and
// is another, is searched all the same.
func TestCacheFalseClaim(t *testing.T) {
	c := newCacheTest(t)
	image := saved(t, true, nil, baseLayer)
	c.same("first", image, 2)
	h, err := Collect(t.Context(), image, c.config(nil))
	if err != nil {
		t.Fatal(err)
	}
	evil := []string{"a", "evil", "z", "more"}
	target := saved(t, true, map[int]string{0: h.Artifact.Layers[0].DiffID}, evil)
	c.same("a false claim", target, 2)
	r, _ := c.report(target, c.cache)
	if !slices.ContainsFunc(r.Findings, func(f fnvet.Finding) bool { return f.ID == "of evil" }) || len(r.Gaps) != 1 || r.Gaps[0].Reason != fnvet.GapDigest {
		t.Errorf("findings %v, gaps %v", r.Findings, r.Gaps)
	}
	c.same("the true one after that", image, 0)
	// The other way round: a layer met first under a false name is not kept.
	c = newCacheTest(t)
	c.same("a false claim first", target, 2)
	c.same("the true one", image, 2)
}

func TestCacheDamage(t *testing.T) {
	image := saved(t, false, nil, baseLayer)
	for why, damage := range map[string]func(path string, data []byte) error{
		"a flipped bit": func(path string, data []byte) error {
			data[len(data)-1] ^= 1
			return os.WriteFile(path, data, 0o600)
		},
		"cut off":   func(path string, data []byte) error { return os.WriteFile(path, data[:len(data)/2], 0o600) },
		"empty":     func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
		"a seal":    func(path string, data []byte) error { return os.WriteFile(path, data[:32], 0o600) },
		"gone":      func(path string, _ []byte) error { return os.Remove(path) },
		"too large": func(path string, _ []byte) error { return os.Truncate(path, maxEntry+100) },
	} {
		t.Run(why, func(t *testing.T) {
			c := newCacheTest(t)
			c.same("first", image, 2)
			paths := entries(t, string(c.dir), 1)
			data, err := os.ReadFile(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(paths[0], data); err != nil {
				t.Fatal(err)
			}
			c.same("damaged", image, 2)
			c.same("made anew", image, 0)
		})
	}
}

// TestCacheForeignEntry: an entry under the name of another is no entry.
func TestCacheForeignEntry(t *testing.T) {
	c := newCacheTest(t)
	first, second := saved(t, false, nil, baseLayer), saved(t, false, nil, []string{"x", "y"})
	c.same("first", first, 2)
	one := entries(t, string(c.dir), 1)[0]
	c.same("second", second, 1)
	for _, path := range entries(t, string(c.dir), 2) {
		if path == one {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(one, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.same("the first with the entry of the second", first, 2)
}

// TestCacheKeepsNot: what was not searched whole is not kept.
func TestCacheKeepsNot(t *testing.T) {
	for why, change := range map[string]func(*cacheTest, *Config){
		"a crash":         func(c *cacheTest, _ *Config) { c.crash = true },
		"a limit":         func(_ *cacheTest, config *Config) { config.Unpack.Limits.Entries = 1 },
		"a limit of size": func(_ *cacheTest, config *Config) { config.Unpack.Limits.FileBytes = 1 },
	} {
		t.Run(why, func(t *testing.T) {
			c := newCacheTest(t)
			config := c.config(c.cache)
			change(c, &config)
			h, err := Collect(t.Context(), saved(t, false, nil, []string{"a", "long", "b", "longer"}), config)
			if err != nil {
				t.Fatal(err)
			}
			if len(h.Fresh) > 0 {
				t.Errorf("layers to keep: %v", h.Fresh)
			}
		})
	}
	c := newCacheTest(t)
	double := saved(t, false, nil, []string{"a", "1", "a", "2"})
	c.same("two files of one path", double, 2)
	c.same("two files of one path, again", double, 2)
	entries(t, string(c.dir), 0)
}

func entries(t *testing.T, dir string, want int) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(paths) != want {
		t.Fatalf("entries %v, error %v; want %d", paths, err, want)
	}
	return paths
}
