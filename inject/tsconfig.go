package inject

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/tidwall/jsonc"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/ir"
)

// Limits of what a tsconfig.json may say.
const (
	maxConfig  = 1 << 20
	maxConfigs = 1000
	maxPaths   = 500
)

// A tsconfig says where imports lead that are no relative paths: compilerOptions
// baseUrl and paths of TypeScript's configuration.
type tsconfig struct {
	name  string
	dir   string
	base  string // "" where it has none
	paths map[string][]string
	order []string // of paths, the longest prefix first
}

func isTSConfig(name string) bool {
	base := path.Base(name)
	return base == "jsconfig.json" || strings.HasPrefix(base, "tsconfig") && strings.HasSuffix(base, ".json")
}

// configOrder sorts tsconfig.json before others of its folder.
func configOrder(name string) string {
	if path.Base(name) == "tsconfig.json" {
		return path.Dir(name) + "/\x00"
	}
	return strings.Clone(name)
}

// configured keeps what a tsconfig.json says about imports. One that cannot be read
// leaves its imports as they are: unknown packages.
func (d *Detector) configured(f *fnvet.File) {
	var doc struct {
		CompilerOptions struct {
			BaseURL string              `json:"baseUrl"`
			Paths   map[string][]string `json:"paths"`
		} `json:"compilerOptions"`
	}
	if len(f.Data) > maxConfig || json.Unmarshal(jsonc.ToJSON(f.Data), &doc) != nil {
		return
	}
	o := doc.CompilerOptions
	if o.BaseURL == "" && len(o.Paths) == 0 || len(o.Paths) > maxPaths {
		return
	}
	c := tsconfig{name: configOrder(f.Name), dir: path.Dir(f.Name), paths: o.Paths}
	if o.BaseURL != "" {
		c.base = path.Join(c.dir, o.BaseURL)
	}
	for pattern := range o.Paths {
		c.order = append(c.order, pattern)
	}
	slices.SortFunc(c.order, func(a, b string) int {
		if n := strings.Index(b+"*", "*") - strings.Index(a+"*", "*"); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.configs[f.Container]) < maxConfigs {
		d.configs[f.Container] = append(d.configs[f.Container], c)
	}
}

// mapped finds what an import means by the configurations above a file, the nearest
// first; nil where none maps it to a file of the program.
func (p *program) mapped(from *ir.File, module string) *ir.File {
	list := p.d.configs[p.container]
	if len(list) == 0 {
		return nil
	}
	for dir := path.Dir(from.Name); ; dir = path.Dir(dir) {
		for i := range list {
			if list[i].dir != dir {
				continue
			}
			if f := p.mappedBy(&list[i], module); f != nil {
				return f
			}
		}
		if dir == "." || dir == "/" {
			return nil
		}
	}
}

func (p *program) mappedBy(c *tsconfig, module string) *ir.File {
	root := c.base
	if root == "" {
		root = c.dir
	}
	for _, pattern := range c.order {
		head, tail, star := strings.Cut(pattern, "*")
		if !star && module != pattern || star && (len(module) < len(head)+len(tail) || !strings.HasPrefix(module, head) || !strings.HasSuffix(module, tail)) {
			continue
		}
		part := ""
		if star {
			part = module[len(head) : len(module)-len(tail)]
		}
		for _, target := range c.paths[pattern] {
			if f := p.script(path.Join(root, strings.Replace(target, "*", part, 1))); f != nil {
				return f
			}
		}
		return nil // the pattern that fits best is the only one that is asked
	}
	if c.base != "" {
		return p.script(path.Join(c.base, module))
	}
	return nil
}
