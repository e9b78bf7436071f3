package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/fnvet/fnvet/testdata/plant"
)

// A kitchen has what recipes need: our own sources, third-party files, and the
// record of what was used.
type kitchen struct {
	ctx     context.Context // of the one run this program is
	dir     string          // testdata
	src     source
	used    map[usedFile]string // without SHA256 → digest
	secrets []plantedSecret     // of the package being made
	err     error               // the first failure; recipes check it at their end
}

// A recipe makes one package.
type recipe struct {
	file string
	make func(k *kitchen) ([]byte, error)
}

// own is a file of testdata/src with @@name@@ replaced by fake secrets. at is
// where the package holds it, name the entry's name in its own archive.
func (k *kitchen) own(from, at, name string) entry {
	data, err := os.ReadFile(filepath.Join(k.dir, "src", filepath.FromSlash(from)))
	if err != nil {
		k.fail(err)
		return entry{}
	}
	return entry{name: name, data: []byte(k.plant(string(data), at+name))}
}

// plant replaces every @@name@@ of text by its fake secret and notes the place.
func (k *kitchen) plant(text, path string) string {
	return regexp.MustCompile(`@@([a-z-]+)@@\n?`).ReplaceAllStringFunc(text, func(mark string) string {
		name := regexp.MustCompile(`[a-z][a-z-]*[a-z]`).FindString(mark)
		for _, s := range plant.All() {
			if s.Name != name {
				continue
			}
			k.secrets = append(k.secrets, plantedSecret{Name: s.Name, Rule: s.Rule, Path: path})
			if mark[len(mark)-1] == '\n' && s.Value[len(s.Value)-1] != '\n' {
				return s.Value + "\n"
			}
			return s.Value
		}
		k.fail(fmt.Errorf("%s: no fake secret %q", path, name))
		return mark
	})
}

// from is files of an origin, put under a folder.
func (k *kitchen) from(id, under string, paths ...string) []entry {
	o, err := findOrigin(id)
	if err != nil {
		k.fail(err)
		return nil
	}
	var out []entry
	for _, path := range paths {
		data, err := k.src.file(k.ctx, o, path)
		if err != nil {
			k.fail(err)
			return nil
		}
		k.used[usedFile{Origin: id, Path: path}] = digest(data)
		out = append(out, entry{name: under + path, data: data})
	}
	return out
}

// moved gives one entry another name.
func moved(e []entry, name string) []entry {
	if len(e) == 1 {
		e[0].name = name
	}
	return e
}

func link(name, target string) entry {
	return entry{name: name, mode: fs.ModeSymlink | 0o777, data: []byte(target)}
}

func (k *kitchen) fail(err error) {
	if k.err == nil {
		k.err = err
	}
}

// done ends a recipe with its archive, or with the first failure of its parts.
func (k *kitchen) done(pack func([]entry) ([]byte, error), lists ...[]entry) ([]byte, error) {
	var all []entry
	for _, list := range lists {
		all = append(all, list...)
	}
	if k.err != nil {
		return nil, k.err
	}
	return pack(all)
}

func (k *kitchen) files() []usedFile {
	var out []usedFile
	for f, sum := range k.used {
		f.SHA256 = sum
		out = append(out, f)
	}
	sortUsed(out)
	return out
}
