package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const manifestName = "MANIFEST.json"

// A manifest says what the builder made and from what.
type manifest struct {
	Origins  []origin       `json:"origins"`
	Files    []usedFile     `json:"files"`
	Packages []packageEntry `json:"packages"`
	OSV      []osvEntry     `json:"osv"`
}

// A usedFile is one file of an origin that some package holds.
type usedFile struct {
	Origin string `json:"origin"`
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

type packageEntry struct {
	File    string          `json:"file"`
	SHA256  string          `json:"sha256"`
	Size    int             `json:"size"`
	Secrets []plantedSecret `json:"secrets,omitempty"`
}

// A plantedSecret says where a package holds a fake secret; its value is plant.Named(Name).
type plantedSecret struct {
	Name string `json:"name"`
	Rule string `json:"rule"` // of gitleaks
	Path string `json:"path"` // in the package, "!/" between an archive and its entry; "env:NAME" for an image's environment
}

type osvEntry struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Size   int    `json:"size"`
}

func (m manifest) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(m)
	return b.Bytes(), err
}

func readManifest(dir string) (manifest, error) {
	var m manifest
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(data, &m)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func sortUsed(files []usedFile) {
	slices.SortFunc(files, func(a, b usedFile) int {
		if c := strings.Compare(a.Origin, b.Origin); c != 0 {
			return c
		}
		return strings.Compare(a.Path, b.Path)
	})
}
