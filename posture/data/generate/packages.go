package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A pkg is a package as its registry gives it.
type pkg struct {
	name, version, licence string
	files                  map[string][]byte
}

// npm fetches the newest version of a package.
func (g *generator) npm(ctx context.Context, name string) (*pkg, error) {
	file, err := g.fetch(ctx, ".tgz", "npm", "pack", "--silent", "--pack-destination", g.dir, name)
	if err != nil {
		return nil, err
	}
	raw, err := os.Open(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	z, err := gzip.NewReader(raw)
	if err != nil {
		return nil, err
	}
	p := &pkg{name: "npm " + name, files: map[string][]byte{}}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if p.files[strings.TrimPrefix(h.Name, "package/")], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
	var meta struct{ Version, License string }
	if err := json.Unmarshal(p.files["package.json"], &meta); err != nil {
		return nil, err
	}
	p.version, p.licence = meta.Version, meta.License
	return p, nil
}

// pip fetches the newest version of a package that has a wheel for any platform.
func (g *generator) pip(ctx context.Context, name string) (*pkg, error) {
	file, err := g.fetch(ctx, ".whl", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", g.dir, name)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	p := &pkg{name: "pip " + name, files: map[string][]byte{}}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		p.files[f.Name] = body
		if strings.HasSuffix(f.Name, ".dist-info/METADATA") {
			p.describe(string(body))
		}
	}
	return p, nil
}

func (p *pkg) describe(metadata string) {
	for line := range strings.SplitSeq(metadata, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case key == "Version":
			p.version = value
		case key == "License-Expression", key == "License" && p.licence == "" && len(value) < 40:
			p.licence = value
		case key == "Classifier" && strings.HasPrefix(value, "License :: ") && p.licence == "":
			p.licence = value[strings.LastIndex(value, ":")+2:]
		}
	}
}

// fetch runs a client and returns the file it has put into the directory.
func (g *generator) fetch(ctx context.Context, ext, command string, args ...string) (string, error) {
	before, err := filepath.Glob(filepath.Join(g.dir, "*"+ext))
	if err != nil {
		return "", err
	}
	for _, old := range before {
		if err := os.Remove(old); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, command, args...) // #nosec G204 -- arguments of this program
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(append([]string{command}, args...), " "), err)
	}
	after, err := filepath.Glob(filepath.Join(g.dir, "*"+ext))
	if err != nil || len(after) != 1 {
		return "", fmt.Errorf("%s %v: %d files, %w", command, args, len(after), err)
	}
	return after[0], nil
}
