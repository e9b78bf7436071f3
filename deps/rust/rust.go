// Package rust reads Cargo.lock and the dependency list that cargo-auditable
// puts into binaries.
package rust

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
	"github.com/fnvet/fnvet/deps/internal/tree"
)

// maxAudit bounds the decompressed list of a binary in bytes.
const maxAudit = 8 << 20

// ParseBinary reads the section cargo-auditable writes: zlib-compressed JSON.
// A binary without it gives nothing and no error.
// https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md
func ParseBinary(data []byte) ([]fnvet.Package, error) {
	packed := section(data)
	if packed == nil {
		return nil, nil
	}
	zr, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("cargo-auditable section: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(zr, maxAudit+1))
	if err == nil && len(raw) > maxAudit {
		err = errors.New("cargo-auditable section: over 8 MiB")
	}
	root, jerr := tree.JSON(raw)
	return auditPackages(root), errors.Join(err, jerr)
}

func auditPackages(root tree.Value) []fnvet.Package {
	list := root.Get("packages").Elements()
	pkgs := make([]fnvet.Package, len(list))
	for i, p := range list {
		source := p.Get("source").Text()
		if p.Get("kind").Text() == "build" || p.Get("root").True() || source == "local" {
			continue // runs at build time only, or is the program itself
		}
		pkgs[i], _ = entry.Package(entry.Crates, p.Get("name").Text(), p.Get("version").Text(), fnvet.Installed)
	}
	var out []fnvet.Package
	for i, p := range list {
		for _, d := range p.Get("dependencies").Elements() {
			to, err := strconv.Atoi(d.Scalar())
			if err != nil || to < 0 || to >= len(pkgs) || pkgs[to].Name == "" {
				continue
			}
			if p.Get("root").True() {
				pkgs[to].Direct = true
			}
			pkgs[i].DependsOn = append(pkgs[i].DependsOn, pkgs[to].PURL)
		}
	}
	for _, p := range pkgs {
		if p.Name != "" {
			p.DependsOn = entry.Sorted(p.DependsOn)
			out = append(out, p)
		}
	}
	return out
}

// section finds .dep-v0 in an ELF, Mach-O or PE file, or returns nil.
func section(data []byte) []byte {
	if !bytes.Contains(data, []byte(".dep-v0")) {
		return nil
	}
	r := bytes.NewReader(data)
	if f, err := elf.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil {
			return within(data, s.Offset, s.Size)
		}
		return nil
	}
	if f, err := macho.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil {
			return within(data, uint64(s.Offset), s.Size)
		}
		return nil
	}
	if f, err := pe.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil {
			return within(data, uint64(s.Offset), uint64(s.Size))
		}
	}
	return nil
}

func within(data []byte, offset, size uint64) []byte {
	if offset > uint64(len(data)) || size > uint64(len(data))-offset {
		return data[:0]
	}
	return data[offset : offset+size]
}

// ParseLock reads Cargo.lock of versions 1 to 4. Packages without a source are
// the workspace's own; what they need is direct.
func ParseLock(data []byte) ([]fnvet.Package, error) {
	root, err := tree.TOML(data)
	list := root.Get("package").Elements()
	if err == nil && len(list) == 0 && root.Get("version").Kind == tree.Absent {
		return nil, errors.New("not a lockfile: no packages")
	}
	c := cargo{byName: make(map[string][]int), pkgs: make([]fnvet.Package, len(list))}
	for i, p := range list {
		name, version := p.Get("name").Text(), p.Get("version").Text()
		pkg, ok := entry.Package(entry.Crates, name, version, fnvet.Locked)
		if !ok {
			continue
		}
		if h, ok := entry.HexHash("sha256", p.Get("checksum").Text()); ok {
			pkg.Hashes = []fnvet.Hash{h}
		}
		c.pkgs[i] = pkg
		c.byName[name] = append(c.byName[name], i)
	}
	var out []fnvet.Package
	var missing string
	for i, p := range list {
		missing = max(missing, c.graph(i, p.Value))
	}
	for i, p := range list {
		if p.Get("source").Text() != "" && c.pkgs[i].Name != "" {
			out = append(out, c.pkgs[i])
		}
	}
	if err == nil && len(list) > 0 && missing > list[len(list)-1].Get("name").Text() {
		err = errors.New("cut off: " + missing + " is needed and would come after the last entry")
	}
	return out, err
}

type cargo struct {
	byName map[string][]int
	pkgs   []fnvet.Package
}

// graph resolves the dependencies of entry i ("name", "name version" or "name
// version (source)") and returns the greatest name that is not listed.
func (c *cargo) graph(i int, p tree.Value) (missing string) {
	own := p.Get("source").Text() == ""
	for _, d := range p.Get("dependencies").Elements() {
		parts := strings.SplitN(d.Text(), " ", 3)
		if len(c.byName[parts[0]]) == 0 {
			missing = max(missing, parts[0])
		}
		for _, to := range c.byName[parts[0]] {
			if len(parts) > 1 && parts[1] != c.pkgs[to].Version {
				continue
			}
			if own {
				c.pkgs[to].Direct = true
			} else {
				c.pkgs[i].DependsOn = append(c.pkgs[i].DependsOn, c.pkgs[to].PURL)
			}
		}
	}
	c.pkgs[i].DependsOn = entry.Sorted(c.pkgs[i].DependsOn)
	return missing
}
