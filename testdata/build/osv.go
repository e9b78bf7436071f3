package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An osvFile is one file of the bucket's layout, by its path in testdata/osv.
type osvFile struct {
	name string
	data []byte
}

// An advisory is the part of an OSV record the builder looks at.
type advisory struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
	Affected []struct {
		Package struct{ Ecosystem, Name string } `json:"package"`
	} `json:"affected"`
}

// buildOSV lays the records of dir (<Ecosystem>/<id>.json) out as the OSV
// bucket does: all.zip and modified_id.csv an ecosystem, and ecosystems.txt.
// Records go into the zips without spaces between tokens, as in the bucket.
func buildOSV(dir string) ([]osvFile, error) {
	ecosystems, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []osvFile
	var names []string
	for _, e := range ecosystems {
		entries, list, err := ecosystem(filepath.Join(dir, e.Name()), e.Name())
		if err != nil {
			return nil, err
		}
		data, err := zipped(entries)
		if err != nil {
			return nil, err
		}
		out = append(out, osvFile{e.Name() + "/all.zip", data}, osvFile{e.Name() + "/modified_id.csv", list})
		names = append(names, e.Name())
	}
	return append(out, osvFile{"ecosystems.txt", []byte(strings.Join(names, "\n") + "\n")}), nil
}

// ecosystem reads the records of one folder and returns the zip's entries and
// the list of changes, newest first.
func ecosystem(dir, name string) ([]entry, []byte, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, nil, err
	}
	var entries []entry
	var lines []string
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		var a advisory
		if err := json.Unmarshal(data, &a); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		if err := a.check(name, filepath.Base(path)); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		var tight bytes.Buffer
		if err := json.Compact(&tight, data); err != nil {
			return nil, nil, err
		}
		entries = append(entries, entry{name: a.ID + ".json", data: tight.Bytes()})
		lines = append(lines, a.Modified+","+a.ID)
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(b, a) })
	return entries, []byte(strings.Join(lines, "\n") + "\n"), nil
}

func (a advisory) check(ecosystem, file string) error {
	if a.ID+".json" != file {
		return fmt.Errorf("id is %q", a.ID)
	}
	if a.Modified == "" || len(a.Affected) == 0 {
		return fmt.Errorf("lacks modified or affected")
	}
	for _, f := range a.Affected {
		if base, _, _ := strings.Cut(f.Package.Ecosystem, ":"); base != ecosystem || f.Package.Name == "" {
			return fmt.Errorf("affects %s in %s", f.Package.Name, f.Package.Ecosystem)
		}
	}
	return nil
}
